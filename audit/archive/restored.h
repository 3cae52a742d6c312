// The archive behind a restored ledger: whether the records are those that the log has signed, and how the log goes on.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "audit/tlog/checkpoint.h"
#include "audit/tlog/note.h"
#include "ledger/keyring.h"
#include "ledger/ledger.h"
#include "yizhan/audit/v1/record.pb.h"

namespace yizhan::audit {

struct LogCheck {
  uint64_t leaves = 0;    // compared with their records
  std::string note;       // the latest signed note; empty when there is none
  Checkpoint checkpoint;  // what it says
};

// Makes every leaf again from its record, and compares: with the tree's own, and their root with the latest signed
// checkpoint, whose signature must be `key`'s. DataLoss names the record that is another, or what does not fit.
// `on_progress` hears of leaves done, of how many.
absl::StatusOr<LogCheck> CheckLog(const ledger::Ledger& ledger, const ledger::Keyring& keyring, const NoteKey& key,
                                  const std::function<void(uint64_t, uint64_t)>& on_progress);

// The signer of a data folder: DIR/keys/archive.key. NotFound when it is not there.
absl::StatusOr<NoteSigner> ReadSigner(const std::string& data_dir);
absl::Status WriteSigner(const std::string& data_dir, const NoteSigner& signer);

// Lets a restored log go on under another name, with the same key: whatever was signed behind the restored records,
// no checkpoint of before and none of from now on can contradict each other. Records what was restored (`restored`,
// whose keys are filled in here) and a first checkpoint, then renames the key in DIR/keys/archive.key. The ledger owns
// audit/0. Answers the new verifier key.
absl::StatusOr<std::string> GoOnAsRestored(ledger::Ledger& ledger, const std::string& data_dir,
                                           yizhan::audit::v1::Restored restored);

}  // namespace yizhan::audit
