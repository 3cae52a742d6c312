// The inverted index of the archive. Documents are numbered by their leaf in the log and arrive in ascending order. They collect in
// memory, where they are already found, and go to disk in blocks; what was only in memory is added again after a restart.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "audit/index/terms.h"

namespace yizhan::audit {

// Documents that have, for every clause, at least one of its terms.
struct IndexQuery {
  struct Clause {
    std::vector<Gram> grams;
    std::vector<Facet> facets;
  };
  std::vector<Clause> all;   // empty: every document
  uint64_t below = UINT64_MAX;  // documents below this number
  int64_t start_us = 0;         // not before; 0: no bound
  int64_t end_us = 0;           // before; 0: no bound
};

class Index {
 public:
  struct Options {
    std::string path;
    // Encrypts what is on disk.
    std::array<uint8_t, 32> key;
    // Documents in a block.
    uint32_t block_documents = 16'384;
  };

  // DataLoss or FailedPrecondition for a damaged folder or one of another key: delete it, and the index is built again.
  static absl::StatusOr<std::unique_ptr<Index>> Open(const Options& options);
  virtual ~Index() = default;

  // The first document that is not on disk: go on adding from here after Open.
  virtual uint64_t durable_end() const = 0;
  // The first document that has not been added.
  virtual uint64_t end() const = 0;

  // Adds a document; numbers ascend, may leave gaps (documents without terms). Grams and facets sorted or not, each once.
  virtual absl::Status Add(uint64_t document, int64_t time_us, const std::vector<Gram>& grams, const std::vector<Facet>& facets) = 0;

  // Visits matching documents, the greatest number first, until `visit` returns false. time_certain says that the document lies within
  // start_us and end_us; otherwise its block reaches over an end and the caller looks at the document's own time.
  virtual absl::Status Search(const IndexQuery& query, absl::FunctionRef<bool(uint64_t document, bool time_certain)> visit) const = 0;

  // Puts on disk what is in memory.
  virtual absl::Status Flush() = 0;
  virtual uint64_t disk_bytes() const = 0;
};

}  // namespace yizhan::audit
