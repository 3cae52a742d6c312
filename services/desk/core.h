// What the desk's commands share: submitting a decision on a draft, sealing, reading.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "base/rpc/service.h"
#include "desk/draft.h"
#include "ledger/keyring.h"
#include "ledger/ledger.h"

namespace yizhan::desk {

class Core {
 public:
  Core(ledger::Ledger* ledger, ledger::Keyring* keyring) : ledger_(ledger), keyring_(keyring) {}

  ledger::Ledger* ledger() const { return ledger_; }
  const ledger::Keyring& keyring() const { return *keyring_; }

  // One command: `decide` adds records to the draft and returns the command's result. Then `done`, on the completion thread.
  using Decide = std::function<absl::StatusOr<std::string>(Draft&)>;
  using Done = absl::AnyInvocable<void(absl::StatusOr<std::string> result)>;
  void Submit(const std::string& actor, const std::string& request_id, Decide decide, Done done) const;

  // Seals a text of a customer's reception, then `next` with it; or with why it cannot be.
  void Seal(const std::string& customer_id, std::string text, std::function<void(absl::StatusOr<yizhan::common::v1::Sealed>)> next) const;

  // `read` over the committed state.
  template <typename F>
  auto Read(F read) const {
    const auto view = ledger_->View(kPartition);
    return read(Rows(view.get()));
  }

 private:
  ledger::Ledger* const ledger_;
  ledger::Keyring* const keyring_;
};

// A text that may be sent: 1 to `max` characters of UTF-8 without control characters but line feed and tab.
absl::Status CheckText(std::string_view text, size_t max);
// A client's id: 1 to 128 bytes.
absl::Status CheckClientId(std::string_view id);

absl::Status Refused(absl::StatusCode code, std::string_view reason, const std::string& message);

}  // namespace yizhan::desk
