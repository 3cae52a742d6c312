// Objects in a bucket of an S3 server.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "base/objects/object_store.h"

namespace yizhan::objects {

// An object is BUCKET/PREFIX/NAME at the endpoint (path style, Signature Version 4). OpenObjectStore() says the errors.
absl::StatusOr<std::unique_ptr<ObjectStore>> OpenS3Store(const StoreOptions& options);

}  // namespace yizhan::objects
