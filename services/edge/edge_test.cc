#include "edge/edge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "base/http/testing.h"
#include "base/logging.h"
#include "edge/testing/station.h"
#include "edge/web_socket.h"
#include "yizhan/desk/v1/visitor_service.pb.h"
#include "yizhan/directory/v1/session_service.pb.h"
#include "yizhan/im/v1/conversation_service.pb.h"
#include "yizhan/im/v1/message_service.pb.h"

namespace yizhan::edge {
namespace {

using http::testing::Client;
using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using testing::Station;
using yizhan::live::v1::ClientFrame;
using yizhan::live::v1::ServerFrame;

constexpr char kLogIn[] = "/yizhan.directory.v1.SessionService/LogIn";
constexpr char kWhoAmI[] = "/yizhan.directory.v1.SessionService/WhoAmI";
constexpr char kSend[] = "/yizhan.im.v1.MessageService/SendMessage";

// A WebSocket client, frame by frame.
class Socket {
 public:
  Socket(int port, const std::string& target, const std::string& headers = "") : client_(port) {
    client_.Send("GET " + target + " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
                 "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + headers + "\r\n");
    head = client_.ReadUntil("\r\n\r\n");
  }
  bool open() const { return head.rfind("HTTP/1.1 101", 0) == 0; }
  void SendRaw(std::string_view bytes) { client_.Send(bytes); }
  void Send(WebSocketKind kind, const std::string& payload) {
    std::string frame(1, static_cast<char>(0x80 | static_cast<int>(kind)));
    if (payload.size() < 126) {
      frame.push_back(static_cast<char>(0x80 | payload.size()));
    } else {
      frame.push_back(static_cast<char>(0x80 | 126));
      frame.push_back(static_cast<char>(payload.size() >> 8));
      frame.push_back(static_cast<char>(payload.size() & 0xFF));
    }
    const char mask[4] = {1, 2, 3, 4};
    frame.append(mask, 4);
    for (size_t i = 0; i < payload.size(); ++i) frame.push_back(static_cast<char>(payload[i] ^ mask[i & 3]));
    client_.Send(frame);
  }
  void Send(const ClientFrame& frame) { Send(WebSocketKind::kBinary, frame.SerializeAsString()); }
  // The next frame; false at the end of the stream.
  bool Next(int* kind, std::string* payload) {
    std::string header = client_.Read(2);
    if (header.size() < 2) return false;
    *kind = header[0] & 0x0F;
    size_t length = static_cast<unsigned char>(header[1]);
    if (length >= 126) {
      std::string more = client_.Read(length == 126 ? 2 : 8);
      length = 0;
      for (unsigned char c : more) length = length << 8 | c;
    }
    *payload = client_.Read(length);
    return payload->size() == length;
  }
  ServerFrame NextFrame() {
    int kind = 0;
    std::string payload;
    ServerFrame frame;
    while (Next(&kind, &payload)) {
      if (kind != 2) continue;
      EXPECT_TRUE(frame.ParseFromString(payload));
      return frame;
    }
    return frame;
  }
  json NextJson() {
    int kind = 0;
    std::string payload;
    while (Next(&kind, &payload)) {
      if (kind == 1) return json::parse(payload);
    }
    return json();
  }
  std::string head;

 private:
  Client client_;
};

class EdgeTest : public ::testing::Test {
 protected:
  void Start(EdgeOptions options = {}) {
    options.address = "127.0.0.1:0";
    edge_ = Edge::Start(options, &station_.pool, station_.channels(), station_.authenticator()).value();
  }
  ~EdgeTest() override {
    if (edge_ != nullptr) edge_->Stop();
  }

  // One POST; the body of the answer, its head in `head_`.
  std::string Post(const std::string& path, const std::string& body,
                   const std::string& headers = "Content-Type: application/json\r\n",
                   const std::string& method = "POST") {
    Client client(edge_->port());
    client.Send(absl::StrCat(method, " ", path, " HTTP/1.1\r\nHost: localhost\r\n", headers,
                             "Content-Length: ", body.size(), "\r\n\r\n", body));
    return client.ReadResponse(&head_);
  }
  json PostJson(const std::string& path, const std::string& body,
                const std::string& headers = "Content-Type: application/json\r\n") {
    std::string text = Post(path, body, headers);
    json parsed = json::parse(text, nullptr, false);
    EXPECT_FALSE(parsed.is_discarded()) << text;
    return parsed;
  }
  std::string status() const { return head_.substr(9, 3); }
  std::string Reason(const json& error) { return error["details"][0]["debug"].value("reason", ""); }

  Station station_;
  std::unique_ptr<Edge> edge_;
  std::string head_;
};

TEST_F(EdgeTest, ACallByJson) {
  Start();
  json answer = PostJson(
      kSend, R"({"clientId":"c1","toPersonId":"p2","content":{"text":"你好"}})",
      "Content-Type: application/json; charset=utf-8\r\nConnect-Protocol-Version: 1\r\nAuthorization: Bearer yzp_a\r\n"
      "X-Request-Id: my-request\r\n");
  EXPECT_EQ(status(), "200") << head_;
  EXPECT_EQ(answer["seq"], "7");
  EXPECT_EQ(answer["messageId"], "1152921504606846976") << "64-bit numbers are text";
  EXPECT_THAT(head_, HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_THAT(head_, HasSubstr("Cache-Control: no-store\r\n"));
  EXPECT_THAT(head_, HasSubstr("Yizhan-Request-Id: my-request\r\n"));
  EXPECT_THAT(head_, HasSubstr("X-Request-Id: my-request\r\n"));
  im::v1::SendMessageRequest request;
  ASSERT_TRUE(request.ParseFromString(station_.Last(kSend).request));
  EXPECT_EQ(request.content().text(), "你好");
  EXPECT_EQ(station_.Last(kSend).context.caller.id(), "p-a");
  EXPECT_EQ(station_.Last(kSend).context.request_id, "my-request");
  EXPECT_EQ(station_.Last(kSend).context.remote_address, "127.0.0.1");
}

TEST_F(EdgeTest, ACallIsFollowedByItsIdInTheLog) {
  std::string lines;
  log::SetLevel(log::Level::kDebug);
  log::CaptureForTest(&lines);
  Start();
  const std::string headers = "Content-Type: application/json\r\nAuthorization: Bearer yzp_a\r\nX-Request-Id: ";
  PostJson(kSend, R"({"clientId":"c1","toPersonId":"p2","content":{"text":"unsaid"}})", headers + "taken-1\r\n");
  PostJson("/yizhan.im.v1.MessageService/Nothing", "{}", headers + "refused-1\r\n");
  edge_.reset();
  log::CaptureForTest(nullptr);
  log::SetLevel(log::Level::kInfo);
  EXPECT_THAT(lines, HasSubstr(R"("http call","request_id":"taken-1","method":"/yizhan.im.v1.MessageService/Send)"));
  EXPECT_THAT(lines, HasSubstr(R"("http call refused","request_id":"refused-1","method":"/yizhan.im.v1.)"));
  EXPECT_THAT(lines, HasSubstr(R"("reason":"METHOD_UNKNOWN")"));
  EXPECT_THAT(lines, Not(HasSubstr("unsaid")));
  EXPECT_THAT(lines, Not(HasSubstr("yzp_a")));
}

TEST_F(EdgeTest, ACallByProto) {
  Start();
  im::v1::SendMessageRequest request;
  request.set_client_id("c2");
  std::string body =
      Post(kSend, request.SerializeAsString(),
           "Content-Type: application/proto\r\nAuthorization: Bearer yzp_a\r\nConnect-Timeout-Ms: 5000\r\n");
  im::v1::SendMessageResponse response;
  ASSERT_TRUE(response.ParseFromString(body));
  EXPECT_EQ(response.seq(), 7u);
  EXPECT_THAT(head_, HasSubstr("Content-Type: application/proto\r\n"));
}

TEST_F(EdgeTest, MistakesGetTheirCodesAndReasons) {
  Start();
  const std::string kJson = "Content-Type: application/json\r\n", kToken = "Authorization: Bearer yzp_a\r\n";
  struct Case {
    std::string path, body, headers, status, code, reason;
  };
  const Case cases[] = {
      {"/yizhan.im.v1.MessageService/Nothing", "{}", kJson + kToken, "404", "unimplemented", "METHOD_UNKNOWN"},
      {"/yizhan.nothing", "{}", kJson + kToken, "404", "unimplemented", "METHOD_UNKNOWN"},
      {"/yizhan.live.v1.LiveService/Live", "{}", kJson + kToken, "501", "unimplemented", "METHOD_STREAMS"},
      {"/yizhan.live.v1.LinkService/Link", "{}", kJson + kToken, "501", "unimplemented", "METHOD_STREAMS"},
      {kSend, "{}", "Content-Type: text/plain\r\n" + kToken, "415", "invalid_argument", "CONTENT_TYPE"},
      {kSend, "{}", kToken, "415", "invalid_argument", "CONTENT_TYPE"},
      {kSend, "{", kJson + kToken, "400", "invalid_argument", "MALFORMED_REQUEST"},
      {kSend, R"({"clientld":"x"})", kJson + kToken, "400", "invalid_argument", "MALFORMED_REQUEST"},
      {kSend, R"({"clientId":7})", kJson + kToken, "400", "invalid_argument", "MALFORMED_REQUEST"},
      {kSend, "{\"clientId\":\"\xff\"}", kJson + kToken, "400", "invalid_argument", "MALFORMED_REQUEST"},
      {kSend, std::string(5000, '['), kJson + kToken, "400", "invalid_argument", "MALFORMED_REQUEST"},
      {kSend, "\xff\xff", "Content-Type: application/proto\r\n" + kToken, "400", "invalid_argument",
       "MALFORMED_REQUEST"},
      {kSend, "{}", kJson + kToken + "Connect-Protocol-Version: 2\r\n", "400", "invalid_argument", "PROTOCOL_VERSION"},
      {kSend, "{}", kJson + kToken + "Connect-Timeout-Ms: soon\r\n", "400", "invalid_argument", "TIMEOUT"},
      {kSend, "{}", kJson + kToken + "Connect-Timeout-Ms: 0\r\n", "504", "deadline_exceeded", "DEADLINE"},
      {kSend, "{}", kJson + kToken + "Content-Encoding: gzip\r\n", "415", "unimplemented", "CONTENT_ENCODING"},
      {kSend, "{}", kJson, "401", "unauthenticated", "TOKEN_REQUIRED"},
      {kSend, "{}", kJson + "Authorization: Bearer yzp_ended\r\n", "401", "unauthenticated", "TOKEN_UNKNOWN"},
      {kSend, "{}", kJson + "Authorization: Basic eDp5\r\n", "401", "unauthenticated", "TOKEN_REQUIRED"},
      {kSend, "{}", kJson + "Authorization: Bearer yzv_v\r\n", "403", "permission_denied", "NOT_FOR_VISITORS"},
      {kSend, R"({"clientId":"slow"})", kJson + kToken, "503", "unavailable", "NOT_NOW"},
      {"/yizhan.directory.v1.SessionService/Introspect", "{}", kJson, "401", "unauthenticated", "TOKEN_REQUIRED"},
      {"/yizhan.directory.v1.SessionService/Introspect", "{}", kJson + kToken, "403", "permission_denied",
       "INTERNAL_METHOD"},
      {"/yizhan.audit.v1.ArchiveService/Search", "{}", kJson + kToken, "501", "unimplemented", "SERVICE_ABSENT"},
      {kLogIn, "{\"login\":\"" + std::string(70'000, 'x') + "\"}", kJson, "413", "resource_exhausted",
       "REQUEST_TOO_LARGE"},
  };
  for (const Case& c : cases) {
    json error = PostJson(c.path, c.body, c.headers);
    EXPECT_EQ(status(), c.status) << c.path << " " << c.body.substr(0, 50) << c.headers << error;
    EXPECT_EQ(error.value("code", ""), c.code) << error;
    EXPECT_EQ(Reason(error), c.reason) << error;
    EXPECT_NE(error.value("message", ""), "");
    EXPECT_EQ(error["details"][0]["type"], "yizhan.common.v1.ErrorInfo");
  }
  EXPECT_THAT(Post(kSend, "", "", "GET"), HasSubstr("POST_REQUIRED"));
  EXPECT_EQ(status(), "405");
  EXPECT_THAT(head_, HasSubstr("Allow: POST\r\n"));
  Post(kSend, R"({"clientId":"slow"})", kJson + kToken);
  EXPECT_THAT(head_, HasSubstr("Retry-After: 2\r\n"));
}

TEST_F(EdgeTest, ACookieSession) {
  Start();
  json answer = PostJson(kLogIn, R"({"login":"zeng","password":"right","remoteAddress":"6.6.6.6"})",
                         "Content-Type: application/json\r\nYizhan-Session: cookie\r\nOrigin: http://localhost\r\n");
  EXPECT_EQ(status(), "200");
  EXPECT_FALSE(answer.contains("token")) << "a page never sees the token";
  EXPECT_EQ(answer["person"]["name"], "曾小贤");
  EXPECT_THAT(head_, HasSubstr("Set-Cookie: yizhan_session=yzp_zeng; Path=/; HttpOnly; SameSite=Strict\r\n"));
  directory::v1::LogInRequest login;
  ASSERT_TRUE(login.ParseFromString(station_.Last(kLogIn).request));
  EXPECT_EQ(login.remote_address(), "127.0.0.1") << "never what the client says";

  const std::string kCookie = "Content-Type: application/json\r\nCookie: theme=dark; yizhan_session=yzp_zeng\r\n";
  EXPECT_EQ(PostJson(kWhoAmI, "{}", kCookie)["principal"]["id"], "p-zeng");
  EXPECT_EQ(PostJson(kWhoAmI, "{}", kCookie + "Origin: http://localhost\r\n")["principal"]["id"], "p-zeng");
  for (const char* origin : {"Origin: http://evil.example\r\n", "Origin: https://localhost\r\n", "Origin: null\r\n",
                             "Origin: http://localhost.evil.example\r\n", "Sec-Fetch-Site: cross-site\r\n",
                             "Sec-Fetch-Site: same-site\r\n"}) {
    EXPECT_EQ(Reason(PostJson(kWhoAmI, "{}", kCookie + origin)), "CROSS_ORIGIN") << origin;
  }
  EXPECT_EQ(
      Reason(PostJson(kLogIn, "{}",
                      "Content-Type: application/json\r\nYizhan-Session: cookie\r\nOrigin: http://evil.example\r\n")),
      "CROSS_ORIGIN");
  // A token that a page holds itself is not the browser's doing.
  EXPECT_EQ(PostJson(kWhoAmI, "{}",
                     "Content-Type: application/json\r\nAuthorization: Bearer yzp_x\r\nOrigin: http://evil.example\r\n")
                ["principal"]["id"],
            "p-x");

  PostJson("/yizhan.directory.v1.SessionService/LogOut", "{}", kCookie);
  EXPECT_THAT(head_, HasSubstr("Set-Cookie: yizhan_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"));
  station_.EndToken("yzp_zeng");
  EXPECT_EQ(Reason(PostJson(kWhoAmI, "{}", kCookie)), "TOKEN_UNKNOWN")
      << "what was remembered of the token is forgotten";
  EXPECT_THAT(head_, HasSubstr("Max-Age=0"));
  // Without the header the token is in the answer, and an old cookie hinders nobody.
  EXPECT_EQ(PostJson(kLogIn, R"({"login":"zeng2","password":"right"})", kCookie)["token"], "yzp_zeng2");
  EXPECT_EQ(Reason(PostJson(kLogIn, R"({"login":"zeng","password":"wrong"})")), "BAD_CREDENTIALS");
}

TEST_F(EdgeTest, SetsWhereAVisitComesFrom) {
  Start();
  constexpr char kStart[] = "/yizhan.desk.v1.VisitorService/StartVisit";
  auto seen = [&] {
    desk::v1::StartVisitRequest request;
    EXPECT_TRUE(request.ParseFromString(station_.Last(kStart).request));
    return request.origin() + "|" + request.remote_address();
  };
  PostJson(kStart, R"({"channelId":"c","origin":"https://forged.example","remoteAddress":"1.1.1.1"})");
  EXPECT_EQ(seen(), "|127.0.0.1");
  PostJson(kStart, "{}", "Content-Type: application/json\r\nOrigin: https://www.bank.example\r\n");
  EXPECT_EQ(seen(), "https://www.bank.example|127.0.0.1");
  PostJson(kStart, "{}", "Content-Type: application/json\r\nOrigin: http://localhost\r\n");
  EXPECT_EQ(seen(), "|127.0.0.1");
  desk::v1::StartVisitRequest forged;
  forged.set_remote_address("1.1.1.1");
  Post(kStart, forged.SerializeAsString(), "Content-Type: application/proto\r\n");
  EXPECT_EQ(seen(), "|127.0.0.1");
}

TEST_F(EdgeTest, TheWidgetsFrameIsEmbeddedByTheSitesOfItsChannelOnly) {
  const std::string dir =
      absl::StrCat(::testing::TempDir(), "/pages-", ::testing::UnitTest::GetInstance()->random_seed(), getpid());
  std::filesystem::create_directories(dir + "/widget");
  std::ofstream(dir + "/widget/frame.html") << "<html>frame</html>";
  EdgeOptions options;
  options.pages.dir = dir;
  options.anonymous.per_second = 0.01;
  options.anonymous.burst = 3;
  Start(options);
  auto ancestors = [&](const std::string& query) {
    Post("/widget/frame.html" + query, "", "", "GET");
    const size_t at = head_.find("frame-ancestors ");
    return at == std::string::npos ? head_.substr(0, head_.find("\r\n"))
                                   : head_.substr(at, head_.find("\r\n", at) - at);
  };
  // Not a source: left out, whatever desk says.
  const std::string bank = "frame-ancestors 'self' https://www.bank.example http://10.0.0.7:8080";
  EXPECT_EQ(ancestors("?channel=wbank"), bank);
  EXPECT_EQ(ancestors("?channel=wother"), "frame-ancestors 'self'");
  const std::string method = "/yizhan.desk.v1.VisitorService/ListEmbeddingSites";
  EXPECT_EQ(station_.Count(method), 2);
  // What is remembered, and what no channel is called, is not asked for.
  EXPECT_EQ(ancestors("?channel=wbank"), bank);
  for (const char* query : {"", "?channel=", "?channel=W%3B", "?channel=w%20x", "?channels=wbank"}) {
    EXPECT_EQ(ancestors(query), "frame-ancestors 'self'") << query;
  }
  EXPECT_EQ(station_.Count(method), 2);
  // Names that nobody has are not a way to keep desk busy.
  EXPECT_EQ(ancestors("?channel=wthird"), "frame-ancestors 'self'");
  EXPECT_EQ(ancestors("?channel=wfourth"), "HTTP/1.1 429 Too Many Requests");
  std::filesystem::remove_all(dir);
}

TEST_F(EdgeTest, SlowsDownWhoTriesTooOften) {
  EdgeOptions options;
  options.anonymous.per_second = 0.01;
  options.anonymous.burst = 3;
  Start(options);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Reason(PostJson(kLogIn, R"({"login":"a","password":"b"})")), "BAD_CREDENTIALS");
  EXPECT_EQ(Reason(PostJson(kLogIn, R"({"login":"a","password":"b"})")), "TOO_MANY_REQUESTS");
  EXPECT_EQ(status(), "429");
  EXPECT_THAT(head_, HasSubstr("Retry-After: "));
  EXPECT_EQ(
      PostJson(kWhoAmI, "{}", "Content-Type: application/json\r\nAuthorization: Bearer yzp_x\r\n")["principal"]["id"],
      "p-x");
}

TEST_F(EdgeTest, ALiveStreamWithACookie) {
  Start();
  Socket socket(edge_->port(), "/live", "Cookie: yizhan_session=yzp_a\r\nOrigin: http://localhost\r\n");
  ASSERT_TRUE(socket.open()) << socket.head;
  EXPECT_THAT(socket.head, HasSubstr("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
  ServerFrame ready = socket.NextFrame();
  EXPECT_EQ(ready.ready().principal_id(), "p-a");
  EXPECT_GT(ready.ready().server_time_us(), 1'600'000'000'000'000);
  station_.Say("person:p-a", "hello");
  EXPECT_EQ(socket.NextFrame().im().message().content().text(), "hello");
  std::string large(20'000, 'x');
  for (int i = 0; i < 100; ++i) station_.Say("all", large + std::to_string(i));
  for (int i = 0; i < 100; ++i)
    ASSERT_EQ(socket.NextFrame().im().message().content().text(), large + std::to_string(i));

  ClientFrame frame;
  frame.mutable_ping()->set_nonce(42);
  socket.Send(frame);
  EXPECT_EQ(socket.NextFrame().pong().nonce(), 42u);
  socket.Send(WebSocketKind::kPing, "ws");
  int kind = 0;
  std::string payload;
  ASSERT_TRUE(socket.Next(&kind, &payload));
  EXPECT_EQ(kind, 10);
  EXPECT_EQ(payload, "ws");

  frame.mutable_typing()->set_conversation_id("d:1");
  frame.mutable_typing()->set_active(true);
  socket.Send(frame);
  ASSERT_TRUE(station_.WaitForCount("/yizhan.im.v1.MessageService/SetTyping", 1));
  frame.mutable_watch_presence()->add_person_ids("p9");
  socket.Send(frame);
  EXPECT_EQ(socket.NextFrame().im().presence().person_id(), "p9");
  EXPECT_NE(station_.Last("/yizhan.im.v1.ConversationService/WatchPresence").context.link_session, 0u);

  socket.Send(WebSocketKind::kClose, "\x03\xe8");
  ASSERT_TRUE(socket.Next(&kind, &payload));
  EXPECT_EQ(kind, 8);
  EXPECT_FALSE(socket.Next(&kind, &payload));
}

TEST_F(EdgeTest, ALiveStreamThatSaysHelloInJson) {
  Start();
  Socket socket(edge_->port(), "/live?format=json&hello=1", "Cookie: yizhan_session=yzp_employee\r\n");
  ASSERT_TRUE(socket.open());
  socket.Send(WebSocketKind::kText, R"({"hello":{"token":"yzv_v"}})");
  EXPECT_EQ(socket.NextJson()["ready"]["principalId"], "v-v");
  socket.Send(WebSocketKind::kText, R"({"typing":{"conversationId":"r:1","active":true,"preview":"我想"}})");
  ASSERT_TRUE(station_.WaitForCount("/yizhan.desk.v1.VisitorService/SetTyping", 1));
  ServerFrame event;
  event.mutable_desk()->mutable_typing()->set_principal_id("代理");
  station_.desk->Publish("desk:v-v", event.SerializeAsString());
  EXPECT_EQ(socket.NextJson()["desk"]["typing"]["principalId"], "代理");
  // Another Hello takes over.
  socket.Send(WebSocketKind::kText, R"({"hello":{"token":"yzp_b"}})");
  EXPECT_EQ(socket.NextJson()["ready"]["principalId"], "p-b");
}

TEST_F(EdgeTest, ALiveStreamThatIsRefused) {
  Start();
  EXPECT_THAT(Socket(edge_->port(), "/live", "Cookie: yizhan_session=yzp_ended\r\n").head, StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(Socket(edge_->port(), "/live", "Authorization: Bearer yzp_ended\r\n").head, StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(Socket(edge_->port(), "/live", "Cookie: yizhan_session=yzp_a\r\nOrigin: http://evil.example\r\n").head,
              StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(Socket(edge_->port(), "/live?hello=1", "Origin: http://evil.example\r\n").head,
              StartsWith("HTTP/1.1 403 "));
  Post("/live", "", "", "GET");
  EXPECT_EQ(status(), "426");

  auto bye = [&](const std::string& first, WebSocketKind kind = WebSocketKind::kText) {
    Socket socket(edge_->port(), "/live?format=json");
    socket.Send(kind, first);
    json frame = socket.NextJson();
    int code = 0;
    std::string payload;
    EXPECT_TRUE(socket.Next(&code, &payload));
    EXPECT_EQ(code, 8);
    EXPECT_FALSE(socket.Next(&code, &payload));
    return frame.contains("bye") ? frame["bye"]["reason"].get<std::string>() : frame.dump();
  };
  EXPECT_EQ(bye(R"({"hello":{"token":"yzp_ended"}})"), "SESSION_ENDED");
  EXPECT_EQ(bye(R"({"typing":{}})"), "PROTOCOL_ERROR");
  EXPECT_EQ(bye("not json"), "PROTOCOL_ERROR");
  EXPECT_EQ(bye("{}", WebSocketKind::kBinary), "PROTOCOL_ERROR");
  EXPECT_EQ(bye("\xff\xfe"), "PROTOCOL_ERROR");

  EdgeOptions options;
  options.live.hello_timeout = absl::Milliseconds(100);
  edge_->Stop();
  Start(options);
  Socket silent(edge_->port(), "/live");
  int kind;
  std::string payload;
  EXPECT_FALSE(silent.Next(&kind, &payload));
}

TEST_F(EdgeTest, ASlowConsumerIsLetGo) {
  EdgeOptions options;
  options.live.max_queued_bytes = 100'000;
  Start(options);
  Socket slow(edge_->port(), "/live", "Authorization: Bearer yzp_a\r\n"),
      quick(edge_->port(), "/live", "Authorization: Bearer yzp_b\r\n");
  EXPECT_TRUE(slow.NextFrame().has_ready());
  EXPECT_TRUE(quick.NextFrame().has_ready());
  std::string large(100'000, 'x');
  for (int i = 0; i < 200; ++i) station_.Say("person:p-a", large);
  station_.Say("person:p-b", "still here");
  EXPECT_EQ(quick.NextFrame().im().message().content().text(), "still here");
  ServerFrame frame;
  int messages = 0;
  while ((frame = slow.NextFrame()).has_im()) ++messages;
  EXPECT_EQ(frame.bye().reason(), "SLOW_CONSUMER");
  EXPECT_TRUE(frame.bye().reconnect());
  EXPECT_LT(messages, 200);
}

// Pings were answered without end, and their answers waited without bound.
TEST_F(EdgeTest, AFloodOfPingsEndsTheStream) {
  Start();
  Socket socket(edge_->port(), "/live", "Authorization: Bearer yzp_a\r\n");
  EXPECT_TRUE(socket.NextFrame().has_ready());
  for (int i = 0; i < 500; ++i) socket.Send(WebSocketKind::kPing, "ping");
  int kind = 0, pongs = 0;
  std::string payload;
  while (socket.Next(&kind, &payload) && kind == static_cast<int>(WebSocketKind::kPong)) ++pongs;
  ServerFrame bye;
  ASSERT_TRUE(bye.ParseFromString(payload));
  EXPECT_EQ(bye.bye().reason(), "PROTOCOL_ERROR");
  EXPECT_LE(pongs, 200);
}

TEST_F(EdgeTest, StreamsAreToldThatTheServerStops) {
  Start();
  Socket socket(edge_->port(), "/live", "Authorization: Bearer yzp_a\r\n");
  EXPECT_TRUE(socket.NextFrame().has_ready());
  edge_->Stop();
  ServerFrame bye = socket.NextFrame();
  EXPECT_EQ(bye.bye().reason(), "SHUTTING_DOWN");
  EXPECT_TRUE(bye.bye().reconnect());
}

TEST_F(EdgeTest, TooManyStreamsOfOnePerson) {
  Start();
  std::vector<std::unique_ptr<Socket>> sockets;
  for (int i = 0; i < 20; ++i) {
    sockets.push_back(std::make_unique<Socket>(edge_->port(), "/live", "Authorization: Bearer yzp_a\r\n"));
    EXPECT_TRUE(sockets.back()->NextFrame().has_ready());
  }
  Socket more(edge_->port(), "/live", "Authorization: Bearer yzp_a\r\n");
  EXPECT_EQ(more.NextFrame().bye().reason(), "TOO_MANY_STREAMS");
}

}  // namespace
}  // namespace yizhan::edge
