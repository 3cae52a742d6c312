#include "ledger/projection.h"

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/logging.h"
#include "base/status.h"
#include "base/thread_name.h"
#include "ledger/tables.h"

namespace yizhan::ledger {
namespace {
// From one round to the next at least: under load many commits make one round, and what they have in common (a scan for
// each partition, a write for each batch) is done once.
constexpr auto kRest = std::chrono::milliseconds(20);

// Keys of a projection that begin with a zero byte are the ledger's own: 0 partition -> u64 cursor.
std::string CursorKey(const PartitionId& id) { return std::string(1, '\0') + id.ToString(); }
}  // namespace

struct Projection::Impl {
  struct Source {
    PartitionId id;
    std::atomic<uint64_t> cursor{0};
  };
  // Outlives the projection: the ledger keeps its waker.
  struct Signal {
    std::mutex mutex;
    std::condition_variable changed;
    bool woken = false;
    bool stopping = false;
  };

  Ledger* ledger;
  ProjectionOptions options;
  Handler handler;
  std::map<PartitionId, std::unique_ptr<Source>> sources;
  std::shared_ptr<Signal> signal = std::make_shared<Signal>();
  std::thread thread;
  mutable std::mutex problem_mutex;
  absl::Status problem;

  absl::Status Load() {
    for (const std::string& service : options.services) {
      const uint32_t count = ledger->PartitionCount(service);
      if (count == 0)
        return absl::FailedPreconditionError(
            absl::StrCat("projection ", options.name, ": there are no partitions of '", service, "' here"));
      for (uint32_t i = 0; i < count; ++i) {
        auto source = std::make_unique<Source>();
        source->id = {service, i};
        YZ_ASSIGN_OR_RETURN(auto stored, ledger->ProjectionGet(options.name, CursorKey(source->id)));
        if (stored) {
          if (stored->size() != 8)
            return absl::DataLossError(absl::StrCat("projection ", options.name, ": the cursor of ",
                                                    source->id.ToString(), " has not 8 bytes"));
          source->cursor = ReadU64(*stored);
        }
        sources.emplace(source->id, std::move(source));
      }
    }
    return absl::OkStatus();
  }

  // One batch of one partition; false when there was nothing to do.
  absl::StatusOr<bool> Step(Source& source) {
    const uint64_t cursor = source.cursor.load(std::memory_order_relaxed);
    YZ_ASSIGN_OR_RETURN(PartitionInfo info, ledger->Info(source.id));
    if (info.head == cursor) return false;
    if (info.head < cursor) {
      return absl::DataLossError(absl::StrCat("the cursor ", cursor, " is ahead of the head ", info.head,
                                              ": the ledger is older than the projection"));
    }
    YZ_ASSIGN_OR_RETURN(std::vector<Record> records, ledger->Read(source.id, cursor + 1, options.max_bytes));
    if (records.empty()) return false;
    const uint64_t next = records.back().seq();
    YZ_ASSIGN_OR_RETURN(std::vector<Ledger::ProjectionWrite> writes, handler(source.id, records));
    for (const Ledger::ProjectionWrite& write : writes) {
      if (!write.key.empty() && write.key[0] == '\0')
        return absl::InternalError("keys of a projection do not begin with a zero byte");
    }
    std::string value;
    AppendU64(value, next);
    writes.push_back({CursorKey(source.id), std::move(value)});
    YZ_RETURN_IF_ERROR(ledger->ProjectionCommit(options.name, writes));
    source.cursor.store(next, std::memory_order_release);
    return true;
  }

  bool stopping() const {
    std::lock_guard lock(signal->mutex);
    return signal->stopping;
  }

  void SetProblem(absl::Status status) {
    std::lock_guard lock(problem_mutex);
    problem = std::move(status);
  }

  // Rounds of one batch for each partition until all are at their heads. A partition in trouble does not hold up the
  // others.
  absl::Status CatchUp() {
    absl::Status first;
    for (bool more = true; more && !stopping();) {
      more = false;
      first = absl::OkStatus();
      for (auto& [id, source] : sources) {
        if (stopping()) break;
        auto stepped = Step(*source);
        if (stepped.ok()) {
          more |= *stepped;
        } else if (first.ok()) {
          first = Annotate(stepped.status(), absl::StrCat("projection ", options.name, " of ", id.ToString(),
                                                          " behind seq ", source->cursor.load()));
        }
      }
      if (!first.ok()) break;
    }
    return first;
  }

  void Run() {
    for (;;) {
      const auto next = std::chrono::steady_clock::now() + kRest;
      absl::Status status = CatchUp();
      if (!status.ok())
        log::Error("ledger", "a projection does not get on; it is tried again")
            .With("projection", options.name)
            .With("status", status);
      SetProblem(status);
      std::unique_lock lock(signal->mutex);
      auto ready = [&] { return signal->stopping || signal->woken; };
      if (status.ok()) {
        signal->changed.wait_until(lock, next, [&] { return signal->stopping; });
        signal->changed.wait(lock, ready);
      } else {
        signal->changed.wait_for(lock, std::chrono::seconds(1), [&] { return signal->stopping; });
      }
      if (signal->stopping) return;
      signal->woken = false;
    }
  }
};

Projection::Projection(Ledger* ledger, ProjectionOptions options, Handler handler) : impl_(new Impl) {
  impl_->ledger = ledger;
  impl_->options = std::move(options);
  impl_->handler = std::move(handler);
}

Projection::~Projection() { Stop(); }

absl::Status Projection::Start() {
  YZ_RETURN_IF_ERROR(impl_->Load());
  impl_->ledger->OnCommit([signal = impl_->signal] {
    {
      std::lock_guard lock(signal->mutex);
      if (signal->woken) return;
      signal->woken = true;
    }
    signal->changed.notify_one();
  });
  YZ_RETURN_IF_ERROR(impl_->CatchUp());
  impl_->thread = std::thread([this] {
    NameThread("ledger-reader");
    impl_->Run();
  });
  return absl::OkStatus();
}

void Projection::Stop() {
  {
    std::lock_guard lock(impl_->signal->mutex);
    impl_->signal->stopping = true;
  }
  impl_->signal->changed.notify_all();
  if (impl_->thread.joinable()) impl_->thread.join();
}

uint64_t Projection::Cursor(const PartitionId& partition) const {
  auto it = impl_->sources.find(partition);
  return it == impl_->sources.end() ? 0 : it->second->cursor.load(std::memory_order_acquire);
}

absl::Status Projection::problem() const {
  std::lock_guard lock(impl_->problem_mutex);
  return impl_->problem;
}

}  // namespace yizhan::ledger
