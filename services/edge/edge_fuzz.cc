// Everything of the edge that reads bytes from outside, without a socket. The first byte chooses which.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/http/request_parser.h"
#include "edge/client_frames.h"
#include "edge/connect.h"
#include "edge/credentials.h"
#include "edge/transcode.h"
#include "edge/web_socket.h"
#include "yizhan/im/v1/message_service.pb.h"

namespace {

using namespace yizhan::edge;
namespace http = yizhan::http;

// A request that was understood is taken the whole way to the call.
void TakeRequest(http::Request request) {
  (void)request.Parameter("format");
  Credentials credentials;
  (void)ReadCredentials(request, &credentials);
  (void)IsSameOrigin(request);
  (void)ForeignOrigin(request);
  std::string accept;
  (void)CheckWebSocketRequest(request, &accept);
  auto call = ParseConnectCall(request);
  if (call.ok() && call->json && !FromBinary(yizhan::rpc::FindMethod(call->method)->input_type(), call->request).ok())
    std::abort();
}

void Http(std::string_view bytes, size_t piece) {
  http::RequestLimits limits;
  limits.header_bytes = 4096;
  limits.body_bytes = 8192;
  http::RequestParser parser(limits);
  while (!bytes.empty() && !parser.error()) {
    std::string_view part = bytes.substr(0, piece);
    bytes.remove_prefix(part.size());
    while (!part.empty() && !parser.error()) {
      size_t used = parser.Feed(part);
      if (used > part.size() || (used < part.size() && !parser.done() && !parser.error())) std::abort();
      part.remove_prefix(used);
      if (parser.done()) TakeRequest(parser.Take());
    }
  }
}

void WebSocket(std::string_view bytes, size_t piece) {
  WebSocketDecoder decoder(4096);
  yizhan::rpc::Principal person;
  person.set_kind(yizhan::rpc::Principal::KIND_PERSON);
  FrameTranslator translator(person);
  absl::Time now = absl::UnixEpoch();
  while (!bytes.empty()) {
    absl::Status status = decoder.Feed(bytes.substr(0, piece), [&](WebSocketKind kind, std::string payload) {
      auto frame = ParseClientFrame(payload, kind == WebSocketKind::kText);
      if (frame.ok()) (void)translator.Translate(*frame, now += absl::Milliseconds(300));
      return true;
    });
    if (!status.ok()) return;
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
}

void Json(std::string_view bytes) {
  const auto* type = yizhan::im::v1::SendMessageRequest::descriptor();
  auto message = FromJson(type, bytes);
  if (!message.ok()) return;
  // What was taken can be given back, and is the same again.
  auto text = ToJson(**message);
  if (!text.ok()) return;
  auto again = FromJson(type, *text);
  if (!again.ok() || (*again)->SerializeAsString() != (*message)->SerializeAsString()) std::abort();
}

void Connect(std::string_view bytes) {
  http::Request request;
  request.method = "POST";
  request.path = "/yizhan.directory.v1.SessionService/LogIn";
  request.headers = {{"content-type", "application/json"}, {"host", "localhost"}};
  request.body = std::string(bytes);
  TakeRequest(request);
  request.headers[0].second = "application/proto";
  TakeRequest(std::move(request));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  size_t piece = 1 + data[1];
  switch (data[0] % 4) {
    case 0:
      Http(bytes, piece);
      break;
    case 1:
      WebSocket(bytes, piece);
      break;
    case 2:
      Json(bytes);
      break;
    default:
      Connect(bytes);
      break;
  }
  return 0;
}
