#include "audit/index/terms.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <cstring>

#include "audit/tlog/hash.h"
#include "base/status.h"

namespace yizhan::audit {
namespace {

constexpr size_t kMaxParts = 32;

char32_t FoldOne(UChar32 c) {
  if (c < 0x80) {
    if (c >= 'A' && c <= 'Z') return c + ('a' - 'A');
    return c <= 0x20 || c == 0x7f ? U' ' : c;
  }
  if (c >= 0x3400 && c <= 0x9fff) return c;  // the common ideographs: nothing to fold
  if (c >= 0xff01 && c <= 0xff5e) return FoldOne(c - 0xfee0);
  if (u_isUWhiteSpace(c) || u_charType(c) == U_CONTROL_CHAR) return U' ';
  return u_foldCase(c, U_FOLD_CASE_DEFAULT);
}

Gram Pack(char32_t a, char32_t b = 0, char32_t c = 0) {
  return static_cast<Gram>(a) << 42 | static_cast<Gram>(b) << 21 | c;
}

bool IsAscii(char32_t c) { return c < 0x80; }

// Calls `emit` for the grams that a folded run of characters is found by. `longest_only` leaves out the grams that a longer
// one implies: for queries.
template <typename Get, typename Emit>
void EachGram(size_t n, Get get, bool longest_only, Emit emit) {
  for (size_t i = 0; i < n; ++i) {
    const char32_t a = get(i);
    if (a == U' ') continue;
    const bool pair = i + 1 < n && get(i + 1) != U' ';
    const bool triple = pair && i + 2 < n && get(i + 2) != U' ' && IsAscii(a) && IsAscii(get(i + 1)) && IsAscii(get(i + 2));
    if (!longest_only) {
      emit(Pack(a));
      if (pair) emit(Pack(a, get(i + 1)));
      if (triple) emit(Pack(a, get(i + 1), get(i + 2)));
      continue;
    }
    // A query: one gram for each start, the longest; the last characters are implied by the grams before them.
    if (triple) {
      emit(Pack(a, get(i + 1), get(i + 2)));
    } else if (pair) {
      const bool implied = i > 0 && IsAscii(a) && IsAscii(get(i + 1)) && IsAscii(get(i - 1)) && get(i - 1) != U' ';
      if (!implied) emit(Pack(a, get(i + 1)));
    } else if (i == 0 || get(i - 1) == U' ') {
      emit(Pack(a));
    }
  }
}

void SortUnique(std::vector<Gram>& grams) {
  std::sort(grams.begin(), grams.end());
  grams.erase(std::unique(grams.begin(), grams.end()), grams.end());
}

TextQuery::Part MakePart(std::string_view text) {
  TextQuery::Part part;
  for (const FoldedChar& c : Fold(text)) part.folded.push_back(c.code);
  EachGram(part.folded.size(), [&](size_t i) { return part.folded[i]; }, true, [&](Gram g) { part.grams.push_back(g); });
  SortUnique(part.grams);
  const size_t n = part.folded.size();
  const bool spaces = part.folded.find(U' ') != std::u32string::npos;
  part.exact = !spaces && part.grams.size() == 1 &&
               (n <= 2 || (n == 3 && std::all_of(part.folded.begin(), part.folded.end(), IsAscii)));
  return part;
}

}  // namespace

std::vector<FoldedChar> Fold(std::string_view text) {
  std::vector<FoldedChar> out;
  out.reserve(text.size());
  const auto* s = reinterpret_cast<const uint8_t*>(text.data());
  const int32_t n = static_cast<int32_t>(text.size());
  for (int32_t i = 0; i < n;) {
    const int32_t start = i;
    UChar32 c = s[i];
    if (c < 0x80) {
      ++i;
    } else {
      U8_NEXT(s, i, n, c);
      if (c < 0) c = 0xfffd;
    }
    out.push_back({FoldOne(c), static_cast<uint32_t>(start), static_cast<uint32_t>(i)});
  }
  return out;
}

std::vector<Gram> GramsOf(std::string_view text) {
  const std::vector<FoldedChar> chars = Fold(text);
  std::vector<Gram> grams;
  grams.reserve(chars.size() * 3);
  EachGram(chars.size(), [&](size_t i) { return chars[i].code; }, false, [&](Gram g) { grams.push_back(g); });
  SortUnique(grams);
  return grams;
}

Facet MakeFacet(char kind, std::string_view value) {
  std::string bytes(1, kind);
  bytes.append(value);
  const Hash digest = Sha256(bytes);
  Facet facet;
  std::memcpy(facet.data(), digest.bytes.data(), facet.size());
  return facet;
}

bool TextQuery::exact() const {
  return std::all_of(parts.begin(), parts.end(), [](const Part& p) { return p.exact; });
}

absl::StatusOr<TextQuery> ParseTextQuery(std::string_view query) {
  TextQuery parsed;
  std::string part;
  bool quoted = false, any_quote = false;
  auto finish = [&]() -> absl::Status {
    if (part.empty() && !any_quote) return absl::OkStatus();
    TextQuery::Part made = MakePart(part);
    if (made.grams.empty()) {
      return Refuse(absl::StatusCode::kInvalidArgument, "EMPTY_QUOTES", "the quotes hold nothing to find; write what to find between them");
    }
    if (parsed.parts.size() == kMaxParts) {
      return Refuse(absl::StatusCode::kInvalidArgument, "TOO_MANY_WORDS", "a query has at most 32 parts; shorten it");
    }
    parsed.parts.push_back(std::move(made));
    part.clear();
    any_quote = false;
    return absl::OkStatus();
  };
  for (const FoldedChar& c : Fold(query)) {
    const std::string_view raw = query.substr(c.start, c.end - c.start);
    if (c.code == U'"' || raw == "“" || raw == "”") {
      quoted = !quoted;
      any_quote = true;
      if (!quoted) YZ_RETURN_IF_ERROR(finish());
    } else if (c.code == U' ' && !quoted) {
      YZ_RETURN_IF_ERROR(finish());
    } else {
      part.append(raw);
    }
  }
  if (quoted) {
    return Refuse(absl::StatusCode::kInvalidArgument, "UNCLOSED_QUOTE", "a quote is opened and not closed; close it or leave it out");
  }
  YZ_RETURN_IF_ERROR(finish());
  return parsed;
}

std::vector<std::pair<uint32_t, uint32_t>> FindParts(const TextQuery& query, std::string_view text) {
  const std::vector<FoldedChar> chars = Fold(text);
  std::u32string folded;
  folded.reserve(chars.size());
  for (const FoldedChar& c : chars) folded.push_back(c.code);
  std::vector<std::pair<uint32_t, uint32_t>> found;
  for (const TextQuery::Part& part : query.parts) {
    bool any = false;
    for (size_t at = folded.find(part.folded); at != std::u32string::npos; at = folded.find(part.folded, at + 1)) {
      any = true;
      found.emplace_back(chars[at].start, chars[at + part.folded.size() - 1].end);
    }
    if (!any) return {};
  }
  std::sort(found.begin(), found.end());
  std::vector<std::pair<uint32_t, uint32_t>> joined;
  for (const auto& range : found) {
    if (!joined.empty() && range.first <= joined.back().second) {
      joined.back().second = std::max(joined.back().second, range.second);
    } else {
      joined.push_back(range);
    }
  }
  return joined;
}

}  // namespace yizhan::audit
