#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <thread>

#include "base/clock.h"
#include "base/files.h"
#include "base/ids.h"
#include "base/logging.h"
#include "base/metrics.h"
#include "base/status.h"
#include "base/tls.h"
#include "base/utf8.h"

namespace yizhan {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

TEST(StatusTest, LeavesOutTheMiddleOfALongMessage) {
  std::string id;
  for (int i = 0; i < 2'000; ++i) id += "字";
  const absl::Status status = Refuse(absl::StatusCode::kNotFound, "UNKNOWN", "there is no " + id + "; ask for another");
  const std::string message(status.message());
  EXPECT_LT(message.size(), 1'000u);
  EXPECT_TRUE(IsUtf8(message));
  EXPECT_EQ(message.rfind("there is no 字", 0), 0u);
  EXPECT_EQ(message.substr(message.size() - 17), "; ask for another");
  EXPECT_EQ(ReasonOf(status), "UNKNOWN");
  EXPECT_EQ(Refuse(absl::StatusCode::kNotFound, "UNKNOWN", "short").message(), "short");
}

TEST(Clock, AFakeOneStandsStill) {
  FakeClock clock(absl::FromUnixSeconds(100));
  EXPECT_EQ(clock.NowUs(), 100'000'000);
  clock.Advance(absl::Milliseconds(1500));
  EXPECT_EQ(clock.NowUs(), 101'500'000);
  EXPECT_GT(RealClock().NowUs(), 1'600'000'000'000'000);
}

TEST(Ids, AreOfTheirAlphabetAndDoNotRepeat) {
  std::set<std::string> seen;
  size_t letters = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string id = RandomId('p');
    ASSERT_THAT(id, MatchesRegex("p[0-9a-z]+"));
    ASSERT_EQ(id.size(), 13u);
    ASSERT_TRUE(seen.insert(id).second);
    for (char c : id.substr(1)) letters += c >= 'a';
  }
  EXPECT_NEAR(static_cast<double>(letters) / (20'000 * 12), 26.0 / 36, 0.01);
  EXPECT_NE(RandomBytes(32), RandomBytes(32));
  EXPECT_TRUE(IsRequestId("a-B.9_"));
  for (const char* bad : {"", "a b", "a\n", "\xe4\xbd\xa0"}) EXPECT_FALSE(IsRequestId(bad));
  EXPECT_FALSE(IsRequestId(std::string(65, 'a')));
}

TEST(Logging, WritesOneJsonLineWhateverTheText) {
  std::string lines;
  log::CaptureForTest(&lines);
  {
    log::ScopedRequestId scope("req-9");
    log::Info("test", "a \"quoted\"\nmessage")
        .With("text", "bad \xff byte, 你好, \x01")
        .With("n", 42)
        .With("x", 1.5)
        .With("ok", true);
    log::Debug("test", "not written");
  }
  log::CaptureForTest(nullptr);
  EXPECT_THAT(
      lines,
      HasSubstr(R"("level":"info","component":"test","message":"a \"quoted\"\u000amessage","request_id":"req-9")"));
  EXPECT_THAT(lines, HasSubstr(R"("text":"bad \ufffd byte, 你好, \u0001","n":42,"x":1.5,"ok":true})"));
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 1);
  EXPECT_TRUE(log::ParseLevel("warning").ok());
  EXPECT_FALSE(log::ParseLevel("loud").ok());
}

TEST(Metrics, AreCountedAndWritten) {
  auto& counter = metrics::GetCounter("yizhan_test_things_total", "Things.", {{"kind", "a"}});
  EXPECT_EQ(&counter, &metrics::GetCounter("yizhan_test_things_total", "Things.", {{"kind", "a"}}));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 10'000; ++j) counter.Add();
    });
  }
  for (auto& thread : threads) thread.join();
  auto& histogram = metrics::GetHistogram("yizhan_test_seconds", "Time.");
  histogram.Observe(0.0003);
  histogram.Observe(100);
  {
    metrics::GaugeFunction length("yizhan_test_length", "Length.", {}, [] { return 3.0; });
    EXPECT_THAT(metrics::Serialize(), HasSubstr("yizhan_test_length 3\n"));
  }
  std::string text = metrics::Serialize();
  EXPECT_THAT(text, HasSubstr("yizhan_test_things_total{kind=\"a\"} 40000\n"));
  EXPECT_THAT(text, HasSubstr("yizhan_test_seconds_bucket{le=\"0.0005\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("yizhan_test_seconds_bucket{le=\"+Inf\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("yizhan_test_seconds_count 2\n"));
  EXPECT_THAT(text, ::testing::Not(HasSubstr("yizhan_test_length")));
}

TEST(Utf8, KnowsWhatIsNot) {
  for (const char* good : {"", "a", "你好", "𠮷", "\xf4\x8f\xbf\xbf"}) EXPECT_TRUE(IsUtf8(good)) << good;
  for (const char* bad : {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
                          "\xf4\x90\x80\x80", "\xf5", "\xe4\xbd"}) {
    EXPECT_FALSE(IsUtf8(bad));
  }
}

TEST(Tls, MakesADemonstrationOnceAndAnewForAnotherDomain) {
  std::string dir = ::testing::TempDir() + "/yizhan-base-tls";
  std::filesystem::remove_all(dir);
  auto paths = EnsureDemonstrationTls(dir, "bank.example");
  ASSERT_TRUE(paths.ok()) << paths.status();
  struct stat info;
  ASSERT_EQ(::stat(paths->private_key.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  auto read = [](const std::string& path) {
    std::ifstream in(path);
    return std::string((std::istreambuf_iterator<char>(in)), {});
  };
  std::string first = read(paths->certificate);
  ASSERT_TRUE(EnsureDemonstrationTls(dir, "bank.example").ok());
  EXPECT_EQ(read(paths->certificate), first);

  FILE* file = std::fopen(paths->certificate.c_str(), "r");
  X509* certificate = PEM_read_X509(file, nullptr, nullptr, nullptr);
  std::fclose(file);
  for (const char* host : {"localhost", "bank.example", "conference.bank.example"})
    EXPECT_EQ(X509_check_host(certificate, host, 0, 0, nullptr), 1) << host;
  EXPECT_EQ(X509_check_ip_asc(certificate, "127.0.0.1", 0), 1);
  EXPECT_NE(X509_check_host(certificate, "evil.example", 0, 0, nullptr), 1);
  int days = 0, seconds = 0;
  ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(certificate), X509_get0_notAfter(certificate));
  EXPECT_NEAR(days, 825, 1);
  X509_free(certificate);

  EXPECT_TRUE(MakeServerContext(*paths).ok());
  ASSERT_TRUE(EnsureDemonstrationTls(dir, "other.example").ok());
  EXPECT_NE(read(paths->certificate), first);
  EXPECT_EQ(ReasonOf(EnsureDemonstrationTls(dir, "bad domain").status()), "DOMAIN");

  TlsPaths mixed = *paths;
  std::ofstream(dir + "/other.key") << "not a key";
  mixed.private_key = dir + "/other.key";
  EXPECT_THAT(std::string(MakeServerContext(mixed).status().message()), HasSubstr("other.key"));
  EXPECT_EQ(ReasonOf(EnsureDemonstrationTls("/proc/nowhere", "bank.example").status()), "TLS_FILE");
}

TEST(Files, ANewFileIsNewAndAReplacedOneWhole) {
  const std::string path = ::testing::TempDir() + "/files_test_" + std::to_string(getpid());
  ASSERT_TRUE(WriteNewFile(path, "first").ok());
  const absl::Status again = WriteNewFile(path, "second");
  EXPECT_TRUE(absl::IsAlreadyExists(again)) << again;
  const auto read = [&path] {
    std::ifstream in(path);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  EXPECT_EQ(read(), "first");
  std::ofstream(path + ".new") << "of somebody who died";
  ASSERT_TRUE(ReplaceFile(path, "second").ok());
  EXPECT_EQ(read(), "second");
  EXPECT_FALSE(std::ifstream(path + ".new").is_open());
  struct stat info;
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  unlink(path.c_str());
  EXPECT_EQ(ReasonOf(FileError("writing", path, ENOSPC)), "DISK_FULL");
}

}  // namespace
}  // namespace yizhan
