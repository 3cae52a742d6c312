// What the configuration's section `backup` says.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/objects/object_store.h"

namespace yizhan::admin {

struct BackupOptions {
  // `place` empty: no backup.
  objects::StoreOptions to;
  // Where the keys go, if not there as well.
  std::string keys_to;
  std::vector<std::string> recipients;
  int every_minutes = 15;

  bool enabled() const { return !to.place.empty(); }
};

}  // namespace yizhan::admin
