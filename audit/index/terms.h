// What a text is found by: every substring of one or two characters, and of three where they are ASCII, folded so that width and
// case do not matter. A query of up to two characters is answered exactly by one term; a longer one by its terms and a look at
// the text.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace yizhan::audit {

// One folded character and where it stands in the original UTF-8.
struct FoldedChar {
  char32_t code;
  uint32_t start;  // byte offsets into the original
  uint32_t end;
};

// Folds text character by character: full-width forms to half width, case folded, white space and control characters to one ' '.
// Bytes that are not UTF-8 become U+FFFD. One folded character for each character of the text, so offsets stay true.
std::vector<FoldedChar> Fold(std::string_view text);

// A gram packs up to three code points of 21 bits. 0 is no gram.
using Gram = uint64_t;

// The grams of a text, sorted, each once. White space takes part in none.
std::vector<Gram> GramsOf(std::string_view text);

// Something that a document has beside its text: the conversation, the author. 128 bits of SHA-256 over kind and value.
using Facet = std::array<uint8_t, 16>;
Facet MakeFacet(char kind, std::string_view value);

// A text query: parts separated by white space, each of which must occur; "a quoted part" keeps its spaces.
struct TextQuery {
  struct Part {
    std::u32string folded;
    std::vector<Gram> grams;  // all must be there
    bool exact = false;       // the grams alone decide
  };
  std::vector<Part> parts;
  bool exact() const;  // no look at the text is needed
};

// InvalidArgument for an unclosed quote, more than 32 parts, or a part of only quotes.
absl::StatusOr<TextQuery> ParseTextQuery(std::string_view query);

// Where the parts stand in a text: byte ranges, ascending, overlaps joined; empty when some part is missing.
std::vector<std::pair<uint32_t, uint32_t>> FindParts(const TextQuery& query, std::string_view text);

}  // namespace yizhan::audit
