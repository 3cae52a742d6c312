#include "im/machine.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "im/ids.h"
#include "im/membership.h"
#include "im/tables.h"

namespace yizhan::im {
namespace {

using v1::ImRecord;

absl::Status DoesNotFit(const ledger::Record& record, std::string_view why) {
  return absl::DataLossError(
      absl::StrCat("record ", record.seq(), " of ", record.partition(), " (", record.type(), ") ", std::string(why)));
}

// One record being applied.
class Step {
 public:
  Step(const ledger::Record& record, ledger::StateWriter& state) : record_(record), state_(state) {}

  absl::Status Created(const v1::ConversationCreated& created) {
    YZ_ASSIGN_OR_RETURN(auto known, FindHead(state_, created.conversation_id()));
    if (known) return DoesNotFit(record_, "makes a conversation that is there");
    head_.kind = created.kind();
    head_.open = created.open();
    head_.conversation_no = record_.seq();
    head_.created_id = created.message_id();
    head_.members = static_cast<uint32_t>(created.member_ids_size());
    for (const std::string& id : created.member_ids()) {
      bool owner = created.kind() == v1::Conversation::KIND_GROUP && id == created.creator_id();
      YZ_RETURN_IF_ERROR(Seat(created.conversation_id(), id, 1, owner));
    }
    if (!created.title().empty()) state_.Put(TitleKey{head_.conversation_no}.Encode(), created.title());
    return Append(created.conversation_id(), ImRecord::kCreated, 1, created.message_id());
  }

  absl::Status Sent(const v1::MessageSent& sent) {
    YZ_RETURN_IF_ERROR(LoadHead(sent.conversation_id()));
    YZ_ASSIGN_OR_RETURN(PersonNo sender, Person(sent.sender_id()));
    YZ_ASSIGN_OR_RETURN(MemberRow member, Member(sender));
    YZ_RETURN_IF_ERROR(Append(sent.conversation_id(), ImRecord::kSent, sent.seq(), sent.message_id()));
    member.read_seq = member.delivered_seq = sent.seq();
    member.read_messages = head_.messages;
    PutMember(sender, member);
    return absl::OkStatus();
  }

  absl::Status Joined(const v1::MembersJoined& joined) {
    YZ_RETURN_IF_ERROR(LoadHead(joined.conversation_id()));
    for (const std::string& id : joined.person_ids()) {
      YZ_RETURN_IF_ERROR(Seat(joined.conversation_id(), id, joined.seq(), head_.members == 0));
      ++head_.members;
    }
    return Append(joined.conversation_id(), ImRecord::kJoined, joined.seq(), joined.message_id());
  }

  absl::Status Left(const v1::MemberLeft& left) {
    YZ_RETURN_IF_ERROR(LoadHead(left.conversation_id()));
    YZ_ASSIGN_OR_RETURN(PersonNo person, Person(left.person_id()));
    YZ_ASSIGN_OR_RETURN(MemberRow member, Member(person));
    member.role = v1::Member::ROLE_UNSPECIFIED;
    member.left_seq = left.seq();
    PutMember(person, member);
    state_.Delete(MembershipKey{person, head_.conversation_no}.Encode());
    if (head_.members > 0) --head_.members;
    if (!left.successor_id().empty()) {
      YZ_ASSIGN_OR_RETURN(PersonNo successor, Person(left.successor_id()));
      YZ_ASSIGN_OR_RETURN(MemberRow heir, Member(successor));
      heir.role = v1::Member::ROLE_OWNER;
      PutMember(successor, heir);
    }
    return Append(left.conversation_id(), ImRecord::kLeft, left.seq(), left.message_id());
  }

  absl::Status Renamed(const v1::GroupRenamed& renamed) {
    YZ_RETURN_IF_ERROR(LoadHead(renamed.conversation_id()));
    state_.Put(TitleKey{head_.conversation_no}.Encode(), renamed.title());
    return Append(renamed.conversation_id(), ImRecord::kRenamed, renamed.seq(), renamed.message_id());
  }

  absl::Status Cursors(const v1::CursorsMoved& cursors) {
    YZ_RETURN_IF_ERROR(LoadHead(cursors.conversation_id()));
    YZ_ASSIGN_OR_RETURN(PersonNo person, Person(cursors.person_id()));
    YZ_ASSIGN_OR_RETURN(MemberRow member, Member(person));
    if (cursors.read_seq() > member.read_seq) {
      member.read_seq = cursors.read_seq();
      YZ_ASSIGN_OR_RETURN(member.read_messages, MessagesUpTo(cursors.read_seq()));
    }
    member.delivered_seq = std::max(member.delivered_seq, cursors.delivered_seq());
    PutMember(person, member);
    return absl::OkStatus();
  }

 private:
  absl::StatusOr<PersonNo> Person(std::string_view id) const {
    if (auto person = PersonNo::Parse(id)) return *person;
    return DoesNotFit(record_, "names a person by a malformed id");
  }

  absl::Status LoadHead(std::string_view conversation_id) {
    YZ_ASSIGN_OR_RETURN(auto head, FindHead(state_, conversation_id));
    if (!head) return DoesNotFit(record_, "names a conversation that is not there");
    head_ = *head;
    return absl::OkStatus();
  }

  absl::StatusOr<MemberRow> Member(PersonNo person) const {
    YZ_ASSIGN_OR_RETURN(auto member, FindMember(state_, head_.conversation_no, person));
    if (!member) return DoesNotFit(record_, "names a person who never was a member");
    return *member;
  }

  void PutMember(PersonNo person, const MemberRow& member) {
    state_.Put(MemberKey{head_.conversation_no, person}.Encode(), member.Encode());
  }

  absl::Status Seat(std::string_view conversation_id, std::string_view person_id, uint64_t seq, bool owner) {
    YZ_ASSIGN_OR_RETURN(PersonNo person, Person(person_id));
    MemberRow member;
    member.role = owner ? v1::Member::ROLE_OWNER : v1::Member::ROLE_MEMBER;
    member.joined_seq = seq;
    member.read_seq = member.delivered_seq = seq - 1;
    member.read_messages = head_.messages;
    PutMember(person, member);
    state_.Put(MembershipKey{person, head_.conversation_no}.Encode(), conversation_id);
    return absl::OkStatus();
  }

  absl::StatusOr<uint64_t> MessagesUpTo(uint64_t seq) const {
    if (seq == head_.last_seq) return head_.messages;
    YZ_ASSIGN_OR_RETURN(auto row, state_.Get(MessageKey{head_.conversation_no, seq}.Encode()));
    if (!row) return DoesNotFit(record_, "names a seq that is not there");
    YZ_ASSIGN_OR_RETURN(MessageRow message, MessageRow::Decode(*row));
    return message.messages;
  }

  // Puts the message or notice at its place and moves the head.
  absl::Status Append(std::string_view conversation_id, ImRecord::KindCase kind, uint64_t seq, uint64_t message_id) {
    if (seq != head_.last_seq + 1) return DoesNotFit(record_, absl::StrCat("does not follow seq ", head_.last_seq));
    if (message_id <= head_.last_id) return DoesNotFit(record_, "has a message id that is not greater than the last");
    MessageRow row;
    row.kind = static_cast<uint8_t>(kind);
    row.messages = head_.messages + (kind == ImRecord::kSent ? 1 : 0);
    row.message_id = message_id;
    row.record = record_.payload();
    state_.Put(MessageKey{head_.conversation_no, seq}.Encode(), row.Encode());
    if (IsMarked(seq)) state_.Put(MarkKey{head_.conversation_no, message_id}.Encode(), EncodeU64(seq));
    // The clock will not give this id again, unless the id is ahead of it.
    if (TimeOfMessageId(message_id) > record_.time_us()) state_.Put(IdFloorKey().Encode(), EncodeU64(message_id));
    head_.last_seq = seq;
    head_.messages = row.messages;
    head_.last_id = message_id;
    state_.Put(HeadKey{conversation_id}.Encode(), head_.Encode());
    return absl::OkStatus();
  }

  const ledger::Record& record_;
  ledger::StateWriter& state_;
  HeadRow head_;
};

std::string_view TypeOf(ImRecord::KindCase kind) {
  switch (kind) {
    case ImRecord::kCreated:
      return "im.ConversationCreated";
    case ImRecord::kSent:
      return "im.MessageSent";
    case ImRecord::kJoined:
      return "im.MembersJoined";
    case ImRecord::kLeft:
      return "im.MemberLeft";
    case ImRecord::kRenamed:
      return "im.GroupRenamed";
    case ImRecord::kCursors:
      return "im.CursorsMoved";
    case ImRecord::KIND_NOT_SET:
      break;
  }
  return "im.Unknown";
}

}  // namespace

ledger::NewRecord ToNewRecord(const ImRecord& record) {
  return {std::string(TypeOf(record.kind_case())), record.SerializeAsString()};
}

absl::StatusOr<uint64_t> AllocateMessageId(const ledger::DecideContext& context, const ledger::StateReader& state) {
  uint64_t id = MessageIdOf(context.time_us, context.partition.index);
  YZ_ASSIGN_OR_RETURN(auto row, state.Get(IdFloorKey().Encode()));
  if (!row) return id;
  YZ_ASSIGN_OR_RETURN(uint64_t floor, DecodeU64(*row));
  return std::max(id, NextMessageId(floor));
}

absl::Status Machine::Apply(const ledger::Record& record, ledger::StateWriter& state) {
  ImRecord im;
  if (!im.ParseFromString(record.payload())) return DoesNotFit(record, "is not readable as an ImRecord");
  Step step(record, state);
  switch (im.kind_case()) {
    case ImRecord::kCreated:
      return step.Created(im.created());
    case ImRecord::kSent:
      return step.Sent(im.sent());
    case ImRecord::kJoined:
      return step.Joined(im.joined());
    case ImRecord::kLeft:
      return step.Left(im.left());
    case ImRecord::kRenamed:
      return step.Renamed(im.renamed());
    case ImRecord::kCursors:
      return step.Cursors(im.cursors());
    case ImRecord::KIND_NOT_SET:
      break;
  }
  return absl::FailedPreconditionError(absl::StrCat("record ", record.seq(), " of ", record.partition(), " (",
                                                    record.type(), ") is of a newer program: run that one"));
}

}  // namespace yizhan::im
