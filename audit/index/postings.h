// Lists of document numbers, ascending, as varint differences.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace yizhan::audit {

// Grows by Add with ascending numbers. 1 to 2 bytes each in practice.
class PostingList {
 public:
  void Add(uint32_t number);
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
  uint32_t next_ = 0;
};

// All numbers of a list. DataLoss when the bytes are damaged.
absl::StatusOr<std::vector<uint32_t>> DecodePostings(std::string_view bytes);

// What is in both; in any. Inputs ascending, so is the result.
std::vector<uint32_t> Intersect(const std::vector<uint32_t>& a, const std::vector<uint32_t>& b);
std::vector<uint32_t> Unite(const std::vector<uint32_t>& a, const std::vector<uint32_t>& b);

}  // namespace yizhan::audit
