// Who may do what with a conversation: decided here, where the state is, for every read and write.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "im/ids.h"
#include "im/tables.h"
#include "ledger/state.h"

namespace yizhan::im {

// A person's place in a conversation, now or formerly.
struct Membership {
  HeadRow head;
  MemberRow member;

  bool former() const { return member.left_seq != 0; }
  // The seqs that the person may see: first_seq() to last_seq().
  uint64_t first_seq() const { return member.joined_seq; }
  uint64_t last_seq() const { return former() ? member.left_seq : head.last_seq; }
};

// The one answer for a conversation that does not exist and for somebody else's: NotFound, CONVERSATION_NOT_FOUND.
absl::Status ConversationNotFound();
// PermissionDenied, NOT_A_MEMBER: for those who left.
absl::Status NotAMember();

// The conversation's head; nullopt when there is no such conversation. `conversation_id` may be anything.
absl::StatusOr<std::optional<HeadRow>> FindHead(const ledger::StateReader& state, std::string_view conversation_id);
absl::StatusOr<std::optional<MemberRow>> FindMember(const ledger::StateReader& state, uint64_t conversation_no,
                                                    PersonNo person);

// May read: a member, or a former one up to their last seq. Else ConversationNotFound.
absl::StatusOr<Membership> RequireReader(const ledger::StateReader& state, std::string_view conversation_id,
                                         PersonNo person);
// May act: a member. ConversationNotFound, or NotAMember for a former one.
absl::StatusOr<Membership> RequireMember(const ledger::StateReader& state, std::string_view conversation_id,
                                         PersonNo person);

// Visits the conversations that a person is a member of, in the order in which the partition made them, until `visit` returns false.
absl::Status VisitConversations(const ledger::StateReader& state, PersonNo person,
                                absl::FunctionRef<bool(std::string_view conversation_id)> visit);

// A group's title; empty for two people.
absl::StatusOr<std::string> TitleOf(const ledger::StateReader& state, const HeadRow& head);

}  // namespace yizhan::im
