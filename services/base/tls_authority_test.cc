#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "absl/time/clock.h"
#include "base/status.h"
#include "base/tls.h"
#include "base/tls_certificates.h"

namespace yizhan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TlsAuthorityTest : public ::testing::Test {
 protected:
  TlsAuthorityTest() : dir_(::testing::TempDir() + "/yizhan-authority-" + std::to_string(::getpid())) {
    std::filesystem::remove_all(dir_);
  }
  ~TlsAuthorityTest() override { std::filesystem::remove_all(dir_); }

  static std::string Read(const std::string& path) {
    std::ifstream in(path);
    return std::string((std::istreambuf_iterator<char>(in)), {});
  }
  static unsigned Mode(const std::string& path) {
    struct stat info = {};
    EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
    return info.st_mode & 0777;
  }

  const std::string dir_, ca_ = dir_ + "/ca", out_ = dir_ + "/out";
};

TEST_F(TlsAuthorityTest, AnAuthorityIsMadeOnceAndKept) {
  ASSERT_TRUE(MakeAuthority(ca_).ok());
  EXPECT_EQ(Mode(ca_ + "/ca.key"), 0600u);
  const std::string key = Read(ca_ + "/ca.key"), certificate = Read(ca_ + "/ca.pem");
  EXPECT_NEAR(absl::ToDoubleHours(*NotAfter(ca_ + "/ca.pem") - absl::Now()) / 24, 3653, 1);
  ASSERT_TRUE(MakeAuthority(ca_).ok());
  EXPECT_EQ(Read(ca_ + "/ca.key"), key);
  EXPECT_EQ(Read(ca_ + "/ca.pem"), certificate);

  // A certificate that was lost is made anew, and what was issued before is still good by it.
  auto issued = IssueServiceCertificate(ca_, {{"node-1", {"im"}}, {}}, out_);
  ASSERT_TRUE(issued.ok()) << issued.status();
  std::filesystem::remove(ca_ + "/ca.pem");
  ASSERT_TRUE(MakeAuthority(ca_).ok());
  EXPECT_NE(Read(ca_ + "/ca.pem"), certificate);
  EXPECT_TRUE(ReadIdentity(*issued).ok()) << ReadIdentity(*issued).status();

  // Without its key there is no authority; one with another's key issues nothing.
  std::filesystem::remove(ca_ + "/ca.key");
  absl::Status lost = MakeAuthority(ca_);
  EXPECT_EQ(lost.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(lost.message()), HasSubstr("ca.key"));
  ASSERT_TRUE(MakeAuthority(dir_ + "/other").ok());
  std::filesystem::copy(dir_ + "/other/ca.key", ca_ + "/ca.key");
  EXPECT_THAT(std::string(IssueServiceCertificate(ca_, {{"node-1", {"im"}}, {}}, out_).status().message()),
              HasSubstr("is not that of"));
  EXPECT_EQ(ReasonOf(MakeAuthority("/proc/nowhere")), "TLS_FILE");
}

TEST_F(TlsAuthorityTest, ACertificateSaysWhoItsHolderIs) {
  ASSERT_TRUE(MakeAuthority(ca_).ok());
  ServiceCertificate request{{"node-1", {"im", "desk"}}, {"node-1.bank.example", "10.1.2.3", "fd00::1"}};
  auto paths = IssueServiceCertificate(ca_, request, out_);
  ASSERT_TRUE(paths.ok()) << paths.status();
  EXPECT_EQ(paths->certificate, out_ + "/node-1.pem");
  EXPECT_EQ(paths->private_key, out_ + "/node-1.key");
  EXPECT_EQ(Mode(paths->private_key), 0600u);
  EXPECT_THAT(*UriNames(paths->certificate), ElementsAre("yizhan://node-1/im", "yizhan://node-1/desk"));
  EXPECT_NEAR(absl::ToDoubleHours(*NotAfter(paths->certificate) - absl::Now()) / 24, 825, 1);

  auto identity = ReadIdentity(*paths);
  ASSERT_TRUE(identity.ok()) << identity.status();
  EXPECT_EQ(identity->node, "node-1");
  EXPECT_THAT(identity->services, ElementsAre("im", "desk"));
  EXPECT_TRUE(identity->Is("desk"));
  EXPECT_FALSE(identity->Is("audit"));

  auto certificate = tls::ReadCertificate(paths->certificate);
  for (const char* host : {"node-1", "node-1.bank.example"})
    EXPECT_EQ(X509_check_host(certificate->get(), host, 0, 0, nullptr), 1) << host;
  for (const char* address : {"10.1.2.3", "fd00::1"})
    EXPECT_EQ(X509_check_ip_asc(certificate->get(), address, 0), 1) << address;
  EXPECT_EQ(X509_check_purpose(certificate->get(), X509_PURPOSE_SSL_CLIENT, 0), 1);
  EXPECT_EQ(X509_check_purpose(certificate->get(), X509_PURPOSE_SSL_SERVER, 0), 1);
  EXPECT_EQ(X509_check_ca(certificate->get()), 0);

  // Issuing again renews both.
  const std::string key = Read(paths->private_key);
  ASSERT_TRUE(IssueServiceCertificate(ca_, request, out_).ok());
  EXPECT_NE(Read(paths->private_key), key);
  EXPECT_TRUE(ReadIdentity(*paths).ok());
}

TEST_F(TlsAuthorityTest, NamesAreChecked) {
  ASSERT_TRUE(MakeAuthority(ca_).ok());
  auto reason = [&](const ServiceCertificate& request) {
    return ReasonOf(IssueServiceCertificate(ca_, request, out_).status());
  };
  for (const char* node : {"", "Node", "a/b", "a,URI:yizhan:", "-a", "a-", "a..b", "a.", ".", "..", "a.-b", "a b"})
    EXPECT_EQ(reason({{node, {"im"}}, {}}), "TLS_NAME") << node;
  EXPECT_EQ(reason({{std::string(64, 'a'), {"im"}}, {}}), "TLS_NAME");
  for (const char* service : {"", "*", "a.b", "im/desk", "IM", "yizhan", "im\n"})
    EXPECT_EQ(reason({{"node-1", {service}}, {}}), "TLS_NAME") << service;
  EXPECT_EQ(reason({{"node-1", {}}, {}}), "TLS_NAME");
  EXPECT_EQ(reason({{"node-1", {kAllServices, "im"}}, {}}), "TLS_NAME");
  for (const char* host : {"", "*.bank.example", "a,DNS:b", "fd00::g", "bank example"})
    EXPECT_EQ(reason({{"node-1", {"im"}}, {host}}), "TLS_NAME") << host;
  EXPECT_FALSE(std::filesystem::exists(out_));

  auto identity = ParseIdentity({"https://bank.example/", "yizhan://a-1.b/all"});
  ASSERT_TRUE(identity.ok()) << identity.status();
  EXPECT_TRUE(identity->Is("im"));
  using Uris = std::vector<std::string>;
  for (const Uris& uris : {Uris{}, Uris{"https://a/im"}, Uris{"yizhan://a"}, Uris{"yizhan://a/"}, Uris{"yizhan:///im"},
                           Uris{"yizhan://a/im/x"}, Uris{"yizhan://a/im", "yizhan://b/im"}, Uris{"yizhan://a/yizhan"},
                           Uris{std::string("yizhan://a/im\0x", 15)}, Uris{"yizhan://a/im?x"}}) {
    EXPECT_EQ(ReasonOf(ParseIdentity(uris).status()), "NO_IDENTITY") << (uris.empty() ? "" : uris[0]);
  }
}

TEST_F(TlsAuthorityTest, WhatDoesNotFitTogetherIsNamed) {
  ASSERT_TRUE(MakeAuthority(ca_).ok());
  ASSERT_TRUE(MakeAuthority(dir_ + "/other").ok());
  TlsPaths first = *IssueServiceCertificate(ca_, {{"node-1", {"im"}}, {}}, out_);
  TlsPaths second = *IssueServiceCertificate(ca_, {{"node-2", {"im"}}, {}}, out_);
  auto message = [](const TlsPaths& paths) { return std::string(ReadIdentity(paths).status().message()); };
  EXPECT_THAT(message({first.ca, first.certificate, second.private_key}), HasSubstr("node-2.key is not the key of"));
  EXPECT_THAT(message({dir_ + "/other/ca.pem", first.certificate, first.private_key}), HasSubstr("is not good by"));
  EXPECT_THAT(message({first.ca, out_ + "/none.pem", first.private_key}), HasSubstr("none.pem"));
  EXPECT_THAT(message({first.ca, first.private_key, first.private_key}), HasSubstr("no certificate in"));
  EXPECT_THAT(message({first.ca, first.certificate, first.certificate}), HasSubstr("no private key"));
  EXPECT_THAT(message({out_, first.certificate, first.private_key}), HasSubstr("no authority in"));
  EXPECT_EQ(ReasonOf(IssueServiceCertificate(ca_, {{"node-1", {"im"}}, {}}, "/proc/nowhere").status()), "TLS_FILE");
  EXPECT_EQ(ReasonOf(IssueServiceCertificate(dir_ + "/none", {{"n", {"im"}}, {}}, out_).status()), "TLS_FILE");
  EXPECT_EQ(ReasonOf(NotAfter(dir_ + "/none").status()), "TLS_FILE");
}

}  // namespace
}  // namespace yizhan
