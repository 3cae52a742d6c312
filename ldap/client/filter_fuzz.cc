// Whatever somebody types as a login, the filter keeps its structure; whatever is in a configuration, parsing it ends.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "ldap/client/filter.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace yizhan::directory;
  const std::string_view input(reinterpret_cast<const char*>(data), size);

  const auto back = UnescapeFilterValue(EscapeFilterValue(input));
  if (!back.ok() || *back != input) abort();

  // Twice, three characters for a byte at most, within the 16 KiB that a filter may have.
  if (size <= 2'700) {
    const auto items = ParseFilter(FillFilter("(&(objectClass=person)(|(uid={login})(mail={login})))", input));
    if (!items.ok() || items->size() != 3) abort();
    if ((*items)[1] != FilterItem{"uid", "=", std::string(input), false}) abort();
  }

  // As a configuration: what parses is made of items that can be written again.
  if (const auto items = ParseFilter(input); items.ok()) {
    for (const FilterItem& item : *items) {
      if (item.wildcard) continue;
      const auto again = ParseFilter("(" + item.attribute + item.op + EscapeFilterValue(item.value) + ")");
      if (!again.ok() || again->size() != 1 || again->front() != item) abort();
    }
  }
  return 0;
}
