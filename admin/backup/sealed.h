// How what is backed up lies: a message, compressed by Zstandard, as an age file for the recipients.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/age.h"
#include "google/protobuf/message_lite.h"

namespace yizhan::admin {

// What a message may have, serialised: a segment's records and their frames.
inline constexpr size_t kMaxPlainBytes = 64 << 20;

// ResourceExhausted beyond kMaxPlainBytes.
absl::StatusOr<std::string> SealMessage(const google::protobuf::MessageLite& message,
                                        absl::Span<const age::Recipient> recipients);

// PermissionDenied when none of the identities may read it; DataLoss when it is damaged, or is another message.
absl::Status OpenMessage(std::string_view sealed, absl::Span<const age::Identity> identities,
                         google::protobuf::MessageLite& message);

}  // namespace yizhan::admin
