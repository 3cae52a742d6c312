#include "im/conversations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/status.h"
#include "im/testing/bed.h"

namespace yizhan::im {
namespace {

using testing::ElementsAre;

class ConversationsTest : public testing::Test {
 protected:
  absl::StatusOr<v1::CreateGroupResponse> Create(const Caller& caller, const v1::CreateGroupRequest& request) {
    return bed.Wait<v1::CreateGroupResponse>(&Conversations::CreateGroup, caller, request);
  }
  absl::StatusOr<v1::AddMembersResponse> Add(const Caller& caller, const v1::AddMembersRequest& request) {
    return bed.Wait<v1::AddMembersResponse>(&Conversations::AddMembers, caller, request);
  }
  absl::Status Rename(const Caller& caller, const std::string& id, const std::string& title) {
    v1::RenameGroupRequest request;
    request.set_conversation_id(id);
    request.set_title(title);
    return bed.Wait<v1::RenameGroupResponse>(&Conversations::RenameGroup, caller, request).status();
  }
  std::vector<std::string> Members(const Caller& caller, const std::string& id, uint32_t page_size = 0) {
    std::vector<std::string> all;
    v1::ListMembersRequest request;
    request.set_conversation_id(id);
    request.set_page_size(page_size);
    do {
      auto page = bed.parts->conversations.ListMembers(caller, request);
      if (!page.ok()) return {ReasonOf(page.status())};
      for (const auto& member : page->members()) {
        all.push_back(member.person_id().substr(12) + (member.role() == v1::Member::ROLE_OWNER ? "*" : ""));
      }
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return all;
  }

  Bed bed;
  const Caller anna = bed.Person(1), bo = bed.Person(2), cai = bed.Person(3), dan = bed.Person(4);
};

TEST_F(ConversationsTest, AGroupIsMade) {
  v1::CreateGroupRequest request;
  request.set_title("营业部");
  request.set_handle("sales");
  request.add_member_ids(bo.id);
  request.add_member_ids(bo.id);
  request.add_member_ids(anna.id);
  auto made = Create(anna, request);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->conversation().conversation_id(), "g:sales");
  EXPECT_EQ(made->conversation().member_count(), 2u);
  EXPECT_EQ(made->conversation().role(), v1::Member::ROLE_OWNER);
  EXPECT_THAT(Members(bo, "g:sales"), ElementsAre("1*", "2"));
  auto seen = bed.Get(bo, "g:sales");
  ASSERT_TRUE(seen.ok());
  EXPECT_EQ(seen->title(), "营业部");
  EXPECT_EQ(seen->last_message().notice().kind(), v1::Notice::KIND_CREATED);
  EXPECT_EQ(ReasonOf(Create(bo, request).status()), "HANDLE_TAKEN");
}

TEST_F(ConversationsTest, ARetryMakesNoSecondGroup) {
  v1::CreateGroupRequest request;
  request.set_title("t");
  request.set_request_id("r1");
  auto first = Create(anna, request), again = Create(anna, request), other = Create(bo, request);
  ASSERT_TRUE(first.ok() && again.ok() && other.ok());
  EXPECT_EQ(first->SerializeAsString(), again->SerializeAsString());
  EXPECT_NE(other->conversation().conversation_id(), first->conversation().conversation_id());
  request.clear_request_id();
  EXPECT_NE(Create(anna, request)->conversation().conversation_id(), Create(anna, request)->conversation().conversation_id());
}

TEST_F(ConversationsTest, RefusesBadGroups) {
  v1::CreateGroupRequest request;
  EXPECT_EQ(ReasonOf(Create(anna, request).status()), "TITLE_LENGTH");
  request.set_title("t");
  request.set_handle("Not Good");
  EXPECT_EQ(ReasonOf(Create(anna, request).status()), "HANDLE");
  request.set_handle("");
  request.add_member_ids("x");
  EXPECT_EQ(ReasonOf(Create(anna, request).status()), "INVALID_PERSON_ID");
  request.set_member_ids(0, PersonNo{77}.ToString());
  EXPECT_EQ(ReasonOf(Create(anna, request).status()), "PERSON_NOT_FOUND");
  request.clear_member_ids();
  for (int i = 0; i <= kMaxMembersAtOnce; ++i) request.add_member_ids(bo.id);
  EXPECT_EQ(ReasonOf(Create(anna, request).status()), "TOO_MANY_MEMBERS");
  request.clear_member_ids();
  request.set_request_id(std::string(129, 'r'));
  EXPECT_EQ(ReasonOf(Create(anna, request).status()), "REQUEST_ID_LENGTH");
  EXPECT_EQ(bed.RecordCount(), 0u);
}

TEST_F(ConversationsTest, OnlyTheOwnerChangesAClosedGroup) {
  std::string id = bed.Group(anna, {bo});
  EXPECT_EQ(ReasonOf(bed.Add(bo, id, {cai})), "NOT_OWNER");
  EXPECT_EQ(ReasonOf(bed.Add(cai, id, {cai})), "CONVERSATION_NOT_FOUND");
  EXPECT_EQ(ReasonOf(bed.Add(cai, id, {dan})), "CONVERSATION_NOT_FOUND");
  EXPECT_EQ(ReasonOf(bed.Remove(bo, id, anna)), "NOT_OWNER");
  EXPECT_EQ(ReasonOf(bed.Remove(cai, id, anna)), "CONVERSATION_NOT_FOUND");
  EXPECT_EQ(ReasonOf(Rename(bo, id, "x")), "NOT_OWNER");
  EXPECT_EQ(ReasonOf(Rename(cai, id, "x")), "CONVERSATION_NOT_FOUND");
  EXPECT_EQ(ReasonOf(bed.Remove(anna, id, dan)), "PERSON_NOT_A_MEMBER");
  EXPECT_EQ(ReasonOf(Rename(anna, id, "")), "TITLE_LENGTH");
  EXPECT_EQ(ReasonOf(bed.Add(anna, id, {})), "NO_MEMBERS");
  EXPECT_EQ(bed.RecordCount(), 1u);
  EXPECT_TRUE(bed.Add(anna, id, {cai, dan}).ok());
  EXPECT_TRUE(bed.Add(anna, id, {cai, dan}).ok());
  EXPECT_TRUE(bed.Add(cai, id, {cai}).ok());  // in already
  EXPECT_EQ(bed.RecordCount(), 2u);
  EXPECT_TRUE(bed.Remove(anna, id, bo).ok());
  EXPECT_TRUE(Rename(anna, id, "新名").ok());
  EXPECT_TRUE(Rename(anna, id, "新名").ok());
  EXPECT_EQ(bed.RecordCount(), 4u);
  EXPECT_EQ(bed.Get(cai, id)->title(), "新名");
  EXPECT_THAT(Members(anna, id), ElementsAre("1*", "3", "4"));
}

TEST_F(ConversationsTest, AnybodyJoinsAnOpenGroupByThemselves) {
  std::string id = bed.Group(anna, {}, true);
  EXPECT_TRUE(bed.Add(bo, id, {bo}).ok());
  EXPECT_EQ(ReasonOf(bed.Add(bo, id, {cai})), "NOT_OWNER");
  EXPECT_EQ(ReasonOf(bed.Add(cai, id, {dan})), "CONVERSATION_NOT_FOUND");
  v1::AddMembersRequest request;
  request.set_conversation_id(id);
  request.add_person_ids(cai.id);
  request.set_request_id("j");
  auto first = Add(cai, request), again = Add(cai, request);
  ASSERT_TRUE(first.ok() && again.ok());
  EXPECT_THAT(first->added_ids(), ElementsAre(cai.id));
  EXPECT_THAT(again->added_ids(), ElementsAre(cai.id));
  EXPECT_THAT(Members(cai, id), ElementsAre("1*", "2", "3"));
}

TEST_F(ConversationsTest, MembersSeeFromTheirJoiningToTheirLeaving) {
  std::string id = bed.Group(anna, {});
  ASSERT_TRUE(bed.Send(anna, id, "before").ok());
  ASSERT_TRUE(bed.Add(anna, id, {bo}).ok());
  ASSERT_TRUE(bed.Send(anna, id, "during").ok());
  EXPECT_EQ(bed.Get(bo, id)->unread(), 1u);
  EXPECT_EQ(bed.Get(bo, id)->first_seq(), 3u);
  ASSERT_TRUE(bed.Remove(bo, id, bo).ok());
  ASSERT_TRUE(bed.Send(anna, id, "after").ok());
  auto page = bed.List(bo, id);
  ASSERT_TRUE(page.ok());
  EXPECT_EQ(Texts(*page), "[2] during [3]");
  EXPECT_EQ(page->last_seq(), 5u);
  EXPECT_FALSE(page->more());
  v1::ListMessagesRequest newest;
  newest.set_conversation_id(id);
  newest.set_before_seq(~uint64_t{0});
  EXPECT_EQ(Texts(*bed.parts->messages.List(bo, newest)), "[2] during [3]");
  auto seen = bed.Get(bo, id);
  EXPECT_EQ(seen->last_seq(), 5u);
  EXPECT_EQ(seen->role(), v1::Member::ROLE_UNSPECIFIED);
  EXPECT_EQ(seen->last_message().notice().kind(), v1::Notice::KIND_LEFT);
  EXPECT_EQ(ReasonOf(bed.Send(bo, id, "x").status()), "NOT_A_MEMBER");
  EXPECT_EQ(ReasonOf(bed.Move(bo, id, 5).status()), "NOT_A_MEMBER");
  EXPECT_THAT(Members(bo, id), ElementsAre("NOT_A_MEMBER"));
  EXPECT_EQ(ReasonOf(Rename(bo, id, "x")), "NOT_A_MEMBER");
  EXPECT_EQ(ReasonOf(bed.Remove(bo, id, anna)), "NOT_A_MEMBER");
  EXPECT_EQ(ReasonOf(bed.Add(bo, id, {bo})), "NOT_A_MEMBER");
  // Who comes back sees from then on.
  ASSERT_TRUE(bed.Add(anna, id, {bo}).ok());
  EXPECT_EQ(Texts(*bed.List(bo, id)), "[2]");
  EXPECT_EQ(Texts(*bed.List(anna, id)), "[1] before [2] during [3] after [2]");
  EXPECT_EQ(bed.ReplayDiffers(), "");
}

TEST_F(ConversationsTest, TheLongestServingMemberInheritsTheGroup) {
  std::string id = bed.Group(dan, {});
  ASSERT_TRUE(bed.Add(dan, id, {cai}).ok());
  ASSERT_TRUE(bed.Add(dan, id, {anna}).ok());
  ASSERT_TRUE(bed.Remove(dan, id, dan).ok());
  EXPECT_THAT(Members(anna, id), ElementsAre("1", "3*"));
  EXPECT_EQ(ReasonOf(bed.Remove(anna, id, cai)), "NOT_OWNER");
  EXPECT_TRUE(bed.Remove(cai, id, anna).ok());
}

TEST_F(ConversationsTest, TwoPeopleAreNoGroup) {
  std::string id = bed.SendTo(anna, bo, "x")->conversation_id();
  EXPECT_EQ(ReasonOf(bed.Add(anna, id, {cai})), "NOT_A_GROUP");
  EXPECT_EQ(ReasonOf(bed.Remove(anna, id, bo)), "NOT_A_GROUP");
  EXPECT_EQ(ReasonOf(bed.Remove(anna, id, anna)), "NOT_A_GROUP");
  EXPECT_EQ(ReasonOf(Rename(anna, id, "x")), "NOT_A_GROUP");
  EXPECT_EQ(ReasonOf(bed.Add(cai, id, {cai})), "CONVERSATION_NOT_FOUND");
}

TEST_F(ConversationsTest, MembersComeInPages) {
  std::string id = bed.Group(anna, bed.Persons(10, 25));
  ASSERT_TRUE(bed.Remove(anna, id, bed.Person(20)).ok());
  std::vector<std::string> all = Members(anna, id);
  EXPECT_EQ(all.size(), 25u);
  EXPECT_EQ(Members(anna, id, 1), all);
  EXPECT_EQ(Members(anna, id, 7), all);
  v1::ListMembersRequest request;
  request.set_conversation_id(id);
  request.set_page_token("x");
  EXPECT_EQ(ReasonOf(bed.parts->conversations.ListMembers(anna, request).status()), "INVALID_PAGE_TOKEN");
}

TEST_F(ConversationsTest, AThousandJoinOneAfterAnotherQuickly) {
  std::string id = bed.Group(anna, {}, true);
  const std::vector<Caller> persons = bed.Persons(100, 1'000);
  bed.hub.set_deaf(true);
  absl::Time start = absl::Now();
  for (const Caller& person : persons) ASSERT_TRUE(bed.Add(person, id, {person}).ok());
  absl::Duration took = absl::Now() - start;
  std::printf("%.0f us a join\n", absl::ToDoubleMicroseconds(took) / 1'000);
  RecordProperty("joins_ms", static_cast<int>(absl::ToInt64Milliseconds(took)));
  EXPECT_LT(took, absl::Seconds(10));  // the bar is 1 s; the bound is for a loaded machine
  EXPECT_EQ(bed.Get(anna, id)->member_count(), 1'001u);
}

}  // namespace
}  // namespace yizhan::im
