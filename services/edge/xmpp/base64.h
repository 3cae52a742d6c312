// Base64 (RFC 4648 section 4), strict.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace yizhan::edge::xmpp {

std::string Base64Encode(std::string_view bytes);

// InvalidArgument for anything but groups of four of the alphabet with the padding that belongs to them: no blanks, no
// missing padding, no bits left over.
absl::StatusOr<std::string> Base64Decode(std::string_view text);

}  // namespace yizhan::edge::xmpp
