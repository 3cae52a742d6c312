#include "cluster/etcd/endpoints.h"

#include <algorithm>
#include <utility>

#include <grpcpp/create_channel.h>
#include <grpcpp/support/channel_arguments.h>

#include "cluster/etcd/moments.h"

namespace yizhan::cluster::etcd {
namespace {

constexpr absl::Duration kFirstHold = absl::Milliseconds(250);
constexpr absl::Duration kLongestHold = absl::Seconds(5);
// One that fails again sooner has not recovered: it is held for longer.
constexpr absl::Duration kRecovered = absl::Seconds(30);
// How long the member that calls go to may be silent before it is asked.
constexpr absl::Duration kSilence = absl::Seconds(1);
constexpr absl::Duration kReportAge = absl::Seconds(10);

std::shared_ptr<grpc::Channel> Connect(const std::string& address,
                                       const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxSendMessageSize(kMaxSendBytes);
  arguments.SetMaxReceiveMessageSize(kMaxReceiveBytes);
  // Not even what gRPC holds to be safe: what is sent again is decided here.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // Connecting to a machine that is gone: given up after (MIN) a second, tried again after 0.2 to 2.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1000);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
  // A connection whose other end is gone without a word. etcd closes those that ping more often than every 5 s.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 10'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 3'000);
  return grpc::CreateCustomChannel(address, credentials, arguments);
}

}  // namespace

Endpoints::Endpoints(const std::vector<std::string>& addresses,
                     const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  for (const std::string& address : addresses) {
    Member member;
    member.address = address;
    member.channel = Connect(address, credentials);
    member.health.address = address;
    members_.push_back(std::move(member));
  }
}

size_t Endpoints::FirstWell() const {
  return std::find_if(members_.begin(), members_.end(), [](const Member& m) { return m.well; }) - members_.begin();
}

size_t Endpoints::Pick() {
  absl::MutexLock lock(&mutex_);
  size_t member = FirstWell();
  if (member == members_.size()) {
    member = std::min_element(members_.begin(), members_.end(),
                              [](const Member& a, const Member& b) { return a.last_picked < b.last_picked; }) -
             members_.begin();
  }
  members_[member].last_picked = Now();
  return member;
}

bool Endpoints::IsWell(size_t member) const {
  absl::MutexLock lock(&mutex_);
  return members_[member].well;
}

bool Endpoints::AnyWell() const {
  absl::MutexLock lock(&mutex_);
  return FirstWell() != members_.size();
}

void Endpoints::Answered(size_t member) {
  absl::MutexLock lock(&mutex_);
  Member& m = members_[member];
  m.last_answer = Now();
  m.health.ok = true;
  if (m.well) return;
  m.well = true;
  m.well_since = m.last_answer;
}

bool Endpoints::Failed(size_t member, const absl::Status& why) {
  absl::MutexLock lock(&mutex_);
  Member& m = members_[member];
  m.health.ok = false;
  m.health.last_error = why;
  if (!m.well) return false;
  const absl::Time now = Now();
  m.well = false;
  m.hold = m.hold == absl::ZeroDuration() || now - m.well_since > kRecovered ? kFirstHold
                                                                             : std::min(m.hold * 2, kLongestHold);
  m.next_check = now + m.hold;
  return true;
}

std::vector<size_t> Endpoints::TakeDueChecks() {
  std::vector<size_t> due;
  absl::MutexLock lock(&mutex_);
  const absl::Time now = Now();
  const size_t used = FirstWell();
  for (size_t i = 0; i < members_.size(); ++i) {
    Member& m = members_[i];
    if (m.checking) continue;
    const bool wanted = m.well ? now - m.last_report > kReportAge || (i == used && now - m.last_answer > kSilence)
                               : now >= m.next_check;
    if (!wanted) continue;
    m.checking = true;
    due.push_back(i);
  }
  return due;
}

void Endpoints::CheckDone(size_t member) {
  absl::MutexLock lock(&mutex_);
  Member& m = members_[member];
  m.checking = false;
  m.last_report = Now();
  if (m.well) return;
  m.hold = std::min(m.hold * 2, kLongestHold);
  m.next_check = m.last_report + m.hold;
}

void Endpoints::Reported(size_t member, EndpointHealth report) {
  absl::MutexLock lock(&mutex_);
  EndpointHealth& health = members_[member].health;
  health.version = std::move(report.version);
  health.leader = report.leader;
  health.db_size = report.db_size;
  health.db_size_in_use = report.db_size_in_use;
  health.round_trip = report.round_trip;
}

std::vector<EndpointHealth> Endpoints::Health() const {
  std::vector<EndpointHealth> all;
  absl::MutexLock lock(&mutex_);
  const size_t used = FirstWell();
  for (size_t i = 0; i < members_.size(); ++i) {
    all.push_back(members_[i].health);
    all.back().preferred = i == used;
    all.back().leader = all.back().leader && all.back().ok;  // a dead one leads nobody
  }
  return all;
}

}  // namespace yizhan::cluster::etcd
