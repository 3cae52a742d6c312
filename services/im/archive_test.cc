#include "im/archive.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "im/testing/bed.h"

namespace yizhan::im {
namespace {

struct Known {
  uint64_t id;
  std::string text;
  std::string with;
};

class ArchiveTest : public testing::Test {
 protected:
  v1::ListArchiveResponse List(const Caller& caller, const v1::ListArchiveRequest& request) {
    auto response = bed.parts->archive.List(caller, request);
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() ? *response : v1::ListArchiveResponse();
  }
  Bed bed;
  const Caller anna = bed.Person(1), bo = bed.Person(2), cai = bed.Person(3);
};

TEST_F(ArchiveTest, MergesDirectConversationsAndLeavesOutTheRest) {
  ASSERT_TRUE(bed.SendTo(anna, bo, "1").ok());
  ASSERT_TRUE(bed.SendTo(cai, anna, "2").ok());
  ASSERT_TRUE(bed.SendTo(bo, cai, "not hers").ok());
  std::string group = bed.Group(anna, {bo, cai});
  ASSERT_TRUE(bed.Send(bo, group, "group").ok());
  ASSERT_TRUE(bed.SendTo(bo, anna, "3").ok());
  ASSERT_TRUE(bed.SendTo(anna, anna, "4").ok());
  auto page = List(anna, {});
  EXPECT_EQ(Texts(page), "1 2 3 4");
  EXPECT_TRUE(page.complete());
  EXPECT_TRUE(page.count_known());
  EXPECT_EQ(page.count(), 4u);
  v1::ListArchiveRequest request;
  request.set_with_person_id(bo.id);
  page = List(anna, request);
  EXPECT_EQ(Texts(page), "1 3");
  EXPECT_EQ(page.count(), 2u);
  request.set_with_person_id(bed.Person(9).id);
  page = List(anna, request);
  EXPECT_EQ(page.messages_size(), 0);
  EXPECT_TRUE(page.complete() && page.count_known());
  request.Clear();
  request.set_conversation_id(group);
  EXPECT_EQ(Texts(List(anna, request)), "group");
  EXPECT_EQ(ReasonOf(bed.parts->archive.List(bed.Person(9), request).status()), "CONVERSATION_NOT_FOUND");
  request.set_with_person_id(bo.id);
  EXPECT_EQ(ReasonOf(bed.parts->archive.List(anna, request).status()), "AMBIGUOUS");
  request.Clear();
  request.set_with_person_id("bo");
  EXPECT_EQ(ReasonOf(bed.parts->archive.List(anna, request).status()), "INVALID_PERSON_ID");
}

TEST_F(ArchiveTest, AFormerMemberSeesTheirTimeOnly) {
  std::string group = bed.Group(anna, {});
  ASSERT_TRUE(bed.Send(anna, group, "before").ok());
  ASSERT_TRUE(bed.Add(anna, group, {bo}).ok());
  ASSERT_TRUE(bed.Send(anna, group, "during").ok());
  ASSERT_TRUE(bed.Remove(anna, group, bo).ok());
  ASSERT_TRUE(bed.Send(anna, group, "after").ok());
  v1::ListArchiveRequest request;
  request.set_conversation_id(group);
  for (bool newest : {false, true}) {
    request.set_newest(newest);
    auto page = List(bo, request);
    EXPECT_EQ(Texts(page), "during");
    EXPECT_EQ(page.count(), 1u);
    EXPECT_TRUE(page.complete());
  }
}

// Every page of every range equals what a plain list filtered by the same range gives: over many conversations of different length
// and over a group whose notices are left out.
TEST_F(ArchiveTest, PagesOfAnyRangeEqualAPlainList) {
  std::mt19937 random(7);
  const std::string group = bed.Group(anna, {bo});
  std::vector<Known> all;
  for (int i = 0; i < 1'200; ++i) {
    // Half of all with one person.
    const Caller other = bed.Person(random() % 2 ? 2 : 3 + static_cast<int>(random() % 12));
    const bool out = random() % 2;
    const std::string text = absl::StrCat("m", i);
    if (random() % 3 == 0) {
      if (random() % 2) {
        ASSERT_TRUE(bed.Add(anna, group, {random() % 2 ? cai : other}).ok());
      }
      if (random() % 2) bed.Remove(anna, group, cai).IgnoreError();
      auto sent = bed.Send(out ? anna : bo, group, text);
      ASSERT_TRUE(sent.ok()) << sent.status();
      all.push_back({sent->message_id(), text, group});
      continue;
    }
    auto sent = bed.SendTo(out ? anna : other, out ? other : anna, text);
    ASSERT_TRUE(sent.ok()) << sent.status();
    all.push_back({sent->message_id(), text, other.id});
  }
  std::sort(all.begin(), all.end(), [](const Known& a, const Known& b) { return a.id < b.id; });
  auto some_id = [&] { return all[random() % all.size()].id + random() % 3 - 1; };
  for (int round = 0; round < 1'000; ++round) {
    v1::ListArchiveRequest request;
    const auto what = random() % 4;
    if (what == 0) request.set_with_person_id(PersonNo{2 + random() % 13}.ToString());
    if (what == 1) request.set_with_person_id(bo.id);
    if (what == 2) request.set_conversation_id(group);
    if (random() % 2) request.set_after_id(some_id());
    if (random() % 2) request.set_before_id(some_id());
    if (random() % 4 == 0) request.set_start_us(TimeOfMessageId(some_id()));
    if (random() % 4 == 0) request.set_end_us(TimeOfMessageId(some_id()));
    request.set_newest(random() % 2);
    request.set_page_size(static_cast<uint32_t>(1 + random() % 120));
    SCOPED_TRACE(request.ShortDebugString());
    const std::string with = what == 2 ? group : request.with_person_id();
    std::vector<Known> expected;
    for (const Known& known : all) {
      if (with.empty() ? known.with == group : known.with != with) continue;
      if (request.after_id() && known.id <= request.after_id()) continue;
      if (request.before_id() && known.id >= request.before_id()) continue;
      if (request.start_us() && TimeOfMessageId(known.id) < request.start_us()) continue;
      if (request.end_us() && TimeOfMessageId(known.id) > request.end_us()) continue;
      expected.push_back(known);
    }
    const uint64_t in_range = expected.size();
    const bool complete = in_range <= request.page_size();
    if (!complete && request.newest()) expected.erase(expected.begin(), expected.end() - request.page_size());
    if (!complete && !request.newest()) expected.resize(request.page_size());
    auto page = List(anna, request);
    ASSERT_EQ(static_cast<size_t>(page.messages_size()), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      ASSERT_EQ(page.messages(static_cast<int>(i)).message_id(), expected[i].id);
      ASSERT_EQ(page.messages(static_cast<int>(i)).content().text(), expected[i].text);
    }
    EXPECT_EQ(page.complete(), complete);
    EXPECT_TRUE(page.count_known() || with.empty());
    EXPECT_EQ(page.count(), page.count_known() ? in_range : 0);
  }
}

}  // namespace
}  // namespace yizhan::im
