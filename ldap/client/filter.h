// LDAP search filters as text (RFC 4515): escaping what comes from outside, and checking what comes from a
// configuration.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace yizhan::directory {

// `value` as an assertion value that matches itself only: NUL ( ) * \ and every byte outside of printable ASCII become
// \xx. Works for text in UTF-8 and for binary values (objectGUID) alike.
std::string EscapeFilterValue(std::string_view value);

// Inverse of EscapeFilterValue(), and of any escaping that RFC 4515 allows; InvalidArgument for a lone or broken \, and
// for NUL ( ) * without one.
absl::StatusOr<std::string> UnescapeFilterValue(std::string_view escaped);

// One assertion within a filter.
struct FilterItem {
  std::string attribute;  // an attribute description, "uid" or "cn;lang-zh"; extensible matches keep ":rule:" in it
  std::string op;         // "=", "~=", ">=", "<="
  std::string value;      // unescaped; empty when `wildcard`
  bool wildcard = false;  // (uid=*) or (uid=a*b)
  bool operator==(const FilterItem&) const = default;
};

// The items of a filter in order. InvalidArgument LDAP_FILTER, with the place, for what is no filter: unbalanced
// brackets, no attribute, a bare special character, deeper than 32 or longer than 16 KiB.
absl::StatusOr<std::vector<FilterItem>> ParseFilter(std::string_view filter);

// `pattern` with each "{login}" replaced by the escaped login: "(&(objectClass=person)(uid={login}))". The result has
// the pattern's structure whatever the login is.
std::string FillFilter(std::string_view pattern, std::string_view login);

}  // namespace yizhan::directory
