#include "audit/tlog/entry.h"

#include <algorithm>
#include <optional>

#include "audit/tlog/text.h"
#include "base/status.h"

namespace yizhan::audit {
namespace {

constexpr std::string_view kVersionFront = "yizhan-leaf/";
constexpr std::string_view kVersion = "yizhan-leaf/v1";
constexpr size_t kMaxNameBytes = 255;
constexpr uint8_t kCommitmentPrefix = 0x02;

absl::Status Malformed(std::string_view what) {
  return Refuse(absl::StatusCode::kInvalidArgument, "LEAF_MALFORMED", what);
}

bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '/' || c == '-';
  });
}

absl::Status Check(const LogEntry& entry) {
  if (!IsName(entry.partition)) return Malformed(Cat("not a partition: ", Quoted(entry.partition)));
  if (entry.seq == 0) return Malformed("seq begins with 1");
  if (entry.time_micros < 0) return Malformed(Cat("a time before 1970: ", entry.time_micros));
  if (!IsName(entry.record_type)) return Malformed(Cat("not a record type: ", Quoted(entry.record_type)));
  return absl::OkStatus();
}

// The value of the line `<name> <value>`.
absl::StatusOr<std::string_view> TakeField(std::string_view* rest, std::string_view name) {
  const auto line = TakeLine(rest);
  if (!line || line->size() <= name.size() || line->substr(0, name.size()) != name || (*line)[name.size()] != ' ') {
    return Malformed(Cat("there is no line ", name));
  }
  return line->substr(name.size() + 1);
}

}  // namespace

absl::StatusOr<Hash> RecordCommitment(std::string_view salt, std::string_view sealed_record) {
  if (salt.size() != kSaltBytes) return absl::InvalidArgumentError(Cat("a salt has 32 bytes, not ", salt.size()));
  return Sha256Of(kCommitmentPrefix, salt, sealed_record);
}

absl::StatusOr<std::string> EncodeEntry(const LogEntry& entry) {
  YZ_RETURN_IF_ERROR(Check(entry));
  return Cat(kVersion, "\npartition ", entry.partition, "\nseq ", entry.seq, "\ntime ", entry.time_micros, "\ntype ",
             entry.record_type, "\ncommitment ", ToBase64(entry.commitment.view()), '\n');
}

absl::StatusOr<LogEntry> DecodeEntry(std::string_view bytes) {
  const auto version = TakeLine(&bytes);
  if (!version || version->substr(0, kVersionFront.size()) != kVersionFront) return Malformed("not a leaf of Yizhan");
  if (*version != kVersion) {
    return Refuse(absl::StatusCode::kUnimplemented, "LEAF_VERSION",
                  Cat("a leaf of version ", Quoted(*version), "; this program reads ", kVersion));
  }
  LogEntry entry;
  YZ_ASSIGN_OR_RETURN(std::string_view partition, TakeField(&bytes, "partition"));
  YZ_ASSIGN_OR_RETURN(std::string_view seq, TakeField(&bytes, "seq"));
  YZ_ASSIGN_OR_RETURN(std::string_view time, TakeField(&bytes, "time"));
  YZ_ASSIGN_OR_RETURN(std::string_view type, TakeField(&bytes, "type"));
  YZ_ASSIGN_OR_RETURN(std::string_view commitment, TakeField(&bytes, "commitment"));
  if (!bytes.empty()) return Malformed("there is something after the commitment");
  entry.partition = std::string(partition);
  entry.record_type = std::string(type);
  const auto seq_value = ParseDecimal(seq);
  const auto time_value = ParseDecimal(time, INT64_MAX);
  if (!seq_value) return Malformed(Cat("not a seq: ", Quoted(seq)));
  if (!time_value) return Malformed(Cat("not a time: ", Quoted(time)));
  entry.seq = *seq_value;
  entry.time_micros = static_cast<int64_t>(*time_value);
  auto hash = HashFromBase64(commitment);
  if (!hash.ok()) return Malformed(Cat("not a commitment: ", Quoted(commitment)));
  entry.commitment = *hash;
  YZ_RETURN_IF_ERROR(Check(entry));
  return entry;
}

}  // namespace yizhan::audit
