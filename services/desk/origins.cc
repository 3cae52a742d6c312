#include "desk/origins.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "desk/core.h"

namespace yizhan::desk {
namespace {

constexpr size_t kMaxOrigin = 270;  // a host's 253 characters, scheme and port

// Takes the scheme off; false when there is none of the web's.
bool TakeScheme(std::string_view& origin) {
  for (std::string_view scheme : {"https://", "http://"}) {
    if (origin.substr(0, scheme.size()) != scheme) continue;
    origin.remove_prefix(scheme.size());
    return true;
  }
  return false;
}

bool IsHost(std::string_view host) {
  return !host.empty() && host.front() != '.' && host.front() != '-' && host.find("..") == std::string_view::npos &&
         std::all_of(host.begin(), host.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-'; });
}

bool IsPort(std::string_view port) {
  return !port.empty() && port.size() <= 5 &&
         std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

absl::Status CheckOrigin(std::string_view origin) {
  if (origin == "*") return absl::OkStatus();
  std::string_view rest = origin;
  bool proper = origin.size() <= kMaxOrigin && TakeScheme(rest);
  const size_t colon = rest.find(':');
  proper =
      proper && IsHost(rest.substr(0, colon)) && (colon == std::string_view::npos || IsPort(rest.substr(colon + 1)));
  if (proper) return absl::OkStatus();
  return Refused(
      absl::StatusCode::kInvalidArgument, "ORIGIN_INVALID",
      absl::StrCat("\"", std::string(origin.substr(0, 100)),
                   "\" is not a site: write it as https://www.bank.example, in lower case, with a port where it is "
                   "not the usual one and nothing behind it; or * for any"));
}

absl::Status CheckEmbedding(const yizhan::desk::v1::Channel& channel, const std::string& origin) {
  if (origin.empty()) return absl::OkStatus();
  for (const std::string& allowed : channel.allowed_origins()) {
    if (allowed == "*" || allowed == origin) return absl::OkStatus();
  }
  return Refused(
      absl::StatusCode::kPermissionDenied, "ORIGIN_NOT_ALLOWED",
      absl::StrCat("the channel does not allow pages of ", origin, "; add it to the channel's allowed origins"));
}

}  // namespace yizhan::desk
