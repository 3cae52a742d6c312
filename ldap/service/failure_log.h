// Log-ins that failed, on the record: at most one record a second for each account and address.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "yizhan/directory/v1/record.pb.h"

namespace yizhan::directory {

// Thread-safe. At most `bound` accounts and addresses are told apart within a second; beyond, every failure is a record of its own.
class FailureLog {
 public:
  using Write = std::function<void(const v1::LogInFailed&)>;
  FailureLog(size_t bound, std::function<absl::Time()> clock, Write write);

  void Note(std::string_view login, std::string_view address);
  // Once a second: writes what was held back.
  void Tick();

 private:
  using Key = std::pair<std::string, std::string>;
  struct Entry {
    absl::Time written;
    uint32_t held = 0;
  };
  static v1::LogInFailed RecordOf(const Key& key, uint32_t count);

  const size_t bound_;
  const std::function<absl::Time()> clock_;
  const Write write_;
  absl::Mutex mu_;
  absl::flat_hash_map<Key, Entry> entries_ ABSL_GUARDED_BY(mu_);
};

}  // namespace yizhan::directory
