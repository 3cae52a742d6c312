// Signed requests to an S3 server; s3_client.cc is the one home of libcurl.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "base/secret.h"

namespace yizhan::objects {

struct S3Server {
  std::string endpoint;  // as CheckEndpoint() takes it
  std::string region;
  std::string access_key;
  Secret<std::string> secret_key;
  std::string ca;  // a PEM file; empty: the system's authorities
};

struct S3Request {
  const char* method;             // GET, HEAD, PUT or DELETE
  std::string path;               // "/BUCKET" or "/BUCKET/NAME"
  std::string query = {};         // "a=1&b=2": escaped, in the order of its names, as it is signed
  std::string_view body = {};     // of a PUT
  uint64_t max_answer_bytes = 0;  // of a body with a code below 300
};

struct S3Answer {
  int code = 0;
  std::string body;     // with a code from 300 on at most 64 KiB of it
  std::string etag;     // as it was sent, with its quotes
  int64_t length = -1;  // as it was declared; -1 when it was not
};

// Sends no packet but to the endpoint: follows no redirect and takes no proxy from the environment. Waits five seconds
// for a connection, and ends when less than a byte a second moves for half a minute. Any thread; keeps connections.
class S3Client {
 public:
  explicit S3Client(S3Server server);
  ~S3Client();
  S3Client(const S3Client&) = delete;
  S3Client& operator=(const S3Client&) = delete;

  // What the server answers, whatever its code. Connections that fail, 429 and most of 5xx are tried three times more
  // within some five seconds. Unavailable (STORE_AWAY) without an answer; FailedPrecondition: STORE_TRUST when the
  // server's certificate is not good, OBJECT_SIZE when the body is bigger than the request allows.
  absl::StatusOr<S3Answer> Do(const S3Request& request);

 private:
  absl::StatusOr<S3Answer> Once(void* handle, void* headers, const S3Request& request, bool* again) const;
  void* Take();
  void Keep(void* handle);

  const S3Server server_;
  absl::Mutex mutex_;
  std::vector<void*> idle_ ABSL_GUARDED_BY(mutex_);  // CURL*
};

// As RFC 3986 and signatures want it: %XX for all but letters, digits, '-', '.', '_' and '~'.
std::string EscapeForUrl(std::string_view text);
// Undoes %XX.
std::string UnescapeFromUrl(std::string_view text);

// "https://HOST[:PORT]", or http:// with a loopback address or localhost; without a path, a '/' at its end, a user or
// a query. InvalidArgument (STORE_PLACE).
absl::Status CheckEndpoint(const std::string& endpoint);

}  // namespace yizhan::objects
