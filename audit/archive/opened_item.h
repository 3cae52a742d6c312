// What a record says, opened: for the index, for the auditor's eyes, for exports.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/index/terms.h"
#include "ledger/keyring.h"
#include "ledger/ledger.h"
#include "yizhan/audit/v1/archive_service.pb.h"

namespace yizhan::audit {

struct OpenedItem {
  // Everything but leaf_index, names, title and highlights.
  yizhan::audit::v1::Item item;
  // What it is found by beside its text.
  std::vector<Facet> facets;
  // The sealed content's salt and plaintext (a serialised im Content, or UTF-8 text for the desk): what an export discloses. Both empty
  // where a record has no sealed content.
  std::string salt;
  std::string content;
  std::string commitment;
};

// Opens a record. NotFound when its data key is gone; DataLoss when it does not open or is of an unknown kind.
absl::StatusOr<OpenedItem> OpenRecord(const ledger::Record& record, const ledger::Keyring& keyring);

// The facets of conditions.
Facet PersonFacet(std::string_view person_id);
Facet ConversationFacet(std::string_view conversation_id);
Facet CustomerFacet(std::string_view customer_id);
Facet SourceFacet(yizhan::audit::v1::Source source);
// Everything that a person or a customer said: messages, lines, notes.
Facet SaidFacet();

}  // namespace yizhan::audit
