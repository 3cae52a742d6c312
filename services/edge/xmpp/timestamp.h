// XEP-0082: "2024-02-29T23:59:59.123456Z".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace yizhan::edge::xmpp {

// Microseconds since the epoch, years 0000-9999 (clamped), in UTC with six digits of fraction: nothing is rounded, so
// that a client that pages by time misses nothing.
void AppendTimestamp(int64_t micros, std::string* out);
std::string Timestamp(int64_t micros);

// With or without fraction (digits beyond six are cut), with "Z" or an offset "+08:00". InvalidArgument otherwise.
absl::StatusOr<int64_t> ParseTimestamp(std::string_view text);

}  // namespace yizhan::edge::xmpp
