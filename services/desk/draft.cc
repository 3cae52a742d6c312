#include "desk/draft.h"

#include <algorithm>

#include "base/status.h"

namespace yizhan::desk {

absl::StatusOr<std::optional<std::string>> DraftState::Get(std::string_view key) const {
  auto it = changes_.find(key);
  if (it != changes_.end()) return it->second;
  return base_->Get(key);
}

absl::Status DraftState::Scan(std::string_view prefix, std::string_view from,
                              absl::FunctionRef<bool(std::string_view, std::string_view)> visit) const {
  const std::string_view begin = std::max(prefix, from);
  auto change = changes_.lower_bound(begin);
  auto ours = [&] { return change != changes_.end() && std::string_view(change->first).substr(0, prefix.size()) == prefix; };
  bool stopped = false;
  // Gives out our changes below a key of the base.
  auto give = [&](std::optional<std::string_view> below) {
    for (; !stopped && ours() && (!below || change->first < *below); ++change) {
      if (change->second && !visit(change->first, *change->second)) stopped = true;
    }
  };
  YZ_RETURN_IF_ERROR(base_->Scan(prefix, from, [&](std::string_view key, std::string_view value) {
    give(key);
    if (stopped) return false;
    if (changes_.find(key) != changes_.end()) return true;  // ours comes with the next give
    stopped = !visit(key, value);
    return !stopped;
  }));
  give(std::nullopt);
  return absl::OkStatus();
}

absl::Status DraftState::ScanBack(std::string_view prefix, std::string_view below,
                                  absl::FunctionRef<bool(std::string_view, std::string_view)> visit) const {
  // Our changes with this prefix, the greatest first. A decision's changes are few.
  std::vector<const std::pair<const std::string, std::optional<std::string>>*> ours;
  for (auto it = changes_.lower_bound(prefix); it != changes_.end() && std::string_view(it->first).substr(0, prefix.size()) == prefix; ++it) {
    if (below.empty() || it->first < below) ours.push_back(&*it);
  }
  bool stopped = false;
  auto give = [&](std::optional<std::string_view> above) {
    for (; !stopped && !ours.empty() && (!above || ours.back()->first > *above); ours.pop_back()) {
      if (ours.back()->second && !visit(ours.back()->first, *ours.back()->second)) stopped = true;
    }
  };
  YZ_RETURN_IF_ERROR(base_->ScanBack(prefix, below, [&](std::string_view key, std::string_view value) {
    give(key);
    if (stopped) return false;
    if (changes_.find(key) != changes_.end()) return true;
    stopped = !visit(key, value);
    return !stopped;
  }));
  give(std::nullopt);
  return absl::OkStatus();
}

absl::Status Draft::Add(const yizhan::desk::v1::DeskRecord& record) {
  YZ_RETURN_IF_ERROR(ApplyPayload(record, context_.time_us, context_.next_seq + records_.size(), state_));
  records_.push_back({TypeOf(record), record.SerializeAsString()});
  return absl::OkStatus();
}

}  // namespace yizhan::desk
