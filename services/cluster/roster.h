// Who is in the cluster: this machine's own registration, kept alive by a lease, and the others'.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "cluster/context.h"
#include "cluster/mirror.h"
#include "yizhan/cluster/v1/store.pb.h"

namespace yizhan::cluster {

class Roster {
 public:
  // `on_change` runs after members came or went, or this machine's own registration did.
  Roster(Context* context, std::function<void()> on_change);

  void Start();
  // Tells the others, with the next registration, whether this machine wants no partitions.
  void Drain(bool draining);
  bool draining() const { return draining_; }

  struct Member {
    std::string node;
    yizhan::cluster::v1::MemberInfo info;
    absl::Time since;  // when this machine first saw this start of it
  };
  // Those with a lease, by name; this machine among them while it is registered.
  const std::map<std::string, Member>& members() const { return members_; }
  bool Lives(const std::string& node, uint64_t incarnation) const;
  // Whether the members have been read once.
  bool known() const { return mirror_.listed(); }

  // Whether this machine's registration is good as far as its own clock can tell: nobody has taken its partitions.
  // Any thread.
  bool registered() const;
  // The lease that its keys are put with; 0 while it has none.
  int64_t lease() const { return lease_; }
  // Another process has registered under this machine's name after this one did: this one stays away from now on.
  bool replaced() const { return replaced_; }
  // Ends the registration at once.
  void Leave(absl::AnyInvocable<void()> done);

 private:
  void Register();
  void ReadOwn(absl::Time asked, int64_t lease);
  void Put(int64_t lease, int64_t revision, Kv::Done<TxnResult> done);
  void Registered(absl::Time asked, int64_t lease, absl::StatusOr<TxnResult> result);
  void Renew();
  void Lost(const absl::Status& why);
  void Changed();
  yizhan::cluster::v1::MemberInfo Info() const;

  Context* const context_;
  const std::function<void()> on_change_;
  Mirror mirror_;
  std::map<std::string, Member> members_;
  bool draining_ = false;
  bool leaving_ = false;
  bool replaced_ = false;
  int64_t lease_ = 0;
  int64_t registered_revision_ = 0;
  std::atomic<int64_t> good_until_ns_{0};  // by the loop's clock
};

}  // namespace yizhan::cluster
