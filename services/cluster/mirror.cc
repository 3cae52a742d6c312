#include "cluster/mirror.h"

#include <algorithm>
#include <utility>

#include "base/logging.h"

namespace yizhan::cluster {

namespace {
constexpr absl::Duration kTimeout = absl::Seconds(2);
constexpr absl::Duration kAgain = absl::Milliseconds(200);
constexpr absl::Duration kLookAgain = absl::Seconds(5);
}  // namespace

Mirror::Mirror(Context* context, std::string_view prefix, std::function<void()> on_change)
    : context_(context), prefix_(prefix), on_change_(std::move(on_change)) {}

void Mirror::Start() { List(); }

const KeyValue* Mirror::Find(const std::string& key) const {
  auto it = keys_.find(key);
  return it == keys_.end() ? nullptr : &it->second;
}

void Mirror::Learn(KeyValue kv) {
  auto [it, fresh] = keys_.try_emplace(kv.key);
  if (fresh || it->second.mod_revision < kv.mod_revision) it->second = std::move(kv);
}

void Mirror::List() {
  watch_.reset();
  context_->kv.Get({prefix_, PrefixEnd(prefix_)}, kTimeout,
                   [this](absl::StatusOr<RangeResult> result) { Listed(std::move(result)); });
}

void Mirror::Listed(absl::StatusOr<RangeResult> result) {
  if (!result.ok()) {
    context_->loop->After(kAgain, [this] { List(); });
    return;
  }
  keys_.clear();
  for (KeyValue& kv : result->kvs) keys_.emplace(kv.key, std::move(kv));
  revision_ = result->revision;
  Watch(revision_ + 1);
  if (!std::exchange(listed_, true)) context_->loop->After(kLookAgain, [this] { LookAgain(); });
  on_change_();
}

void Mirror::Watch(int64_t from_revision) {
  watch_ = context_->kv.StartWatch(
      prefix_, PrefixEnd(prefix_), from_revision,
      {[this](std::vector<Event> events, int64_t revision) { Take(std::move(events), revision); },
       [this](absl::Status why) {
         log::Warning("cluster", "a watch was lost; it is listed again").With("prefix", prefix_).With("why", why);
         context_->loop->After(kAgain, [this] { List(); });
       }});
}

void Mirror::LookAgain() {
  context_->kv.Get({prefix_, PrefixEnd(prefix_)}, kTimeout, [this](absl::StatusOr<RangeResult> result) {
    context_->loop->After(kLookAgain, [this] { LookAgain(); });
    // What the watch has told meanwhile may be newer.
    if (!result.ok() || result->revision < revision_) return;
    std::map<std::string, KeyValue> keys;
    for (KeyValue& kv : result->kvs) keys.emplace(kv.key, std::move(kv));
    const bool same =
        std::equal(keys.begin(), keys.end(), keys_.begin(), keys_.end(), [](const auto& a, const auto& b) {
          return a.first == b.first && a.second.mod_revision == b.second.mod_revision;
        });
    if (same) return;
    keys_ = std::move(keys);
    revision_ = result->revision;
    on_change_();
  });
}

void Mirror::Take(std::vector<Event> events, int64_t revision) {
  if (revision <= revision_) return;  // it was listed meanwhile
  for (Event& event : events) {
    auto it = keys_.find(event.kv.key);
    const bool newer = it == keys_.end() || it->second.mod_revision < event.kv.mod_revision;
    if (event.kv.mod_revision <= revision_ || !newer) continue;
    if (event.kind == Event::Kind::kDelete) {
      if (it != keys_.end()) keys_.erase(it);
    } else {
      keys_[event.kv.key] = std::move(event.kv);
    }
  }
  revision_ = revision;
  on_change_();
}

}  // namespace yizhan::cluster
