// The cluster's keys in its coordination store. docs/formats/cluster.md is the grammar; the shapes here are frozen.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace yizhan::cluster {

// What this program writes; a cluster of a greater one is refused.
inline constexpr uint32_t kFormatVersion = 1;

namespace keys {
inline constexpr std::string_view kCluster = "cluster";
inline constexpr std::string_view kFounding = "founding";
inline constexpr std::string_view kMembers = "member/";
inline constexpr std::string_view kOwners = "owner/";
inline constexpr std::string_view kHeads = "head/";
inline constexpr std::string_view kLog = "log/";
inline constexpr std::string_view kSynced = "synced/";

std::string Member(std::string_view node);
std::string Owner(std::string_view partition);
std::string Head(std::string_view partition);
// The entry whose last record is `last_seq`; a range from Log(p, s) holds everything from seq s on.
std::string Log(std::string_view partition, uint64_t last_seq);
// The first key behind a partition's log.
std::string LogEnd(std::string_view partition);
std::string Synced(std::string_view node);

// What follows `prefix`; nullopt when the key does not begin with it.
std::optional<std::string> NameIn(std::string_view key, std::string_view prefix);

struct LogPosition {
  std::string partition;
  uint64_t last_seq = 0;
};
// nullopt when it is not a key of Log()'s.
std::optional<LogPosition> ParseLog(std::string_view key);
}  // namespace keys

}  // namespace yizhan::cluster
