#include "cluster/roster.h"

#include <algorithm>
#include <utility>

#include "base/logging.h"
#include "cluster/keys.h"

namespace yizhan::cluster {

using yizhan::cluster::v1::MemberInfo;

namespace {
// Of a lease's time, counted from when it was asked for: two machines' clocks do not run alike.
constexpr double kTrusted = 0.9;
}  // namespace

Roster::Roster(Context* context, std::function<void()> on_change)
    : context_(context), on_change_(std::move(on_change)), mirror_(context, keys::kMembers, [this] { Changed(); }) {}

void Roster::Start() {
  mirror_.Start();
  Register();
}

MemberInfo Roster::Info() const {
  MemberInfo info;
  info.set_incarnation(context_->incarnation);
  info.set_address(context_->options.address);
  info.set_draining(draining_);
  info.set_version(context_->options.version);
  return info;
}

void Roster::Register() {
  if (leaving_) return;
  const absl::Time asked = context_->loop->Now();
  context_->kv.GrantLease(context_->options.lease, context_->options.lease / 2,
                          [this, asked](absl::StatusOr<int64_t> lease) {
                            if (!lease.ok()) return Lost(lease.status());
                            ReadOwn(asked, *lease);
                          });
}

// Compared with what is there, so that a registration that was held up on the way, of this start or one before it, does
// not come in later.
void Roster::ReadOwn(absl::Time asked, int64_t lease) {
  const std::string key = keys::Member(context_->options.node);
  context_->kv.Get({key}, context_->options.lease / 2, [this, asked, lease, key](absl::StatusOr<RangeResult> found) {
    if (!found.ok()) return Lost(found.status());
    Put(lease, found->kvs.empty() ? 0 : found->kvs[0].mod_revision,
        [this, asked, lease](absl::StatusOr<TxnResult> result) { Registered(asked, lease, std::move(result)); });
  });
}

void Roster::Put(int64_t lease, int64_t revision, Kv::Done<TxnResult> done) {
  const std::string key = keys::Member(context_->options.node);
  Txn txn;
  txn.compares = {{Compare::Kind::kModRevision, key, revision}};
  txn.then = {Op::Put(key, Info().SerializeAsString(), lease)};
  context_->kv.Transact(std::move(txn), context_->options.lease / 2, std::move(done));
}

void Roster::Registered(absl::Time asked, int64_t lease, absl::StatusOr<TxnResult> result) {
  if (leaving_) return;
  if (!result.ok()) return Lost(result.status());
  if (!result->succeeded) return Lost(absl::AbortedError("its entry was changed meanwhile"));
  lease_ = lease;
  registered_revision_ = result->revision;
  good_until_ns_ = absl::ToUnixNanos(asked + context_->options.lease * kTrusted);
  context_->loop->After(context_->options.lease / 3, [this, lease] {
    if (lease_ == lease) Renew();
  });
  on_change_();
}

void Roster::Renew() {
  if (leaving_) return;
  const absl::Time asked = context_->loop->Now();
  const int64_t lease = lease_;
  context_->kv.RenewLease(
      lease, context_->options.lease / 3, [this, asked, lease](absl::StatusOr<absl::Duration> left) {
        if (lease_ != lease) return;
        if (left.ok()) {
          good_until_ns_ = absl::ToUnixNanos(asked + std::min(*left, context_->options.lease) * kTrusted);
        } else if (absl::IsNotFound(left.status()) || !registered()) {
          return Lost(left.status());
        }
        context_->loop->After(left.ok() ? context_->options.lease / 3 : context_->options.lease / 10, [this, lease] {
          if (lease_ == lease) Renew();
        });
      });
}

void Roster::Lost(const absl::Status& why) {
  log::Warning("cluster", "this machine is not registered; it tries again").With("why", why);
  lease_ = 0;
  good_until_ns_ = 0;
  on_change_();
  context_->loop->After(context_->options.lease / 6, [this] { Register(); });
}

bool Roster::registered() const {
  return absl::ToUnixNanos(context_->loop->Now()) < good_until_ns_.load(std::memory_order_acquire);
}

void Roster::Drain(bool draining) {
  if (draining_ == draining) return;
  draining_ = draining;
  if (lease_ == 0) return;  // told with the next registration
  Put(lease_, registered_revision_, [this, lease = lease_](absl::StatusOr<TxnResult> result) {
    if (lease_ != lease) return;
    if (!result.ok() || !result->succeeded)
      return Lost(result.ok() ? absl::AbortedError("its entry was changed meanwhile") : result.status());
    registered_revision_ = result->revision;
  });
}

void Roster::Leave(absl::AnyInvocable<void()> done) {
  leaving_ = true;
  good_until_ns_ = 0;
  if (lease_ == 0) return done();
  context_->kv.RevokeLease(std::exchange(lease_, 0), context_->options.lease,
                           [done = std::move(done)](absl::Status) mutable { done(); });
}

void Roster::Changed() {
  std::map<std::string, Member> members;
  for (const auto& [key, kv] : mirror_.all()) {
    Member member;
    member.node = *keys::NameIn(key, keys::kMembers);
    if (!member.info.ParseFromString(kv.value)) {
      log::Error("cluster", "a member's entry cannot be read").With("node", member.node);
      continue;
    }
    auto known = members_.find(member.node);
    const bool same = known != members_.end() && known->second.info.incarnation() == member.info.incarnation();
    member.since = same ? known->second.since : context_->loop->Now();
    members.emplace(member.node, std::move(member));
  }
  members_ = std::move(members);
  // Its own entry with another incarnation, though this one's was put: somebody came after it.
  if (auto own = mirror_.Find(keys::Member(context_->options.node));
      own != nullptr && registered_revision_ != 0 && own->mod_revision > registered_revision_ &&
      !Lives(context_->options.node, context_->incarnation)) {
    log::Error(
        "cluster",
        "another process has this machine's name; this one leaves the cluster. Give each machine a name of its own")
        .With("node", context_->options.node);
    replaced_ = leaving_ = true;
    lease_ = 0;
    good_until_ns_ = 0;
  }
  on_change_();
}

bool Roster::Lives(const std::string& node, uint64_t incarnation) const {
  auto it = members_.find(node);
  return it != members_.end() && it->second.info.incarnation() == incarnation;
}

}  // namespace yizhan::cluster
