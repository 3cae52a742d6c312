// What an archived record says in the clear, and what its sealed content must hash to: read from the record's bytes
// with the frozen field numbers of proto/yizhan/{ledger,im,desk,directory,audit}/v1/record.proto.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "audit/export_format/json.h"
#include "audit/tlog/hash.h"

namespace yizhan::audit {

// How the bytes of a content are to be understood.
enum class ContentKind {
  kNone,     // the record has no sealed content
  kMessage,  // a serialised yizhan.im.v1.Content
  kText,     // UTF-8
};

struct RecordView {
  // The envelope, yizhan.ledger.v1.Record.
  std::string partition;
  uint64_t seq = 0;
  int64_t time_us = 0;
  std::string actor;
  std::string request_id;
  std::string type;
  // The payload's clear fields under their names in the .proto, defaults left out; ids that a double cannot hold as
  // strings. Empty for payloads that exports do not spell out (record_view.cc lists those that they do).
  Json facts;
  ContentKind content_kind = ContentKind::kNone;
  Hash content_commitment;  // when content_kind is not kNone
  // Credentials and wrapped keys: such a record is never exported.
  bool secret = false;
};

// InvalidArgument, reason RECORD_MALFORMED, when these are not the bytes of a record.
absl::StatusOr<RecordView> ReadRecord(std::string_view record);

// SHA-256(0x03 || salt || content), as in yizhan.common.v1.Sealed. The salt has kContentSaltBytes.
inline constexpr size_t kContentSaltBytes = 16;
Hash ContentCommitment(std::string_view salt, std::string_view content);

// What a content says: {"text", "reply_to_seq", "mentions"}, defaults left out, and {"unrendered": true} when it has
// parts that this version does not know. InvalidArgument when the bytes are not such a content.
absl::StatusOr<Json> ReadContent(ContentKind kind, std::string_view content);

}  // namespace yizhan::audit
