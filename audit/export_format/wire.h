// A reader for the protobuf wire format, bounded and strict, so that the verifier need not link protobuf:
// https://protobuf.dev/programming-guides/encoding/
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace yizhan::audit {

struct WireField {
  enum class Kind { kVarint, kFixed64, kBytes, kFixed32 };
  uint32_t number = 0;
  Kind kind = Kind::kVarint;
  uint64_t value = 0;      // of kVarint, kFixed64 and kFixed32
  std::string_view bytes;  // of kBytes: a view into the message
};

// The fields of one message, in their order; at most 100,000. InvalidArgument for anything that is not a message
// (groups, which no record has, included).
class WireMessage {
 public:
  static absl::StatusOr<WireMessage> Parse(std::string_view bytes);

  const std::vector<WireField>& fields() const { return fields_; }

  // The value of a field that occurs at most once: 0 or empty when it is absent, as protobuf has it. InvalidArgument
  // when it occurs twice or has another wire type. Str() also wants UTF-8.
  absl::StatusOr<uint64_t> Varint(uint32_t number) const;
  absl::StatusOr<std::string_view> Bytes(uint32_t number) const;
  absl::StatusOr<std::string_view> Str(uint32_t number) const;

 private:
  absl::StatusOr<const WireField*> One(uint32_t number, WireField::Kind kind) const;
  std::vector<WireField> fields_;
};

}  // namespace yizhan::audit
