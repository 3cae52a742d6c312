// A race, planted: what the completion thread writes is read here without waiting for it. Under ThreadSanitizer this
// has to be reported, or its silence about the rest of this folder says nothing.
#include <unistd.h>

#include <cstdio>

#include "ledger/testing/counters.h"

int main() {
  using namespace yizhan::ledger;           // NOLINT
  using namespace yizhan::ledger::testing;  // NOLINT
  TempDir dir;
  Counters machine;
  auto ledger = OpenAndStart(OptionsFor(dir), &machine);
  if (!ledger.ok()) return 2;
  uint64_t last = 0;
  Command command = Add({"im", 0}, "a", {"x"});
  command.done = [&](absl::StatusOr<Command::Outcome> outcome) { last = outcome->last_seq; };
  (*ledger)->Submit(std::move(command));
  while (*static_cast<volatile uint64_t*>(&last) == 0) usleep(1'000);
  printf("%llu\n", static_cast<unsigned long long>(last));
  return 0;
}
