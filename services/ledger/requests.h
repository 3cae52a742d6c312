// Which requests a partition has carried out lately: the memory behind idempotence.
//
// A request's answer is on its last record, so what has to be remembered is only where that record is. In memory: a
// 64-bit keyed fingerprint of (actor, request id) → seq, for the last kRemembered records at least. On disk, table
// `requests`: the fingerprints of each full block of 1,024 seqs, written with the block's last record, so that a start
// reads blocks and not records. Both derive from the records.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"

namespace yizhan::ledger {

inline constexpr uint64_t kRequestBlock = 1'024;

// SipHash-2-4 (Aumasson, Bernstein 2012).
uint64_t SipHash(const std::array<uint64_t, 2>& key, std::string_view bytes);

// Never 0, which stands for "no request id". The key is this folder's own secret, so that nobody can make two requests
// collide.
uint64_t RequestFingerprint(const std::array<uint64_t, 2>& key, std::string_view actor, std::string_view request_id);

// One partition's. One thread.
class Requests {
 public:
  // Remembers the fingerprints of `window` seqs at least, and at most of 8 blocks more.
  explicit Requests(uint64_t window) : window_(window) {}

  // `seq` follows the last one added (any seq for the first). fingerprint 0: a record without request id.
  void Add(uint64_t seq, uint64_t fingerprint);
  // Forgets the seqs above: they were not committed.
  void Truncate(uint64_t last_seq);

  // Seqs of records that may carry the request, the latest first: the caller compares the record itself.
  absl::InlinedVector<uint64_t, 2> Find(uint64_t fingerprint) const;

  // The block that ends with `seq` (a multiple of kRequestBlock), encoded. All its seqs have been added.
  std::string EncodeBlock(uint64_t seq) const;
  // Adds a block that EncodeBlock made. DataLoss when it is not one.
  absl::Status AddBlock(uint64_t block, std::string_view bytes);

  uint64_t window() const { return window_; }
  size_t size() const { return ring_.size(); }

 private:
  void Forget(uint64_t seq, uint64_t fingerprint);

  const uint64_t window_;
  uint64_t first_ = 1;  // the seq of ring_.front()
  std::deque<uint64_t> ring_;
  absl::flat_hash_map<uint64_t, uint64_t> last_;  // fingerprint -> greatest seq
  // Earlier seqs of a fingerprint that came again: two requests with one fingerprint, or a request repeated after a
  // very long time.
  std::vector<std::pair<uint64_t, uint64_t>> earlier_;
};

}  // namespace yizhan::ledger
