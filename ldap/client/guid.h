// Active Directory's objectGUID: 16 bytes on the wire, of which the first three fields are little-endian.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace yizhan::directory {

// 16 bytes to "00112233-4455-6677-8899-aabbccddeeff", the form that Microsoft's tools show. InvalidArgument for another
// number of bytes.
absl::StatusOr<std::string> GuidToText(std::string_view bytes);

// The inverse; upper and lower case. To look an entry up: "(objectGUID=" + EscapeFilterValue(*GuidToBytes(text)) + ")".
absl::StatusOr<std::string> GuidToBytes(std::string_view text);

}  // namespace yizhan::directory
