// A real S3 server for tests (swift_server.py), in a folder of its own.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/objects/object_store.h"

namespace yizhan::objects::testing {

// Needs Debian's python3-swift. Runs as the current user on free loopback ports, and ends with this object or with the
// thread that started it. swift_server.py lists its buckets.
class S3TestServer {
 public:
  // Answers when the server does; Internal with its own words when it does not within a minute.
  static absl::StatusOr<std::unique_ptr<S3TestServer>> Start();
  ~S3TestServer();
  S3TestServer(const S3TestServer&) = delete;
  S3TestServer& operator=(const S3TestServer&) = delete;

  // For a place as "s3://yizhan-test/prefix"; with TLS the server's certificate is good by ca() for 127.0.0.1 alone.
  StoreOptions Options(const std::string& place, bool tls = false) const;

  int https_port() const { return https_port_; }
  std::string ca() const { return dir_ + "/authority/ca.pem"; }
  // Of another authority.
  std::string other_ca() const { return dir_ + "/other/ca.pem"; }

 private:
  explicit S3TestServer(std::string dir) : dir_(std::move(dir)) {}
  absl::Status Launch();

  const std::string dir_;
  pid_t pid_ = -1;
  int http_port_ = 0, https_port_ = 0;
  std::string access_key_, secret_key_;
};

}  // namespace yizhan::objects::testing
