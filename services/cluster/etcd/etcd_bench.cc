// What a commit costs: compare a head, put a batch of 1 KB and the head, delete the batch before; against real servers
// that sync, the client on the same machine. The arguments: servers, transactions in flight (each with a head of its
// own).
#include <algorithm>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "cluster/etcd/etcd_test_bed.h"

namespace yizhan::cluster {
namespace {

struct Head {
  int64_t revision = 0;
  int seq = 0;
};

void Commit(benchmark::State& state) {
  auto servers = MustStart({.size = static_cast<int>(state.range(0)), .fsync = true});
  EtcdOptions options;
  options.endpoints = servers->endpoints();
  options.prefix = "bench/";
  auto kv = MustConnect(options);
  const int parallel = static_cast<int>(state.range(1));
  const std::string batch(1000, 'b');
  constexpr int kEach = 200;
  std::vector<Head> heads(parallel);
  absl::Mutex mutex;
  std::vector<absl::Duration> taken;
  int64_t transactions = 0;
  for (auto _ : state) {
    absl::BlockingCounter left(parallel);
    std::function<void(int, int)> commit = [&](int partition, int more) {
      if (more == 0) {
        left.DecrementCount();
        return;
      }
      Head& head = heads[partition];
      const std::string key = absl::StrCat("head/", partition);
      Txn txn;
      txn.compares = {{Compare::Kind::kModRevision, key, head.revision}};
      txn.then = {Op::Put(absl::StrCat("log/", partition, "/", head.seq + 1), batch), Op::Put(key, "head"),
                  Op::Delete(absl::StrCat("log/", partition, "/", head.seq))};
      const absl::Time begin = absl::Now();
      kv->Transact(std::move(txn), absl::Seconds(5), [&, partition, more, begin](absl::StatusOr<TxnResult> result) {
        if (!result.ok() || !result->succeeded) {
          std::cerr << result.status() << "\n";
          std::abort();
        }
        heads[partition].revision = result->revision;
        ++heads[partition].seq;
        {
          absl::MutexLock lock(&mutex);
          taken.push_back(absl::Now() - begin);
        }
        commit(partition, more - 1);
      });
    };
    for (int i = 0; i < parallel; ++i) commit(i, kEach);
    left.Wait();
    transactions += int64_t{kEach} * parallel;
  }
  std::sort(taken.begin(), taken.end());
  state.SetItemsProcessed(transactions);
  state.counters["p50_us"] = absl::ToDoubleMicroseconds(taken[taken.size() / 2]);
  state.counters["p99_us"] = absl::ToDoubleMicroseconds(taken[taken.size() * 99 / 100]);
}
BENCHMARK(Commit)->Args({1, 1})->Args({1, 64})->Args({3, 1})->Args({3, 64})->UseRealTime()->Unit(
    benchmark::kMillisecond);

}  // namespace
}  // namespace yizhan::cluster
