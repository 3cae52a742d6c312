// What the ledger costs a record, beside RocksDB writing batches of the same bytes on the same disk. Run pinned to one
// core for figures that can be compared: taskset -c 0 ledger_bench. TMPDIR says where.
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>

#include "absl/strings/str_cat.h"
#include "ledger/keyring.h"
#include "ledger/ledger.h"
#include "ledger/store.h"
#include "ledger/testing/counters.h"
#include "rocksdb/db.h"
#include "rocksdb/write_batch.h"

namespace yizhan::ledger {
namespace {
using testing::OptionsFor;
using testing::TempDir;

double CpuSeconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

void Report(benchmark::State& state, double cpu, uint64_t records) {
  state.SetItemsProcessed(static_cast<int64_t>(records));
  state.counters["cpu_us_per_record"] = (CpuSeconds() - cpu) * 1e6 / static_cast<double>(records);
}

// One message in a conversation, as small as it gets: the head of the conversation and the message itself.
class Messages : public StateMachine {
 public:
  std::string_view service() const override { return "im"; }
  absl::Status Apply(const Record& record, StateWriter& state) override {
    const std::string_view conversation = std::string_view(record.payload()).substr(0, 16);
    auto head = state.Get(conversation);
    if (!head.ok()) return head.status();
    uint64_t seq = *head ? ReadU64(**head) + 1 : 1;
    std::string value, key(conversation);
    AppendU64(value, seq);
    AppendU64(key, seq);
    state.Put(conversation, value);
    state.Put(key, record.payload());
    return absl::OkStatus();
  }
};

// range(0): commands under way at most; range(1): with request ids.
void BM_Ledger(benchmark::State& state) {
  TempDir dir(std::filesystem::temp_directory_path().string());
  Messages machine;
  Options options = OptionsFor(dir);
  options.partitions = {{"im", 16}};
  auto ledger = testing::OpenAndStart(options, &machine);
  if (!ledger.ok()) return state.SkipWithError(ledger.status().ToString().c_str());
  const int64_t limit = state.range(0);
  std::mutex mutex;
  std::condition_variable changed;
  int64_t under_way = 0;
  uint64_t n = 0;
  const std::string body(100, 'm');
  const double cpu = CpuSeconds();
  for (auto _ : state) {
    {
      std::unique_lock lock(mutex);
      if (under_way >= limit) changed.wait(lock, [&] { return under_way <= limit / 2; });
      ++under_way;
    }
    const uint32_t conversation = static_cast<uint32_t>(n++ * 2654435761u % 1'000);
    Command command;
    command.partition = {"im", conversation % 16};
    command.actor = "person:01HZY3J4K5M6N7P8Q9";
    if (state.range(1) != 0) command.request_id = absl::StrCat("request-", n);
    command.decide = [&body, conversation](const DecideContext&, const StateReader& view) -> absl::StatusOr<Proposal> {
      std::string payload = absl::StrCat(absl::Dec(conversation, absl::kZeroPad16), body);
      auto head = view.Get(std::string_view(payload).substr(0, 16));
      if (!head.ok()) return head.status();
      return Proposal{{{"im.MessageSent", std::move(payload)}}, "12345678"};
    };
    command.done = [&](absl::StatusOr<Command::Outcome> outcome) {
      if (!outcome.ok()) abort();
      std::lock_guard lock(mutex);
      if (--under_way == limit / 2) changed.notify_one();
    };
    (*ledger)->Submit(std::move(command));
  }
  (*ledger)->Stop();
  Report(state, cpu, n);
}
BENCHMARK(BM_Ledger)
    ->Args({1, 1})
    ->Args({64, 1})
    ->Args({1'024, 1})
    ->Args({8'192, 1})
    ->Args({8'192, 0})
    ->UseRealTime()
    ->MeasureProcessCPUTime()
    ->MinTime(2);

// The same bytes without a ledger: range(0) records in a batch, each with its two state keys, one sync for each batch.
void BM_RocksDbBatch(benchmark::State& state) {
  TempDir dir(std::filesystem::temp_directory_path().string());
  auto store = Store::Open(dir.path() + "/ledger", Store::Mode::kReadWrite);
  if (!store.ok()) return state.SkipWithError(store.status().ToString().c_str());
  const int64_t size = state.range(0);
  uint64_t n = 0;
  const std::string record(230, 'r'), message(116, 'm'), head(8, 'h');
  rocksdb::WriteOptions sync;
  sync.sync = true;
  const double cpu = CpuSeconds();
  for (auto _ : state) {
    rocksdb::WriteBatch batch;
    for (int64_t i = 0; i < size; ++i, ++n) {
      const uint32_t conversation = static_cast<uint32_t>(n * 2654435761u % 1'000);
      std::string key = StateKey(conversation % 16, absl::StrCat(absl::Dec(conversation, absl::kZeroPad16)));
      batch.Put((*store)->table(Table::kRecords), RecordKey{conversation % 16, n}.Encode(), record);
      batch.Put((*store)->table(Table::kState), key, head);
      AppendU64(key, n);
      batch.Put((*store)->table(Table::kState), key, message);
    }
    if (!(*store)->db()->Write(sync, &batch).ok()) abort();
  }
  Report(state, cpu, n);
}
BENCHMARK(BM_RocksDbBatch)->Arg(1)->Arg(32)->Arg(512)->Arg(4'096)->UseRealTime()->MeasureProcessCPUTime()->MinTime(2);

void BM_Seal(benchmark::State& state) {
  DataKey key{"conversation@20260101", {}};
  const std::string content(static_cast<size_t>(state.range(0)), 'c');
  for (auto _ : state) benchmark::DoNotOptimize(Seal(key, content));
}
BENCHMARK(BM_Seal)->Arg(100)->Arg(1'000);

void BM_Open(benchmark::State& state) {
  DataKey key{"conversation@20260101", {}};
  const auto sealed = Seal(key, std::string(static_cast<size_t>(state.range(0)), 'c'));
  for (auto _ : state) benchmark::DoNotOptimize(OpenWith(key, sealed));
}
BENCHMARK(BM_Open)->Arg(100)->Arg(1'000);

}  // namespace
}  // namespace yizhan::ledger
