#include "cluster/keys.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cluster/kv.h"

namespace yizhan::cluster {

std::string PrefixEnd(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty()) {
    if (static_cast<unsigned char>(end.back()) != 0xff) {
      ++end.back();
      return end;
    }
    end.pop_back();
  }
  return std::string(1, '\0');
}

namespace keys {
namespace {
std::string Join(std::string_view prefix, std::string_view name) {
  std::string key(prefix);
  key += name;
  return key;
}
}  // namespace

std::string Member(std::string_view node) { return Join(kMembers, node); }
std::string Owner(std::string_view partition) { return Join(kOwners, partition); }
std::string Head(std::string_view partition) { return Join(kHeads, partition); }
std::string Synced(std::string_view node) { return Join(kSynced, node); }

std::string Log(std::string_view partition, uint64_t last_seq) {
  std::string key = Join(kLog, partition);
  absl::StrAppendFormat(&key, "/%016x", last_seq);
  return key;
}

std::string LogEnd(std::string_view partition) { return Join(kLog, partition) + "0"; }  // '0' follows '/'

std::optional<std::string> NameIn(std::string_view key, std::string_view prefix) {
  if (!key.starts_with(prefix)) return std::nullopt;
  return std::string(key.substr(prefix.size()));
}

std::optional<LogPosition> ParseLog(std::string_view key) {
  if (!key.starts_with(kLog)) return std::nullopt;
  key.remove_prefix(kLog.size());
  const size_t slash = key.rfind('/');
  if (slash == std::string_view::npos || key.size() - slash - 1 != 16) return std::nullopt;
  LogPosition position;
  position.partition = key.substr(0, slash);
  const std::string_view digits = key.substr(slash + 1);
  if (!absl::SimpleHexAtoi(absl::string_view(digits.data(), digits.size()), &position.last_seq)) return std::nullopt;
  return position;
}

}  // namespace keys
}  // namespace yizhan::cluster
