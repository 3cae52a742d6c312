// A small archive and an export from it, for tests: records as services write them, a log of their leaves, and an
// export that shows every kind of item.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "audit/export_format/export_writer.h"
#include "audit/tlog/note.h"

namespace yizhan::audit {

// Protobuf's wire format, written: only for what the tests need.
std::string WireVarint(uint32_t field, uint64_t value);
std::string WireBytes(uint32_t field, std::string_view bytes);
// yizhan.common.v1.Sealed with the commitment to salt and content.
std::string SealedWire(std::string_view salt, std::string_view content);
// yizhan.ledger.v1.Record around a payload with one oneof member.
std::string RecordWire(std::string_view partition, uint64_t seq, int64_t time_us, std::string_view actor,
                       std::string_view type, uint32_t member, std::string_view message);

// One record of the sample archive with what an exporter knows of it.
struct SampleRecord {
  std::string bytes;
  ItemSource source;
};

class SampleArchive {
 public:
  SampleArchive();

  // Seven: a message in Chinese, one that looks like a formula, an event, an internal line of a service agent, a rating
  // with a comment, a message whose key is destroyed, and an auditor's act; other leaves stand between them.
  const std::vector<SampleRecord>& records() const { return records_; }
  const NoteSigner& signer() const { return signer_; }
  const std::string& checkpoint() const { return checkpoint_; }
  std::vector<Hash> InclusionOf(uint64_t leaf_index) const;
  Manifest About() const;

  // Writes the export of the first `items` records.
  absl::Status Export(const std::filesystem::path& dir, size_t items) const;

 private:
  void Take(SampleRecord record);

  NoteSigner signer_;
  std::vector<SampleRecord> records_;
  std::vector<Hash> leaves_;
  std::string checkpoint_;
};

}  // namespace yizhan::audit
