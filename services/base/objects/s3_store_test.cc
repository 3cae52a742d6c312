#include "base/objects/s3_store.h"

#include <gmock/gmock.h>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/objects/objects_test.h"
#include "base/objects/s3_client.h"
#include "base/status.h"
#include "base/testing/programs.h"

namespace yizhan::objects {
namespace {
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using Object = ObjectStore::Object;

constexpr char kSecret[] = "another-secret-of-the-test";

class S3StoreTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(Server(), nullptr); }

  // Every call on the store fails so.
  static void AllFail(const StoreOptions& options, absl::StatusCode code, const std::string& reason,
                      const std::string& says) {
    auto store = Open(options);
    ASSERT_NE(store, nullptr);
    for (const absl::Status& status :
         {store->Put("a/b", "1"), store->Get("a/b").status(), store->List("").status(), store->Delete("a/b")}) {
      EXPECT_EQ(status.code(), code) << status;
      EXPECT_EQ(ReasonOf(status), reason) << status;
      EXPECT_THAT(std::string(status.message()),
                  AllOf(HasSubstr(says), HasSubstr(options.place), HasSubstr(options.s3_endpoint),
                        Not(HasSubstr(options.s3_secret_key.Reveal()))));
    }
  }
};

TEST_F(S3StoreTest, AWrongKeyIsRefused) {
  StoreOptions options = Server()->Options("s3://yizhan-test/keys");
  StoreOptions secret = options, access = options;
  secret.s3_secret_key = Secret<std::string>(kSecret);
  AllFail(secret, absl::StatusCode::kPermissionDenied, "STORE_REFUSED", "SignatureDoesNotMatch: The request signature");
  access.s3_access_key = "test:stranger";
  AllFail(access, absl::StatusCode::kPermissionDenied, "STORE_REFUSED", "Check access key, secret key");
  // A large body too: the answer comes before its end.
  absl::Status large = Open(secret)->Put("large", std::string(20 << 20, 'x'));
  EXPECT_EQ(ReasonOf(large), "STORE_REFUSED") << large;
}

TEST_F(S3StoreTest, ABucketThatIsNotThereIsNamed) {
  AllFail(Server()->Options("s3://yizhan-none/a"), absl::StatusCode::kFailedPrecondition, "NO_SUCH_BUCKET",
          "Make the bucket, or correct backup.to");
}

TEST_F(S3StoreTest, AnotherRegionIsNamed) {
  StoreOptions options = Server()->Options("s3://yizhan-test/region");
  options.s3_region = "eu-central-1";
  AllFail(options, absl::StatusCode::kFailedPrecondition, "STORE_SETTINGS", "the region 'eu-central-1' is wrong");
}

TEST_F(S3StoreTest, AWrongClockIsNamed) {
  AllFail(Server()->Options("s3://yizhan-skewed"), absl::StatusCode::kPermissionDenied, "CLOCK_SKEW",
          "RequestTimeTooSkewed");
}

TEST_F(S3StoreTest, ARedirectIsNotFollowed) {
  ASSERT_TRUE(Open(Server()->Options("s3://yizhan-test"))->Put("a/b", "1").ok());
  AllFail(Server()->Options("s3://yizhan-moved"), absl::StatusCode::kFailedPrecondition, "STORE_SETTINGS", "HTTP 307");
}

TEST_F(S3StoreTest, AServerThatIsAwayIsTriedForAWhile) {
  StoreOptions options = Server()->Options("s3://yizhan-test/away");
  options.s3_endpoint = absl::StrCat("http://127.0.0.1:", yizhan::testing::FreePort());
  auto store = Open(options);
  const absl::Time before = absl::Now();
  absl::Status away = store->Put("a", "1");
  EXPECT_GT(absl::Now() - before, absl::Seconds(4)) << "after 0.2, 0.8 and 3.2 s";
  EXPECT_EQ(away.code(), absl::StatusCode::kUnavailable) << away;
  EXPECT_EQ(ReasonOf(away), "STORE_AWAY");
  EXPECT_THAT(std::string(away.message()),
              AllOf(HasSubstr("s3://yizhan-test/away/a"), HasSubstr(options.s3_endpoint), HasSubstr("Is the server")));
}

TEST_F(S3StoreTest, ABusyServerIsAskedAgain) {
  auto store = Open(Server()->Options("s3://yizhan-busy"));
  EXPECT_TRUE(store->Put("a", "1").ok());
  EXPECT_EQ(*store->Get("a"), "1");
}

TEST_F(S3StoreTest, AFullBucketIsAFullDisk) {
  auto store = Open(Server()->Options("s3://yizhan-full"));
  EXPECT_TRUE(store->Put("a", "1").ok());
  absl::Status full = store->Put("b", std::string(100, 'x'));
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted) << full;
  EXPECT_EQ(ReasonOf(full), "DISK_FULL");
  EXPECT_GT(RetryAfterMs(full), 0);
  EXPECT_THAT(*store->List(""), ElementsAre(Object{"a", 1}));
}

TEST_F(S3StoreTest, WhereAnEtagIsNoMd5TheSizeIsAskedFor) {
  auto store = Open(Server()->Options("s3://yizhan-sealed"));
  absl::Status put = store->Put("a", "12345");
  EXPECT_TRUE(put.ok()) << put;
  EXPECT_TRUE(store->Put("empty", "").ok());
  EXPECT_EQ(*store->Get("a"), "12345");
}

TEST_F(S3StoreTest, ObjectsOfOthersAreNotListed) {
  const StoreOptions options = Server()->Options("s3://yizhan-test/shared");
  S3Client client({options.s3_endpoint, options.s3_region, options.s3_access_key, options.s3_secret_key, ""});
  for (const char* name : {"shared/a%20b", "shared/a%01b", "shared/a%252Fb", "shared//a", "shared-2/c"}) {
    auto answer = client.Do({.method = "PUT", .path = absl::StrCat("/yizhan-test/", name), .body = "x"});
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(answer->code, 200) << name << answer->body;
  }
  auto store = Open(options);
  ASSERT_TRUE(store->Put("d", "1").ok());
  EXPECT_THAT(*store->List(""), ElementsAre(Object{"d", 1}));

  // More than was asked for is not taken.
  EXPECT_EQ(client.Do({.method = "GET", .path = "/yizhan-test/shared/d", .max_answer_bytes = 1})->body, "1");
  absl::Status big = client.Do({.method = "GET", .path = "/yizhan-test/shared/d", .max_answer_bytes = 0}).status();
  EXPECT_EQ(ReasonOf(big), "OBJECT_SIZE") << big;
}

TEST_F(S3StoreTest, TheServerIsKnownByItsCertificate) {
  const StoreOptions good = Server()->Options("s3://yizhan-test/tls", true);
  auto store = Open(good);
  absl::Status put = store->Put("a", "1");
  ASSERT_TRUE(put.ok()) << put;
  EXPECT_EQ(*store->Get("a"), "1");

  auto refusal = [&](const StoreOptions& options) {
    absl::Status status = Open(options)->Put("a", "2");
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    return ReasonOf(status);
  };
  StoreOptions other = good;
  for (const std::string& ca : {Server()->other_ca(), std::string(), std::string("/none.pem")}) {
    other.s3_ca = ca;
    EXPECT_EQ(refusal(other), "STORE_TRUST") << ca;
  }
  other = good;
  other.s3_endpoint = absl::StrCat("https://localhost:", Server()->https_port());
  EXPECT_EQ(refusal(other), "STORE_TRUST") << "the certificate names the address";
  EXPECT_EQ(*store->Get("a"), "1");
}

TEST_F(S3StoreTest, OptionsAreChecked) {
  StoreOptions good = Server()->Options("s3://yizhan-test/a/b");
  good.s3_endpoint = "https://s3.bank.example:9000";
  auto reason = [](const StoreOptions& options) {
    absl::Status status = OpenObjectStore(options).status();
    EXPECT_TRUE(status.ok() || status.code() == absl::StatusCode::kInvalidArgument) << status;
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr(kSecret)));
    return ReasonOf(status);
  };
  EXPECT_EQ(reason(good), "");
  for (const char* place : {"s3://abc", "s3://a.b-c.1/", "s3://bucket/a/b/"}) {
    StoreOptions options = good;
    options.place = place;
    EXPECT_EQ(reason(options), "") << place;
  }
  for (const char* place : {"s3://", "s3:///a", "s3://ab", "s3://Bucket", "s3://bucket?x", "s3://user@bucket",
                            "s3://b_c", "s3://bucket//", "s3://bucket/a//b", "s3://bucket/../b", "s3://bucket/a b"}) {
    StoreOptions options = good;
    options.place = place;
    EXPECT_EQ(reason(options), "STORE_PLACE") << place;
  }
  for (const char* endpoint : {"https://host", "https://host/", "http://127.0.0.1:9000", "http://127.9.9.9",
                               "http://[::1]:9000", "http://localhost", "https://10.0.0.1", "https://[fd00::1]:443"}) {
    StoreOptions options = good;
    options.s3_endpoint = endpoint;
    EXPECT_EQ(reason(options), "") << endpoint;
  }
  for (const char* endpoint : {"",
                               "host",
                               "host:9000",
                               "https://",
                               "https://host//",
                               "https://host/path",
                               "https://host?x",
                               "https://host#x",
                               "https://user@host",
                               "https://user:pass@host",
                               "https://host:0x",
                               "https://host:99999",
                               "ftp://host",
                               "file:///x",
                               "http://host",
                               "http://10.0.0.1",
                               "http://128.0.0.1",
                               "http://127.0.0.1.example",
                               "http://localhost.example",
                               "http://[fd00::1]",
                               "https://ho st",
                               "https://host\n"}) {
    StoreOptions options = good;
    options.s3_endpoint = endpoint;
    EXPECT_EQ(reason(options), "STORE_PLACE") << endpoint;
  }
  for (const char* region : {"", "a/b", "a:b", "a b"}) {
    StoreOptions options = good;
    options.s3_region = region;
    EXPECT_EQ(reason(options), "STORE_PLACE") << region;
  }
  StoreOptions options = good;
  options.s3_access_key = "";
  EXPECT_EQ(reason(options), "STORE_PLACE");
  options.s3_access_key = "a/b";
  EXPECT_EQ(reason(options), "STORE_PLACE");
  options = good;
  options.s3_secret_key = Secret<std::string>();
  EXPECT_EQ(reason(options), "STORE_PLACE");
  options.s3_secret_key = Secret<std::string>(absl::StrCat(kSecret, "\n"));
  EXPECT_EQ(reason(options), "STORE_PLACE");
}

}  // namespace
}  // namespace yizhan::objects
