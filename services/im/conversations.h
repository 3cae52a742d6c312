// Making conversations, their members, and how one looks to a member.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "im/core.h"
#include "im/membership.h"
#include "yizhan/im/v1/conversation_service.pb.h"

namespace yizhan::im {

inline constexpr uint32_t kMaxGroupMembers = 100'000;
inline constexpr int kMaxMembersAtOnce = 2'000;

// A conversation as a person sees it who has (or had) a place in it. With the last message opened, if asked: its list of persons is
// cut at 16.
absl::StatusOr<v1::Conversation> ToConversation(const Core& core, const ledger::StateReader& state,
                                                std::string_view conversation_id, const Membership& membership,
                                                bool with_last_message);

// Refusals of all: CONVERSATION_NOT_FOUND (NotFound) for what does not exist and what is not the caller's alike. Of changes: NOT_A_MEMBER,
// NOT_OWNER (PermissionDenied); NOT_A_GROUP, GROUP_FULL (FailedPrecondition); REQUEST_ID_LENGTH (InvalidArgument).
class Conversations {
 public:
  explicit Conversations(const Core* core) : core_(core) {}

  // Answers a CreateGroupResponse. TITLE_LENGTH, HANDLE, TOO_MANY_MEMBERS (InvalidArgument); PERSON_NOT_FOUND, PERSON_INACTIVE;
  // HANDLE_TAKEN (AlreadyExists). Without a handle one is drawn; with a request id and without a handle it is derived from the
  // request id, so that a retry finds the same group.
  void CreateGroup(const Caller& caller, const v1::CreateGroupRequest& request, Answer answer) const;

  absl::StatusOr<v1::GetConversationResponse> Get(const Caller& caller, const v1::GetConversationRequest& request) const;

  // INVALID_PAGE_TOKEN (InvalidArgument).
  absl::StatusOr<v1::ListMembersResponse> ListMembers(const Caller& caller, const v1::ListMembersRequest& request) const;

  // Answers an AddMembersResponse; records nothing when all were members.
  void AddMembers(const Caller& caller, const v1::AddMembersRequest& request, Answer answer) const;

  // Answers a RemoveMemberResponse. PERSON_NOT_A_MEMBER (NotFound) when the person is not in the group. When an owner leaves, the member
  // who has been there longest (of the first 1,000 by id) owns the group.
  void RemoveMember(const Caller& caller, const v1::RemoveMemberRequest& request, Answer answer) const;

  // Answers a RenameGroupResponse; records nothing when the title is the same.
  void RenameGroup(const Caller& caller, const v1::RenameGroupRequest& request, Answer answer) const;

 private:
  const Core* const core_;
};

}  // namespace yizhan::im
