// The header of an age file, for age*.cc only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/age_crypto.h"

namespace yizhan::age {

inline constexpr std::string_view kVersionLine = "age-encryption.org/v1\n";

// Debian's Abseil has a string_view of its own, which does not take the standard one.
inline absl::string_view AbslView(std::string_view text) { return absl::string_view(text.data(), text.size()); }

// DataLoss (AGE_DAMAGED): what is wrong, and where.
absl::Status Damaged(std::string_view what);

// Without the = at its end.
std::string Base64(std::string_view bytes);

// The file key, wrapped for an X25519 recipient.
struct Stanza {
  Bytes32 share;
  Bytes32 body;
  size_t line = 0;  // of the header, from 1
};

struct Header {
  std::vector<Stanza> stanzas;
  size_t others = 0;  // stanzas of kinds that are passed over
  Bytes32 mac;
  size_t mac_size = 0;  // bytes of the file that the MAC is of
  size_t size = 0;      // bytes of the file before its payload
};

// Reads what stands before the payload, as strictly as the format is written: one spelling for each header. Fails as
// Decrypt(), but for AGE_NO_MATCH; the MAC is not looked at.
absl::StatusOr<Header> ReadHeader(std::string_view file);

}  // namespace yizhan::age
