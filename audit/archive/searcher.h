// Keeps the index up with the items, and answers searches from both.
#pragma once

#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "audit/archive/item_store.h"
#include "audit/archive/names.h"
#include "audit/archive/opened_item.h"
#include "audit/index/index.h"
#include "ledger/keyring.h"
#include "yizhan/audit/v1/archive_service.pb.h"

namespace yizhan::audit {

class Searcher {
 public:
  struct Options {
    ItemStore* items;
    const ledger::Keyring* keyring;
    Names* names;
    // DIR/search; deleted and built again when it is damaged.
    std::string index_path;
  };
  static absl::StatusOr<std::unique_ptr<Searcher>> Open(Options options);
  virtual ~Searcher() = default;  // stops

  virtual void Start() = 0;
  virtual void Stop() = 0;
  // There are new items.
  virtual void Wake() = 0;

  // A page of hits. InvalidArgument for a query that cannot be read, an unknown page token, an empty range of time.
  virtual absl::StatusOr<yizhan::audit::v1::SearchResponse> Search(const yizhan::audit::v1::SearchRequest& request) const = 0;
  // Every hit, newest first, until `visit` returns false.
  virtual absl::Status ForEach(const yizhan::audit::v1::SearchRequest& request,
                               absl::FunctionRef<bool(uint64_t leaf, const OpenedItem& item)> visit) const = 0;
  // The items of one conversation around a position, ascending; everything that takes a position there.
  virtual absl::StatusOr<yizhan::audit::v1::ReadConversationResponse> ReadConversation(
      const yizhan::audit::v1::ReadConversationRequest& request) const = 0;
  // One item with its names.
  virtual absl::StatusOr<OpenedItem> Open(uint64_t leaf) const = 0;

  // Leaves below this are searchable.
  virtual uint64_t indexed_end() const = 0;
  virtual int64_t indexed_to_us() const = 0;
  // Items that could not be opened for the index.
  virtual uint64_t unsearchable() const = 0;
};

}  // namespace yizhan::audit
