// HTTP requests and responses as handlers see them.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "base/http/stream.h"

namespace yizhan::http {

struct Request {
  std::string method;                                        // "GET"
  std::string path;                                          // as sent, percent-encoding and all, without the query
  std::string query;                                         // without the question mark
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
  std::string remote_address;
  bool secure = false;
  // The io thread of its connection.
  size_t thread = 0;

  // The first header of that (lower-case) name; empty when there is none.
  std::string_view Header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
      if (key == name) return value;
    }
    return {};
  }
  // A parameter of the query, decoded; empty when there is none.
  std::string Parameter(std::string_view name) const;
  // A cookie's value; empty when there is none.
  std::string_view Cookie(std::string_view name) const;
};

// Takes a connection over after a 101: the stream, detached, and what had been read beyond the request.
using Upgrade = absl::AnyInvocable<void(std::shared_ptr<Stream>, std::string)>;

struct Response {
  int status = 200;
  // Without Content-Length, Connection and Date, which the server adds.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  // Instead of body: the same bytes for many.
  std::shared_ptr<const std::string> shared_body;
  // Ends the connection after this response.
  bool close = false;
  Upgrade upgrade;
};

// Answers a request: called once, from any thread. Letting it go answers 500.
using Respond = absl::AnyInvocable<void(Response)>;

// A plain-text answer.
Response TextResponse(int status, std::string text);

// The reason phrase of a status.
std::string_view ReasonPhrase(int status);

// %41 and, where `plus` is set, + for a space. False for what is malformed.
bool PercentDecode(std::string_view text, bool plus, std::string* out);

}  // namespace yizhan::http
