#include "edge/web_socket.h"

#include <openssl/sha.h>

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/utf8.h"

namespace yizhan::edge {
namespace {

constexpr uint8_t kContinuation = 0;
constexpr size_t kMaxControlBytes = 125;
constexpr char kGuid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

bool IsControl(uint8_t opcode) { return opcode >= 8; }

bool HasToken(std::string_view header, std::string_view wanted) {
  while (!header.empty()) {
    size_t end = std::min(header.find(','), header.size());
    std::string_view item = header.substr(0, end);
    header.remove_prefix(std::min(end + 1, header.size()));
    while (!item.empty() && (item.front() == ' ' || item.front() == '\t')) item.remove_prefix(1);
    while (!item.empty() && (item.back() == ' ' || item.back() == '\t')) item.remove_suffix(1);
    if (item.size() == wanted.size() && std::equal(item.begin(), item.end(), wanted.begin(), [](char a, char b) {
          return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b;
        })) {
      return true;
    }
  }
  return false;
}

bool IsCloseCode(uint16_t code) {
  return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
         (code >= 3000 && code <= 4999);
}

}  // namespace

absl::Status WebSocketDecoder::Fail(uint16_t code, std::string_view why) {
  close_code_ = code;
  return Refuse(absl::StatusCode::kInvalidArgument, "PROTOCOL_ERROR", why);
}

absl::Status WebSocketDecoder::Feed(std::string_view bytes,
                                    const std::function<bool(WebSocketKind, std::string)>& take) {
  while (!bytes.empty() || (in_payload_ && read_ == length_)) {
    if (!in_payload_) {
      header_.push_back(bytes.front());
      bytes.remove_prefix(1);
      YZ_RETURN_IF_ERROR(ReadHeader());
      continue;
    }
    std::string& into = IsControl(opcode_) ? control_ : message_;
    size_t part = std::min(bytes.size(), length_ - read_);
    size_t at = into.size();
    into.append(bytes.substr(0, part));
    for (size_t i = 0; i < part; ++i) into[at + i] = static_cast<char>(into[at + i] ^ mask_[(read_ + i) & 3]);
    read_ += part;
    bytes.remove_prefix(part);
    if (read_ < length_) return absl::OkStatus();
    bool go_on = true;
    YZ_RETURN_IF_ERROR(EndFrame(take, &go_on));
    if (!go_on) return absl::OkStatus();
  }
  return absl::OkStatus();
}

absl::Status WebSocketDecoder::ReadHeader() {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(header_[i]); };
  if (header_.size() < 2) return absl::OkStatus();
  size_t length_bytes = (byte(1) & 0x7F) == 126 ? 2 : (byte(1) & 0x7F) == 127 ? 8 : 0;
  if (header_.size() == 2) {
    if (byte(0) & 0x70) return Fail(kCloseProtocol, "a reserved bit is set");
    if (!(byte(1) & 0x80)) return Fail(kCloseProtocol, "a client's frame must be masked");
    final_ = byte(0) & 0x80;
    opcode_ = byte(0) & 0x0F;
    if (IsControl(opcode_) ? opcode_ > 10 : opcode_ > 2) return Fail(kCloseProtocol, "an unknown kind of frame");
    if (IsControl(opcode_) && (!final_ || (byte(1) & 0x7F) > kMaxControlBytes))
      return Fail(kCloseProtocol, "a control frame is cut or too long");
    if (opcode_ == kContinuation && message_opcode_ == 0) return Fail(kCloseProtocol, "a continuation of nothing");
    if ((opcode_ == 1 || opcode_ == 2) && message_opcode_ != 0)
      return Fail(kCloseProtocol, "a message inside a message");
  }
  if (header_.size() < 2 + length_bytes + 4) return absl::OkStatus();
  uint64_t length = byte(1) & 0x7F;
  if (length_bytes > 0) {
    length = 0;
    for (size_t i = 0; i < length_bytes; ++i) length = length << 8 | byte(2 + i);
    if (length < (length_bytes == 2 ? 126u : 65536u))
      return Fail(kCloseProtocol, "a length is not written in its shortest form");
  }
  if (!IsControl(opcode_) && length > max_message_bytes_ - message_.size()) {
    return Fail(kCloseTooLarge, absl::StrCat("a message is larger than ", max_message_bytes_, " bytes"));
  }
  for (size_t i = 0; i < 4; ++i) mask_[i] = byte(2 + length_bytes + i);
  length_ = static_cast<size_t>(length);
  read_ = 0;
  in_payload_ = true;
  header_.clear();
  if (opcode_ == 1 || opcode_ == 2) message_opcode_ = opcode_;
  return absl::OkStatus();
}

absl::Status WebSocketDecoder::EndFrame(const std::function<bool(WebSocketKind, std::string)>& take, bool* go_on) {
  in_payload_ = false;
  length_ = read_ = 0;
  if (IsControl(opcode_)) {
    std::string payload = std::exchange(control_, {});
    if (opcode_ == static_cast<uint8_t>(WebSocketKind::kClose) && !payload.empty()) {
      if (payload.size() == 1) return Fail(kCloseProtocol, "half a close code");
      uint16_t code =
          static_cast<uint16_t>(static_cast<unsigned char>(payload[0]) << 8 | static_cast<unsigned char>(payload[1]));
      if (!IsCloseCode(code)) return Fail(kCloseProtocol, "not a close code");
      if (!IsUtf8(std::string_view(payload).substr(2))) return Fail(kCloseNotUtf8, "a close reason is not UTF-8");
    }
    *go_on = take(static_cast<WebSocketKind>(opcode_), std::move(payload));
    return absl::OkStatus();
  }
  if (!final_) return absl::OkStatus();
  uint8_t opcode = std::exchange(message_opcode_, 0);
  std::string message = std::exchange(message_, {});
  if (opcode == 1 && !IsUtf8(message)) return Fail(kCloseNotUtf8, "a text message is not UTF-8");
  *go_on = take(static_cast<WebSocketKind>(opcode), std::move(message));
  return absl::OkStatus();
}

std::string WebSocketHeader(WebSocketKind kind, size_t length) {
  std::string header(1, static_cast<char>(0x80 | static_cast<uint8_t>(kind)));
  if (length < 126) {
    header.push_back(static_cast<char>(length));
  } else {
    int bytes = length < 65536 ? 2 : 8;
    header.push_back(static_cast<char>(bytes == 2 ? 126 : 127));
    for (int i = bytes - 1; i >= 0; --i)
      header.push_back(static_cast<char>(static_cast<uint64_t>(length) >> (8 * i) & 0xFF));
  }
  return header;
}

std::string WebSocketFrame(WebSocketKind kind, std::string_view payload) {
  std::string frame = WebSocketHeader(kind, payload.size());
  frame.append(payload);
  return frame;
}

std::string WebSocketClose(uint16_t code, std::string_view reason) {
  std::string payload = {static_cast<char>(code >> 8), static_cast<char>(code & 0xFF)};
  size_t end = 0;
  while (end < reason.size()) {
    size_t length = Utf8SequenceLength(reason, end);
    if (length == 0 || end + length > kMaxControlBytes - 2) break;
    end += length;
  }
  payload.append(reason.substr(0, end));
  return WebSocketFrame(WebSocketKind::kClose, payload);
}

absl::Status CheckWebSocketRequest(const http::Request& request, std::string* accept) {
  auto bad = [](std::string_view why) { return Refuse(absl::StatusCode::kInvalidArgument, "NOT_A_WEBSOCKET", why); };
  if (request.method != "GET") return bad("a WebSocket is opened by GET");
  if (!HasToken(request.Header("upgrade"), "websocket") || !HasToken(request.Header("connection"), "upgrade")) {
    return bad("this is the address of a WebSocket: connect with Upgrade: websocket");
  }
  if (request.Header("sec-websocket-version") != "13") return bad("Sec-WebSocket-Version must be 13");
  std::string key(request.Header("sec-websocket-key")), decoded;
  if (key.size() != 24 || !absl::Base64Unescape(key, &decoded) || decoded.size() != 16)
    return bad("Sec-WebSocket-Key must be 16 bytes in base64");
  std::string text = key + kGuid;
  unsigned char digest[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  *accept = absl::Base64Escape(std::string(reinterpret_cast<char*>(digest), sizeof(digest)));
  return absl::OkStatus();
}

}  // namespace yizhan::edge
