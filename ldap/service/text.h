// Texts as people and other directories hand them in.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace yizhan::directory {

// ASCII letters in lower case; what a log-in name is compared in.
std::string LowerAscii(std::string_view text);
// Every letter in lower case, by Unicode's rules; what is searched in. Bad UTF-8 is replaced.
std::string Lower(std::string_view text);

// Whether it may be a log-in name: [a-z0-9._-], 1 to 64 characters.
bool IsLogin(std::string_view text);

// Characters of UTF-8 text; a bad byte counts as one.
size_t CountCharacters(std::string_view text);
// The first `characters` of it.
std::string CutTo(std::string_view text, size_t characters);

// A single line of `least` to `most` characters without control characters, in UTF-8. InvalidArgument BAD_FIELD names `field`.
absl::Status CheckLine(std::string_view field, std::string_view text, size_t least, size_t most);
// What CheckLine passes, made of anything: bad bytes and control characters become spaces, and it is cut.
std::string AsLine(std::string_view text, size_t most);

}  // namespace yizhan::directory
