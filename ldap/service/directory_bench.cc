#include <benchmark/benchmark.h>

#include "absl/strings/str_cat.h"
#include "ldap/service/testing/bed.h"

namespace yizhan::directory {
namespace {

constexpr int kPeople = 2'000;

Bed& TheBed() {
  static Bed* bed = [] {
    Parts::Options options = Bed::Quick();
    options.hashing.cost = HashCost();
    auto* made = new Bed(options);
    auto credentials = made->parts->people.Prepare(Secret<std::string>("benchpw"));
    std::vector<NewPerson> people(kPeople);
    for (int i = 0; i < kPeople; ++i) {
      people[i].person.set_login(absl::StrCat("u", i));
      people[i].person.set_name("压测");
      people[i].credentials = *credentials;
    }
    if (!made->parts->people.CreateMany(std::move(people)).ok()) abort();
    return made;
  }();
  return *bed;
}

// Log-ins whose credentials are known, `range` of them on the way at once; each one is a durable record.
void BM_LogIn(benchmark::State& state) {
  Bed& bed = TheBed();
  const int in_flight = static_cast<int>(state.range(0));
  absl::Mutex mu;
  int flying = 0;
  uint64_t next = 0;
  auto room = [&] { return flying < in_flight; };
  for (auto _ : state) {
    v1::LogInRequest request;
    request.set_login(absl::StrCat("u", next++ % kPeople));
    request.set_password("benchpw");
    {
      absl::MutexLock lock(&mu, absl::Condition(&room));
      ++flying;
    }
    bed.parts->log_ins.LogIn(request, "192.0.2.1", absl::InfiniteFuture(), [&](absl::StatusOr<std::string> answer) {
      if (!answer.ok()) abort();
      absl::MutexLock lock(&mu);
      --flying;
    });
  }
  auto landed = [&] { return flying == 0; };
  absl::MutexLock lock(&mu, absl::Condition(&landed));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_LogIn)->Arg(1)->Arg(64)->Arg(1024)->UseRealTime();

void BM_Introspect(benchmark::State& state) {
  Bed& bed = TheBed();
  const std::string token = bed.LogIn("u1", "benchpw")->token();
  for (auto _ : state) benchmark::DoNotOptimize(bed.parts->sessions.Introspect(token));
}
BENCHMARK(BM_Introspect);

void BM_Search(benchmark::State& state) {
  Bed& bed = TheBed();
  v1::ListPeopleRequest request;
  request.set_query("yace u19");
  for (auto _ : state) benchmark::DoNotOptimize(bed.parts->people.List(Bed::Service(), request));
  state.SetItemsProcessed(state.iterations() * kPeople);
}
BENCHMARK(BM_Search);

void BM_CreatePeople(benchmark::State& state) {
  Bed bed;
  auto credentials = bed.parts->people.Prepare(Secret<std::string>("benchpw"));
  int next = 0;
  for (auto _ : state) {
    std::vector<NewPerson> people(500);
    for (NewPerson& person : people) {
      person.person.set_login(absl::StrCat("u", next++));
      person.person.set_name("压测");
      person.credentials = *credentials;
    }
    if (!bed.parts->people.CreateMany(std::move(people)).ok()) abort();
  }
  state.SetItemsProcessed(state.iterations() * 500);
}
BENCHMARK(BM_CreatePeople)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace yizhan::directory
