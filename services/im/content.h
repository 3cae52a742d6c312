// What may be said, and how a record becomes what its readers see.
#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ledger/keyring.h"
#include "yizhan/im/v1/conversation.pb.h"
#include "yizhan/im/v1/record.pb.h"

namespace yizhan::im {

inline constexpr size_t kMaxTextCharacters = 20'000;
inline constexpr size_t kMaxTitleCharacters = 100;
inline constexpr size_t kMaxStatusCharacters = 200;
inline constexpr int kMaxMentions = 200;

// InvalidArgument: NO_CONTENT, TEXT_TOO_LONG, CONTROL_CHARACTER, INVALID_UTF8, TOO_MANY_MENTIONS, INVALID_PERSON_ID.
absl::Status CheckContent(const v1::Content& content);
// InvalidArgument: TITLE_LENGTH, CONTROL_CHARACTER (a title is one line), INVALID_UTF8.
absl::Status CheckTitle(std::string_view title);
// A person's line beside their presence. InvalidArgument: STATUS_LENGTH, CONTROL_CHARACTER, INVALID_UTF8.
absl::Status CheckStatusLine(std::string_view line);

// A record that takes a position in its conversation, as readers see it: content opened. Of a message whose data key was destroyed
// the content's kind is not set. DataLoss when the content is damaged.
absl::StatusOr<v1::Message> ToMessage(const v1::ImRecord& record, const ledger::Keyring& keyring);

}  // namespace yizhan::im
