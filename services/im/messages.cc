#include "im/messages.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "base/status.h"
#include "im/content.h"
#include "im/machine.h"
#include "im/membership.h"
#include "im/people.h"
#include "im/tables.h"
#include "ledger/keyring.h"

namespace yizhan::im {
namespace {

absl::Status Invalid(std::string_view reason, std::string_view message) {
  return Refuse(absl::StatusCode::kInvalidArgument, reason, message);
}

// "SCOPE@YYYYMMDD", as Keyring names a scope's key of a day.
std::string DataKeyId(std::string_view scope, absl::Time now) {
  absl::CivilDay day = absl::ToCivilDay(now, absl::UTCTimeZone());
  return absl::StrCat(std::string(scope), "@", day.year() * 10'000 + day.month() * 100 + day.day());
}

// A message that has been checked as far as that can be done without the conversation.
struct Draft {
  ConversationName name;
  uint64_t reply_to_seq = 0;
  v1::ImRecord record;  // lacks seq and message id, and content until sealed

  const std::string& conversation_id() const { return record.sent().conversation_id(); }
};

absl::StatusOr<std::unique_ptr<Draft>> MakeDraft(const Core& core, const Caller& caller,
                                                 const v1::SendMessageRequest& request) {
  if (request.client_id().empty() || request.client_id().size() > kMaxClientIdBytes) {
    return Invalid("CLIENT_ID_LENGTH", absl::StrCat("client_id has 1 to ", kMaxClientIdBytes,
                                                    " bytes: it is what makes sending the same message again safe"));
  }
  YZ_RETURN_IF_ERROR(CheckContent(request.content()));
  auto draft = std::make_unique<Draft>();
  v1::MessageSent* sent = draft->record.mutable_sent();
  if (!request.conversation_id().empty()) {
    sent->set_conversation_id(request.conversation_id());
  } else if (!request.to_person_id().empty()) {
    YZ_ASSIGN_OR_RETURN(PersonNo peer, RequirePersonNo(request.to_person_id()));
    sent->set_conversation_id(DirectId(caller.no, peer));
  } else {
    return Invalid("NO_CONVERSATION", "conversation_id or to_person_id says where the message goes; both are empty");
  }
  auto name = ConversationName::Parse(sent->conversation_id());
  if (!name || (name->direct && !name->Has(caller.no))) return ConversationNotFound();
  draft->name = *name;
  if (name->direct) {
    YZ_RETURN_IF_ERROR(core.people->RequireActive(caller.no));
    YZ_RETURN_IF_ERROR(core.people->RequireActive(name->Other(caller.no)));
  }
  sent->set_client_id(request.client_id());
  sent->set_sender_id(caller.id);
  draft->reply_to_seq = request.content().reply_to_seq();
  return draft;
}

// A direct conversation comes into being with its first message.
v1::ImRecord DirectCreated(const Draft& draft, uint64_t message_id) {
  v1::ImRecord record;
  v1::ConversationCreated* created = record.mutable_created();
  created->set_conversation_id(draft.conversation_id());
  created->set_kind(v1::Conversation::KIND_DIRECT);
  created->add_member_ids(draft.name.first.ToString());
  if (draft.name.second != draft.name.first) created->add_member_ids(draft.name.second.ToString());
  created->set_creator_id(draft.record.sent().sender_id());
  created->set_message_id(message_id);
  return record;
}

absl::StatusOr<ledger::Proposal> DecideSend(Draft& draft, PersonNo sender, const ledger::DecideContext& context,
                                            const ledger::StateReader& state) {
  ledger::Proposal proposal;
  YZ_ASSIGN_OR_RETURN(auto head, FindHead(state, draft.conversation_id()));
  if (!head && !draft.name.direct) return ConversationNotFound();
  YZ_ASSIGN_OR_RETURN(uint64_t message_id, AllocateMessageId(context, state));
  uint64_t last_seq = 0, first_seq = 1;
  if (head && draft.name.direct) {
    last_seq = head->last_seq;  // its two people are its members from the first message on, and cannot leave
  } else if (head) {
    YZ_ASSIGN_OR_RETURN(auto member, FindMember(state, head->conversation_no, sender));
    if (!member) return ConversationNotFound();
    if (member->left_seq != 0) return NotAMember();
    last_seq = head->last_seq;
    first_seq = member->joined_seq;
  }
  if (draft.reply_to_seq > last_seq || (draft.reply_to_seq != 0 && draft.reply_to_seq < first_seq)) {
    return Invalid("UNKNOWN_REPLY", absl::StrCat("reply_to_seq ", draft.reply_to_seq,
                                                 " is not a message of this conversation that you may see"));
  }
  if (!head) {
    proposal.records.push_back(ToNewRecord(DirectCreated(draft, message_id)));
    message_id = NextMessageId(message_id);
    last_seq = 1;
  }
  v1::MessageSent* sent = draft.record.mutable_sent();
  sent->set_seq(last_seq + 1);
  sent->set_message_id(message_id);
  proposal.records.push_back(ToNewRecord(draft.record));
  v1::SendMessageResponse response;
  response.set_conversation_id(draft.conversation_id());
  response.set_seq(sent->seq());
  response.set_message_id(message_id);
  response.set_time_us(TimeOfMessageId(message_id));
  proposal.result = response.SerializeAsString();
  return proposal;
}

void SealAndSubmit(const Core& core, const Caller& caller, std::unique_ptr<Draft> draft, const std::string& content,
                   const ledger::DataKey& key, Answer answer) {
  *draft->record.mutable_sent()->mutable_content() = ledger::Seal(key, content);
  std::string conversation_id = draft->conversation_id();
  std::string request_id = absl::StrCat("s:", conversation_id, "/", draft->record.sent().client_id());
  core.Submit(conversation_id, caller, std::move(request_id),
              [draft = std::move(draft), sender = caller.no](const ledger::DecideContext& context,
                                                             const ledger::StateReader& state) {
                return DecideSend(*draft, sender, context, state);
              },
              std::move(answer));
}

}  // namespace

void Messages::Send(const Caller& caller, const v1::SendMessageRequest& request, Answer answer) const {
  auto draft = MakeDraft(*core_, caller, request);
  if (!draft.ok()) return answer(draft.status());
  std::string content = request.content().SerializeAsString();
  absl::Time now = core_->clock->Now();
  auto key = core_->keyring->Find(DataKeyId((*draft)->conversation_id(), now));
  if (key.ok()) return SealAndSubmit(*core_, caller, *std::move(draft), content, **key, std::move(answer));

  // The day's first message here. Only who may write makes a key, or strangers could fill the keyring.
  if (!(*draft)->name.direct) {
    auto view = core_->ViewOf((*draft)->conversation_id());
    auto membership = RequireMember(*view, (*draft)->conversation_id(), caller.no);
    if (!membership.ok()) return answer(membership.status());
  }
  std::string scope = (*draft)->conversation_id();
  core_->keyring->Ensure(scope, absl::ToUnixMicros(now),
                         [core = core_, caller, draft = *std::move(draft), content = std::move(content),
                          answer = std::move(answer)](absl::StatusOr<ledger::DataKeyPtr> key) mutable {
                           if (!key.ok()) return answer(key.status());
                           SealAndSubmit(*core, caller, std::move(draft), content, **key, std::move(answer));
                         });
}

absl::StatusOr<v1::ListMessagesResponse> Messages::List(const Caller& caller,
                                                        const v1::ListMessagesRequest& request) const {
  auto view = core_->ViewOf(request.conversation_id());
  YZ_ASSIGN_OR_RETURN(Membership membership, RequireReader(*view, request.conversation_id(), caller.no));
  const bool back = request.before_seq() != 0;
  const uint64_t number = membership.head.conversation_no;
  const uint64_t limit = request.page_size() == 0 ? 50 : std::min<uint32_t>(request.page_size(), 200);
  uint64_t low = membership.first_seq(), high = membership.last_seq();
  if (back) {
    high = std::min(high, request.before_seq() - 1);
  } else {
    if (request.after_seq() >= high) low = high + 1;
    low = std::max(low, std::min(request.after_seq(), high) + 1);
  }

  v1::ListMessagesResponse response;
  response.set_last_seq(membership.last_seq());
  if (low > high) return response;
  // Seqs are contiguous: a page is known before it is read, and both directions are read forwards.
  const uint64_t first = back && high - low >= limit ? high - limit + 1 : low;
  const uint64_t last = std::min(high, first + limit - 1);
  std::deque<std::string> records;
  size_t bytes = 0;
  absl::Status status;
  YZ_RETURN_IF_ERROR(view->Scan(MessageKey::Prefix(number), MessageKey{number, first}.Encode(),
                                [&](std::string_view key_bytes, std::string_view row_bytes) {
                                  auto key = MessageKey::Decode(key_bytes);
                                  auto row = MessageRow::Decode(row_bytes);
                                  status = key.ok() ? row.status() : key.status();
                                  if (!status.ok() || key->seq > last) return false;
                                  bytes += row->record.size();
                                  // One at least, or a client would never get past it.
                                  if (!back && bytes > kMaxPageBytes && !records.empty()) return false;
                                  records.emplace_back(row->record);
                                  return key->seq < last;
                                }));
  YZ_RETURN_IF_ERROR(status);
  for (; back && bytes > kMaxPageBytes && records.size() > 1; records.pop_front()) bytes -= records.front().size();
  v1::ImRecord record;
  for (const std::string& one : records) {
    if (!record.ParseFromString(one)) return absl::DataLossError("a message of the conversation is not readable");
    YZ_ASSIGN_OR_RETURN(*response.add_messages(), ToMessage(record, *core_->keyring));
  }
  response.set_more(back ? last - records.size() + 1 > low : first + records.size() <= high);
  return response;
}

}  // namespace yizhan::im
