// The process that kill_test kills. Opens a ledger with the smallest tables that make RocksDB flush, compact and switch
// logs all the time, and submits from several threads; each acknowledgement is a line "THREAD N SEQ" on standard
// output. A projection and snapshots with cut logs run beside.
//
//   ledger_kill_child DIR START...        one thread for each START: the first n that it has no acknowledgement for
//
// KILL_AT=n in the environment: SIGKILL by its own hand just before the n-th append, sync or rename of the store, at
// any moment of its life.
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ledger/keyring.h"
#include "ledger/ledger.h"
#include "ledger/projection.h"
#include "ledger/testing/counters.h"
#include "ledger/testing/kill_setup.h"

namespace yizhan::ledger::testing {
namespace {

// Keeps a few commands of one thread under way, in order, and says which were acknowledged.
void Submitter(Ledger& ledger, int thread, uint64_t next) {
  constexpr int kUnderWay = 16;
  std::mutex mutex;
  std::condition_variable changed;
  int under_way = 0;
  for (uint64_t n = next;; ++n) {
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return under_way < kUnderWay; });
      ++under_way;
    }
    Command command = Add(PartitionOfThread(thread), KeyOfThread(thread), {absl::StrCat(n)},
                          absl::StrCat("request-", n), absl::StrCat("person:", thread));
    command.done = [&, thread, n](absl::StatusOr<Command::Outcome> outcome) {
      if (outcome.ok()) {
        char line[64];
        const int size = snprintf(line, sizeof line, "%d %llu %llu\n", thread, static_cast<unsigned long long>(n),
                                  static_cast<unsigned long long>(outcome->last_seq));
        if (write(STDOUT_FILENO, line, static_cast<size_t>(size)) != size) _exit(3);
      } else {
        fprintf(stderr, "refused: %s\n", outcome.status().ToString().c_str());
        _exit(4);
      }
      std::lock_guard lock(mutex);
      --under_way;
      changed.notify_one();
    };
    ledger.Submit(std::move(command));
  }
}

int Run(int argc, char** argv) {
  if (argc < 3) return 2;
  Options options = KillOptions(argv[1]);
  static std::atomic<long> left{getenv("KILL_AT") != nullptr ? atol(getenv("KILL_AT")) : -1};
  options.hooks.fault = [](std::string_view, std::string_view) {
    if (left.load() > 0 && left.fetch_sub(1) == 1) kill(getpid(), SIGKILL);
    return 0;
  };
  auto ledger = Ledger::Open(options);
  if (!ledger.ok()) {
    fprintf(stderr, "open: %s\n", ledger.status().ToString().c_str());
    return 5;
  }
  Counters machine;
  (*ledger)->Register(&machine);
  auto keyring = Keyring::Open(ledger->get(), argv[1]);
  absl::Status started = keyring.ok() ? (*ledger)->Start() : keyring.status();
  Projection projection(ledger->get(), {.name = kProjection, .services = {"im"}}, KillProjection);
  if (started.ok()) started = projection.Start();
  if (!started.ok()) {
    fprintf(stderr, "start: %s\n", started.ToString().c_str());
    return 6;
  }
  std::vector<std::thread> threads;
  for (int i = 2; i < argc; ++i)
    threads.emplace_back([&, i] { Submitter(**ledger, i - 2, strtoull(argv[i], nullptr, 10)); });
  for (uint64_t round = 0;; ++round) {
    // Snapshots and cuts of one partition after another.
    const PartitionId id{"im", static_cast<uint32_t>(round % 4)};
    auto seq = (*ledger)->WriteSnapshot(id, SnapshotPath(argv[1], id));
    if (!seq.ok()) {
      fprintf(stderr, "snapshot: %s\n", seq.status().ToString().c_str());
      return 7;
    }
    if (*seq > 4 * 1'024) (void)(*ledger)->CutLog(id, *seq - 3 * 1'024);
    usleep(20'000);
  }
}
}  // namespace
}  // namespace yizhan::ledger::testing

int main(int argc, char** argv) { return yizhan::ledger::testing::Run(argc, argv); }
