#include "im/machine.h"

#include <gtest/gtest.h>

#include "im/membership.h"
#include "im/tables.h"
#include "im/testing/map_state.h"

namespace yizhan::im {
namespace {

const PersonNo kAnna{1}, kBo{2}, kCai{3};

class MachineTest : public testing::Test {
 protected:
  absl::Status Apply(const v1::ImRecord& im, int64_t time_us = 0) {
    ledger::Record record;
    record.set_partition("im/0");
    record.set_seq(++seq_);
    record.set_time_us(time_us != 0 ? time_us : 1'000 + static_cast<int64_t>(seq_));
    ledger::NewRecord made = ToNewRecord(im);
    record.set_type(made.type);
    record.set_payload(made.payload);
    records_.push_back(record);
    return machine_.Apply(record, state_);
  }
  uint64_t NextId() { return MessageIdOf(1'001 + static_cast<int64_t>(seq_), 0); }

  v1::ImRecord Created(std::vector<PersonNo> members) {
    v1::ImRecord im;
    auto* created = im.mutable_created();
    created->set_conversation_id("g:x");
    created->set_kind(v1::Conversation::KIND_GROUP);
    created->set_title("t");
    for (PersonNo person : members) created->add_member_ids(person.ToString());
    created->set_creator_id(members[0].ToString());
    created->set_message_id(NextId());
    return im;
  }
  v1::ImRecord Sent(PersonNo sender, uint64_t seq) {
    v1::ImRecord im;
    auto* sent = im.mutable_sent();
    sent->set_conversation_id("g:x");
    sent->set_seq(seq);
    sent->set_message_id(NextId());
    sent->set_sender_id(sender.ToString());
    return im;
  }
  v1::ImRecord Joined(std::vector<PersonNo> persons, uint64_t seq) {
    v1::ImRecord im;
    auto* joined = im.mutable_joined();
    joined->set_conversation_id("g:x");
    joined->set_seq(seq);
    joined->set_message_id(NextId());
    for (PersonNo person : persons) joined->add_person_ids(person.ToString());
    return im;
  }
  v1::ImRecord Left(PersonNo person, uint64_t seq, std::string successor = "") {
    v1::ImRecord im;
    auto* left = im.mutable_left();
    left->set_conversation_id("g:x");
    left->set_seq(seq);
    left->set_message_id(NextId());
    left->set_person_id(person.ToString());
    left->set_successor_id(successor);
    return im;
  }
  v1::ImRecord Cursors(PersonNo person, uint64_t read, uint64_t delivered) {
    v1::ImRecord im;
    auto* cursors = im.mutable_cursors();
    cursors->set_conversation_id("g:x");
    cursors->set_person_id(person.ToString());
    cursors->set_read_seq(read);
    cursors->set_delivered_seq(delivered);
    return im;
  }
  HeadRow Head() { return **FindHead(state_, "g:x"); }
  MemberRow Member(PersonNo person) { return **FindMember(state_, Head().conversation_no, person); }
  uint64_t Unread(PersonNo person) { return Head().messages - Member(person).read_messages; }

  Machine machine_;
  MapState state_;
  uint64_t seq_ = 0;
  std::vector<ledger::Record> records_;
};

TEST_F(MachineTest, CountsUnreadWithoutNoticesAndOnesOwn) {
  ASSERT_TRUE(Apply(Created({kAnna, kBo})).ok());
  EXPECT_EQ(Unread(kBo), 0u);
  ASSERT_TRUE(Apply(Sent(kAnna, 2)).ok());
  ASSERT_TRUE(Apply(Joined({kCai}, 3)).ok());
  ASSERT_TRUE(Apply(Sent(kAnna, 4)).ok());
  EXPECT_EQ(Unread(kAnna), 0u);
  EXPECT_EQ(Unread(kBo), 2u);
  EXPECT_EQ(Unread(kCai), 1u);
  ASSERT_TRUE(Apply(Cursors(kBo, 3, 4)).ok());
  EXPECT_EQ(Unread(kBo), 1u);
  EXPECT_EQ(Member(kBo).delivered_seq, 4u);
  // Cursors never go back.
  ASSERT_TRUE(Apply(Cursors(kBo, 1, 1)).ok());
  EXPECT_EQ(Member(kBo).read_seq, 3u);
  EXPECT_EQ(Member(kBo).delivered_seq, 4u);
  ASSERT_TRUE(Apply(Sent(kBo, 5)).ok());
  EXPECT_EQ(Unread(kBo), 0u);
  EXPECT_EQ(Unread(kAnna), 1u);
}

TEST_F(MachineTest, JoiningAndLeavingSetBounds) {
  ASSERT_TRUE(Apply(Created({kAnna, kBo})).ok());
  ASSERT_TRUE(Apply(Sent(kAnna, 2)).ok());
  ASSERT_TRUE(Apply(Left(kBo, 3)).ok());
  EXPECT_EQ(Member(kBo).left_seq, 3u);
  EXPECT_EQ(Head().members, 1u);
  int memberships = 0;
  ASSERT_TRUE(VisitConversations(state_, kBo, [&](std::string_view) { return ++memberships > 0; }).ok());
  EXPECT_EQ(memberships, 0);
  ASSERT_TRUE(Apply(Sent(kAnna, 4)).ok());
  ASSERT_TRUE(Apply(Joined({kBo}, 5)).ok());
  EXPECT_EQ(Member(kBo).joined_seq, 5u);
  EXPECT_EQ(Member(kBo).left_seq, 0u);
  EXPECT_EQ(Unread(kBo), 0u);
  ASSERT_TRUE(VisitConversations(state_, kBo, [&](std::string_view id) { return id == "g:x" && ++memberships > 0; }).ok());
  EXPECT_EQ(memberships, 1);
}

TEST_F(MachineTest, OwnershipPassesOn) {
  ASSERT_TRUE(Apply(Created({kAnna, kBo})).ok());
  EXPECT_EQ(Member(kAnna).role, v1::Member::ROLE_OWNER);
  ASSERT_TRUE(Apply(Left(kAnna, 2, kBo.ToString())).ok());
  EXPECT_EQ(Member(kBo).role, v1::Member::ROLE_OWNER);
  ASSERT_TRUE(Apply(Left(kBo, 3)).ok());
  // Everybody is gone: who comes back owns it.
  ASSERT_TRUE(Apply(Joined({kCai, kBo}, 4)).ok());
  EXPECT_EQ(Member(kCai).role, v1::Member::ROLE_OWNER);
  EXPECT_EQ(Member(kBo).role, v1::Member::ROLE_MEMBER);
}

TEST_F(MachineTest, KeepsTheIdFloorOnlyAheadOfTheClock) {
  ASSERT_TRUE(Apply(Created({kAnna})).ok());
  EXPECT_FALSE(*state_.Get(IdFloorKey().Encode()));
  v1::ImRecord sent = Sent(kAnna, 2);
  sent.mutable_sent()->set_message_id(MessageIdOf(5'000, 0));
  ASSERT_TRUE(Apply(sent, 4'999).ok());
  ledger::DecideContext context{.partition = {"im", 0}, .time_us = 5'000};
  EXPECT_EQ(*AllocateMessageId(context, state_), MessageIdOf(5'001, 0));
  context.time_us = 6'000;
  EXPECT_EQ(*AllocateMessageId(context, state_), MessageIdOf(6'000, 0));
}

TEST_F(MachineTest, RefusesRecordsThatDoNotFit) {
  EXPECT_TRUE(absl::IsDataLoss(Apply(Sent(kAnna, 1))));
  ASSERT_TRUE(Apply(Created({kAnna})).ok());
  EXPECT_TRUE(absl::IsDataLoss(Apply(Created({kAnna}))));
  EXPECT_TRUE(absl::IsDataLoss(Apply(Sent(kAnna, 3))));
  EXPECT_TRUE(absl::IsDataLoss(Apply(Sent(kAnna, 1))));
  EXPECT_TRUE(absl::IsDataLoss(Apply(Sent(kBo, 2))));
  EXPECT_TRUE(absl::IsDataLoss(Apply(Left(kBo, 2))));
  EXPECT_TRUE(absl::IsDataLoss(Apply(Cursors(kAnna, 9, 9))));
  v1::ImRecord old_id = Sent(kAnna, 2);
  old_id.mutable_sent()->set_message_id(1);
  EXPECT_TRUE(absl::IsDataLoss(Apply(old_id)));
  v1::ImRecord malformed = Sent(kAnna, 2);
  malformed.mutable_sent()->set_sender_id("anna");
  EXPECT_TRUE(absl::IsDataLoss(Apply(malformed)));
  EXPECT_TRUE(absl::IsFailedPrecondition(Apply(v1::ImRecord())));
  ledger::Record garbage;
  garbage.set_payload("\xff\xff\xff");
  EXPECT_TRUE(absl::IsDataLoss(machine_.Apply(garbage, state_)));
}

TEST_F(MachineTest, ReplayGivesTheSameState) {
  ASSERT_TRUE(Apply(Created({kAnna, kBo})).ok());
  for (uint64_t seq = 2; seq < 200; ++seq) ASSERT_TRUE(Apply(Sent(seq % 2 ? kAnna : kBo, seq)).ok());
  ASSERT_TRUE(Apply(Left(kBo, 200)).ok());
  ASSERT_TRUE(Apply(Joined({kCai, kBo}, 201)).ok());
  MapState again;
  Machine machine;
  for (const ledger::Record& record : records_) ASSERT_TRUE(machine.Apply(record, again).ok());
  EXPECT_EQ(again.Digest(), state_.Digest());
  int marks = 0;
  ASSERT_TRUE(again.Scan(MarkKey::Prefix(1), {}, [&](std::string_view, std::string_view) { return ++marks > 0; }).ok());
  EXPECT_EQ(marks, 4);  // 1, 65, 129, 193
}

}  // namespace
}  // namespace yizhan::im
