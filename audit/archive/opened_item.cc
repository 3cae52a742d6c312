#include "audit/archive/opened_item.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/status.h"
#include "yizhan/audit/v1/record.pb.h"
#include "yizhan/desk/v1/record.pb.h"
#include "yizhan/directory/v1/record.pb.h"
#include "yizhan/im/v1/record.pb.h"
#include "yizhan/ledger/v1/keyring.pb.h"

namespace yizhan::audit {
namespace {

using desk::v1::DeskRecord;
using directory::v1::DirectoryRecord;
using im::v1::ImRecord;

absl::Status OpenSealed(const common::v1::Sealed& sealed, const ledger::Keyring& keyring, OpenedItem& out) {
  YZ_ASSIGN_OR_RETURN(ledger::DataKeyPtr key, keyring.Find(sealed.key_id()));
  YZ_ASSIGN_OR_RETURN(out.content, ledger::OpenWith(*key, sealed, &out.salt));
  out.commitment = sealed.commitment();
  return absl::OkStatus();
}

void InConversation(const std::string& id, uint64_t seq, OpenedItem& out) {
  out.item.set_conversation_id(id);
  out.item.set_conversation_seq(seq);
  out.facets.push_back(ConversationFacet(id));
  // Both sides of a direct conversation are found by either person.
  const std::vector<std::string> parts = absl::StrSplit(id, ':');
  if (parts.size() == 3 && parts[0] == "d") {
    out.facets.push_back(PersonFacet(parts[1]));
    if (parts[2] != parts[1]) out.facets.push_back(PersonFacet(parts[2]));
  }
}

void By(const std::string& person_id, OpenedItem& out) {
  out.item.set_actor_id(person_id);
  if (person_id.empty()) return;
  const Facet facet = PersonFacet(person_id);
  if (std::find(out.facets.begin(), out.facets.end(), facet) == out.facets.end()) out.facets.push_back(facet);
}

absl::Status OpenIm(const ImRecord& record, const ledger::Keyring& keyring, OpenedItem& out) {
  switch (record.kind_case()) {
    case ImRecord::kSent: {
      const auto& sent = record.sent();
      InConversation(sent.conversation_id(), sent.seq(), out);
      By(sent.sender_id(), out);
      YZ_RETURN_IF_ERROR(OpenSealed(sent.content(), keyring, out));
      im::v1::Content content;
      if (!content.ParseFromString(out.content)) return absl::DataLossError("unreadable content");
      out.item.set_text(content.text());
      return absl::OkStatus();
    }
    case ImRecord::kCreated:
      InConversation(record.created().conversation_id(), 1, out);
      By(record.created().creator_id(), out);
      out.item.set_text(absl::StrCat("conversation created: ", record.created().title()));
      return absl::OkStatus();
    case ImRecord::kJoined:
      InConversation(record.joined().conversation_id(), record.joined().seq(), out);
      By(record.joined().by_id(), out);
      out.item.set_text(absl::StrCat("joined: ", absl::StrJoin(record.joined().person_ids(), " ")));
      return absl::OkStatus();
    case ImRecord::kLeft:
      InConversation(record.left().conversation_id(), record.left().seq(), out);
      By(record.left().by_id(), out);
      out.item.set_text(absl::StrCat("left: ", record.left().person_id()));
      return absl::OkStatus();
    case ImRecord::kRenamed:
      InConversation(record.renamed().conversation_id(), record.renamed().seq(), out);
      By(record.renamed().by_id(), out);
      out.item.set_text(absl::StrCat("renamed: ", record.renamed().title()));
      return absl::OkStatus();
    case ImRecord::kCursors:
      InConversation(record.cursors().conversation_id(), 0, out);
      By(record.cursors().person_id(), out);
      out.item.set_text(absl::StrCat("read to ", record.cursors().read_seq(), ", received to ", record.cursors().delivered_seq()));
      return absl::OkStatus();
    case ImRecord::KIND_NOT_SET:
      break;
  }
  return absl::DataLossError("a messaging record of an unknown kind");
}

absl::Status OpenDesk(const DeskRecord& record, const ledger::Keyring& keyring, OpenedItem& out) {
  switch (record.kind_case()) {
    case DeskRecord::kLine: {
      const auto& line = record.line();
      InConversation(line.conversation_id(), line.seq(), out);
      By(line.author_id(), out);
      out.item.set_internal(line.internal());
      if (line.author() == desk::v1::Line::AUTHOR_CUSTOMER) {
        out.item.set_customer_id(line.author_id());
        out.facets.push_back(CustomerFacet(line.author_id()));
      }
      YZ_RETURN_IF_ERROR(OpenSealed(line.text(), keyring, out));
      out.item.set_text(out.content);
      return absl::OkStatus();
    }
    case DeskRecord::kStarted:
      InConversation(record.started().conversation_id(), record.started().seq(), out);
      By(record.started().customer_id(), out);
      out.item.set_customer_id(record.started().customer_id());
      out.facets.push_back(CustomerFacet(record.started().customer_id()));
      out.item.set_text(absl::StrCat("reception started by channel ", record.started().channel_id()));
      return absl::OkStatus();
    case DeskRecord::kQueued:
      InConversation(record.queued().conversation_id(), record.queued().seq(), out);
      By(record.queued().by_agent_id(), out);
      out.item.set_text(absl::StrCat("queued in group ", record.queued().group_id()));
      return absl::OkStatus();
    case DeskRecord::kAssigned:
      InConversation(record.assigned().conversation_id(), record.assigned().seq(), out);
      By(record.assigned().agent_id(), out);
      out.item.set_text(absl::StrCat("assigned to ", record.assigned().agent_id()));
      return absl::OkStatus();
    case DeskRecord::kClosed:
      InConversation(record.closed().conversation_id(), record.closed().seq(), out);
      By(record.closed().by_agent_id(), out);
      out.item.set_text("reception closed");
      return absl::OkStatus();
    case DeskRecord::kRated:
      InConversation(record.rated().conversation_id(), record.rated().seq(), out);
      if (record.rated().has_comment()) YZ_RETURN_IF_ERROR(OpenSealed(record.rated().comment(), keyring, out));
      out.item.set_text(absl::StrCat("rated ", record.rated().rating(), out.content.empty() ? "" : ": ", out.content));
      return absl::OkStatus();
    case DeskRecord::kCustomerPut:
      out.item.set_customer_id(record.customer_put().customer().customer_id());
      By(out.item.customer_id(), out);
      out.facets.push_back(CustomerFacet(out.item.customer_id()));
      out.item.set_text(absl::StrCat("customer: ", record.customer_put().customer().name()));
      return absl::OkStatus();
    case DeskRecord::kAgent:
      By(record.agent().agent_id(), out);
      out.item.set_text(absl::StrCat("agent ", desk::v1::Agent::State_Name(record.agent().state()), ", capacity ", record.agent().capacity()));
      return absl::OkStatus();
    case DeskRecord::kGroupPut:
      out.item.set_text(absl::StrCat("service group: ", record.group_put().name()));
      return absl::OkStatus();
    case DeskRecord::kChannelPut:
      out.item.set_text(absl::StrCat("channel: ", record.channel_put().name()));
      return absl::OkStatus();
    case DeskRecord::KIND_NOT_SET:
      break;
  }
  return absl::DataLossError("a customer-service record of an unknown kind");
}

absl::Status OpenDirectory(const DirectoryRecord& record, OpenedItem& out) {
  switch (record.kind_case()) {
    case DirectoryRecord::kPersonPut: {
      const auto& person = record.person_put();
      By(person.person_id(), out);
      std::vector<std::string> roles;
      for (int role : person.roles()) roles.push_back(common::v1::Role_Name(role));
      out.item.set_text(absl::StrCat("person ", person.login(), " ", person.name(), person.active() ? "" : " (disabled)", roles.empty() ? "" : ", ",
                                     absl::StrJoin(roles, " ")));
      return absl::OkStatus();
    }
    case DirectoryRecord::kDepartmentPut:
      out.item.set_text(absl::StrCat("department ", record.department_put().name()));
      return absl::OkStatus();
    case DirectoryRecord::kGroupPut:
      out.item.set_text(absl::StrCat("group ", record.group_put().name()));
      return absl::OkStatus();
    case DirectoryRecord::kCredentialsSet:
      By(record.credentials_set().person_id(), out);
      out.item.set_text("password set");
      return absl::OkStatus();
    case DirectoryRecord::kSessionStarted:
      By(record.session_started().person_id(), out);
      out.item.set_text(absl::StrCat("logged in from ", record.session_started().remote_address(), ", device ", record.session_started().device()));
      return absl::OkStatus();
    case DirectoryRecord::kSessionUsed:
      out.item.set_text("session in use");
      return absl::OkStatus();
    case DirectoryRecord::kSessionEnded:
      By(record.session_ended().person_id(), out);
      out.item.set_text(absl::StrCat("session ended: ", record.session_ended().reason()));
      return absl::OkStatus();
    case DirectoryRecord::kLogInFailed:
      out.item.set_text(absl::StrCat("log-in failed: ", record.log_in_failed().login(), " from ", record.log_in_failed().remote_address()));
      return absl::OkStatus();
    case DirectoryRecord::kSourceKeyBound:
      By(record.source_key_bound().person_id(), out);
      out.item.set_text(absl::StrCat("bound to ", record.source_key_bound().source(), " ", record.source_key_bound().key()));
      return absl::OkStatus();
    case DirectoryRecord::KIND_NOT_SET:
      break;
  }
  return absl::DataLossError("a directory record of an unknown kind");
}

absl::Status OpenAudit(const v1::AuditRecord& record, OpenedItem& out) {
  switch (record.kind_case()) {
    case v1::AuditRecord::kAccessed: {
      const auto& accessed = record.accessed();
      By(accessed.auditor_id(), out);
      out.item.set_text(absl::StrCat(accessed.action(), " [", accessed.purpose().case_id(), "] ", accessed.purpose().reason(), " ",
                                     accessed.search().text(), " ", accessed.subject()));
      return absl::OkStatus();
    }
    case v1::AuditRecord::kExportStarted:
      By(record.export_started().auditor_id(), out);
      out.item.set_text(absl::StrCat("export ", record.export_started().export_id(), " started"));
      return absl::OkStatus();
    case v1::AuditRecord::kExportFinished:
      By(record.export_finished().auditor_id(), out);
      out.item.set_text(absl::StrCat("export ", record.export_finished().export_id(), " ended: ", record.export_finished().items_done(), " items ",
                                     record.export_finished().sha256(), record.export_finished().problem()));
      return absl::OkStatus();
    case v1::AuditRecord::kRestored:
      out.item.set_text(absl::StrCat("restored from backup ", record.restored().backup_number(), " of ",
                                     absl::FormatTime(absl::RFC3339_sec, absl::FromUnixMicros(record.restored().backup_begun_at_us()), absl::UTCTimeZone()),
                                     "; the log goes on as ", record.restored().key()));
      return absl::OkStatus();
    default:
      return absl::DataLossError("an archive record of an unknown kind");
  }
}

template <typename Payload>
absl::StatusOr<Payload> ParseAs(const ledger::Record& record) {
  Payload payload;
  if (!payload.ParseFromString(record.payload())) return absl::DataLossError(absl::StrCat("unreadable payload of ", record.type()));
  return payload;
}

}  // namespace

Facet PersonFacet(std::string_view person_id) { return MakeFacet('P', person_id); }
Facet ConversationFacet(std::string_view conversation_id) { return MakeFacet('C', conversation_id); }
Facet CustomerFacet(std::string_view customer_id) { return MakeFacet('K', customer_id); }
Facet SourceFacet(v1::Source source) { return MakeFacet('S', v1::Source_Name(source)); }
Facet SaidFacet() { return MakeFacet('S', "said"); }

absl::StatusOr<OpenedItem> OpenRecord(const ledger::Record& record, const ledger::Keyring& keyring) {
  OpenedItem out;
  v1::Item& item = out.item;
  item.set_partition(record.partition());
  item.set_seq(record.seq());
  item.set_time_us(record.time_us());
  item.set_type(record.type());
  const std::string service = record.partition().substr(0, record.partition().find('/'));
  if (service == "im") {
    item.set_source(v1::SOURCE_IM);
    YZ_ASSIGN_OR_RETURN(auto payload, ParseAs<ImRecord>(record));
    YZ_RETURN_IF_ERROR(OpenIm(payload, keyring, out));
  } else if (service == "desk") {
    item.set_source(v1::SOURCE_DESK);
    YZ_ASSIGN_OR_RETURN(auto payload, ParseAs<DeskRecord>(record));
    YZ_RETURN_IF_ERROR(OpenDesk(payload, keyring, out));
  } else if (service == "directory") {
    item.set_source(v1::SOURCE_DIRECTORY);
    YZ_ASSIGN_OR_RETURN(auto payload, ParseAs<DirectoryRecord>(record));
    YZ_RETURN_IF_ERROR(OpenDirectory(payload, out));
  } else if (service == "audit") {
    item.set_source(v1::SOURCE_AUDIT);
    YZ_ASSIGN_OR_RETURN(auto payload, ParseAs<v1::AuditRecord>(record));
    YZ_RETURN_IF_ERROR(OpenAudit(payload, out));
  } else if (service == "keyring") {
    YZ_ASSIGN_OR_RETURN(auto payload, ParseAs<ledger::v1::KeyringRecord>(record));
    item.set_text(payload.has_created() ? absl::StrCat("data key made: ", payload.created().key_id())
                                        : absl::StrCat("data key destroyed: ", payload.destroyed().key_id()));
  } else {
    return absl::DataLossError(absl::StrCat("a record of an unknown service: ", record.partition()));
  }
  // What was said is searched by default; the rest only when its source is asked for.
  const bool said = record.type() == "im.MessageSent" || record.type() == "desk.LineWritten";
  out.facets.push_back(SourceFacet(item.source()));
  if (said) out.facets.push_back(SaidFacet());
  return out;
}

}  // namespace yizhan::audit
