#include "base/rpc/local_transport.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "base/ids.h"
#include "base/status.h"

namespace yizhan::rpc {
namespace {

constexpr absl::Duration kGrace = absl::Seconds(2);
// How late a deadline may be noticed: few calls are looked at often, many less so.
constexpr absl::Duration kWatchFew = absl::Milliseconds(20), kWatchMany = absl::Milliseconds(100);
constexpr size_t kMany = 1'000;

size_t Threads() { return std::clamp<size_t>(std::thread::hardware_concurrency(), 4, 16); }

absl::Status Stopping() {
  return RefuseForNow(absl::StatusCode::kUnavailable, "STOPPING", "the process is stopping", 2000);
}

class NoLink final : public Link {
 public:
  absl::Status Send(const yizhan::live::v1::UpFrame&) override { return Stopping(); }
};

}  // namespace

// In its shard's list from its beginning until its handler has answered and `done` has run.
struct LocalTransport::Call : std::enable_shared_from_this<LocalTransport::Call> {
  enum Phase : int { kRunning, kReturned, kAnswered };

  std::shared_ptr<LocalTransport> transport;
  Context context;
  std::string method, request;
  RawReply done;
  // Whoever sets it calls `done`: with the answer, or because the deadline has passed.
  std::atomic<bool> told{false};
  // Whether the handler's answer or Dispatch's return comes first; whichever is second hands the answer over.
  std::atomic<int> phase{kRunning};
  absl::StatusOr<std::string> answer;
  Shard* shard = nullptr;
  // The shard's list, under its mutex.
  Call* next = nullptr;
  Call* previous = nullptr;
};

class LocalTransport::LocalChannel final : public Channel {
 public:
  LocalChannel(std::shared_ptr<LocalTransport> transport, std::string service_name)
      : transport_(std::move(transport)), service_name_(std::move(service_name)) {}

  void Call(std::string_view method, std::string request, CallOptions options, RawReply done) override {
    transport_->Begin(method, std::move(request), std::move(options), service_name_, std::move(done));
  }
  std::unique_ptr<Link> OpenLink(std::string service, std::string edge_id,
                                 std::function<void(yizhan::live::v1::LinkDown)> on_frames,
                                 std::function<void(absl::Status)> on_broken) override {
    return transport_->OpenLink(service, edge_id, {std::move(on_frames), std::move(on_broken), nullptr});
  }

 private:
  const std::shared_ptr<LocalTransport> transport_;
  const std::string service_name_;
};

class LocalTransport::LinkHandle final : public Link {
 public:
  // The transport's executor lives as long as the link may use it.
  LinkHandle(std::shared_ptr<LocalTransport> transport, std::shared_ptr<LocalLink> link)
      : transport_(std::move(transport)), link_(std::move(link)) {}
  ~LinkHandle() override { link_->Abandon(); }
  absl::Status Send(const yizhan::live::v1::UpFrame& frame) override { return link_->Send(frame); }

 private:
  const std::shared_ptr<LocalTransport> transport_;
  const std::shared_ptr<LocalLink> link_;
};

LocalTransport::LocalTransport(const ServiceTable* table, FindHub find_hub)
    : table_(table), find_hub_(std::move(find_hub)), executor_(Threads()) {}

LocalTransport::~LocalTransport() = default;

std::unique_ptr<Channel> LocalTransport::NewChannel(std::string service_name) {
  return std::make_unique<LocalChannel>(shared_from_this(), std::move(service_name));
}

// --- calls

void LocalTransport::Begin(std::string_view method, std::string request, CallOptions options,
                           const std::string& service_name, RawReply done) {
  if (calls_.load(std::memory_order_relaxed) >= kMaxCalls) {
    executor_.Post([done = std::move(done)]() mutable {
      done(RefuseForNow(absl::StatusCode::kResourceExhausted, "TOO_BUSY",
                        "too many calls are being worked on: try again shortly", 500));
    });
    return;
  }
  auto call = std::make_shared<Call>();
  call->transport = shared_from_this();
  call->method = std::string(method);
  call->request = std::move(request);
  call->done = std::move(done);
  Context& context = call->context;
  context.request_id = IsRequestId(options.request_id) ? std::move(options.request_id) : RandomRequestId();
  context.remote_address = std::move(options.remote_address);
  context.deadline = absl::Now() + options.timeout;
  if (options.anonymous) {
  } else if (options.on_behalf_of.kind() != Principal::KIND_UNSPECIFIED) {
    context.caller = std::move(options.on_behalf_of);
  } else {
    context.caller.set_kind(Principal::KIND_SERVICE);
    context.caller.set_id(service_name);
  }
  Shard& shard = shards_[turn_.fetch_add(1, std::memory_order_relaxed) % kShards];
  bool closed;
  {
    absl::MutexLock lock(&shard.mutex);
    closed = shard.closed;
    if (!closed) {
      calls_.fetch_add(1);
      call->shard = &shard;
      call->next = shard.first;
      if (shard.first != nullptr) shard.first->previous = call.get();
      shard.first = call.get();
    }
  }
  if (closed) return call->done(Stopping());
  if (watcher_asleep_.load()) WakeWatcher();
  executor_.Post([call = std::move(call)] { call->transport->Run(call); });
}

void LocalTransport::Run(const std::shared_ptr<Call>& call) {
  table_->Dispatch(call->context, call->method, call->request, [call](absl::StatusOr<std::string> answer) {
    call->answer = std::move(answer);
    if (call->phase.exchange(Call::kAnswered) == Call::kRunning) return;
    call->transport->executor_.Post([call] { call->transport->Deliver(call); });
  });
  if (call->phase.exchange(Call::kReturned) == Call::kAnswered) Deliver(call);
}

void LocalTransport::Deliver(const std::shared_ptr<Call>& call) {
  if (!call->told.exchange(true)) std::exchange(call->done, nullptr)(std::move(call->answer));
  Shard& shard = *call->shard;
  {
    absl::MutexLock lock(&shard.mutex);
    (call->previous == nullptr ? shard.first : call->previous->next) = call->next;
    if (call->next != nullptr) call->next->previous = call->previous;
  }
  if (calls_.fetch_sub(1) == 1 && draining_.load()) {
    absl::MutexLock lock(&mutex_);  // Stop() looks again
  }
}

size_t LocalTransport::Expire(absl::Time now, const absl::Status& why) {
  size_t all = 0;
  std::vector<std::shared_ptr<Call>> late;
  for (Shard& shard : shards_) {
    absl::MutexLock lock(&shard.mutex);
    for (Call* call = shard.first; call != nullptr; call = call->next) {
      ++all;
      if (call->context.deadline <= now && !call->told.exchange(true)) late.push_back(call->shared_from_this());
    }
  }
  for (auto& call : late) {
    executor_.Post([done = std::exchange(call->done, nullptr), why]() mutable { done(std::move(why)); });
  }
  return all;
}

// --- deadlines

void LocalTransport::WakeWatcher() {
  absl::MutexLock lock(&watcher_mutex_);
  if (watcher_ends_) return;
  watcher_asleep_.store(false);
  if (watcher_.joinable()) {
    watcher_woken_.Signal();
  } else {
    watcher_ = std::thread([this] { WatchDeadlines(); });
  }
}

void LocalTransport::WatchDeadlines() {
  const absl::Status late = Refuse(absl::StatusCode::kDeadlineExceeded, "DEADLINE",
                                   "the service did not answer in time; the call may have been done");
  absl::MutexLock lock(&watcher_mutex_);
  while (!watcher_ends_) {
    if (size_t calls = Expire(absl::Now(), late); calls > 0) {
      watcher_woken_.WaitWithTimeout(&watcher_mutex_, calls < kMany ? kWatchFew : kWatchMany);
      continue;
    }
    // First the flag, then the look: whoever begins a call counts it first and looks at the flag then.
    watcher_asleep_.store(true);
    if (calls_.load() > 0) watcher_asleep_.store(false);
    while (watcher_asleep_.load() && !watcher_ends_) watcher_woken_.Wait(&watcher_mutex_);
  }
}

// --- links

std::unique_ptr<Link> LocalTransport::OpenLink(const std::string& service, const std::string& edge_id,
                                               LocalLink::Callbacks callbacks) {
  callbacks.gone = [this](LocalLink* link) {
    absl::MutexLock lock(&mutex_);
    links_.erase(link);
  };
  std::function<void(absl::Status)> on_broken = callbacks.on_broken;
  auto link = std::make_shared<LocalLink>(&executor_, std::move(callbacks));
  bool stopping;
  LinkHub* hub = nullptr;
  {
    absl::MutexLock lock(&mutex_);
    stopping = stopping_;
    if (!stopping) {
      links_.emplace(link.get(), link);
      hub = find_hub_(service);
      if (hub != nullptr) link->Begin(hub, table_, edge_id);
    }
  }
  if (stopping) {
    on_broken(Stopping());
    return std::make_unique<NoLink>();
  }
  if (hub == nullptr) link->End(NoSuchLinkService(service));
  return std::make_unique<LinkHandle>(shared_from_this(), std::move(link));
}

// --- the end

void LocalTransport::Stop() {
  std::vector<std::shared_ptr<LocalLink>> links;
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    for (auto& [key, link] : links_) links.push_back(link);
  }
  for (Shard& shard : shards_) {
    absl::MutexLock lock(&shard.mutex);
    shard.closed = true;
  }
  draining_.store(true);
  for (auto& link : links) link->End(absl::UnavailableError("the link was closed by the other end"));
  links.clear();
  {
    absl::MutexLock lock(&mutex_);
    auto over = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return calls_.load() == 0 && links_.empty(); };
    if (!mutex_.AwaitWithTimeout(absl::Condition(&over), kGrace)) {
      mutex_.Unlock();
      Expire(absl::InfiniteFuture(), Stopping());
      mutex_.Lock();
      mutex_.Await(absl::Condition(&over));
    }
  }
  executor_.Stop();
  std::thread watcher;
  {
    absl::MutexLock lock(&watcher_mutex_);
    watcher_ends_ = true;
    watcher_woken_.SignalAll();
    watcher.swap(watcher_);
  }
  if (watcher.joinable()) watcher.join();
}

}  // namespace yizhan::rpc
