#include "audit/index/index.h"

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <limits>
#include <map>
#include <optional>

#include "absl/base/internal/endian.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "audit/index/encrypted_env.h"
#include "audit/index/postings.h"
#include "base/status.h"
#include "ledger/smooth_writes.h"

namespace yizhan::audit {
namespace {

// Keys: 'b' block(4, BE)               → first(8) end(8) min time(8) max time(8), BE
//       'g' gram(8, BE) ~block(4, BE)  → postings relative to the block's first document
//       'f' facet(16)   ~block(4, BE)  → postings
//       'v'                            → format version, one byte
constexpr char kVersion = 1;

void AppendBigEndian(std::string& out, uint64_t value, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}
std::string BlockKey(uint32_t block) {
  std::string key("b");
  AppendBigEndian(key, block, 4);
  return key;
}
std::string GramKey(Gram gram, uint32_t block) {
  std::string key("g");
  AppendBigEndian(key, gram, 8);
  AppendBigEndian(key, ~block, 4);
  return key;
}
std::string FacetKey(const Facet& facet, uint32_t block) {
  std::string key("f");
  key.append(reinterpret_cast<const char*>(facet.data()), facet.size());
  AppendBigEndian(key, ~block, 4);
  return key;
}

absl::Status FromRocks(const rocksdb::Status& status, std::string_view what) {
  if (status.ok()) return absl::OkStatus();
  const std::string message = absl::StrCat("the search index: ", std::string(what), ": ", status.ToString(),
                                           "; it can be deleted, and is then built again from the archive");
  return status.IsCorruption() ? absl::DataLossError(message) : absl::UnavailableError(message);
}

struct Block {
  uint64_t first = 0;  // documents [first, end)
  uint64_t end = 0;
  int64_t min_time_us = std::numeric_limits<int64_t>::max();
  int64_t max_time_us = std::numeric_limits<int64_t>::min();

  std::string Encode() const {
    std::string out;
    for (uint64_t v : {first, end, static_cast<uint64_t>(min_time_us), static_cast<uint64_t>(max_time_us)}) AppendBigEndian(out, v, 8);
    return out;
  }
  static std::optional<Block> Decode(std::string_view bytes) {
    if (bytes.size() != 32) return std::nullopt;
    auto at = [&](int i) { return absl::big_endian::Load64(bytes.data() + i * 8); };
    return Block{at(0), at(1), static_cast<int64_t>(at(2)), static_cast<int64_t>(at(3))};
  }
};

// The block that is being filled.
struct Segment {
  Block block;
  uint32_t documents = 0;
  absl::flat_hash_map<Gram, PostingList> grams;
  absl::flat_hash_map<Facet, PostingList> facets;
};

class IndexImpl : public Index {
 public:
  explicit IndexImpl(Options options) : options_(std::move(options)), env_(NewEncryptedEnv(options_.key)) {}

  absl::Status OpenStore() {
    rocksdb::Options options;
    options.create_if_missing = true;
    options.env = env_.get();
    options.compression = rocksdb::kNoCompression;  // postings do not shrink
    options.write_buffer_size = 32 << 20;
    options.max_total_wal_size = 64 << 20;
    options.max_background_jobs = 2;
    ledger::SmoothWrites(options);
    options.keep_log_file_num = 2;
    rocksdb::BlockBasedTableOptions table;
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    table.block_cache = rocksdb::NewLRUCache(64 << 20);
    options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    rocksdb::DB* db = nullptr;
    rocksdb::Status status = rocksdb::DB::Open(options, options_.path, &db);
    if (!status.ok()) return FromRocks(status, "cannot open " + options_.path);
    db_.reset(db);
    std::string version;
    status = db_->Get({}, "v", &version);
    if (status.IsNotFound()) {
      YZ_RETURN_IF_ERROR(FromRocks(db_->Put({}, "v", std::string(1, kVersion)), "first write"));
    } else if (!status.ok()) {
      return FromRocks(status, "reading the version");
    } else if (version != std::string(1, kVersion)) {
      return absl::FailedPreconditionError(absl::StrCat("the search index in ", options_.path, " has another format; delete it, and it is built again"));
    }
    std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}));
    for (it->Seek("b"); it->Valid() && it->key().starts_with("b"); it->Next()) {
      const auto block = Block::Decode({it->value().data(), it->value().size()});
      if (!block) return absl::DataLossError("a block entry of the search index is damaged; delete the index, and it is built again");
      blocks_.push_back(*block);
    }
    YZ_RETURN_IF_ERROR(FromRocks(it->status(), "reading the blocks"));
    segment_.block.first = segment_.block.end = blocks_.empty() ? 0 : blocks_.back().end;
    return absl::OkStatus();
  }

  uint64_t durable_end() const override {
    absl::ReaderMutexLock lock(&mutex_);
    return blocks_.empty() ? 0 : blocks_.back().end;
  }
  uint64_t end() const override {
    absl::ReaderMutexLock lock(&mutex_);
    return segment_.block.end;
  }

  absl::Status Add(uint64_t document, int64_t time_us, const std::vector<Gram>& grams, const std::vector<Facet>& facets) override {
    absl::MutexLock lock(&mutex_);
    if (document < segment_.block.end) return absl::InvalidArgumentError(absl::StrCat("document ", document, " comes too late"));
    // A block's numbers are 32-bit differences from its first.
    if (document - segment_.block.first > std::numeric_limits<uint32_t>::max()) YZ_RETURN_IF_ERROR(FlushLocked());
    Block& block = segment_.block;
    const auto number = static_cast<uint32_t>(document - block.first);
    for (Gram gram : grams) segment_.grams[gram].Add(number);
    for (const Facet& facet : facets) segment_.facets[facet].Add(number);
    block.end = document + 1;
    block.min_time_us = std::min(block.min_time_us, time_us);
    block.max_time_us = std::max(block.max_time_us, time_us);
    if (++segment_.documents >= options_.block_documents) return FlushLocked();
    return absl::OkStatus();
  }

  absl::Status Search(const IndexQuery& query, absl::FunctionRef<bool(uint64_t, bool)> visit) const override {
    // The lists of the open segment are copied under the lock; blocks never change.
    std::vector<uint32_t> open_matches;
    Block open;
    size_t count;
    {
      absl::ReaderMutexLock lock(&mutex_);
      open = segment_.block;
      count = blocks_.size();
      if (segment_.documents > 0 && Overlaps(open, query)) {
        YZ_ASSIGN_OR_RETURN(open_matches, Match(query, open, [&](Gram g) { return FromSegment(segment_.grams, g); },
                                                [&](const Facet& f) { return FromSegment(segment_.facets, f); }));
      }
    }
    if (!Emit(query, open, open_matches, visit)) return absl::OkStatus();
    for (size_t i = count; i-- > 0;) {
      Block block;
      {
        absl::ReaderMutexLock lock(&mutex_);
        block = blocks_[i];
      }
      if (!Overlaps(block, query)) continue;
      const auto number = static_cast<uint32_t>(i);
      YZ_ASSIGN_OR_RETURN(std::vector<uint32_t> matches, Match(query, block, [&](Gram g) { return FromDisk(GramKey(g, number)); },
                                                               [&](const Facet& f) { return FromDisk(FacetKey(f, number)); }));
      if (!Emit(query, block, matches, visit)) break;
    }
    return absl::OkStatus();
  }

  absl::Status Flush() override {
    absl::MutexLock lock(&mutex_);
    return FlushLocked();
  }

  uint64_t disk_bytes() const override {
    uint64_t bytes = 0;
    db_->GetIntProperty(rocksdb::DB::Properties::kTotalSstFilesSize, &bytes);
    return bytes;
  }

 private:
  static bool Overlaps(const Block& block, const IndexQuery& query) {
    return block.first < query.below && (query.start_us == 0 || block.max_time_us >= query.start_us) &&
           (query.end_us == 0 || block.min_time_us < query.end_us);
  }

  static bool Emit(const IndexQuery& query, const Block& block, const std::vector<uint32_t>& matches, absl::FunctionRef<bool(uint64_t, bool)> visit) {
    const bool certain = (query.start_us == 0 || block.min_time_us >= query.start_us) && (query.end_us == 0 || block.max_time_us < query.end_us);
    for (auto it = matches.rbegin(); it != matches.rend(); ++it) {
      const uint64_t document = block.first + *it;
      if (document < query.below && !visit(document, certain)) return false;
    }
    return true;
  }

  template <typename Map, typename Term>
  static absl::StatusOr<std::vector<uint32_t>> FromSegment(const Map& map, const Term& term) {
    auto it = map.find(term);
    if (it == map.end()) return std::vector<uint32_t>();
    return DecodePostings(it->second.bytes());
  }

  absl::StatusOr<std::vector<uint32_t>> FromDisk(const std::string& key) const {
    rocksdb::PinnableSlice value;
    rocksdb::Status status = db_->Get({}, db_->DefaultColumnFamily(), key, &value);
    if (status.IsNotFound()) return std::vector<uint32_t>();
    YZ_RETURN_IF_ERROR(FromRocks(status, "reading postings"));
    return DecodePostings({value.data(), value.size()});
  }

  template <typename ReadGram, typename ReadFacet>
  static absl::StatusOr<std::vector<uint32_t>> Match(const IndexQuery& query, const Block& block, ReadGram read_gram, ReadFacet read_facet) {
    std::optional<std::vector<uint32_t>> result;
    // Clauses of a single term first: they are the cheapest to find empty.
    std::vector<const IndexQuery::Clause*> clauses;
    for (const auto& clause : query.all) clauses.push_back(&clause);
    std::stable_sort(clauses.begin(), clauses.end(), [](auto* a, auto* b) { return a->grams.size() + a->facets.size() < b->grams.size() + b->facets.size(); });
    for (const auto* clause : clauses) {
      std::vector<uint32_t> any;
      for (Gram gram : clause->grams) {
        YZ_ASSIGN_OR_RETURN(std::vector<uint32_t> list, read_gram(gram));
        any = any.empty() ? std::move(list) : Unite(any, list);
      }
      for (const Facet& facet : clause->facets) {
        YZ_ASSIGN_OR_RETURN(std::vector<uint32_t> list, read_facet(facet));
        any = any.empty() ? std::move(list) : Unite(any, list);
      }
      result = result ? Intersect(*result, any) : std::move(any);
      if (result->empty()) return *std::move(result);
    }
    if (result) return *std::move(result);
    std::vector<uint32_t> every(block.end - block.first);
    for (size_t i = 0; i < every.size(); ++i) every[i] = static_cast<uint32_t>(i);
    return every;
  }

  absl::Status FlushLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (segment_.documents == 0) return absl::OkStatus();
    const auto number = static_cast<uint32_t>(blocks_.size());
    rocksdb::WriteBatch batch;
    // Sorted, so that the memtable is filled in order.
    std::map<std::string, const PostingList*> sorted;
    for (const auto& [gram, list] : segment_.grams) sorted.emplace(GramKey(gram, number), &list);
    for (const auto& [facet, list] : segment_.facets) sorted.emplace(FacetKey(facet, number), &list);
    for (const auto& [key, list] : sorted) batch.Put(key, list->bytes());
    batch.Put(BlockKey(number), segment_.block.Encode());
    YZ_RETURN_IF_ERROR(FromRocks(db_->Write({}, &batch), "writing a block"));
    blocks_.push_back(segment_.block);
    const uint64_t end = segment_.block.end;
    segment_ = Segment();
    segment_.block.first = segment_.block.end = end;
    return absl::OkStatus();
  }

  Options options_;
  std::unique_ptr<rocksdb::Env> env_;
  std::unique_ptr<rocksdb::DB> db_;
  mutable absl::Mutex mutex_;
  std::vector<Block> blocks_ ABSL_GUARDED_BY(mutex_);
  Segment segment_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<std::unique_ptr<Index>> Index::Open(const Options& options) {
  auto index = std::make_unique<IndexImpl>(options);
  YZ_RETURN_IF_ERROR(index->OpenStore());
  return index;
}

}  // namespace yizhan::audit
