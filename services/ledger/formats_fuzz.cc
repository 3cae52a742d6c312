// Everything of the ledger's that decodes bytes: keys, heads, marks, blocks, partition names, snapshot files, RocksDB's
// logs. The first byte says which. What decodes encodes to the same bytes again.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "ledger/log_scan.h"
#include "ledger/partition.h"
#include "ledger/requests.h"
#include "ledger/seal.h"
#include "ledger/snapshot_file.h"
#include "ledger/tables.h"

namespace {
using namespace yizhan::ledger;  // NOLINT

void Must(bool holds) {
  if (!holds) abort();
}

// A file in memory with these bytes, by its path.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes)
      : fd_(memfd_create("fuzz", 0)), path_(absl::StrCat("/proc/self/fd/", fd_)) {
    Must(write(fd_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  }
  ~MemoryFile() { close(fd_); }
  const std::string& path() const { return path_; }

 private:
  const int fd_;
  const std::string path_;
};

// With a checksum that fits, so that what stands behind it is reached.
std::string Checked(std::string_view bytes) {
  std::string file(kSnapshotMagic);
  AppendU32(file, 1);
  file += bytes;
  const auto sum = Sha256({file});
  return file.append(sum.begin(), sum.end());
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 7) {
    case 0:
      if (auto key = RecordKey::Decode(bytes); key.ok()) Must(key->Encode() == bytes);
      break;
    case 1:
      if (auto head = Head::Decode(bytes); head.ok()) Must(head->Encode() == bytes);
      break;
    case 2:
      if (auto mark = SnapshotMark::Decode(bytes); mark.ok()) Must(mark->Encode() == bytes);
      break;
    case 3: {
      Requests requests(kRequestBlock);
      std::string block(bytes);
      block.resize(kRequestBlock * 8);
      Must(requests.AddBlock(data[0], block).ok());
      Must(requests.EncodeBlock((data[0] + 1) * kRequestBlock) == block);
      for (uint64_t seq : requests.Find(ReadU64(block))) requests.Truncate(seq - 1);
      break;
    }
    case 4:
      if (auto id = PartitionId::Parse(bytes); id.ok()) Must(id->ToString() == bytes);
      break;
    case 5: {
      MemoryFile file(Checked(bytes));
      auto reader = SnapshotReader::Open(file.path());
      Must(reader.ok());
      while ((*reader)->Text().ok() && !(*reader)->AtEnd()) {
      }
      MemoryFile unchecked(bytes);
      (void)SnapshotReader::Open(unchecked.path()).ok();
      break;
    }
    case 6: {
      MemoryFile file(bytes);
      auto scan = ScanLog(file.path());
      Must(scan.ok() && scan->end <= scan->size && scan->size <= bytes.size());
      Must(!scan->damage || scan->damage->offset <= bytes.size());
      break;
    }
  }
  return 0;
}
