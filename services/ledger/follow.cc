#include "ledger/follow.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <list>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/status.h"

namespace yizhan::ledger {
namespace {

namespace v1 = yizhan::ledger::v1;

constexpr size_t kDefaultBytes = 1 << 20, kMaxBytes = 3 << 20;
constexpr int kMaxPositions = 1'024;
constexpr uint32_t kMaxWaitMs = 10'000;
constexpr size_t kMaxWaiting = 256;

class FollowServerImpl : public FollowServer {
 public:
  explicit FollowServerImpl(Ledger* ledger) : ledger_(ledger) {
    // The ledger may go on behind this one's end.
    ledger_->OnCommit([wake = wake_] {
      // Nothing to do, and no lock, while nobody waits.
      if (wake->waiting.load() == 0) return;
      std::lock_guard lock(wake->mutex);
      wake->looked_at = false;
      wake->changed.notify_one();
    });
    thread_ = std::thread([this] { Loop(); });
    pthread_setname_np(thread_.native_handle(), "ledger-follow");
  }
  ~FollowServerImpl() override { Stop(); }

  void Follow(const rpc::Context& context, const v1::FollowRequest& request,
              rpc::Reply<v1::FollowResponse> reply) override {
    auto positions = Parse(context, request);
    if (!positions.ok()) return reply.Error(positions.status());
    Waiter waiter{*std::move(positions),
                  std::min(request.max_bytes() == 0 ? kDefaultBytes : request.max_bytes(), kMaxBytes),
                  std::min(context.deadline, absl::Now() + absl::Milliseconds(std::min(request.wait_ms(), kMaxWaitMs))),
                  std::move(reply)};
    {
      std::lock_guard lock(wake_->mutex);
      if (!stopped_ && waiters_.size() < kMaxWaiting) {
        waiters_.push_back(std::move(waiter));
        wake_->waiting = waiters_.size();
        wake_->looked_at = false;  // it is looked at before it waits
        wake_->changed.notify_one();
        return;
      }
    }
    waiter.reply.Error(
        RefuseForNow(absl::StatusCode::kResourceExhausted, "TOO_BUSY", "too many calls follow already", 500));
  }

  void Stop() override {
    {
      std::lock_guard lock(wake_->mutex);
      stopped_ = true;
      wake_->changed.notify_one();
    }
    if (thread_.joinable()) thread_.join();
  }

 private:
  struct Position {
    PartitionId partition;
    uint64_t from_seq;
  };
  struct Waiter {
    std::vector<Position> positions;
    size_t max_bytes;
    absl::Time until;
    rpc::Reply<v1::FollowResponse> reply;
  };

  absl::StatusOr<std::vector<Position>> Parse(const rpc::Context& context, const v1::FollowRequest& request) const {
    if (request.positions().empty() || request.positions_size() > kMaxPositions)
      return absl::InvalidArgumentError(
          absl::StrCat("from 1 to ", kMaxPositions, " partitions can be followed by one call"));
    std::vector<Position> positions;
    for (const v1::FollowPosition& each : request.positions()) {
      YZ_ASSIGN_OR_RETURN(PartitionId id, PartitionId::Parse(each.partition()));
      if (!MayFollow(context.caller.id(), id.service)) {
        return Refuse(absl::StatusCode::kPermissionDenied, "NOT_YOURS_TO_FOLLOW",
                      absl::StrCat("the service ", context.caller.id(), " has no business with ", each.partition()));
      }
      YZ_RETURN_IF_ERROR(ledger_->Info(id).status());
      if (each.from_seq() == 0) return absl::InvalidArgumentError("from_seq is 0; the first record is 1");
      positions.push_back({std::move(id), each.from_seq()});
    }
    return positions;
  }

  bool HasNews(const Waiter& waiter) const {
    return std::any_of(waiter.positions.begin(), waiter.positions.end(), [&](const Position& position) {
      auto info = ledger_->Info(position.partition);
      return !info.ok() || info->head >= position.from_seq;
    });
  }

  absl::StatusOr<v1::FollowResponse> Read(const Waiter& waiter) const {
    v1::FollowResponse response;
    size_t left = waiter.max_bytes;
    for (const Position& position : waiter.positions) {
      YZ_ASSIGN_OR_RETURN(const PartitionInfo info, ledger_->Info(position.partition));
      response.add_heads(info.head);
      if (info.head < position.from_seq || left == 0) continue;
      YZ_ASSIGN_OR_RETURN(auto records, ledger_->ReadRaw(position.partition, position.from_seq, left));
      if (records.empty()) continue;
      // At least one is read, which may be more than is left: it comes by the next call then.
      if (records[0].bytes.size() > left && response.partitions_size() > 0) {
        left = 0;
        continue;
      }
      auto* one = response.add_partitions();
      one->set_partition(position.partition.ToString());
      one->set_first_seq(records[0].seq);
      for (auto& record : records) {
        left -= std::min(left, record.bytes.size());
        one->add_records(std::move(record.bytes));
      }
    }
    return response;
  }

  void Loop() {
    std::unique_lock lock(wake_->mutex);
    while (true) {
      absl::Time next = absl::InfiniteFuture();
      for (const Waiter& waiter : waiters_) next = std::min(next, waiter.until);
      const auto woken = [&] { return !wake_->looked_at || stopped_; };
      if (next == absl::InfiniteFuture()) {
        wake_->changed.wait(lock, woken);
      } else {
        wake_->changed.wait_until(lock, absl::ToChronoTime(next), woken);
      }
      wake_->looked_at = true;
      std::list<Waiter> looked;
      looked.swap(waiters_);
      const bool stopped = stopped_;
      lock.unlock();
      const absl::Time now = absl::Now();
      for (auto it = looked.begin(); it != looked.end();) {
        if (!stopped && it->until > now && !HasNews(*it)) {
          ++it;
          continue;
        }
        it->reply.Finish(Read(*it));
        it = looked.erase(it);
      }
      lock.lock();
      waiters_.splice(waiters_.end(), looked);
      wake_->waiting = waiters_.size();
      if (stopped && waiters_.empty()) return;
    }
  }

  // What a commit touches.
  struct Wake {
    std::atomic<size_t> waiting{0};
    std::mutex mutex;
    std::condition_variable changed;
    bool looked_at = true;
  };

  Ledger* const ledger_;
  const std::shared_ptr<Wake> wake_ = std::make_shared<Wake>();
  std::list<Waiter> waiters_;  // under wake_'s mutex, as what follows
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace

bool MayFollow(std::string_view follower, std::string_view service) {
  if (follower == "audit" || follower == "yizhan") return true;
  return (follower == "im" || follower == "desk") && (service == "directory" || service == "keyring");
}

std::unique_ptr<FollowServer> FollowServer::Make(Ledger* ledger) { return std::make_unique<FollowServerImpl>(ledger); }

}  // namespace yizhan::ledger
