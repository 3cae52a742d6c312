// History in pages: XEP-0313 (MAM) over XEP-0059 (RSM).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace yizhan::edge::xmpp {

class Element;
class XmlWriter;

// XEP-0059. `before` and `after` are archive ids; an empty `before` asks for the last page.
struct PageRequest {
  std::optional<uint32_t> max;
  std::optional<std::string> after, before;
};
// <set/> inside of `query`; absent means no bounds. InvalidArgument for a max that is no number, or after beside
// before.
absl::StatusOr<PageRequest> ParsePage(const Element& query);

struct PageResult {
  std::string_view first, last;   // ids of the page's ends; empty for an empty page
  std::optional<uint64_t> index;  // of `first` in the whole result, when known cheaply
  std::optional<uint64_t> count;  // of the whole result, when known cheaply
};
void AddPageResult(XmlWriter* writer, const PageResult& page);

struct ArchiveQuery {
  std::string queryid;
  std::optional<std::string> with;                 // a JID, unparsed
  std::optional<int64_t> start_us, end_us;         // since the epoch, inclusive
  std::optional<std::string> after_id, before_id;  // of urn:xmpp:mam:2#extended
  PageRequest page;
  bool flip_page = false;
};
// <query xmlns='urn:xmpp:mam:2'>. InvalidArgument for what cannot be read, and for form fields that are not known
// (XEP-0313 section 4.1.5: those must not be ignored).
absl::StatusOr<ArchiveQuery> ParseArchiveQuery(const Element& query);

// The form that says what a query may filter by, for <iq type='get'><query xmlns='urn:xmpp:mam:2'/></iq>; writes the
// <query/>.
void AddArchiveForm(XmlWriter* writer);

// One message of a page:
//   StartArchiveResult(&writer, {...}); StartStanza(&writer, "message", ...); ...; writer.End();
//   EndArchiveResult(&writer);
struct ArchiveResult {
  std::string_view from;     // the archive: a room's JID; empty for the account's own
  std::string_view to;       // may be empty
  std::string_view queryid;  // may be empty
  std::string_view id;       // the archive id, equal to the stanza-id
  int64_t micros = 0;        // when it was stored
};
void StartArchiveResult(XmlWriter* writer, const ArchiveResult& result);
void EndArchiveResult(XmlWriter* writer);

// The <fin/> of the iq's result.
void AddArchiveEnd(XmlWriter* writer, const PageResult& page, bool complete);

}  // namespace yizhan::edge::xmpp
