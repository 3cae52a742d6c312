// What messaging costs over the real ledger. Pin it to one core for figures that can be compared: taskset -c 0 im_bench.
// TMPDIR says on which disk the ledger lives.
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <condition_variable>
#include <mutex>

#include "absl/strings/str_cat.h"
#include "im/testing/bed.h"

namespace yizhan::im {
namespace {

double CpuSeconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

// At most `limit` answers outstanding.
class Window {
 public:
  explicit Window(int64_t limit) : limit_(limit) {}
  void Enter() {
    std::unique_lock lock(mu_);
    changed_.wait(lock, [&] { return open_ < limit_; });
    ++open_;
  }
  void Leave() {
    std::lock_guard lock(mu_);
    --open_;
    changed_.notify_all();
  }
  void WaitEmpty() {
    std::unique_lock lock(mu_);
    changed_.wait(lock, [&] { return open_ == 0; });
  }

 private:
  const int64_t limit_;
  int64_t open_ = 0;
  std::mutex mu_;
  std::condition_variable changed_;
};

void Report(benchmark::State& state, double cpu_before) {
  state.SetItemsProcessed(state.iterations());
  state.counters["cpu_us"] = (CpuSeconds() - cpu_before) * 1e6 / static_cast<double>(state.iterations());
}

constexpr int kPeople = 1'000;

// range(0): sends outstanding; range(1): whether every conversation is heard (events are built).
void BM_SendDirect(benchmark::State& state) {
  Bed bed(16);
  std::vector<Caller> people = bed.Persons(1, kPeople);
  bed.hub.set_deaf(true);
  Window window(state.range(0));
  auto send = [&](int i, const std::string& client_id) {
    v1::SendMessageRequest request;
    request.set_to_person_id(people[(i + 1) % kPeople].id);
    request.set_client_id(client_id);
    request.mutable_content()->set_text(std::string(100, 'x'));
    window.Enter();
    bed.parts->messages.Send(people[i % kPeople], request, [&](absl::StatusOr<std::string> result) {
      if (!result.ok()) abort();
      window.Leave();
    });
  };
  for (int i = 0; i < kPeople; ++i) send(i, "first");
  window.WaitEmpty();
  bed.hub.set_discard(true);
  bed.hub.set_deaf(state.range(1) == 0);
  double cpu = CpuSeconds();
  int i = 0;
  for (auto _ : state) {
    send(i, absl::StrCat("c", i));
    ++i;
  }
  window.WaitEmpty();
  Report(state, cpu);
}
BENCHMARK(BM_SendDirect)->ArgNames({"window", "heard"})->Args({1, 0})->Args({64, 0})->Args({1'000, 0})->Args({1'000, 1})->UseRealTime();

void BM_SendToGroupOf1000(benchmark::State& state) {
  Bed bed(16);
  std::vector<Caller> people = bed.Persons(1, kPeople);
  bed.hub.set_discard(true);
  std::string id = bed.Group(people[0], people);
  Window window(1'000);
  double cpu = CpuSeconds();
  int i = 0;
  for (auto _ : state) {
    v1::SendMessageRequest request;
    request.set_conversation_id(id);
    request.set_client_id(absl::StrCat("c", i));
    request.mutable_content()->set_text(std::string(100, 'x'));
    window.Enter();
    bed.parts->messages.Send(people[i++ % kPeople], request, [&](absl::StatusOr<std::string> result) {
      if (!result.ok()) abort();
      window.Leave();
    });
  }
  window.WaitEmpty();
  Report(state, cpu);
}
BENCHMARK(BM_SendToGroupOf1000)->UseRealTime();

void BM_JoinOpenGroup(benchmark::State& state) {
  Bed bed(16);
  std::vector<Caller> people = bed.Persons(1, 20'000);
  bed.hub.set_discard(true);
  size_t next = people.size();
  std::string id;
  for (auto _ : state) {
    if (next == people.size()) {
      state.PauseTiming();
      id = bed.Group(people[0], {}, true);
      next = 1;
      state.ResumeTiming();
    }
    const Caller& person = people[next++];
    if (!bed.Add(person, id, {person}).ok()) abort();
  }
}
BENCHMARK(BM_JoinOpenGroup)->UseRealTime();

// A bed in which people[0] has range(0) direct conversations with 100 messages each.
class Reading : public benchmark::Fixture {
 public:
  void SetUp(benchmark::State& state) override {
    bed = std::make_unique<Bed>(16);
    const int others = static_cast<int>(state.range(0));
    people = bed->Persons(1, others + 1);
    bed->hub.set_discard(true);
    Window window(1'000);
    for (int i = 0; i < 100 * others; ++i) {
      v1::SendMessageRequest request;
      request.set_to_person_id(people[1 + i % others].id);
      request.set_client_id(absl::StrCat(i));
      request.mutable_content()->set_text(std::string(100, 'x'));
      window.Enter();
      bed->parts->messages.Send(people[0], request, [&](absl::StatusOr<std::string> result) {
        if (!result.ok()) abort();
        window.Leave();
      });
    }
    window.WaitEmpty();
  }
  void TearDown(benchmark::State&) override { bed.reset(); }
  std::unique_ptr<Bed> bed;
  std::vector<Caller> people;
};

BENCHMARK_DEFINE_F(Reading, BM_ArchiveNewest)(benchmark::State& state) {
  v1::ListArchiveRequest request;
  request.set_newest(true);
  for (auto _ : state) {
    auto page = bed->parts->archive.List(people[0], request);
    if (!page.ok() || page->messages_size() != 50) abort();
    benchmark::DoNotOptimize(page->SerializeAsString());
  }
}
BENCHMARK_REGISTER_F(Reading, BM_ArchiveNewest)->Arg(1)->Arg(10)->Arg(100)->Arg(1'000);

// Turns pages through the whole archive, oldest first.
BENCHMARK_DEFINE_F(Reading, BM_ArchiveForward)(benchmark::State& state) {
  v1::ListArchiveRequest request;
  for (auto _ : state) {
    auto page = bed->parts->archive.List(people[0], request);
    if (!page.ok()) abort();
    request.set_after_id(page->complete() ? 0 : page->messages(page->messages_size() - 1).message_id());
    benchmark::DoNotOptimize(page->SerializeAsString());
  }
}
BENCHMARK_REGISTER_F(Reading, BM_ArchiveForward)->Arg(1)->Arg(10)->Arg(100)->Arg(1'000);

BENCHMARK_DEFINE_F(Reading, BM_ListMessages)(benchmark::State& state) {
  v1::ListMessagesRequest request;
  request.set_conversation_id(DirectId(people[0].no, people[1].no));
  request.set_before_seq(90);
  for (auto _ : state) {
    auto page = bed->parts->messages.List(people[0], request);
    if (!page.ok() || page->messages_size() != 50) abort();
    benchmark::DoNotOptimize(page->SerializeAsString());
  }
}
BENCHMARK_REGISTER_F(Reading, BM_ListMessages)->Arg(10);

BENCHMARK_DEFINE_F(Reading, BM_SyncNothingNew)(benchmark::State& state) {
  v1::SyncRequest request;
  for (size_t i = 1; i < people.size(); ++i) (*request.mutable_last_seqs())[DirectId(people[0].no, people[i].no)] = 101;
  for (auto _ : state) {
    auto page = bed->parts->sync.Run(people[0], request);
    if (!page.ok() || page->conversations_size() != 0) abort();
  }
}
BENCHMARK_REGISTER_F(Reading, BM_SyncNothingNew)->Arg(10)->Arg(1'000);

BENCHMARK_DEFINE_F(Reading, BM_SyncAll)(benchmark::State& state) {
  for (auto _ : state) {
    auto page = bed->parts->sync.Run(people[0], {});
    if (!page.ok()) abort();
    benchmark::DoNotOptimize(page->SerializeAsString());
  }
}
BENCHMARK_REGISTER_F(Reading, BM_SyncAll)->Arg(10)->Arg(1'000);

}  // namespace
}  // namespace yizhan::im
