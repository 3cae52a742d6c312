#include "im/membership.h"

#include "base/status.h"

namespace yizhan::im {

absl::Status ConversationNotFound() {
  return Refuse(absl::StatusCode::kNotFound, "CONVERSATION_NOT_FOUND", "there is no such conversation that you are in");
}

absl::Status NotAMember() {
  return Refuse(absl::StatusCode::kPermissionDenied, "NOT_A_MEMBER",
                "you are no longer a member of this conversation; its owner can add you again");
}

absl::StatusOr<std::optional<HeadRow>> FindHead(const ledger::StateReader& state, std::string_view conversation_id) {
  if (conversation_id.size() > kMaxConversationIdBytes) return std::optional<HeadRow>();
  YZ_ASSIGN_OR_RETURN(auto row, state.Get(HeadKey{conversation_id}.Encode()));
  if (!row) return std::optional<HeadRow>();
  YZ_ASSIGN_OR_RETURN(HeadRow head, HeadRow::Decode(*row));
  return std::optional<HeadRow>(head);
}

absl::StatusOr<std::optional<MemberRow>> FindMember(const ledger::StateReader& state, uint64_t conversation_no,
                                                    PersonNo person) {
  YZ_ASSIGN_OR_RETURN(auto row, state.Get(MemberKey{conversation_no, person}.Encode()));
  if (!row) return std::optional<MemberRow>();
  YZ_ASSIGN_OR_RETURN(MemberRow member, MemberRow::Decode(*row));
  return std::optional<MemberRow>(member);
}

absl::StatusOr<Membership> RequireReader(const ledger::StateReader& state, std::string_view conversation_id,
                                         PersonNo person) {
  YZ_ASSIGN_OR_RETURN(auto head, FindHead(state, conversation_id));
  if (!head) return ConversationNotFound();
  YZ_ASSIGN_OR_RETURN(auto member, FindMember(state, head->conversation_no, person));
  if (!member) return ConversationNotFound();
  return Membership{*head, *member};
}

absl::StatusOr<Membership> RequireMember(const ledger::StateReader& state, std::string_view conversation_id,
                                         PersonNo person) {
  YZ_ASSIGN_OR_RETURN(Membership membership, RequireReader(state, conversation_id, person));
  if (membership.former()) return NotAMember();
  return membership;
}

absl::Status VisitConversations(const ledger::StateReader& state, PersonNo person,
                                absl::FunctionRef<bool(std::string_view conversation_id)> visit) {
  return state.Scan(MembershipKey::Prefix(person), {},
                    [&](std::string_view, std::string_view conversation_id) { return visit(conversation_id); });
}

absl::StatusOr<std::string> TitleOf(const ledger::StateReader& state, const HeadRow& head) {
  if (head.kind != v1::Conversation::KIND_GROUP) return std::string();
  YZ_ASSIGN_OR_RETURN(auto title, state.Get(TitleKey{head.conversation_no}.Encode()));
  return title.value_or("");
}

}  // namespace yizhan::im
