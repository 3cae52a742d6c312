// Who a request says it is, and whether a browser may be trusted to have meant it.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/http/message.h"

namespace yizhan::edge {

inline constexpr char kSessionCookie[] = "yizhan_session";

struct Credentials {
  // Empty: nobody.
  std::string token;
  // The browser sent it by itself: only requests of our own pages may use it.
  bool from_cookie = false;
};

// `Authorization: Bearer`, else the session cookie. Unauthenticated for another scheme.
absl::Status ReadCredentials(const http::Request& request, Credentials* credentials);

// Yizhan-Request-Id, else X-Request-Id, where it is a proper id; else a drawn one.
std::string RequestIdOf(const http::Request& request);

// Whether a browser's request comes from a page of this very address: its Origin is the Host that was asked, or it has
// none and Sec-Fetch-Site does not say otherwise (programs that are not browsers). The guard against forged requests
// wherever a cookie counts.
bool IsSameOrigin(const http::Request& request);

// The page's origin where it is another site; empty for our own pages (a widget's frame is one: which sites may embed
// it, its CSP says) and for programs.
std::string ForeignOrigin(const http::Request& request);

// Set-Cookie values.
std::string SessionCookie(std::string_view token, bool secure);
std::string ClearedSessionCookie(bool secure);

// The Host header as a host for a CSP: lower case, with port; empty when it is not a proper one.
std::string ProperHost(const http::Request& request);

}  // namespace yizhan::edge
