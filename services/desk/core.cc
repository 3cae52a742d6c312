#include "desk/core.h"

#include <unicode/utf8.h>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace yizhan::desk {

void Core::Submit(const std::string& actor, const std::string& request_id, Decide decide, Done done) const {
  ledger::Command command;
  command.partition = kPartition;
  command.actor = actor;
  command.request_id = request_id;
  command.decide = [decide = std::move(decide)](const ledger::DecideContext& context, const ledger::StateReader& state) -> absl::StatusOr<ledger::Proposal> {
    Draft draft(context, state);
    YZ_ASSIGN_OR_RETURN(std::string result, decide(draft));
    return std::move(draft).Finish(std::move(result));
  };
  command.done = [done = std::move(done)](absl::StatusOr<ledger::Command::Outcome> outcome) mutable {
    if (outcome.ok()) {
      done(std::move(outcome->result));
    } else {
      done(outcome.status());
    }
  };
  ledger_->Submit(std::move(command));
}

void Core::Seal(const std::string& customer_id, std::string text, std::function<void(absl::StatusOr<yizhan::common::v1::Sealed>)> next) const {
  keyring_->Ensure(customer_id, absl::ToUnixMicros(absl::Now()), [text = std::move(text), next = std::move(next)](absl::StatusOr<ledger::DataKeyPtr> key) {
    if (key.ok()) {
      next(ledger::Seal(**key, text));
    } else {
      next(key.status());
    }
  });
}

absl::Status CheckText(std::string_view text, size_t max) {
  size_t characters = 0;
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  const auto size = static_cast<int32_t>(text.size());
  for (int32_t i = 0; i < size; ++characters) {
    UChar32 c;
    U8_NEXT(bytes, i, size, c);
    if (c < 0) return Refused(absl::StatusCode::kInvalidArgument, "NOT_UTF8", "the text is not UTF-8");
    if ((c < 0x20 && c != '\n' && c != '\t' && c != '\r') || c == 0x7f) {
      return Refused(absl::StatusCode::kInvalidArgument, "CONTROL_CHARACTER", "the text holds a control character; only line feeds and tabs may be sent");
    }
  }
  if (characters == 0) return Refused(absl::StatusCode::kInvalidArgument, "EMPTY_TEXT", "the text is empty");
  if (characters > max) {
    return Refused(absl::StatusCode::kInvalidArgument, "TEXT_TOO_LONG", absl::StrCat("the text has ", characters, " characters; at most ", max, " may be sent at once"));
  }
  return absl::OkStatus();
}

absl::Status CheckClientId(std::string_view id) {
  if (!id.empty() && id.size() <= 128) return absl::OkStatus();
  return Refused(absl::StatusCode::kInvalidArgument, "BAD_CLIENT_ID", "client_id must be 1 to 128 bytes: it is what makes a retry safe");
}

absl::Status Refused(absl::StatusCode code, std::string_view reason, const std::string& message) { return Refuse(code, reason, message); }

}  // namespace yizhan::desk
