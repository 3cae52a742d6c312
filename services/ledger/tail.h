// What another process decides, followed here: its records, by LedgerService/Follow, into this replica.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/rpc/channel.h"
#include "ledger/arrivals.h"
#include "ledger/ledger.h"

namespace yizhan::ledger {

class Tail {
 public:
  // `name`: whose records they are, for people ("directory"). The partitions are followed in `ledger` (replicated).
  // `rest`: how long it waits between two answers with records, for who would rather have many at once than each at
  // once: an answer for each record costs both ends more than the record. The ledger and the channel outlive it.
  static std::unique_ptr<Tail> Make(Ledger* ledger, rpc::Channel* owner, std::string name,
                                    std::vector<PartitionId> partitions, absl::Duration rest = absl::ZeroDuration());
  virtual ~Tail() = default;  // stops

  // After Ledger::Start. Asks, and asks again for as long as the owner is away.
  virtual void Start() = 0;
  // Before Ledger::Stop.
  virtual void Stop() = 0;

  // Whether it has had, at some moment since the start, everything that the owner had then.
  virtual bool caught_up() const = 0;
  // Why it does not get on; ok when it does.
  virtual absl::Status problem() const = 0;
};

// A keyring's Remote (keyring.h): has the owner of keyring/0 make a data key, and waits until it is here. All outlive
// what it does; `arrivals` is swept by others.
void EnsureRemoteDataKey(rpc::Channel* owner, Arrivals* arrivals, std::string key_id,
                         absl::AnyInvocable<void(absl::Status)> done);

}  // namespace yizhan::ledger
