#include "audit/index/postings.h"

#include <algorithm>
#include <iterator>

namespace yizhan::audit {

void PostingList::Add(uint32_t number) {
  uint32_t difference = number - next_;
  while (difference >= 0x80) {
    bytes_.push_back(static_cast<char>(difference | 0x80));
    difference >>= 7;
  }
  bytes_.push_back(static_cast<char>(difference));
  next_ = number + 1;
}

absl::StatusOr<std::vector<uint32_t>> DecodePostings(std::string_view bytes) {
  std::vector<uint32_t> out;
  out.reserve(bytes.size());
  uint64_t next = 0;
  for (size_t i = 0; i < bytes.size();) {
    uint64_t difference = 0;
    for (int shift = 0;; shift += 7) {
      if (i == bytes.size() || shift > 28) return absl::DataLossError("a posting list of the search index is damaged; rebuild the index");
      const auto byte = static_cast<uint8_t>(bytes[i++]);
      difference |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    next += difference;
    if (next > UINT32_MAX) return absl::DataLossError("a posting list of the search index is damaged; rebuild the index");
    out.push_back(static_cast<uint32_t>(next));
    ++next;
  }
  return out;
}

std::vector<uint32_t> Intersect(const std::vector<uint32_t>& a, const std::vector<uint32_t>& b) {
  const auto& small = a.size() <= b.size() ? a : b;
  const auto& large = a.size() <= b.size() ? b : a;
  std::vector<uint32_t> out;
  out.reserve(small.size());
  if (small.size() * 16 < large.size()) {  // few in many: gallop
    auto it = large.begin();
    for (uint32_t value : small) {
      it = std::lower_bound(it, large.end(), value);
      if (it == large.end()) break;
      if (*it == value) out.push_back(value);
    }
    return out;
  }
  std::set_intersection(small.begin(), small.end(), large.begin(), large.end(), std::back_inserter(out));
  return out;
}

std::vector<uint32_t> Unite(const std::vector<uint32_t>& a, const std::vector<uint32_t>& b) {
  std::vector<uint32_t> out;
  out.reserve(a.size() + b.size());
  std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
  return out;
}

}  // namespace yizhan::audit
