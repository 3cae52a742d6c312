// The changes to groups: conversations.h.
#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/ids.h"
#include "base/status.h"
#include "im/content.h"
#include "im/conversations.h"
#include "im/machine.h"
#include "im/people.h"
#include "im/tables.h"

namespace yizhan::im {
namespace {

constexpr size_t kMaxRequestIdBytes = 128;
// How many members are looked at to find a successor.
constexpr int kMaxHeirs = 1'000;

absl::Status Invalid(std::string_view reason, std::string_view message) {
  return Refuse(absl::StatusCode::kInvalidArgument, reason, message);
}

// The ledger's request id: the client's, under the method's letter; empty when there is none.
absl::StatusOr<std::string> ScopedRequestId(char method, const std::string& request_id) {
  if (request_id.size() > kMaxRequestIdBytes) {
    return Invalid("REQUEST_ID_LENGTH", absl::StrCat("request_id has at most ", kMaxRequestIdBytes, " bytes"));
  }
  return request_id.empty() ? std::string() : absl::StrCat(std::string(1, method), ":", request_id);
}

// The persons of a list, each once, all active, `first` first when it is given.
absl::StatusOr<std::vector<PersonNo>> RequirePersons(const People& people, std::optional<PersonNo> first,
                                                     const google::protobuf::RepeatedPtrField<std::string>& ids) {
  if (ids.size() > kMaxMembersAtOnce) {
    return Invalid("TOO_MANY_MEMBERS", absl::StrCat("at most ", kMaxMembersAtOnce, " people are added at once"));
  }
  std::vector<PersonNo> persons;
  std::set<PersonNo> seen;
  auto add = [&](PersonNo person) {
    if (seen.insert(person).second) persons.push_back(person);
  };
  if (first) add(*first);
  for (const std::string& id : ids) {
    YZ_ASSIGN_OR_RETURN(PersonNo person, RequirePersonNo(id));
    add(person);
  }
  for (PersonNo person : persons) YZ_RETURN_IF_ERROR(people.RequireActive(person));
  return persons;
}

// A stable handle for a request id, so that a retry comes to the same partition and meets its own result there.
std::string HandleFor(const Caller& caller, const std::string& request_id) {
  if (request_id.empty()) return RandomName(16);
  // Two 64-bit FNV-1a sums (the same function that places conversations), written in base 36.
  auto sum = [](std::string_view text) {
    uint64_t hash = 0xcbf29ce484222325;
    for (unsigned char c : text) hash = (hash ^ c) * 0x100000001b3;
    return hash;
  };
  std::string handle;
  for (uint64_t half : {sum(absl::StrCat("1", caller.id, "/", request_id)), sum(absl::StrCat("2", request_id, "/", caller.id))}) {
    for (int i = 0; i < 8; ++i, half /= 36) handle.push_back("0123456789abcdefghijklmnopqrstuvwxyz"[half % 36]);
  }
  return handle;
}

// A group that the caller may change: the role decides.
absl::StatusOr<Membership> RequireGroupMember(const ledger::StateReader& state, const std::string& conversation_id,
                                              PersonNo person) {
  YZ_ASSIGN_OR_RETURN(Membership membership, RequireMember(state, conversation_id, person));
  if (membership.head.kind != v1::Conversation::KIND_GROUP) {
    return Refuse(absl::StatusCode::kFailedPrecondition, "NOT_A_GROUP",
                  "a conversation of two people has no members to change and no title; make a group");
  }
  return membership;
}

absl::Status RequireOwner(const Membership& membership) {
  if (membership.member.role == v1::Member::ROLE_OWNER) return absl::OkStatus();
  return Refuse(absl::StatusCode::kPermissionDenied, "NOT_OWNER", "only the group's owner may do this");
}

// Fills what every record with a position has.
template <typename Fact>
absl::Status Place(Fact* fact, const std::string& conversation_id, const HeadRow& head,
                   const ledger::DecideContext& context, const ledger::StateReader& state) {
  fact->set_conversation_id(conversation_id);
  fact->set_seq(head.last_seq + 1);
  YZ_ASSIGN_OR_RETURN(uint64_t message_id, AllocateMessageId(context, state));
  fact->set_message_id(message_id);
  return absl::OkStatus();
}

absl::StatusOr<ledger::Proposal> DecideCreate(const std::string& conversation_id, const std::string& title, bool open,
                                              const std::vector<PersonNo>& members, const std::string& creator,
                                              const ledger::DecideContext& context, const ledger::StateReader& state) {
  YZ_ASSIGN_OR_RETURN(auto head, FindHead(state, conversation_id));
  if (head) {
    return Refuse(absl::StatusCode::kAlreadyExists, "HANDLE_TAKEN",
                  "a group with this handle exists; choose another, or leave it empty to have one drawn");
  }
  v1::ImRecord record;
  v1::ConversationCreated* created = record.mutable_created();
  YZ_ASSIGN_OR_RETURN(uint64_t message_id, AllocateMessageId(context, state));
  created->set_conversation_id(conversation_id);
  created->set_kind(v1::Conversation::KIND_GROUP);
  created->set_title(title);
  created->set_open(open);
  for (PersonNo person : members) created->add_member_ids(person.ToString());
  created->set_creator_id(creator);
  created->set_message_id(message_id);

  v1::CreateGroupResponse response;
  v1::Conversation* conversation = response.mutable_conversation();
  conversation->set_conversation_id(conversation_id);
  conversation->set_kind(v1::Conversation::KIND_GROUP);
  conversation->set_title(title);
  conversation->set_last_seq(1);
  conversation->set_last_time_us(TimeOfMessageId(message_id));
  conversation->set_first_seq(1);
  conversation->set_member_count(static_cast<uint32_t>(members.size()));
  conversation->set_role(v1::Member::ROLE_OWNER);
  ledger::Proposal proposal;
  proposal.records.push_back(ToNewRecord(record));
  proposal.result = response.SerializeAsString();
  return proposal;
}

absl::StatusOr<ledger::Proposal> DecideAdd(const std::string& conversation_id, const Caller& caller,
                                           const std::vector<PersonNo>& persons, const ledger::DecideContext& context,
                                           const ledger::StateReader& state) {
  YZ_ASSIGN_OR_RETURN(auto head, FindHead(state, conversation_id));
  if (!head) return ConversationNotFound();
  YZ_ASSIGN_OR_RETURN(auto member, FindMember(state, head->conversation_no, caller.no));
  const bool by_themselves = persons.size() == 1 && persons[0] == caller.no;
  if (!(head->open && by_themselves)) {
    if (!member) return ConversationNotFound();
    if (member->left_seq != 0) return NotAMember();
    YZ_ASSIGN_OR_RETURN(Membership membership, RequireGroupMember(state, conversation_id, caller.no));
    // Who is in already changes nothing by joining: no right is needed for that.
    if (!by_themselves) YZ_RETURN_IF_ERROR(RequireOwner(membership));
  }
  v1::ImRecord record;
  v1::MembersJoined* joined = record.mutable_joined();
  v1::AddMembersResponse response;
  for (PersonNo person : persons) {
    YZ_ASSIGN_OR_RETURN(auto known, FindMember(state, head->conversation_no, person));
    if (known && known->left_seq == 0) continue;
    joined->add_person_ids(person.ToString());
    response.add_added_ids(person.ToString());
  }
  ledger::Proposal proposal;
  proposal.result = response.SerializeAsString();
  if (joined->person_ids_size() == 0) return proposal;
  if (head->members + static_cast<uint32_t>(joined->person_ids_size()) > kMaxGroupMembers) {
    return Refuse(absl::StatusCode::kFailedPrecondition, "GROUP_FULL",
                  absl::StrCat("a group has at most ", kMaxGroupMembers, " members; this one has ", head->members));
  }
  YZ_RETURN_IF_ERROR(Place(joined, conversation_id, *head, context, state));
  joined->set_by_id(caller.id);
  proposal.records.push_back(ToNewRecord(record));
  return proposal;
}

// Who owns the group after its owner: the one who has been there longest.
absl::StatusOr<std::optional<PersonNo>> FindSuccessor(const ledger::StateReader& state, const HeadRow& head,
                                                      PersonNo leaving) {
  std::optional<PersonNo> heir;
  uint64_t since = 0;
  int looked_at = 0;
  absl::Status status;
  YZ_RETURN_IF_ERROR(state.Scan(
      MemberKey::Prefix(head.conversation_no), {}, [&](std::string_view key_bytes, std::string_view row) {
        auto key = MemberKey::Decode(key_bytes);
        auto member = MemberRow::Decode(row);
        status = key.ok() ? member.status() : key.status();
        if (!status.ok()) return false;
        if (member->left_seq != 0 || key->person == leaving) return true;
        if (!heir || member->joined_seq < since) {
          heir = key->person;
          since = member->joined_seq;
        }
        return ++looked_at < kMaxHeirs;
      }));
  YZ_RETURN_IF_ERROR(status);
  return heir;
}

absl::StatusOr<ledger::Proposal> DecideRemove(const std::string& conversation_id, const Caller& caller, PersonNo person,
                                              const ledger::DecideContext& context, const ledger::StateReader& state) {
  YZ_ASSIGN_OR_RETURN(Membership membership, RequireGroupMember(state, conversation_id, caller.no));
  const HeadRow& head = membership.head;
  v1::ImRecord record;
  v1::MemberLeft* left = record.mutable_left();
  if (person != caller.no) {
    YZ_RETURN_IF_ERROR(RequireOwner(membership));
    YZ_ASSIGN_OR_RETURN(auto member, FindMember(state, head.conversation_no, person));
    if (!member || member->left_seq != 0) {
      return Refuse(absl::StatusCode::kNotFound, "PERSON_NOT_A_MEMBER", "this person is not a member of the group");
    }
  } else if (membership.member.role == v1::Member::ROLE_OWNER) {
    YZ_ASSIGN_OR_RETURN(auto heir, FindSuccessor(state, head, person));
    if (heir) left->set_successor_id(heir->ToString());
  }
  YZ_RETURN_IF_ERROR(Place(left, conversation_id, head, context, state));
  left->set_person_id(person.ToString());
  left->set_by_id(caller.id);
  ledger::Proposal proposal;
  proposal.records.push_back(ToNewRecord(record));
  return proposal;
}

absl::StatusOr<ledger::Proposal> DecideRename(const std::string& conversation_id, const Caller& caller,
                                              const std::string& title, const ledger::DecideContext& context,
                                              const ledger::StateReader& state) {
  YZ_ASSIGN_OR_RETURN(Membership membership, RequireGroupMember(state, conversation_id, caller.no));
  YZ_RETURN_IF_ERROR(RequireOwner(membership));
  YZ_ASSIGN_OR_RETURN(std::string before, TitleOf(state, membership.head));
  ledger::Proposal proposal;
  if (before == title) return proposal;
  v1::ImRecord record;
  v1::GroupRenamed* renamed = record.mutable_renamed();
  YZ_RETURN_IF_ERROR(Place(renamed, conversation_id, membership.head, context, state));
  renamed->set_title(title);
  renamed->set_by_id(caller.id);
  proposal.records.push_back(ToNewRecord(record));
  return proposal;
}

}  // namespace

void Conversations::CreateGroup(const Caller& caller, const v1::CreateGroupRequest& request, Answer answer) const {
  auto request_id = ScopedRequestId('c', request.request_id());
  if (!request_id.ok()) return answer(request_id.status());
  if (absl::Status status = CheckTitle(request.title()); !status.ok()) return answer(status);
  std::string handle = request.handle().empty() ? HandleFor(caller, request.request_id()) : request.handle();
  if (!IsHandle(handle)) {
    return answer(Invalid("HANDLE", "a handle is 1 to 64 characters of [a-z0-9._-]; leave it empty to have one drawn"));
  }
  auto members = RequirePersons(*core_->people, caller.no, request.member_ids());
  if (!members.ok()) return answer(members.status());
  std::string id = GroupId(handle);
  core_->Submit(id, caller, *std::move(request_id),
                [id, title = request.title(), open = request.open(), members = *std::move(members), creator = caller.id](
                    const auto& context, const auto& state) {
                  return DecideCreate(id, title, open, members, creator, context, state);
                },
                std::move(answer));
}

void Conversations::AddMembers(const Caller& caller, const v1::AddMembersRequest& request, Answer answer) const {
  auto request_id = ScopedRequestId('a', request.request_id());
  if (!request_id.ok()) return answer(request_id.status());
  if (request.person_ids().empty()) return answer(Invalid("NO_MEMBERS", "person_ids names nobody to add"));
  auto persons = RequirePersons(*core_->people, std::nullopt, request.person_ids());
  if (!persons.ok()) return answer(persons.status());
  core_->Submit(request.conversation_id(), caller, *std::move(request_id),
                [id = request.conversation_id(), caller, persons = *std::move(persons)](const auto& context,
                                                                                       const auto& state) {
                  return DecideAdd(id, caller, persons, context, state);
                },
                std::move(answer));
}

void Conversations::RemoveMember(const Caller& caller, const v1::RemoveMemberRequest& request, Answer answer) const {
  auto request_id = ScopedRequestId('r', request.request_id());
  if (!request_id.ok()) return answer(request_id.status());
  PersonNo person = caller.no;
  if (!request.person_id().empty()) {
    auto number = RequirePersonNo(request.person_id());
    if (!number.ok()) return answer(number.status());
    person = *number;
  }
  core_->Submit(request.conversation_id(), caller, *std::move(request_id),
                [id = request.conversation_id(), caller, person](const auto& context, const auto& state) {
                  return DecideRemove(id, caller, person, context, state);
                },
                std::move(answer));
}

void Conversations::RenameGroup(const Caller& caller, const v1::RenameGroupRequest& request, Answer answer) const {
  auto request_id = ScopedRequestId('n', request.request_id());
  if (!request_id.ok()) return answer(request_id.status());
  if (absl::Status status = CheckTitle(request.title()); !status.ok()) return answer(status);
  core_->Submit(request.conversation_id(), caller, *std::move(request_id),
                [id = request.conversation_id(), caller, title = request.title()](const auto& context, const auto& state) {
                  return DecideRename(id, caller, title, context, state);
                },
                std::move(answer));
}

}  // namespace yizhan::im
