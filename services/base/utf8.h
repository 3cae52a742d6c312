// UTF-8 as RFC 3629 has it: no surrogates, nothing overlong, nothing beyond U+10FFFF.
#pragma once

#include <cstddef>
#include <string_view>

namespace yizhan {

// The length of the sequence that begins at text[at]; 0 when it is not one.
size_t Utf8SequenceLength(std::string_view text, size_t at);

bool IsUtf8(std::string_view text);

}  // namespace yizhan
