// What the edge does without a socket.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/status.h"
#include "edge/client_frames.h"
#include "edge/credentials.h"
#include "edge/rate_limiter.h"
#include "edge/static_files.h"
#include "edge/web_socket.h"
#include "yizhan/desk/v1/agent_service.pb.h"
#include "yizhan/desk/v1/visitor_service.pb.h"
#include "yizhan/im/v1/message_service.pb.h"

namespace yizhan::edge {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

// --- RFC 6455

// A client's frame: flags and opcode, payload, masked with "\1\2\3\4".
std::string Masked(int first, const std::string& payload) {
  std::string frame(1, static_cast<char>(first));
  if (payload.size() < 126) {
    frame.push_back(static_cast<char>(0x80 | payload.size()));
  } else if (payload.size() < 65536) {
    frame.push_back(static_cast<char>(0xFE));
    frame.push_back(static_cast<char>(payload.size() >> 8));
    frame.push_back(static_cast<char>(payload.size()));
  } else {
    frame.push_back(static_cast<char>(0xFF));
    for (int i = 7; i >= 0; --i) frame.push_back(static_cast<char>(static_cast<uint64_t>(payload.size()) >> (8 * i)));
  }
  frame += "\1\2\3\4";
  for (size_t i = 0; i < payload.size(); ++i) frame.push_back(static_cast<char>(payload[i] ^ "\1\2\3\4"[i & 3]));
  return frame;
}

struct Decoded {
  std::vector<std::string> messages;  // "1:text"
  absl::Status status;
  uint16_t code = 0;
};

// Feeds the bytes in pieces of a size.
Decoded Decode(const std::string& bytes, size_t piece, size_t max = 100'000) {
  WebSocketDecoder decoder(max);
  Decoded out;
  for (size_t at = 0; at < bytes.size() && out.status.ok(); at += piece) {
    out.status = decoder.Feed(std::string_view(bytes).substr(at, piece), [&](WebSocketKind kind, std::string payload) {
      out.messages.push_back(std::to_string(static_cast<int>(kind)) + ":" + payload);
      return true;
    });
  }
  out.code = decoder.close_code();
  return out;
}

TEST(WebSocket, DecodesWhateverThePieces) {
  std::string large(70'000, 'z');
  std::string bytes = Masked(0x81, "你好") + Masked(0x82, "") + Masked(0x01, "one ") + Masked(0x89, "ping") +
                      Masked(0x00, "two ") + Masked(0x80, "three") + Masked(0x82, large) +
                      Masked(0x88, std::string("\x03\xe8") + "bye");
  for (size_t piece : {size_t{1}, size_t{2}, size_t{7}, bytes.size()}) {
    Decoded out = Decode(bytes, piece);
    EXPECT_TRUE(out.status.ok()) << out.status;
    EXPECT_THAT(out.messages, ElementsAre("1:你好", "2:", "9:ping", "1:one two three", "2:" + large,
                                          "8:\x03\xe8"
                                          "bye"));
  }
}

TEST(WebSocket, ClosesOnWhatBreaksTheProtocol) {
  auto code = [](const std::string& bytes) {
    Decoded out = Decode(bytes, bytes.size(), 1000);
    EXPECT_FALSE(out.status.ok());
    return out.code;
  };
  EXPECT_EQ(code(std::string("\x81\x02hi")), kCloseProtocol);                             // not masked
  EXPECT_EQ(code(Masked(0xC1, "x")), kCloseProtocol);                                     // a reserved bit
  EXPECT_EQ(code(Masked(0x83, "x")), kCloseProtocol);                                     // an unknown kind
  EXPECT_EQ(code(Masked(0x8B, "x")), kCloseProtocol);                                     // an unknown control frame
  EXPECT_EQ(code(Masked(0x80, "x")), kCloseProtocol);                                     // a continuation of nothing
  EXPECT_EQ(code(Masked(0x01, "x") + Masked(0x81, "y")), kCloseProtocol);                 // a message inside a message
  EXPECT_EQ(code(Masked(0x09, "x")), kCloseProtocol);                                     // a cut control frame
  EXPECT_EQ(code(Masked(0x89, std::string(126, 'x'))), kCloseProtocol);                   // a long one
  EXPECT_EQ(code(std::string("\x81\xFE\x00\x05", 4) + "\1\2\3\4hello"), kCloseProtocol);  // a length in a longer form
  EXPECT_EQ(code(Masked(0x82, std::string(1001, 'x'))), kCloseTooLarge);
  EXPECT_EQ(code(Masked(0x02, std::string(600, 'x')) + Masked(0x80, std::string(600, 'x'))), kCloseTooLarge);
  EXPECT_EQ(code(std::string("\x82\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\1\2\3\4", 14)), kCloseTooLarge);
  EXPECT_EQ(code(Masked(0x81, "\xff")), kCloseNotUtf8);
  EXPECT_EQ(code(Masked(0x88, "x")), kCloseProtocol);                         // half a code
  EXPECT_EQ(code(Masked(0x88, std::string("\x03\xed", 2))), kCloseProtocol);  // 1005 is never sent
  EXPECT_EQ(code(Masked(0x88, std::string("\x03\xe8\xff", 3))), kCloseNotUtf8);
}

TEST(WebSocket, EncodesLengthsAndCutsReasons) {
  EXPECT_EQ(WebSocketFrame(WebSocketKind::kText, "hi"), "\x81\x02hi");
  EXPECT_EQ(WebSocketHeader(WebSocketKind::kBinary, 126), std::string("\x82\x7e\x00\x7e", 4));
  EXPECT_EQ(WebSocketHeader(WebSocketKind::kBinary, 65536),
            std::string("\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10));
  std::string close = WebSocketClose(1001, std::string(122, 'x') + "你");
  EXPECT_EQ(close.size(), 2 + 2 + 122u) << "a character is not cut";
}

// --- frames of live clients

std::string Translate(FrameTranslator* translator, const std::string& json, absl::Time now = absl::UnixEpoch()) {
  auto frame = ParseClientFrame(json, true);
  if (!frame.ok()) return "not a frame";
  auto call = translator->Translate(*frame, now);
  if (!call.ok()) return ReasonOf(call.status());
  return call->has_value() ? (*call)->method : "nothing";
}

TEST(ClientFrames, GoToTheServiceOfTheirConversation) {
  rpc::Principal person, visitor;
  person.set_kind(rpc::Principal::KIND_PERSON);
  visitor.set_kind(rpc::Principal::KIND_VISITOR);
  FrameTranslator p(person), v(visitor);
  EXPECT_EQ(Translate(&p, R"({"typing":{"conversationId":"d:1","active":true}})"),
            "/yizhan.im.v1.MessageService/SetTyping");
  EXPECT_EQ(Translate(&p, R"({"typing":{"conversationId":"d:1","active":true}})"), "nothing") << "once a second";
  EXPECT_EQ(Translate(&p, R"({"typing":{"conversationId":"d:1"}})"), "/yizhan.im.v1.MessageService/SetTyping");
  EXPECT_EQ(Translate(&p, R"({"typing":{"conversationId":"d:1","active":true}})"),
            "/yizhan.im.v1.MessageService/SetTyping");
  EXPECT_EQ(Translate(&p, R"({"typing":{"conversationId":"d:1","active":true}})", absl::UnixEpoch() + absl::Seconds(1)),
            "/yizhan.im.v1.MessageService/SetTyping");
  EXPECT_EQ(Translate(&p, R"({"typing":{"conversationId":"r:1","active":true}})"),
            "/yizhan.desk.v1.AgentService/SetTyping");
  EXPECT_EQ(Translate(&p, R"({"typing":{"conversationId":"x"}})"), "PROTOCOL_ERROR");
  EXPECT_EQ(Translate(&v, R"({"typing":{"active":true,"preview":"我"}})"), "/yizhan.desk.v1.VisitorService/SetTyping");
  EXPECT_EQ(Translate(&v, R"({"setPresence":{}})"), "PROTOCOL_ERROR");
  EXPECT_EQ(Translate(&v, R"({"watchPresence":{}})"), "PROTOCOL_ERROR");
  EXPECT_EQ(Translate(&p, R"({"setPresence":{"show":"SHOW_AWAY","status":"午饭"}})"),
            "/yizhan.im.v1.ConversationService/SetPresence");
  std::string long_status = R"({"setPresence":{"status":")" + std::string(201, 'x') + "\"}}";
  EXPECT_EQ(Translate(&p, long_status), "PROTOCOL_ERROR");
  std::string many = R"({"watchPresence":{"personIds":[)";
  for (int i = 0; i < 501; ++i) many += i ? ",\"p\"" : "\"p\"";
  EXPECT_EQ(Translate(&p, many + "]}}"), "PROTOCOL_ERROR");
  EXPECT_EQ(Translate(&p, "{}"), "nothing");
  EXPECT_EQ(Translate(&p, "{"), "not a frame");
  EXPECT_FALSE(ParseClientFrame("\xff\xff", false).ok());
}

// --- addresses

TEST(RateLimiter, RefillsAndTakesAnIpv6NetworkForOneAddress) {
  RateLimiter limiter({.per_second = 1, .burst = 2, .addresses = 100});
  absl::Time now = absl::UnixEpoch();
  EXPECT_EQ(limiter.Take("1.1.1.1", now), absl::ZeroDuration());
  EXPECT_EQ(limiter.Take("1.1.1.1", now), absl::ZeroDuration());
  EXPECT_EQ(limiter.Take("1.1.1.1", now), absl::Seconds(1));
  EXPECT_EQ(limiter.Take("1.1.1.2", now), absl::ZeroDuration());
  EXPECT_EQ(limiter.Take("1.1.1.1", now + absl::Seconds(1)), absl::ZeroDuration());
  EXPECT_EQ(limiter.Take("2001:db8::1", now), absl::ZeroDuration());
  EXPECT_EQ(limiter.Take("2001:db8::2", now), absl::ZeroDuration());
  EXPECT_GT(limiter.Take("2001:db8::3", now), absl::ZeroDuration());
  for (int i = 0; i < 1000; ++i) limiter.Take("9.9.9." + std::to_string(i), now);  // bounded
}

TEST(Credentials, TheOriginIsTheHostThatWasAsked) {
  http::Request request;
  request.secure = true;
  request.headers = {{"host", "IM.bank.example:443"}, {"origin", "https://im.bank.example"}};
  EXPECT_TRUE(IsSameOrigin(request));
  request.headers = {{"host", "im.bank.example:8443"}, {"origin", "https://im.bank.example:8443"}};
  EXPECT_TRUE(IsSameOrigin(request));
  request.headers = {{"host", "im.bank.example:8443"}, {"origin", "https://im.bank.example"}};
  EXPECT_FALSE(IsSameOrigin(request));
  EXPECT_EQ(ForeignOrigin(request), "https://im.bank.example");
  request.headers = {{"origin", "https://im.bank.example"}};
  EXPECT_FALSE(IsSameOrigin(request));
  request.headers = {{"host", "x; script-src *"}};
  EXPECT_EQ(ProperHost(request), "");
}

// --- pages

class StaticTest : public ::testing::Test {
 protected:
  StaticTest() {
    dir_ = ::testing::TempDir() + "/yizhan-pages";
    std::filesystem::remove_all(dir_);
    Write("client/index.html", "<html>client</html>");
    Write("client/assets/main-B3xk29Qf.js", std::string(5000, 'j'));
    Write("client/first-paint.js", "fp");
    Write("client/.hidden.js", "secret");
    Write("client/data.bin", "unknown type");
    Write("workbench/index.html", "<html>desk</html>");
    Write("widget/frame.html", "<html>frame</html>");
    Write("widget/demo.html", "<html>demo</html>");
    Write("widget/loader.js", "loader");
    Write("../outside.html", "outside");
    std::filesystem::create_symlink("../../outside.html", dir_ + "/client/link.html");
    StaticOptions options;
    options.dir = dir_;
    files_ = StaticFiles::Load(options).value();
  }
  void Write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(dir_ + "/" + path).parent_path());
    std::ofstream(dir_ + "/" + path) << text;
  }
  http::Response Get(const std::string& path, std::vector<std::pair<std::string, std::string>> headers = {},
                     const std::string& method = "GET", const std::string& sites = "") {
    http::Request request;
    request.method = method;
    request.path = path;
    request.secure = true;
    request.headers = std::move(headers);
    request.headers.emplace_back("host", "im.bank.example");
    return files_->Serve(request, sites);
  }
  static std::string Header(const http::Response& response, const std::string& name) {
    for (const auto& [key, value] : response.headers) {
      if (key == name) return value;
    }
    return "";
  }
  std::string dir_;
  std::unique_ptr<StaticFiles> files_;
};

TEST_F(StaticTest, ServesAppsWithTheirPolicies) {
  http::Response page = Get("/");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(*page.shared_body, "<html>client</html>");
  EXPECT_EQ(Header(page, "Content-Security-Policy"),
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; font-src 'self'; "
            "media-src 'self' blob:; "
            "connect-src 'self' wss://im.bank.example; worker-src 'self'; manifest-src 'self'; form-action 'self'; "
            "base-uri 'none'; "
            "frame-ancestors 'none'");
  EXPECT_EQ(Header(page, "X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(Header(page, "Cache-Control"), "no-cache");
  EXPECT_EQ(Header(page, "Content-Type"), "text/html; charset=utf-8");
  EXPECT_EQ(*Get("/desk/").shared_body, "<html>desk</html>");
  EXPECT_EQ(Header(Get("/desk"), "Location"), "/desk/");
  EXPECT_THAT(Header(Get("/widget/frame.html"), "Content-Security-Policy"), EndsWith("; frame-ancestors 'self'"));
  EXPECT_THAT(Header(Get("/widget/demo.html"), "Content-Security-Policy"),
              HasSubstr("frame-src 'self'; frame-ancestors 'none'"));
  EXPECT_EQ(Header(Get("/widget/loader.js"), "Cross-Origin-Resource-Policy"), "cross-origin");
  EXPECT_EQ(Header(Get("/first-paint.js"), "Cross-Origin-Resource-Policy"), "same-origin");
}

TEST_F(StaticTest, CachesAndCompresses) {
  http::Response plain = Get("/assets/main-B3xk29Qf.js");
  EXPECT_EQ(Header(plain, "Cache-Control"), "public, max-age=31536000, immutable");
  EXPECT_EQ(Header(plain, "Vary"), "Accept-Encoding");
  EXPECT_EQ(plain.shared_body->size(), 5000u);
  http::Response gzip = Get("/assets/main-B3xk29Qf.js", {{"accept-encoding", "br, gzip;q=0.8"}});
  EXPECT_EQ(Header(gzip, "Content-Encoding"), "gzip");
  EXPECT_LT(gzip.shared_body->size(), 100u);
  EXPECT_EQ(Header(Get("/assets/main-B3xk29Qf.js", {{"accept-encoding", "gzip;q=0"}}), "Content-Encoding"), "");
  EXPECT_EQ(Get("/", {{"if-none-match", Header(Get("/"), "ETag")}}).status, 304);
  EXPECT_EQ(Get("/", {{"if-none-match", "W/\"other\""}}).status, 200);
}

TEST_F(StaticTest, FallsBackToThePageOfARoute) {
  EXPECT_EQ(*Get("/settings").shared_body, "<html>client</html>");
  EXPECT_EQ(*Get("/desk/queue").shared_body, "<html>desk</html>");
  EXPECT_EQ(Header(Get("/desk/queue/7"), "Location"), "/desk/");
  EXPECT_EQ(Get("/nothing.js").status, 404);
  EXPECT_EQ(Get("/widget/nothing").status, 404);
  EXPECT_EQ(Get("/", {}, "POST").status, 405);
}

TEST_F(StaticTest, LeadsNowhereElse) {
  for (const char* path : {"/../outside.html", "/%2e%2e/outside.html", "/assets/../../outside.html",
                           "/..%2foutside.html", "/%2e%2e%2foutside.html", "/assets/..", "//../outside.html", "/%00",
                           "/a%", "/\\..\\x", "", "x", "/./index.html"}) {
    http::Response response = Get(path);
    EXPECT_EQ(response.status, 400) << path;
  }
  for (const char* path : {"/link.html", "/.hidden.js", "/data.bin", "//etc/passwd.txt", "/%252e%252e/outside.html"}) {
    http::Response response = Get(path);
    EXPECT_THAT(response.status, ::testing::AnyOf(404, 302)) << path;
    EXPECT_EQ(response.shared_body, nullptr) << path;
  }
  StaticOptions options;
  options.dir = dir_ + "/nothing";
  EXPECT_EQ(ReasonOf(StaticFiles::Load(options).status()), "PAGES_MISSING");
}

TEST_F(StaticTest, LetsTheSitesOfAChannelEmbedTheFrameAndNothingElse) {
  const std::string sites = " https://www.bank.example http://10.0.0.7:8080";
  http::Response frame = Get("/widget/frame.html", {}, "GET", sites);
  EXPECT_THAT(Header(frame, "Content-Security-Policy"), EndsWith("; frame-ancestors 'self'" + sites));
  // A browser that kept the page would keep an old policy with it.
  EXPECT_EQ(Header(frame, "Cache-Control"), "no-store");
  EXPECT_EQ(Get("/widget/frame.html", {{"if-none-match", Header(frame, "ETag")}}, "GET", sites).status, 200);
  for (const char* path : {"/", "/desk/", "/widget/demo.html"}) {
    EXPECT_THAT(Header(Get(path, {}, "GET", sites), "Content-Security-Policy"), EndsWith("; frame-ancestors 'none'"))
        << path;
  }
}

}  // namespace
}  // namespace yizhan::edge
