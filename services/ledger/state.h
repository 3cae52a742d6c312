// State: what a service derives from one partition's records. Keys are bytes; services declare their shapes in their
// tables.h.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace yizhan::ledger {

// Reading one partition's state. A failed read is a damaged store: DataLoss, naming the file where RocksDB does.
class StateReader {
 public:
  virtual ~StateReader() = default;

  // The value of a key; nullopt when there is none.
  virtual absl::StatusOr<std::optional<std::string>> Get(std::string_view key) const = 0;

  // Visits keys that begin with `prefix`, in order, from `from` (or the prefix, whichever is greater) on, until `visit`
  // returns false. Keys and values are valid only during the call.
  virtual absl::Status Scan(std::string_view prefix, std::string_view from,
                            absl::FunctionRef<bool(std::string_view key, std::string_view value)> visit) const = 0;

  // As Scan, backwards: from the greatest key below `below` (empty: the prefix's end) that begins with `prefix`.
  virtual absl::Status ScanBack(std::string_view prefix, std::string_view below,
                                absl::FunctionRef<bool(std::string_view key, std::string_view value)> visit) const = 0;
};

// Changing it, while a record is applied. Reads see the writes before them.
class StateWriter : public StateReader {
 public:
  virtual void Put(std::string_view key, std::string_view value) = 0;
  virtual void Delete(std::string_view key) = 0;
};

}  // namespace yizhan::ledger
