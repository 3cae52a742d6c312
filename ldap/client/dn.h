// Distinguished names as text (RFC 4514).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace yizhan::directory {

struct DnAttribute {
  std::string type;   // as written: "OU", "2.5.4.11"
  std::string value;  // unescaped bytes
  bool operator==(const DnAttribute&) const = default;
};

// One level: usually a single attribute; several where they are joined by +.
using Rdn = std::vector<DnAttribute>;

// From the entry to the root: {{cn=Wang}, {ou=IT}, {dc=bank}}.
using Dn = std::vector<Rdn>;

// `value` so that it can stand in a DN: , + " \ < > ; = NUL and control characters escaped, as are a leading # or space
// and a trailing space. UTF-8 stays readable.
std::string EscapeDnValue(std::string_view value);

// Text to parts. The empty DN is the root. Accepts RFC 4514 and the spaces around separators that RFC 2253 allowed.
// InvalidArgument LDAP_DN, with the place, for anything else, and for more than 128 levels or 16 KiB.
absl::StatusOr<Dn> ParseDn(std::string_view text);

// Parts to text; ParseDn(FormatDn(dn)) == dn.
std::string FormatDn(const Dn& dn);

// A text that is equal for DNs that name the same entry: types and ASCII letters in lower case, runs of spaces as one,
// outer spaces dropped, attributes of one level sorted. For attribute types whose matching is by case it merges what it
// should not; naming attributes (cn, ou, dc, uid, o) ignore case in every directory that counts.
std::string CanonicalDn(const Dn& dn);

// The DN one level up; the root for the root.
Dn ParentOf(const Dn& dn);

}  // namespace yizhan::directory
