// Objects as the files of a folder.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/objects/object_store.h"

namespace yizhan::objects {

// Objects are the files FOLDER/NAME (mode 0600; folders 0700). One that is being written is FOLDER/~put-*, which is no
// name, so that what a killed writer leaves is never listed; what is left for a day goes with a later Put(). Several
// processes may use a folder. OpenObjectStore() says the errors.
absl::StatusOr<std::unique_ptr<ObjectStore>> OpenFolderStore(const std::string& folder);

}  // namespace yizhan::objects
