// HTTP/1.1 requests (RFC 9112) out of bytes. Knows no socket: the fuzz target feeds it.
//
// Strict where leniency has let requests be smuggled: lines end in CRLF, names touch their colon, nothing is folded, a
// length is given once and in one way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/http/message.h"

namespace yizhan::http {

struct RequestLimits {
  size_t header_bytes = 16 << 10;  // request line and headers; trailers again so many
  size_t headers = 100;
  size_t body_bytes = 5 << 20;  // a 4 MiB message, and what base64 or JSON adds to smaller ones
};

class RequestParser {
 public:
  explicit RequestParser(const RequestLimits& limits) : limits_(limits) {}

  // Takes bytes of one request as they come; returns how many it used: fewer than there are only when the request is
  // done or refused.
  size_t Feed(std::string_view bytes);
  // Nothing of a request has come yet.
  bool idle() const { return state_ == State::kHead && head_.empty(); }
  // The whole request is here: Take() it.
  bool done() const { return state_ == State::kDone; }
  // Set when the request cannot be taken: 400, 413, 431, 501, 505, with a sentence. The connection is to be closed
  // after it.
  const std::optional<Response>& error() const { return error_; }
  // Bytes held of a request that is not whole yet.
  size_t held_bytes() const { return head_.size() + request_.body.size(); }
  // The header is here and asks for "100 Continue" before the body comes. True once.
  bool WantsContinue();
  // Whether the connection may be used again after the request that was taken last.
  bool keep_alive() const { return keep_alive_; }
  // Method, path, query, headers, body. Once; the parser is ready for the next request.
  Request Take();

 private:
  enum class State { kHead, kBody, kChunkSize, kChunk, kChunkEnd, kTrailers, kDone };
  void Fail(int status, std::string text);
  size_t FeedHead(std::string_view bytes);
  size_t FeedBody(std::string_view bytes);
  size_t FeedLine(std::string_view bytes, size_t limit);
  void ReadHead();
  bool ReadRequestLine(std::string_view line);
  bool ReadField(std::string_view line);
  void ReadFraming();
  void ReadChunkSize();

  const RequestLimits limits_;
  State state_ = State::kHead;
  std::string head_;  // or the line of a chunk that is being read
  Request request_;
  bool version_1_0_ = false, keep_alive_ = false, expects_ = false;
  uint64_t left_ = 0;    // of the body or chunk
  size_t trailers_ = 0;  // bytes
  std::optional<Response> error_;
};

}  // namespace yizhan::http
