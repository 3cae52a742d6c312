// Where named objects lie that are written whole: a folder, or a bucket of an S3 server.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/secret.h"

namespace yizhan::objects {

// The most bytes that an object has: it is in memory as a whole.
inline constexpr uint64_t kMaxObjectBytes = uint64_t{256} << 20;

// Any thread; calls block, at an S3 server until a transfer has moved less than a byte a second for half a minute.
//
// Names are segments of [A-Za-z0-9._-] with '/' between, none of them "." or "..", a segment of at most 255 bytes, all
// of at most 512. A folder cannot hold both "a" and "a/b". What lies at the place under other names is not ours: it is
// neither listed nor touched.
//
// Errors, beside those of each call, with the place and the name in their messages:
//   InvalidArgument     OBJECT_NAME: not a name as above
//   ResourceExhausted   DISK_FULL: no room (a quota counts); nothing was stored; try again when there is
//   FailedPrecondition  NO_SUCH_BUCKET; STORE_TRUST: its certificate is not good; STORE_SETTINGS: region, endpoint or
//                       what else the server does not take; for a folder without a reason what its system says
//   PermissionDenied    STORE_REFUSED: access key, secret key or the rights of that key; CLOCK_SKEW: a clock is wrong
//   Unavailable         STORE_AWAY: not reached, or out of order, also after three more tries within some five seconds
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  // Stores an object, at most kMaxObjectBytes (else InvalidArgument OBJECT_SIZE), in place of the one that has its
  // name. Durable when ok; otherwise the old one, none or the new one is there, each whole. DataLoss when the server
  // has something else than it was given.
  virtual absl::Status Put(const std::string& name, std::string_view bytes) = 0;

  // NotFound (NO_SUCH_OBJECT); FailedPrecondition (OBJECT_SIZE) for one beyond kMaxObjectBytes.
  virtual absl::StatusOr<std::string> Get(const std::string& name) = 0;

  struct Object {
    std::string name;
    uint64_t size;  // bytes
    friend bool operator==(const Object&, const Object&) = default;
  };
  // The objects whose names begin with this, which need not end at a '/'; in the order of names. ResourceExhausted
  // (TOO_MANY_OBJECTS) beyond a million.
  virtual absl::StatusOr<std::vector<Object>> List(const std::string& prefix) = 0;

  // Ok when it is not there.
  virtual absl::Status Delete(const std::string& name) = 0;

  // For messages: "/mnt/backup", "s3://bucket/prefix".
  virtual const std::string& place() const = 0;
};

struct StoreOptions {
  // A folder's absolute path, or s3://BUCKET[/PREFIX]; the prefix has the shape of a name.
  std::string place;

  // https://HOST[:PORT]; http:// only for a loopback address or localhost, since bodies are sent as they are.
  std::string s3_endpoint;
  std::string s3_region = "us-east-1";
  std::string s3_access_key;
  Secret<std::string> s3_secret_key;
  // A PEM file of authorities, which then are the only ones; empty: the system's.
  std::string s3_ca;
  // Names in one answer of a listing; less only in tests.
  int s3_page = 1000;
};

// Checks the shapes and contacts no server. A folder is made (mode 0700) when the one above it is there.
// InvalidArgument (STORE_PLACE) says which option; FailedPrecondition for a folder that is a file, or that cannot be
// made.
absl::StatusOr<std::unique_ptr<ObjectStore>> OpenObjectStore(const StoreOptions& options);

}  // namespace yizhan::objects
