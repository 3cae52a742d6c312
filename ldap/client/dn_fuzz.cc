// DNs: round trips, and libldap as the oracle of what a text means.
#include <ldap.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "ldap/client/dn.h"

namespace {

using yizhan::directory::Dn;

// What we write, libldap must read in the same way.
void CompareWithLibldap(const Dn& dn) {
  for (const auto& rdn : dn) {
    for (const auto& attribute : rdn) {
      if (attribute.value.empty()) return;  // libldap refuses empty values, RFC 4514 does not
    }
  }
  const std::string text = yizhan::directory::FormatDn(dn);
  LDAPDN theirs = nullptr;
  if (ldap_str2dn(text.c_str(), &theirs, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS) return;  // types it does not like
  size_t level = 0;
  for (; theirs != nullptr && theirs[level] != nullptr; ++level) {
    if (level >= dn.size()) abort();
    size_t at = 0;
    for (; theirs[level][at] != nullptr; ++at) {
      const LDAPAVA* ava = theirs[level][at];
      if (at >= dn[level].size()) abort();
      if (std::string_view(ava->la_attr.bv_val, ava->la_attr.bv_len) != dn[level][at].type) abort();
      if (std::string_view(ava->la_value.bv_val, ava->la_value.bv_len) != dn[level][at].value) abort();
    }
    if (at != dn[level].size()) abort();
  }
  if (level != dn.size()) abort();
  ldap_dnfree(theirs);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace yizhan::directory;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (size <= 2048) {
    const Dn made = {{{"cn", std::string(input)}}, {{"ou", "x"}, {"l", std::string(input)}}, {{"dc", "b"}}};
    const auto back = ParseDn(FormatDn(made));
    if (!back.ok() || *back != made) abort();
    CompareWithLibldap(made);
  }
  const auto parsed = ParseDn(input);
  if (!parsed.ok()) return 0;
  CompareWithLibldap(*parsed);
  const std::string formatted = FormatDn(*parsed);
  if (formatted.size() > 16 * 1024) return 0;  // escaping makes it longer than what is read back
  const auto again = ParseDn(formatted);
  if (!again.ok() || *again != *parsed) abort();
  const auto canonical = ParseDn(CanonicalDn(*parsed));
  if (!canonical.ok() || CanonicalDn(*canonical) != CanonicalDn(*parsed)) abort();
  if (!parsed->empty() && ParentOf(*parsed).size() + 1 != parsed->size()) abort();
  return 0;
}
