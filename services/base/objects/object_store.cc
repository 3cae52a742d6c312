#include "base/objects/object_store.h"

#include "absl/strings/str_cat.h"
#include "base/objects/folder_store.h"
#include "base/objects/s3_store.h"
#include "base/status.h"

namespace yizhan::objects {

absl::StatusOr<std::unique_ptr<ObjectStore>> OpenObjectStore(const StoreOptions& options) {
  if (options.place.starts_with("s3://")) return OpenS3Store(options);
  if (options.place.starts_with("/")) return OpenFolderStore(options.place);
  return Refuse(absl::StatusCode::kInvalidArgument, "STORE_PLACE",
                absl::StrCat("'", options.place, "' is no place for objects: give a folder's absolute path, or ",
                             "s3://BUCKET or s3://BUCKET/PREFIX"));
}

}  // namespace yizhan::objects
