// Preparation of names and passwords (PRECIS: RFC 8264, 8265) through ICU. ASCII takes a path without ICU.
//
// The profiles are followed for width mapping, case, normalisation, prohibited classes and the bidi rule (RFC 5893).
// Stricter than the RFC in one thing: a character whose use depends on its neighbours (CONTEXTJ, CONTEXTO; RFC 5892
// appendix A) is refused in names, the katakana middle dot beside Japanese or Chinese script excepted.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace yizhan::edge::xmpp {

// UTF-8 as RFC 3629 has it: no surrogates, nothing overlong, nothing beyond U+10FFFF.
bool IsUtf8(std::string_view text);

// RFC 8265 section 3.3, for log-in names and a JID's localpart. InvalidArgument says what is wrong; empty is refused.
absl::StatusOr<std::string> UsernameCaseMapped(std::string_view text);

// RFC 8265 section 4.2, for passwords and a JID's resource. InvalidArgument says what is wrong; empty is refused.
absl::StatusOr<std::string> OpaqueString(std::string_view text);

// A host name in the form that is compared: lower case, U-labels in NFC (UTS #46 without transitional mapping), no
// final dot; an IPv4 address or an IPv6 address in brackets as it is. InvalidArgument says what is wrong.
absl::StatusOr<std::string> PrepareDomain(std::string_view text);

}  // namespace yizhan::edge::xmpp
