#include "audit/archive/item_store.h"

#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <atomic>

#include "absl/base/internal/endian.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "ledger/smooth_writes.h"

namespace yizhan::audit {
namespace {

// Key: leaf(8, big-endian). Value: the record's bytes. The format's version stands under the empty key.
constexpr char kVersion = 1;

std::string LeafKey(uint64_t leaf) {
  char bytes[8];
  absl::big_endian::Store64(bytes, leaf);
  return std::string(bytes, sizeof bytes);
}

absl::Status FromRocks(const rocksdb::Status& status, std::string_view what) {
  if (status.ok()) return absl::OkStatus();
  const std::string message = absl::StrCat("the archive's items: ", std::string(what), ": ", status.ToString());
  if (status.IsCorruption()) return Refuse(absl::StatusCode::kDataLoss, "ARCHIVE_DAMAGED", message);
  return absl::UnavailableError(message);
}

class ItemStoreImpl : public ItemStore {
 public:
  absl::Status OpenStore(const std::string& path) {
    rocksdb::Options options;
    options.create_if_missing = true;
    options.compression = rocksdb::kNoCompression;  // sealed bytes do not shrink
    options.write_buffer_size = 32 << 20;
    options.max_total_wal_size = 128 << 20;
    options.max_background_jobs = 2;
    ledger::SmoothWrites(options);
    options.keep_log_file_num = 2;
    options.paranoid_checks = true;
    rocksdb::BlockBasedTableOptions table;
    table.block_size = 16 << 10;
    table.block_cache = rocksdb::NewLRUCache(32 << 20);
    options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    rocksdb::DB* db = nullptr;
    YZ_RETURN_IF_ERROR(FromRocks(rocksdb::DB::Open(options, path, &db), "cannot open " + path));
    db_.reset(db);
    std::string version;
    rocksdb::Status status = db_->Get({}, "", &version);
    if (status.IsNotFound()) {
      YZ_RETURN_IF_ERROR(FromRocks(db_->Put({}, "", std::string(1, kVersion)), "first write"));
    } else if (!status.ok()) {
      return FromRocks(status, "reading the version");
    } else if (version[0] > kVersion) {
      return absl::FailedPreconditionError(absl::StrCat("the archive in ", path, " was written by a newer program; install that version or a newer one"));
    }
    std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}));
    it->SeekToLast();
    YZ_RETURN_IF_ERROR(FromRocks(it->status(), "reading the end"));
    if (it->Valid() && it->key().size() == 8) end_ = absl::big_endian::Load64(it->key().data()) + 1;
    return absl::OkStatus();
  }

  uint64_t end() const override { return end_.load(std::memory_order_acquire); }

  absl::Status Append(const std::vector<std::string>& records) override {
    rocksdb::WriteBatch batch;
    uint64_t leaf = end();
    for (const std::string& record : records) batch.Put(LeafKey(leaf++), record);
    YZ_RETURN_IF_ERROR(FromRocks(db_->Write({}, &batch), "writing"));
    end_.store(leaf, std::memory_order_release);
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> Get(uint64_t leaf) const override {
    std::string value;
    rocksdb::Status status = db_->Get({}, LeafKey(leaf), &value);
    if (status.IsNotFound()) return absl::NotFoundError(absl::StrCat("the archive holds no item of leaf ", leaf));
    YZ_RETURN_IF_ERROR(FromRocks(status, absl::StrCat("reading leaf ", leaf)));
    return value;
  }

  absl::Status Scan(uint64_t first, absl::FunctionRef<bool(uint64_t, std::string_view)> visit) const override {
    std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}));
    for (it->Seek(LeafKey(first)); it->Valid(); it->Next()) {
      if (it->key().size() != 8) continue;
      if (!visit(absl::big_endian::Load64(it->key().data()), {it->value().data(), it->value().size()})) return absl::OkStatus();
    }
    return FromRocks(it->status(), "reading");
  }

  absl::Status Overwrite(uint64_t leaf, const std::string& bytes) { return FromRocks(db_->Put({}, LeafKey(leaf), bytes), "overwriting"); }

  absl::Status Sync() override { return FromRocks(db_->SyncWAL(), "syncing"); }

 private:
  std::unique_ptr<rocksdb::DB> db_;
  std::atomic<uint64_t> end_{0};
};

}  // namespace

absl::StatusOr<std::unique_ptr<ItemStore>> ItemStore::Open(const std::string& path) {
  auto store = std::make_unique<ItemStoreImpl>();
  YZ_RETURN_IF_ERROR(store->OpenStore(path));
  return store;
}

absl::Status ItemStore::OverwriteForTest(std::unique_ptr<ItemStore> store, uint64_t leaf, const std::string& bytes) {
  return static_cast<ItemStoreImpl&>(*store).Overwrite(leaf, bytes);
}

}  // namespace yizhan::audit
