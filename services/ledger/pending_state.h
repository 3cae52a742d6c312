// One partition's state with a batch's changes over what is stored.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ledger/overlay.h"
#include "ledger/row_cache.h"
#include "ledger/store.h"

namespace yizhan::ledger {

// What decide() reads and Apply() writes. One thread. While a Scan's visit() runs, changes are allowed: those ahead are
// seen, those behind not.
class PendingState : public StateWriter {
 public:
  // `cache` may be null: then every read of what is stored goes to the store.
  PendingState(Overlay* overlay, StoredState stored, RowCache* cache = nullptr)
      : overlay_(overlay), stored_(stored), cache_(cache) {}

  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) const override;
  absl::Status Scan(std::string_view prefix, std::string_view from,
                    absl::FunctionRef<bool(std::string_view, std::string_view)> visit) const override;
  absl::Status ScanBack(std::string_view prefix, std::string_view below,
                        absl::FunctionRef<bool(std::string_view, std::string_view)> visit) const override;
  void Put(std::string_view key, std::string_view value) override { overlay_->Put(key, value); }
  void Delete(std::string_view key) override { overlay_->Delete(key); }

 private:
  Overlay* const overlay_;
  const StoredState stored_;
  RowCache* const cache_;
};

}  // namespace yizhan::ledger
