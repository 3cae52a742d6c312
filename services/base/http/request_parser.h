// HTTP/1.1 requests out of bytes. Knows no socket: the fuzz target feeds it.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

#include "base/http/message.h"

namespace yizhan::http {

struct RequestLimits {
  size_t header_bytes = 16 << 10;  // request line and headers
  size_t body_bytes = 5 << 20;     // a 4 MiB message, and what base64 or JSON adds to smaller ones
};

class RequestParser {
 public:
  explicit RequestParser(const RequestLimits& limits);
  ~RequestParser();

  // Takes bytes of one request; returns how many it used. The rest belongs to the next one, or is to be fed again together with what
  // comes after it.
  size_t Feed(std::string_view bytes);
  // Nothing of a request has come yet.
  bool idle() const;
  // The whole request is here: Take() it.
  bool done() const;
  // Set when the request cannot be taken: 400, 413, 431, 505, with a sentence. The connection is to be closed after it.
  const std::optional<Response>& error() const { return error_; }
  // The header is here and asks for "100 Continue" before the body comes. True once.
  bool WantsContinue();
  // Whether the connection may be used again after this request.
  bool keep_alive() const;
  // Method, path, query, headers, body. Once.
  Request Take();

 private:
  struct Impl;
  void Fail(int status, std::string text);
  const RequestLimits limits_;
  std::unique_ptr<Impl> impl_;
  std::optional<Response> error_;
  bool keep_alive_ = false, continued_ = false;
};

}  // namespace yizhan::http
