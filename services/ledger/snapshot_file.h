// Reading and writing the bytes of a snapshot file.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

struct evp_md_ctx_st;

namespace yizhan::ledger {

inline constexpr std::string_view kSnapshotMagic = "YZSNAPSH";
inline constexpr uint32_t kSnapshotVersion = 1;

// A file that is not there until Finish: written under PATH.new, with a SHA-256 of all its bytes behind them.
class SnapshotWriter {
 public:
  static absl::StatusOr<std::unique_ptr<SnapshotWriter>> Create(const std::string& path);
  ~SnapshotWriter();
  void Bytes(std::string_view bytes);
  void U8(uint8_t value);
  void U32(uint32_t value);
  void U64(uint64_t value);
  // u32 length, bytes.
  void Text(std::string_view bytes);
  // Appends the checksum, syncs file and folder, gives it its name. A failed write of before is reported here.
  absl::Status Finish();

 private:
  explicit SnapshotWriter(std::string path);
  const std::string path_;
  FILE* file_ = nullptr;
  int error_ = 0;
  std::unique_ptr<evp_md_ctx_st, void (*)(evp_md_ctx_st*)> hash_;
};

// Reads what SnapshotWriter wrote. Open checks the checksum over the whole file first, so that nothing of a damaged one
// is ever used.
class SnapshotReader {
 public:
  static absl::StatusOr<std::unique_ptr<SnapshotReader>> Open(const std::string& path);
  ~SnapshotReader();
  absl::StatusOr<uint8_t> U8();
  absl::StatusOr<uint32_t> U32();
  absl::StatusOr<uint64_t> U64();
  absl::StatusOr<std::string> Bytes(size_t size);
  absl::StatusOr<std::string> Text();
  // Whether everything up to the checksum has been read.
  bool AtEnd() const { return left_ == 0; }
  absl::Status Damaged(std::string_view what) const;

 private:
  explicit SnapshotReader(std::string path) : path_(std::move(path)) {}
  const std::string path_;
  FILE* file_ = nullptr;
  uint64_t left_ = 0;  // before the checksum
};

}  // namespace yizhan::ledger
