// One exported item: a record, what of its content is disclosed, and what a reader is told about it.
// docs/formats/export.md says which file holds what. From one Item follow its JSON, its EML and its row of the CSV,
// byte for byte: the exporter writes them and the verifier writes them again to compare.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "audit/export_format/json.h"
#include "audit/export_format/record_view.h"

namespace yizhan::audit {

// An export has at most this many items: their numbers have six digits.
inline constexpr uint64_t kMaxItems = 999999;

// A record's content, opened.
struct Disclosure {
  std::string salt;   // kContentSaltBytes
  std::string bytes;  // what follows the salt in the sealed plaintext
  bool operator==(const Disclosure&) const = default;
};

// What the exporter knows beside the record's bytes.
struct ItemSource {
  uint64_t number = 0;      // from 1, in the order of the export
  uint64_t leaf_index = 0;  // in the log
  std::string leaf_salt;    // of the leaf's commitment, kSaltBytes
  // A record with sealed content has exactly one of these two; one without has neither.
  std::optional<Disclosure> disclosed;
  std::string undisclosed;  // why the content is not shown: "key destroyed"
  // Told for the reader's sake; the record does not prove them.
  std::string conversation_title;
  std::map<std::string, std::string> names;  // of the ids that occur in the item
  bool operator==(const ItemSource&) const = default;
};

struct Item : ItemSource {
  RecordView record;
  Json content;  // as of ReadContent; empty when undisclosed

  // The text that was said; empty for events.
  std::string Text() const;
  // Who did it: the message's sender or the line's author, else the id in the record's actor.
  std::string AuthorId() const;
  std::string AuthorName() const;  // from names; empty when they do not tell
  // A fact as text; empty when there is none of that name.
  std::string Fact(std::string_view name) const;
  // The facts on one line, "by_id: p1; person_ids: p2, p3", without conversation and positions; empty for messages.
  std::string Event() const;
};

// Reads the record and checks the source against it. Reasons: RECORD_MALFORMED; CONTENT_MISMATCH when the disclosed
// content is not the one that the record commits to; ITEM_MALFORMED when the source breaks its own rules.
absl::StatusOr<Item> BuildItem(const ItemSource& source, std::string_view record);

// NNNNNN.json.
Json ItemJson(const Item& item);
// The source that an NNNNNN.json gives. InvalidArgument, reason ITEM_MALFORMED; Unimplemented, reason ITEM_VERSION, for
// a format version that this program does not know.
absl::StatusOr<ItemSource> ParseItemJson(const Json& json);

// "items/000/000042.eml" for item 42 and "eml".
std::string ItemPath(uint64_t number, std::string_view extension);

// 2026-01-17T03:34:56.123456Z.
std::string FormatTime(int64_t time_us);

}  // namespace yizhan::audit
