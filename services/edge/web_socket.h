// RFC 6455 without a socket: frames out of bytes, and back. A server's side.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/http/message.h"

namespace yizhan::edge {

enum class WebSocketKind : uint8_t { kText = 1, kBinary = 2, kClose = 8, kPing = 9, kPong = 10 };

// Close codes (RFC 6455 7.4.1).
inline constexpr uint16_t kCloseNormal = 1000, kCloseGoingAway = 1001, kCloseProtocol = 1002, kCloseNotUtf8 = 1007,
                          kClosePolicy = 1008, kCloseTooLarge = 1009, kCloseTryLater = 1013;

class WebSocketDecoder {
 public:
  explicit WebSocketDecoder(size_t max_message_bytes) : max_message_bytes_(max_message_bytes) {}

  // Takes bytes as they come; `take` gets every whole message (false ends the feeding). Not OK when the client breaks
  // the protocol: the stream is to be closed with close_code().
  absl::Status Feed(std::string_view bytes, const std::function<bool(WebSocketKind, std::string)>& take);
  uint16_t close_code() const { return close_code_; }

 private:
  absl::Status Fail(uint16_t code, std::string_view why);
  absl::Status ReadHeader();
  absl::Status EndFrame(const std::function<bool(WebSocketKind, std::string)>& take, bool* go_on);

  const size_t max_message_bytes_;
  uint16_t close_code_ = kCloseNormal;
  std::string header_;  // of the frame that is being read
  bool in_payload_ = false;
  bool final_ = false;
  uint8_t opcode_ = 0, message_opcode_ = 0;
  unsigned char mask_[4] = {};
  size_t length_ = 0, read_ = 0;
  std::string control_, message_;
};

// The header of one whole unmasked frame.
std::string WebSocketHeader(WebSocketKind kind, size_t length);
std::string WebSocketFrame(WebSocketKind kind, std::string_view payload);
// `reason` at most 123 bytes of UTF-8; longer is cut.
std::string WebSocketClose(uint16_t code, std::string_view reason);

// Whether a request asks for a WebSocket rightly (GET, Upgrade, Connection, version 13, a proper key), and the answer's
// accept value. InvalidArgument says what is missing.
absl::Status CheckWebSocketRequest(const http::Request& request, std::string* accept);

}  // namespace yizhan::edge
