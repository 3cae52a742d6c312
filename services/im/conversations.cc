#include "im/conversations.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "im/content.h"
#include "im/machine.h"
#include "im/tables.h"

namespace yizhan::im {
namespace {

constexpr int kMaxPersonsInList = 16;

}  // namespace

absl::StatusOr<v1::Conversation> ToConversation(const Core& core, const ledger::StateReader& state,
                                                std::string_view conversation_id, const Membership& membership,
                                                bool with_last_message) {
  const HeadRow& head = membership.head;
  v1::Conversation conversation;
  conversation.set_conversation_id(conversation_id.data(), conversation_id.size());
  conversation.set_kind(head.kind);
  YZ_ASSIGN_OR_RETURN(*conversation.mutable_title(), TitleOf(state, head));
  conversation.set_last_seq(membership.last_seq());
  conversation.set_read_seq(membership.member.read_seq);
  conversation.set_first_seq(membership.first_seq());
  conversation.set_member_count(head.members);
  conversation.set_role(membership.member.role);
  uint64_t last_id = head.last_id, messages = head.messages;
  if (membership.former() || with_last_message) {
    YZ_ASSIGN_OR_RETURN(auto bytes, state.Get(MessageKey{head.conversation_no, membership.last_seq()}.Encode()));
    if (!bytes) return absl::DataLossError(absl::StrCat("the last message of ", conversation.conversation_id(), " is not there"));
    YZ_ASSIGN_OR_RETURN(MessageRow row, MessageRow::Decode(*bytes));
    last_id = row.message_id;
    messages = row.messages;
    if (with_last_message) {
      v1::ImRecord record;
      if (!record.ParseFromArray(row.record.data(), static_cast<int>(row.record.size()))) {
        return absl::DataLossError(absl::StrCat("the last message of ", conversation.conversation_id(), " is not readable"));
      }
      YZ_ASSIGN_OR_RETURN(*conversation.mutable_last_message(), ToMessage(record, *core.keyring));
      auto* notice = conversation.mutable_last_message()->has_notice()
                         ? conversation.mutable_last_message()->mutable_notice()
                         : nullptr;
      if (notice && notice->person_ids_size() > kMaxPersonsInList) {
        notice->mutable_person_ids()->DeleteSubrange(kMaxPersonsInList, notice->person_ids_size() - kMaxPersonsInList);
      }
    }
  }
  conversation.set_last_time_us(TimeOfMessageId(last_id));
  uint64_t unread = messages - std::min(messages, membership.member.read_messages);
  conversation.set_unread(static_cast<uint32_t>(std::min<uint64_t>(unread, std::numeric_limits<uint32_t>::max())));
  return conversation;
}

absl::StatusOr<v1::GetConversationResponse> Conversations::Get(const Caller& caller,
                                                               const v1::GetConversationRequest& request) const {
  auto view = core_->ViewOf(request.conversation_id());
  YZ_ASSIGN_OR_RETURN(Membership membership, RequireReader(*view, request.conversation_id(), caller.no));
  v1::GetConversationResponse response;
  YZ_ASSIGN_OR_RETURN(*response.mutable_conversation(),
                      ToConversation(*core_, *view, request.conversation_id(), membership, true));
  return response;
}

absl::StatusOr<v1::ListMembersResponse> Conversations::ListMembers(const Caller& caller,
                                                                   const v1::ListMembersRequest& request) const {
  auto view = core_->ViewOf(request.conversation_id());
  YZ_ASSIGN_OR_RETURN(Membership membership, RequireMember(*view, request.conversation_id(), caller.no));
  const uint64_t number = membership.head.conversation_no;
  const int limit = request.page_size() == 0 ? 200 : static_cast<int>(std::min<uint32_t>(request.page_size(), 1'000));
  PersonNo from;
  if (!request.page_token().empty()) {
    // The token is the id of the last member of the page before.
    auto last = PersonNo::Parse(request.page_token());
    if (!last) {
      return Refuse(absl::StatusCode::kInvalidArgument, "INVALID_PAGE_TOKEN",
                    "page_token is what the last page gave as next_page_token, or empty");
    }
    from.value = last->value + 1;
  }
  v1::ListMembersResponse response;
  absl::Status status;
  YZ_RETURN_IF_ERROR(view->Scan(
      MemberKey::Prefix(number), MemberKey{number, from}.Encode(), [&](std::string_view key_bytes, std::string_view row) {
        auto key = MemberKey::Decode(key_bytes);
        auto member = MemberRow::Decode(row);
        status = key.ok() ? member.status() : key.status();
        if (!status.ok()) return false;
        if (member->left_seq != 0) return true;
        if (response.members_size() == limit) {
          response.set_next_page_token(response.members(limit - 1).person_id());
          return false;
        }
        v1::Member* out = response.add_members();
        out->set_person_id(key->person.ToString());
        out->set_role(member->role);
        out->set_joined_seq(member->joined_seq);
        out->set_read_seq(member->read_seq);
        out->set_delivered_seq(member->delivered_seq);
        return true;
      }));
  YZ_RETURN_IF_ERROR(status);
  return response;
}

}  // namespace yizhan::im
