// XEP-0313: pages of what was said, for the account (its conversations with single people) and for each room.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "edge/xmpp_server/text.h"
#include "base/status.h"
#include "edge/xmpp/archive.h"
#include "edge/xmpp/errors.h"
#include "edge/xmpp/namespaces.h"
#include "edge/xmpp/stanza.h"
#include "edge/xmpp_server/event_stanza.h"
#include "edge/xmpp_server/queries.h"
#include "edge/xmpp_server/xmpp_session.h"
#include "yizhan/im/v1/message_service.pb.h"

namespace yizhan::edge::xmpp {
namespace {

constexpr char kListArchive[] = "/yizhan.im.v1.MessageService/ListArchive";
constexpr uint32_t kPage = 50;
constexpr uint32_t kMaxPage = 200;

// An archive id is the decimal message id. One that is not ours is NotFound, as XEP-0059 wants it.
absl::StatusOr<uint64_t> ParseId(const std::string& text) {
  uint64_t id = 0;
  if (!ToNumber(text, &id) || id == 0) {
    return Refuse(absl::StatusCode::kNotFound, "UNKNOWN_ID", "the archive has no message of this id");
  }
  return id;
}

// What stands behind an id, and before one: the narrowest of several bounds.
absl::Status Narrow(const std::optional<std::string>& after, const std::optional<std::string>& before, im::v1::ListArchiveRequest* request) {
  if (after && !after->empty()) {
    YZ_ASSIGN_OR_RETURN(uint64_t id, ParseId(*after));
    request->set_after_id(std::max<uint64_t>(request->after_id(), id));
  }
  if (before && !before->empty()) {
    YZ_ASSIGN_OR_RETURN(uint64_t id, ParseId(*before));
    request->set_before_id(request->before_id() == 0 ? id : std::min<uint64_t>(request->before_id(), id));
  }
  return absl::OkStatus();
}

absl::StatusOr<im::v1::ListArchiveRequest> ToRequest(const XmppSession& session, const ArchiveQuery& query, const Address& to) {
  im::v1::ListArchiveRequest request;
  const XmppContext& context = session.context();
  if (to.place == Place::kRoom) {
    request.set_conversation_id(Cat("g:", to.local));
    if (query.with) return Refuse(absl::StatusCode::kUnimplemented, "WITH_IN_ROOM", "a room's archive is not filtered by occupant");
  } else if (query.with) {
    std::string person = context.people->IdOf(context.LoginOf(*query.with));
    // Nobody of that name: nothing was said with them.
    if (person.empty()) return Refuse(absl::StatusCode::kNotFound, "PERSON_NOT_FOUND", "there is nobody of this name here");
    request.set_with_person_id(std::move(person));
  }
  YZ_RETURN_IF_ERROR(Narrow(query.after_id, query.before_id, &request));
  YZ_RETURN_IF_ERROR(Narrow(query.page.after, query.page.before, &request));
  request.set_newest(query.page.before.has_value());
  if (query.start_us) request.set_start_us(std::max<int64_t>(1, *query.start_us));
  if (query.end_us) request.set_end_us(std::max<int64_t>(1, *query.end_us));
  request.set_page_size(std::clamp<uint32_t>(query.page.max.value_or(kPage), 1, kMaxPage));
  return request;
}

void AnswerPage(XmppSession* session, const im::v1::ListArchiveResponse& page, const ArchiveQuery& query, std::string archive,
                std::string result, bool count_only) {
  const XmppContext& context = session->context();
  const int size = count_only ? 0 : page.messages_size();
  // Without acknowledgements nobody counts stanzas: the page is one piece.
  const bool one_piece = session->sm() == nullptr;
  std::string out;
  if (one_piece) out.reserve(static_cast<size_t>(size) * 700 + 512);
  for (int i = 0; i < size; ++i) {
    AppendArchived(context, page.messages(query.flip_page ? size - 1 - i : i), archive, session->jid().full(), query.queryid, &out);
    if (!one_piece) session->Send(std::exchange(out, {}));
    if (session->over()) return;
  }
  std::string first, last;
  if (size > 0) {
    first = Cat(page.messages(0).message_id());
    last = Cat(page.messages(size - 1).message_id());
  }
  PageResult ends{first, last, std::nullopt, std::nullopt};
  if (page.count_known()) ends.count = page.count();
  out.append(result);
  XmlWriter writer(&out);
  AddArchiveEnd(&writer, ends, page.complete() && !count_only);
  out.append("</iq>");
  session->Send(std::move(out));
}

}  // namespace

void OnArchiveQuery(XmppSession* session, const Element& iq, const Address& to) {
  const Element& payload = *iq.first_child();
  if (iq.attr("type") == "get") {
    std::string result = OpenResult(iq);
    XmlWriter writer(&result);
    AddArchiveForm(&writer);
    result.append("</iq>");
    return session->Send(std::move(result));
  }
  auto query = ParseArchiveQuery(payload);
  if (!query.ok()) return session->Refuse(iq, query.status());
  auto request = ToRequest(*session, *query, to);
  if (!request.ok()) return session->Refuse(iq, request.status());
  const bool count_only = query->page.max == 0u;
  std::string refused;
  AppendErrorReply(iq, StanzaCondition::kItemNotFound, "there is no such archive for you", &refused);
  session->edge().Ask<im::v1::ListArchiveResponse>(
      kListArchive, *request,
      [session, query = *std::move(query), result = OpenResult(iq), refused = std::move(refused), count_only,
       archive = to.place == Place::kRoom ? Cat(to.local, "@", session->context().groups_domain) : std::string()](
          absl::StatusOr<im::v1::ListArchiveResponse> page) mutable {
        if (!page.ok()) return session->Send(std::move(refused));
        AnswerPage(session, *page, query, std::move(archive), std::move(result), count_only);
      });
}

}  // namespace yizhan::edge::xmpp
