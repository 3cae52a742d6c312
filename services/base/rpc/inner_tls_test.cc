#include "base/rpc/inner_tls.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <list>
#include <sstream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "base/rpc/grpc_channel.h"
#include "base/rpc/grpc_library.h"
#include "base/rpc/server.h"
#include "base/rpc/wire.h"
#include "base/status.h"
#include "base/tls_certificates.h"
#include "yizhan/directory/v1/directory_service.pb.h"
#include "yizhan/im/v1/message_service.pb.h"

namespace yizhan::rpc {
namespace {

using ::testing::HasSubstr;
using yizhan::directory::v1::GetPersonRequest;
using yizhan::directory::v1::GetPersonResponse;
using yizhan::im::v1::SendMessageRequest;
using yizhan::im::v1::SendMessageResponse;

constexpr char kGetPerson[] = "/yizhan.directory.v1.DirectoryService/GetPerson";  // people and services
constexpr char kSend[] = "/yizhan.im.v1.MessageService/SendMessage";              // people only

std::string Read(const std::string& path) {
  std::stringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  return bytes.str();
}

Principal Make(Principal::Kind kind, const std::string& id) {
  Principal principal;
  principal.set_kind(kind);
  principal.set_id(id);
  return principal;
}

// Stands between a channel and a server, and can fall silent as a machine that has lost its power does.
class Relay {
 public:
  explicit Relay(int to) : to_(to), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = Loopback(0);
    socklen_t size = sizeof(address);
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 16) != 0)
      std::abort();
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Run(); });
  }
  ~Relay() {
    stop_ = true;
    thread_.join();
    for (auto& [a, b] : pairs_) ::close(a), ::close(b);
    ::close(listener_);
  }
  int port() const { return port_; }
  void set_silent(bool silent) { silent_ = silent; }

 private:
  static sockaddr_in Loopback(int port) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }
  static bool Pump(int from, int to) {
    char bytes[16 << 10];
    ssize_t size = ::recv(from, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (size < 0) return errno == EAGAIN;
    return size > 0 && ::send(to, bytes, static_cast<size_t>(size), MSG_NOSIGNAL) == size;
  }
  void Run() {
    while (!stop_) {
      std::vector<pollfd> wanted;
      const bool silent = silent_;
      if (!silent) {
        wanted.push_back({listener_, POLLIN, 0});
        for (auto& [a, b] : pairs_) wanted.insert(wanted.end(), {{a, POLLIN, 0}, {b, POLLIN, 0}});
      }
      ::poll(wanted.data(), wanted.size(), 10);
      if (silent) continue;
      if (wanted[0].revents != 0) {
        int from = ::accept(listener_, nullptr, nullptr), to = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address = Loopback(to_);
        (void)!::connect(to, reinterpret_cast<sockaddr*>(&address), sizeof(address));
        pairs_.emplace_back(from, to);
      }
      pairs_.remove_if([](auto& pair) {
        if (Pump(pair.first, pair.second) && Pump(pair.second, pair.first)) return false;
        ::close(pair.first);
        ::close(pair.second);
        return true;
      });
    }
  }

  const int to_;
  const int listener_;
  int port_ = 0;
  std::atomic<bool> silent_{false}, stop_{false};
  std::list<std::pair<int, int>> pairs_;
  std::thread thread_;
};

class Handler : public LinkHandler {
 public:
  absl::StatusOr<std::vector<std::string>> OnOpen(const std::string&, uint64_t, const Principal&) override {
    return std::vector<std::string>{};
  }
  void OnClose(const std::string&, uint64_t, const Principal&) override { closed.Notify(); }
  absl::Notification closed;
};

class InnerTlsTest : public ::testing::Test {
 protected:
  InnerTlsTest() : dir_(absl::StrCat(::testing::TempDir(), "/yizhan-inner-", ::getpid())) {
    std::filesystem::remove_all(dir_);
    KeepGrpcThreads();
    table_.Unary<GetPersonRequest, GetPersonResponse>(
        kGetPerson, [](const Context& context, const GetPersonRequest&, Reply<GetPersonResponse> reply) {
          GetPersonResponse response;
          response.mutable_person()->set_name(context.Actor() + "@" + context.node);
          reply.Ok(response);
        });
    table_.Unary<SendMessageRequest, SendMessageResponse>(
        kSend, [](const Context& context, const SendMessageRequest&, Reply<SendMessageResponse> reply) {
          SendMessageResponse response;
          response.set_conversation_id(context.Actor() + "@" + context.node);
          reply.Ok(response);
        });
    EXPECT_TRUE(MakeAuthority(dir_ + "/ca").ok());
    EXPECT_TRUE(MakeAuthority(dir_ + "/other").ok());
  }
  ~InnerTlsTest() override {
    link_.reset();
    channel_.reset();
    server_.reset();
    std::filesystem::remove_all(dir_);
  }

  // Files of their own folder, with a copy of the authority's certificate.
  TlsPaths Issue(const std::string& folder, const std::string& node, std::vector<std::string> services,
                 const std::string& authority = "ca") {
    const std::string out = dir_ + "/" + folder;
    TlsPaths issued = IssueServiceCertificate(dir_ + "/" + authority, {{node, std::move(services)}, {}}, out).value();
    TlsPaths paths{out + "/authority.pem", out + "/current.pem", out + "/current.key"};
    std::filesystem::copy_file(issued.ca, paths.ca + ".new");
    std::filesystem::rename(issued.private_key, paths.private_key);
    std::filesystem::rename(issued.certificate, paths.certificate);
    std::filesystem::rename(paths.ca + ".new", paths.ca);
    return paths;
  }

  void Start(const TlsPaths& tls, const std::string& service_name = "yizhan") {
    ServerOptions options;
    options.inner_address = "127.0.0.1:0";
    options.inner_tls = tls;
    options.service_name = service_name;
    server_ = Server::Start(options, &table_, nullptr).value();
    ASSERT_GT(server_->inner_port(), 0);
  }
  std::string Address() const { return absl::StrCat("127.0.0.1:", server_->inner_port()); }

  std::unique_ptr<Channel> Inside(const TlsPaths& tls, const std::string& service_name = "",
                                  const std::string& node = "node-a") {
    return ConnectInside({.address = Address(), .tls = tls, .node = node, .service_name = service_name}).value();
  }
  // Without the checks that ConnectInside makes of its own files, and a connection of its own.
  std::unique_ptr<Channel> Raw(std::shared_ptr<grpc::ChannelCredentials> credentials, const std::string& name = "im") {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetSslTargetNameOverride("node-a");
    return WrapChannel(grpc::CreateCustomChannel(Address(), std::move(credentials), arguments), name);
  }
  static std::shared_ptr<grpc::ChannelCredentials> Ssl(const TlsPaths& paths, bool with_certificate = true) {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = Read(paths.ca);
    if (with_certificate) {
      options.pem_private_key = Read(paths.private_key);
      options.pem_cert_chain = Read(paths.certificate);
    }
    return grpc::SslCredentials(options);
  }

  // Who the server says has called; else why not.
  static absl::StatusOr<std::string> Ask(Channel& channel, CallOptions options = {}) {
    auto answer = channel.Wait<GetPersonResponse>(kGetPerson, GetPersonRequest(), std::move(options));
    if (!answer.ok()) return answer.status();
    return answer->person().name();
  }
  static std::string Told(const absl::StatusOr<std::string>& answer) {
    return answer.ok() ? *answer : std::string(answer.status().message());
  }
  static std::string ReasonOfAsking(Channel& channel, const Principal& passed_on) {
    CallOptions options;
    options.on_behalf_of = passed_on;
    return ReasonOf(Ask(channel, options).status());
  }
  // Asks over new connections until it is so.
  static bool Becomes(const std::function<bool()>& so) {
    const absl::Time give_up = absl::Now() + absl::Seconds(20);
    while (!so()) {
      if (absl::Now() > give_up) return false;
      absl::SleepFor(absl::Milliseconds(100));
    }
    return true;
  }

  const std::string dir_;
  ServiceTable table_;
  Handler handler_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<Channel> channel_;
  std::unique_ptr<Link> link_;
};

TEST_F(InnerTlsTest, ACallIsFromWhomTheCertificateNames) {
  Start(Issue("a", "node-a", {kAllServices}));
  TlsPaths im = Issue("b", "node-b", {"im"}), two = Issue("c", "node-c", {"edge", "desk"}),
           all = Issue("d", "node-d", {kAllServices});
  EXPECT_EQ(Told(Ask(*Inside(im))), "service:im@node-b");
  EXPECT_EQ(Told(Ask(*Inside(im, "im"))), "service:im@node-b");
  EXPECT_EQ(Told(Ask(*Inside(two))), "service:edge@node-c");
  EXPECT_EQ(Told(Ask(*Inside(two, "desk"))), "service:desk@node-c");
  EXPECT_EQ(Told(Ask(*Inside(all))), "service:yizhan@node-d");
  EXPECT_EQ(Told(Ask(*Inside(all, "yizhan"))), "service:yizhan@node-d");
  // What a caller says of itself is nothing.
  EXPECT_EQ(Told(Ask(*Raw(Ssl(im), "audit"))), "service:im@node-b");
  EXPECT_EQ(Told(Ask(*Raw(Ssl(im), "yizhan"))), "service:im@node-b");
}

TEST_F(InnerTlsTest, PeopleArePassedOnAndOtherServicesAreNot) {
  Start(Issue("a", "node-a", {"desk"}), "desk");
  auto im = Inside(Issue("b", "node-b", {"im"})), desk = Inside(Issue("c", "node-c", {"desk"})),
       all = Inside(Issue("d", "node-d", {kAllServices}));
  CallOptions options;
  options.on_behalf_of = Make(Principal::KIND_PERSON, "p7");
  EXPECT_EQ(im->Wait<SendMessageResponse>(kSend, SendMessageRequest(), options)->conversation_id(), "person:p7@node-b");
  EXPECT_EQ(ReasonOf(im->CallAndWait(kSend, "").status()), "NOT_FOR_SERVICES");
  EXPECT_EQ(ReasonOfAsking(*im, Make(Principal::KIND_SERVICE, "im")), "");
  EXPECT_EQ(ReasonOfAsking(*im, Make(Principal::KIND_SERVICE, "audit")), "NOT_THIS_SERVICE");
  EXPECT_EQ(ReasonOfAsking(*im, Make(Principal::KIND_SERVICE, "yizhan")), "NOT_THIS_SERVICE");
  // Another process of the service that is called hands on what it was asked itself; one of all is all.
  EXPECT_EQ(ReasonOfAsking(*desk, Make(Principal::KIND_SERVICE, "audit")), "");
  EXPECT_EQ(ReasonOfAsking(*all, Make(Principal::KIND_SERVICE, "audit")), "");
}

TEST_F(InnerTlsTest, WithoutACertificateOfThisAuthorityNobodyIsHeard) {
  TlsPaths a = Issue("a", "node-a", {kAllServices});
  Start(a);
  TlsPaths foreign = Issue("f", "node-b", {"im"}, "other");
  auto refused = [&](std::shared_ptr<grpc::ChannelCredentials> credentials) {
    absl::StatusOr<std::string> answer = Ask(*Raw(std::move(credentials)));
    EXPECT_EQ(answer.status().code(), absl::StatusCode::kUnavailable) << Told(answer);
    return Told(answer);
  };
  RecordProperty("no certificate", refused(Ssl(a, false)));
  RecordProperty("plain", refused(grpc::InsecureChannelCredentials()));
  // A certificate of another authority, by somebody who knows ours.
  TlsPaths mixed{a.ca, foreign.certificate, foreign.private_key};
  RecordProperty("foreign", refused(Ssl(mixed)));
  EXPECT_EQ(ReasonOf(ConnectInside({.address = Address(), .tls = mixed, .node = "node-a"}).status()), "TLS_FILE");
  // And a client does not speak to a server of another authority.
  EXPECT_THAT(Told(Ask(*Inside(foreign))), HasSubstr("certificate verify failed"));
}

TEST_F(InnerTlsTest, ACertificateWithoutAServiceIsToldSo) {
  TlsPaths a = Issue("a", "node-a", {kAllServices});
  Start(a);
  // Of the right authority, for a machine but for no service.
  auto ca = tls::ReadCertificate(dir_ + "/ca/ca.pem").value();
  auto ca_key = tls::ReadKey(dir_ + "/ca/ca.key").value();
  tls::Key key(EVP_EC_gen("P-256"));
  auto certificate = tls::Begin(key.get(), "node-b", 30).value();
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(ca.get()));
  ASSERT_TRUE(tls::AddLeafExtensions(certificate.get(), ca.get(), "serverAuth,clientAuth",
                                     "DNS:node-b,URI:https://bank.example/im")
                  .ok());
  ASSERT_NE(X509_sign(certificate.get(), ca_key.get(), EVP_sha256()), 0);
  TlsPaths paths{a.ca, dir_ + "/none.pem", dir_ + "/none.key"};
  ASSERT_TRUE(tls::PemFile::WriteCertificate(paths.certificate, certificate.get())->Publish().ok());
  ASSERT_TRUE(tls::PemFile::WriteKey(paths.private_key, key.get())->Publish().ok());

  auto channel = Raw(Ssl(paths));
  absl::Status refused = Ask(*channel).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(ReasonOf(refused), "NO_IDENTITY");
  EXPECT_THAT(std::string(refused.message()), HasSubstr("yizhan://NODE/SERVICE"));
  CallOptions options;
  options.on_behalf_of = Make(Principal::KIND_PERSON, "p7");
  EXPECT_EQ(ReasonOf(Ask(*channel, options).status()), "NO_IDENTITY");
  server_->ServeLink("im", &handler_);
  auto broken = std::make_shared<absl::Notification>();
  auto why = std::make_shared<absl::Status>();
  link_ = channel->OpenLink(
      "im", "edge", [](auto) {},
      [=](absl::Status status) {
        *why = std::move(status);
        broken->Notify();
      });
  ASSERT_TRUE(broken->WaitForNotificationWithTimeout(absl::Seconds(10)));
  EXPECT_EQ(ReasonOf(*why), "NO_IDENTITY");

  // Neither end begins with such files.
  EXPECT_EQ(ReasonOf(ConnectInside({.address = Address(), .tls = paths, .node = "node-a"}).status()), "NO_IDENTITY");
  ServerOptions server;
  server.inner_address = "127.0.0.1:0";
  server.inner_tls = paths;
  EXPECT_EQ(ReasonOf(Server::Start(server, &table_, nullptr).status()), "NO_IDENTITY");
}

// gRPC 1.51 cannot be told so (see inner_tls.h); it must at least be what two of us agree on.
TEST_F(InnerTlsTest, TheNewestTlsIsSpoken) {
  Start(Issue("a", "node-a", {kAllServices}));
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  std::unique_ptr<BIO, decltype(&BIO_free_all)> connection(BIO_new_ssl_connect(context.get()), BIO_free_all);
  SSL* ssl = nullptr;
  BIO_get_ssl(connection.get(), &ssl);
  const unsigned char alpn[] = {2, 'h', '2'};
  SSL_set_alpn_protos(ssl, alpn, sizeof(alpn));
  BIO_set_conn_hostname(connection.get(), Address().c_str());
  ASSERT_EQ(BIO_do_handshake(connection.get()), 1);
  EXPECT_EQ(SSL_version(ssl), TLS1_3_VERSION) << SSL_get_version(ssl);
}

TEST_F(InnerTlsTest, OnlyTheExpectedNodeIsSpokenTo) {
  Start(Issue("a", "node-a", {kAllServices}));
  TlsPaths b = Issue("b", "node-b", {kAllServices});
  EXPECT_THAT(Told(Ask(*Inside(b, "", "node-c"))), HasSubstr("the node node-a answers where node-c should"));
  EXPECT_EQ(Told(Ask(*Inside(b))), "service:yizhan@node-b");
  for (const char* node : {"", "*", "node_a"}) {
    EXPECT_EQ(ReasonOf(ConnectInside({.address = Address(), .tls = b, .node = node}).status()), "TLS_NAME") << node;
  }
  EXPECT_EQ(ReasonOf(ConnectInside({.address = "unix:/tmp/x", .tls = b, .node = "node-a"}).status()), "INNER_ADDRESS");
  TlsPaths im = Issue("c", "node-c", {"im"});
  EXPECT_EQ(
      ReasonOf(ConnectInside({.address = Address(), .tls = im, .node = "node-a", .service_name = "desk"}).status()),
      "TLS_NAME");
}

TEST_F(InnerTlsTest, OnlyTheExpectedServiceIsSpokenTo) {
  Start(Issue("a", "node-a", {"im", "desk"}));
  TlsPaths edge = Issue("b", "node-a", {"edge"});
  auto as = [&](const char* service) {
    return Told(Ask(**ConnectInside({.address = Address(), .tls = edge, .node = "node-a", .service_name = "edge", .server_service = service})));
  };
  EXPECT_EQ(as("im"), "service:edge@node-a");
  EXPECT_EQ(as("desk"), "service:edge@node-a");
  EXPECT_THAT(as("audit"), HasSubstr("the service im answers where audit should"));
}

TEST_F(InnerTlsTest, AFaceSaysWhatItLacks) {
  TlsPaths a = Issue("a", "node-a", {kAllServices});
  Start(a);
  ServerOptions options;
  options.inner_address = Address();
  options.inner_tls = a;
  EXPECT_EQ(ReasonOf(Server::Start(options, &table_, nullptr).status()), "PORT_IN_USE");
  options.inner_address = absl::StrCat("unix:", dir_, "/socket");
  EXPECT_EQ(ReasonOf(Server::Start(options, &table_, nullptr).status()), "INNER_TLS");
  options.inner_address = "127.0.0.1:0";
  options.inner_tls.private_key = dir_ + "/none.key";
  EXPECT_EQ(ReasonOf(Server::Start(options, &table_, nullptr).status()), "TLS_FILE");
  options.inner_address = "localhost:0";
  options.inner_tls = a;
  auto named = Server::Start(options, &table_, nullptr);
  ASSERT_TRUE(named.ok()) << named.status();
  auto channel = ConnectInside({.address = absl::StrCat("localhost:", (*named)->inner_port()),
                                .tls = Issue("b", "node-b", {"im"}),
                                .node = "node-a"})
                     .value();
  EXPECT_EQ(Told(Ask(*channel)), "service:im@node-b");
}

TEST_F(InnerTlsTest, ReplacedFilesAreUsedByNewConnections) {
  TlsPaths server = Issue("a", "node-a", {kAllServices}), client = Issue("b", "node-b", {"im"});
  Start(server);
  channel_ = Inside(client);
  ASSERT_EQ(Told(Ask(*channel_)), "service:im@node-b");

  Issue("b", "node-b", {"desk"});
  EXPECT_TRUE(Becomes([&] { return Told(Ask(*Inside(client))) == "service:desk@node-b"; }));
  EXPECT_EQ(Told(Ask(*channel_)), "service:im@node-b") << "a connection that runs goes on";

  Issue("a", "node-z", {kAllServices});
  EXPECT_TRUE(Becomes([&] { return Told(Ask(*Inside(client, "", "node-z"))) == "service:desk@node-b"; }));
  EXPECT_THAT(Told(Ask(*Inside(client, "", "node-a"))), HasSubstr("node-z answers where node-a should"));
  EXPECT_EQ(Told(Ask(*channel_)), "service:im@node-b");
}

TEST_F(InnerTlsTest, FilesOfAnotherAuthorityEndTheAcquaintance) {
  TlsPaths server = Issue("a", "node-a", {kAllServices}), client = Issue("b", "node-b", {"im"}),
           loyal = Issue("c", "node-c", {"im"});
  Start(server);
  auto ask = [&](const TlsPaths& tls) { return Ask(*Raw(InnerChannelCredentials(tls, "node-a", ""))); };
  channel_ = Inside(client);
  ASSERT_TRUE(Ask(*channel_).ok());
  ASSERT_TRUE(ask(client).ok());

  // The client's certificate is another authority's; what it trusts is still ours.
  Issue("foreign", "node-b", {"im"}, "other");
  std::filesystem::rename(dir_ + "/foreign/current.key", client.private_key);
  std::filesystem::rename(dir_ + "/foreign/current.pem", client.certificate);
  absl::Status refused;
  EXPECT_TRUE(Becomes([&] { return !(refused = ask(client).status()).ok(); }));
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  RecordProperty("refused", std::string(refused.message()));
  EXPECT_FALSE(ask(client).ok());
  EXPECT_TRUE(ask(loyal).ok()) << "the others are served as before";

  // The server trusts another authority from now on.
  std::filesystem::copy_file(dir_ + "/other/ca.pem", server.ca + ".new");
  std::filesystem::rename(server.ca + ".new", server.ca);
  EXPECT_TRUE(Becomes([&] { return !ask(loyal).ok(); }));
  EXPECT_TRUE(Becomes([&] { return ask(client).ok(); })) << "and that is the client's now";
}

TEST_F(InnerTlsTest, BrokenFilesNeverOpenTheDoor) {
  TlsPaths server = Issue("a", "node-a", {kAllServices}), client = Issue("b", "node-b", {"im"});
  Start(server);
  auto ask = [&] { return Ask(*Inside(client)); };
  ASSERT_TRUE(ask().ok());
  // Another's key beside the certificate: as in the middle of a replacement that was left there.
  Issue("c", "node-a", {kAllServices});
  std::filesystem::rename(dir_ + "/c/current.key", server.private_key);
  EXPECT_TRUE(Becomes([&] { return !ask().ok(); }));
  EXPECT_FALSE(Ask(*Raw(grpc::InsecureChannelCredentials())).ok());
  EXPECT_FALSE(Ask(*Raw(Ssl(client, false))).ok());
  std::filesystem::rename(dir_ + "/c/current.pem", server.certificate);
  EXPECT_TRUE(Becomes([&] { return ask().ok(); }));
}

TEST_F(InnerTlsTest, ASilentPeerIsNoticedByBothEnds) {
  Start(Issue("a", "node-a", {"im"}), "im");
  server_->ServeLink("im", &handler_);
  Relay relay(server_->inner_port());
  channel_ = ConnectInside({.address = absl::StrCat("127.0.0.1:", relay.port()),
                            .tls = Issue("b", "node-b", {"edge"}),
                            .node = "node-a"})
                 .value();
  auto opened = std::make_shared<absl::Notification>(), broken = std::make_shared<absl::Notification>();
  link_ = channel_->OpenLink(
      "im", "edge9", [=](auto) { opened->Notify(); }, [=](absl::Status) { broken->Notify(); });
  yizhan::live::v1::UpFrame frame;
  frame.mutable_open()->set_session(1);
  *frame.mutable_open()->mutable_principal() = Make(Principal::KIND_PERSON, "p1");
  ASSERT_TRUE(link_->Send(frame).ok());
  ASSERT_TRUE(opened->WaitForNotificationWithTimeout(absl::Seconds(10)));

  relay.set_silent(true);
  const absl::Time silent = absl::Now();
  CallOptions options;
  options.timeout = absl::Seconds(30);
  EXPECT_EQ(Ask(*channel_, options).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_LT(absl::Now() - silent, absl::Seconds(8)) << "five, and what a busy machine takes";
  EXPECT_TRUE(broken->WaitForNotificationWithTimeout(absl::Seconds(8)));
  EXPECT_TRUE(handler_.closed.WaitForNotificationWithTimeout(absl::Seconds(8)));
  RecordProperty("noticed_ms", static_cast<int>(absl::ToInt64Milliseconds(absl::Now() - silent)));

  relay.set_silent(false);
  const absl::Time back = absl::Now();
  EXPECT_TRUE(Becomes([&] { return Ask(*channel_).ok(); }));
  RecordProperty("back_ms", static_cast<int>(absl::ToInt64Milliseconds(absl::Now() - back)));
}

TEST_F(InnerTlsTest, ALinkIsNoWayToCallAsAService) {
  Start(Issue("a", "node-a", {"im"}), "im");
  server_->ServeLink("im", &handler_);
  channel_ = Inside(Issue("b", "node-b", {"edge"}));
  auto broken = std::make_shared<absl::Notification>();
  link_ = channel_->OpenLink(
      "im", "edge9", [](auto) {}, [=](absl::Status) { broken->Notify(); });
  yizhan::live::v1::UpFrame frame;
  frame.mutable_open()->set_session(1);
  *frame.mutable_open()->mutable_principal() = Make(Principal::KIND_SERVICE, "audit");
  ASSERT_TRUE(link_->Send(frame).ok());
  EXPECT_TRUE(broken->WaitForNotificationWithTimeout(absl::Seconds(10)));
}

}  // namespace
}  // namespace yizhan::rpc
