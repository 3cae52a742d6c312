// etcd's members: a connection to each, and what is known of its health.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <grpcpp/channel.h>
#include <grpcpp/security/credentials.h>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "cluster/etcd/etcd_kv.h"

namespace yizhan::cluster::etcd {

inline constexpr int kMaxSendBytes = 8 << 20;
inline constexpr int kMaxReceiveBytes = 64 << 20;

// Thread-safe. A member is its index in the addresses.
class Endpoints {
 public:
  Endpoints(const std::vector<std::string>& addresses, const std::shared_ptr<grpc::ChannelCredentials>& credentials);

  size_t size() const { return members_.size(); }
  const std::string& address(size_t member) const { return members_[member].address; }
  const std::shared_ptr<grpc::Channel>& channel(size_t member) const { return members_[member].channel; }

  // Where the next call goes: to the first that is well; with none, to each in turn.
  size_t Pick();
  bool IsWell(size_t member) const;
  bool AnyWell() const;

  // It answered.
  void Answered(size_t member);
  // It did not, or has lost its peers. True when it was well until now.
  bool Failed(size_t member, const absl::Status& why);

  // Those that should be asked now how they are. Each is due again after CheckDone().
  std::vector<size_t> TakeDueChecks();
  void CheckDone(size_t member);
  // What it says of itself: the parts of an EndpointHealth that begin with `version`.
  void Reported(size_t member, EndpointHealth report);

  std::vector<EndpointHealth> Health() const;

 private:
  struct Member {
    std::string address;
    std::shared_ptr<grpc::Channel> channel;
    bool well = true;
    bool checking = false;
    absl::Time well_since = absl::InfinitePast();
    absl::Time last_answer = absl::InfinitePast();
    absl::Time last_report = absl::InfinitePast();
    absl::Time last_picked = absl::InfinitePast();
    absl::Time next_check = absl::InfinitePast();
    absl::Duration hold;  // between checks while it is not well
    EndpointHealth health;
  };

  size_t FirstWell() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);  // size() when there is none

  mutable absl::Mutex mutex_;
  // The vector, and each one's address and channel, never change.
  std::vector<Member> members_;
};

}  // namespace yizhan::cluster::etcd
