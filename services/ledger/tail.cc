#include "ledger/tail.h"

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/logging.h"
#include "base/status.h"
#include "yizhan/ledger/v1/ledger_service.pb.h"

namespace yizhan::ledger {
namespace {

namespace v1 = yizhan::ledger::v1;

constexpr uint32_t kBytes = 2 << 20;
// Short of what counts as a slow call.
constexpr absl::Duration kWait = absl::Milliseconds(800), kSlack = absl::Seconds(5), kPause = absl::Milliseconds(200);
const PartitionId kKeyring{"keyring", 0};

class TailImpl : public Tail {
 public:
  TailImpl(Ledger* ledger, rpc::Channel* owner, std::string name, std::vector<PartitionId> partitions,
           absl::Duration rest)
      : ledger_(ledger), owner_(owner), name_(std::move(name)), partitions_(std::move(partitions)), rest_(rest) {}
  ~TailImpl() override { Stop(); }

  void Start() override {
    thread_ = std::thread([this] { Loop(); });
    pthread_setname_np(thread_.native_handle(), "ledger-tail");
  }

  void Stop() override {
    {
      std::lock_guard lock(state_->mutex);
      state_->stopped = true;
      state_->changed.notify_all();
    }
    if (thread_.joinable()) thread_.join();
  }

  bool caught_up() const override { return caught_up_; }

  absl::Status problem() const override {
    std::lock_guard lock(state_->mutex);
    return state_->problem;
  }

 private:
  // What is under way may be answered when this has gone.
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    bool stopped = false;
    absl::Status problem = absl::UnavailableError("it has not been asked yet");
  };

  // Runs something that answers later, and waits for the answer; nothing when told to stop meanwhile.
  template <typename T, typename Begin>
  std::optional<T> Await(Begin begin) {
    auto answer = std::make_shared<std::optional<T>>();
    begin([state = state_, answer](T result) {
      std::lock_guard lock(state->mutex);
      *answer = std::move(result);
      state->changed.notify_all();
    });
    std::unique_lock lock(state_->mutex);
    state_->changed.wait(lock, [&] { return state_->stopped || answer->has_value(); });
    return state_->stopped ? std::nullopt : std::move(*answer);
  }

  void Loop() {
    bool asked = false;
    while (auto status = Once(asked)) {
      asked = true;
      std::unique_lock lock(state_->mutex);
      if (status->ok() != state_->problem.ok()) {
        if (status->ok()) {
          log::Info("ledger", "follows").With("whom", name_);
        } else {
          log::Warning("ledger", "cannot follow; it is tried again").With("whom", name_).With("why", *status);
        }
      }
      state_->problem = *status;
      const absl::Duration pause = status->ok() ? (std::exchange(took_, false) ? rest_ : absl::ZeroDuration()) : kPause;
      if (pause > absl::ZeroDuration())
        state_->changed.wait_for(lock, absl::ToChronoNanoseconds(pause), [&] { return state_->stopped; });
    }
  }

  // Asks for what is behind the replica's heads, and takes it in. Nothing when told to stop.
  std::optional<absl::Status> Once(bool may_wait) {
    v1::FollowRequest request;
    for (const PartitionId& partition : partitions_) {
      auto info = ledger_->Info(partition);
      absl::Status status = info.ok() ? info->status : info.status();
      if (!status.ok()) return status;
      auto* position = request.add_positions();
      position->set_partition(partition.ToString());
      position->set_from_seq(info->head + 1);
    }
    request.set_max_bytes(kBytes);
    if (may_wait) request.set_wait_ms(static_cast<uint32_t>(absl::ToInt64Milliseconds(kWait)));
    auto bytes = Await<absl::StatusOr<std::string>>([&](auto done) {
      owner_->Call("/yizhan.ledger.v1.LedgerService/Follow", request.SerializeAsString(), rpc::Within(kWait + kSlack),
                   std::move(done));
    });
    if (!bytes) return std::nullopt;
    if (!bytes->ok()) return bytes->status();
    v1::FollowResponse response;
    if (!response.ParseFromString(**bytes) || response.heads_size() != request.positions_size())
      return absl::InternalError("unreadable answer");

    std::map<std::string, uint64_t> reached;
    std::vector<Arrived> batch;
    for (v1::FollowedRecords& one : *response.mutable_partitions()) {
      YZ_ASSIGN_OR_RETURN(PartitionId id, PartitionId::Parse(one.partition()));
      Arrived arrived{std::move(id), one.first_seq(), {}};
      for (std::string& record : *one.mutable_records()) arrived.records.push_back(std::move(record));
      reached[one.partition()] = one.first_seq() - 1 + arrived.records.size();
      batch.push_back(std::move(arrived));
    }
    if (!batch.empty()) {
      auto taken = Await<absl::Status>([&](auto done) { ledger_->Ingest(std::move(batch), std::move(done)); });
      if (!taken || !taken->ok()) return taken;
      took_ = true;
    }
    bool all = true;
    for (int i = 0; i < request.positions_size(); ++i) {
      const auto& position = request.positions(i);
      const auto at = reached.find(position.partition());
      all = all && (at == reached.end() ? position.from_seq() - 1 : at->second) >= response.heads(i);
    }
    if (all) caught_up_ = true;
    return absl::OkStatus();
  }

  Ledger* const ledger_;
  rpc::Channel* const owner_;
  const std::string name_;
  const std::vector<PartitionId> partitions_;
  const absl::Duration rest_;
  const std::shared_ptr<State> state_ = std::make_shared<State>();
  std::atomic<bool> caught_up_{false};
  bool took_ = false;  // records, by the last answer
  std::thread thread_;
};

}  // namespace

std::unique_ptr<Tail> Tail::Make(Ledger* ledger, rpc::Channel* owner, std::string name,
                                 std::vector<PartitionId> partitions, absl::Duration rest) {
  return std::make_unique<TailImpl>(ledger, owner, std::move(name), std::move(partitions), rest);
}

void EnsureRemoteDataKey(rpc::Channel* owner, Arrivals* arrivals, std::string key_id,
                         absl::AnyInvocable<void(absl::Status)> done) {
  v1::EnsureDataKeyRequest request;
  request.set_key_id(std::move(key_id));
  owner->Call(
      "/yizhan.ledger.v1.LedgerService/EnsureDataKey", request.SerializeAsString(), rpc::Within(absl::Seconds(10)),
      [arrivals, done = std::move(done)](absl::StatusOr<std::string> answer) mutable {
        v1::EnsureDataKeyResponse response;
        if (answer.ok() && !response.ParseFromString(*answer)) answer = absl::InternalError("unreadable answer");
        if (!answer.ok()) return done(answer.status());
        arrivals->WaitFor(kKeyring, response.head(), absl::Seconds(3), [done = std::move(done)](bool there) mutable {
          done(there ? absl::OkStatus()
                     : RefuseForNow(absl::StatusCode::kUnavailable, "CATCHING_UP",
                                    "the data key is not here yet; try again", 500));
        });
      });
}

}  // namespace yizhan::ledger
