// Between proto3 JSON and the binary form, by descriptor. Knows no socket: the fuzz target feeds it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "google/protobuf/message.h"

namespace yizhan::edge {

// A message of the linked-in contract from JSON text; an empty text is an empty message. InvalidArgument
// (MALFORMED_REQUEST) says what is wrong: unknown fields are refused, because a misspelt one would be passed over in
// silence.
absl::StatusOr<std::unique_ptr<google::protobuf::Message>> FromJson(const google::protobuf::Descriptor* type,
                                                                    std::string_view json);

// A message from its binary form. InvalidArgument (MALFORMED_REQUEST).
absl::StatusOr<std::unique_ptr<google::protobuf::Message>> FromBinary(const google::protobuf::Descriptor* type,
                                                                      std::string_view bytes);

// Proto3 JSON: lowerCamelCase names, 64-bit numbers as text, defaults left out. Internal when a string is not UTF-8.
absl::StatusOr<std::string> ToJson(const google::protobuf::Message& message);

}  // namespace yizhan::edge
