#include "edge/credentials.h"

#include <algorithm>

#include "base/ids.h"
#include "base/status.h"

namespace yizhan::edge {
namespace {

constexpr size_t kMaxTokenBytes = 512;

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  return lower;
}

// "host:port" without the port that the scheme implies.
std::string WithoutDefaultPort(std::string host, bool secure) {
  std::string_view port = secure ? ":443" : ":80";
  if (host.size() > port.size() && std::string_view(host).substr(host.size() - port.size()) == port)
    host.resize(host.size() - port.size());
  return host;
}

bool IsTokenText(std::string_view token) {
  return token.size() <= kMaxTokenBytes &&
         std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < 0x7F && c != ';' && c != ','; });
}

}  // namespace

absl::Status ReadCredentials(const http::Request& request, Credentials* credentials) {
  std::string_view authorization = request.Header("authorization");
  if (!authorization.empty()) {
    constexpr std::string_view kBearer = "bearer ";
    std::string_view token = authorization.substr(std::min(kBearer.size(), authorization.size()));
    if (Lower(authorization.substr(0, kBearer.size())) != kBearer || token.empty() || !IsTokenText(token)) {
      return Refuse(absl::StatusCode::kUnauthenticated, "TOKEN_REQUIRED",
                    "the Authorization header must be \"Bearer TOKEN\"");
    }
    credentials->token = std::string(token);
    return absl::OkStatus();
  }
  std::string_view cookie = request.Cookie(kSessionCookie);
  if (!cookie.empty() && IsTokenText(cookie)) {
    credentials->token = std::string(cookie);
    credentials->from_cookie = true;
  }
  return absl::OkStatus();
}

std::string ProperHost(const http::Request& request) {
  std::string host = Lower(request.Header("host"));
  bool proper = !host.empty() && host.size() <= 255 && std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == ':' || c == '[' || c == ']';
  });
  return proper ? host : "";
}

std::string RequestIdOf(const http::Request& request) {
  for (const char* name : {"yizhan-request-id", "x-request-id"}) {
    if (std::string_view id = request.Header(name); IsRequestId(id)) return std::string(id);
  }
  return RandomRequestId();
}

bool IsSameOrigin(const http::Request& request) {
  std::string_view origin = request.Header("origin");
  if (origin.empty()) {
    std::string_view site = request.Header("sec-fetch-site");
    return site.empty() || site == "same-origin" || site == "none";
  }
  std::string host = ProperHost(request);
  if (host.empty()) return false;
  std::string own = (request.secure ? "https://" : "http://") + WithoutDefaultPort(host, request.secure);
  return Lower(origin) == own;
}

std::string ForeignOrigin(const http::Request& request) {
  std::string_view origin = request.Header("origin");
  if (origin.empty() || IsSameOrigin(request)) return "";
  return std::string(origin.substr(0, 300));
}

std::string SessionCookie(std::string_view token, bool secure) {
  return std::string(kSessionCookie) + "=" + std::string(token) + "; Path=/; HttpOnly; SameSite=Strict" +
         (secure ? "; Secure" : "");
}

std::string ClearedSessionCookie(bool secure) {
  return std::string(kSessionCookie) + "=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0" + (secure ? "; Secure" : "");
}

}  // namespace yizhan::edge
