#include "im/sync.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "im/testing/bed.h"

namespace yizhan::im {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class SyncTest : public testing::Test {
 protected:
  v1::SyncResponse Sync(const Caller& caller, const v1::SyncRequest& request) {
    auto response = bed.parts->sync.Run(caller, request);
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() ? *response : v1::SyncResponse();
  }
  static std::vector<std::string> Ids(const v1::SyncResponse& response) {
    std::vector<std::string> ids;
    for (const auto& conversation : response.conversations()) ids.push_back(conversation.conversation_id());
    return ids;
  }
  Bed bed;
  const Caller anna = bed.Person(1), bo = bed.Person(2), cai = bed.Person(3);
};

TEST_F(SyncTest, GivesWhatIsBeyondNewestFirst) {
  std::string ab = bed.SendTo(anna, bo, "hello")->conversation_id();
  std::string group = bed.Group(bo, {anna});
  std::string ac = bed.SendTo(cai, anna, "in")->conversation_id();
  ASSERT_TRUE(bed.Send(cai, ac, "again").ok());
  ASSERT_TRUE(bed.SendTo(bo, cai, "not hers").ok());
  v1::SyncRequest request;
  auto response = Sync(anna, request);
  EXPECT_THAT(Ids(response), ElementsAre(ac, group, ab));
  const v1::Conversation& newest = response.conversations(0);
  EXPECT_EQ(newest.kind(), v1::Conversation::KIND_DIRECT);
  EXPECT_EQ(newest.last_seq(), 3u);
  EXPECT_EQ(newest.unread(), 2u);
  EXPECT_EQ(newest.last_message().content().text(), "again");
  EXPECT_EQ(newest.last_time_us(), newest.last_message().time_us());
  EXPECT_EQ(newest.first_seq(), 1u);
  EXPECT_EQ(response.conversations(2).unread(), 0u);
  EXPECT_THAT(response.left_ids(), IsEmpty());

  (*request.mutable_last_seqs())[ab] = 2;
  (*request.mutable_last_seqs())[group] = 1;
  (*request.mutable_last_seqs())[ac] = 2;
  EXPECT_THAT(Ids(Sync(anna, request)), ElementsAre(ac));
  (*request.mutable_last_seqs())[ac] = 3;
  EXPECT_THAT(Ids(Sync(anna, request)), IsEmpty());
}

TEST_F(SyncTest, NamesWhatTheCallerIsNoLongerIn) {
  std::string group = bed.Group(bo, {anna}), other = bed.Group(bo, {});
  v1::SyncRequest request;
  (*request.mutable_last_seqs())[group] = 1;
  (*request.mutable_last_seqs())["g:never-was"] = 7;
  (*request.mutable_last_seqs())[other] = 1;
  EXPECT_THAT(Sync(anna, request).left_ids(), testing::UnorderedElementsAre("g:never-was", other));
  ASSERT_TRUE(bed.Remove(bo, group, anna).ok());
  auto response = Sync(anna, request);
  EXPECT_THAT(response.left_ids(), testing::UnorderedElementsAre(group, "g:never-was", other));
  EXPECT_THAT(Ids(response), IsEmpty());
}

TEST_F(SyncTest, TurnsPages) {
  std::vector<Caller> others = bed.Persons(10, 23);
  for (const Caller& other : others) ASSERT_TRUE(bed.SendTo(other, anna, "x").ok());
  std::vector<std::string> all = Ids(Sync(anna, {})), paged;
  EXPECT_EQ(all.size(), 23u);
  v1::SyncRequest request;
  request.set_page_size(5);
  int pages = 0;
  do {
    auto response = Sync(anna, request);
    for (const std::string& id : Ids(response)) paged.push_back(id);
    request.set_page_token(response.next_page_token());
    ++pages;
  } while (!request.page_token().empty());
  EXPECT_EQ(paged, all);
  EXPECT_EQ(pages, 5);
  request.set_page_token("x");
  EXPECT_EQ(ReasonOf(bed.parts->sync.Run(anna, request).status()), "INVALID_PAGE_TOKEN");
}

TEST_F(SyncTest, RefusesAVectorWithoutBound) {
  v1::SyncRequest request;
  for (int i = 0; i <= kMaxSyncVector; ++i) (*request.mutable_last_seqs())[absl::StrCat("g:", i)] = 1;
  EXPECT_EQ(ReasonOf(bed.parts->sync.Run(anna, request).status()), "TOO_MANY_CONVERSATIONS");
}

// A client that loses its live stream at random and repairs what it has by Sync and ListMessages.
class Client {
 public:
  Client(Bed* bed, Caller caller) : bed_(bed), caller_(std::move(caller)) {}

  // One live event; a gap is repaired by asking for what is between.
  void Hear(const v1::Message& message) {
    auto& messages = has_[message.conversation_id()];
    const uint64_t last = Last(message.conversation_id());
    if (message.seq() <= last) return;
    if (message.seq() > last + 1 && !messages.empty()) return Fetch(message.conversation_id());
    messages[message.seq()] = message.SerializeAsString();
  }
  void Leave(const std::string& id) { has_.erase(id); }
  void Reconnect() {
    v1::SyncRequest request;
    for (const auto& [id, messages] : has_) (*request.mutable_last_seqs())[id] = Last(id);
    request.set_page_size(3);
    do {
      auto response = bed_->parts->sync.Run(caller_, request);
      ASSERT_TRUE(response.ok()) << response.status();
      for (const std::string& id : response->left_ids()) has_.erase(id);
      for (const auto& conversation : response->conversations()) {
        // Joined anew since: what was before is beyond the bound.
        auto& messages = has_[conversation.conversation_id()];
        messages.erase(messages.begin(), messages.lower_bound(conversation.first_seq()));
        Fetch(conversation.conversation_id());
        ASSERT_EQ(Last(conversation.conversation_id()), conversation.last_seq());
      }
      request.set_page_token(response->next_page_token());
    } while (!request.page_token().empty());
  }
  const std::map<std::string, std::map<uint64_t, std::string>>& has() const { return has_; }
  const Caller& caller() const { return caller_; }

 private:
  uint64_t Last(const std::string& id) {
    auto found = has_.find(id);
    return found == has_.end() || found->second.empty() ? 0 : found->second.rbegin()->first;
  }
  void Fetch(const std::string& id) {
    for (bool more = true; more;) {
      auto page = bed_->List(caller_, id, Last(id), 7);
      ASSERT_TRUE(page.ok()) << page.status();
      for (const auto& message : page->messages()) has_[id][message.seq()] = message.SerializeAsString();
      more = page->more();
    }
  }

  Bed* const bed_;
  const Caller caller_;
  std::map<std::string, std::map<uint64_t, std::string>> has_;
};

TEST(SyncProperty, AClientThatComesAndGoesHasEverythingItMaySee) {
  for (unsigned seed = 1; seed <= 3; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    Bed bed;
    std::vector<Caller> people = bed.Persons(1, 6);
    Client client(&bed, people[0]);
    bool online = true;
    std::vector<std::string> groups;
    for (int i = 0; i < 3; ++i) groups.push_back(bed.Group(people[5], {people[0], people[1]}));
    bed.hub.Take();
    client.Reconnect();
    // What the edge would do: the client hears a conversation while it is subscribed to it.
    std::set<std::string> hears(groups.begin(), groups.end());
    auto deliver = [&] {
      for (const auto& said : bed.hub.Take()) {
        if (!online) continue;
        const bool own = said.topic == PersonTopic(people[0].id);
        if (own && said.event.has_left()) client.Leave(said.event.left().conversation_id());
        if (said.event.has_message() && hears.contains(said.topic)) client.Hear(said.event.message());
        if (own && said.event.has_joined()) hears.insert(said.event.joined().conversation_id());
      }
    };
    for (int step = 0; step < 400; ++step) {
      const Caller& who = people[random() % people.size()];
      switch (random() % 8) {
        case 0:
          online = !online;
          if (online) {
            auto ids = bed.parts->sync.ConversationIds(people[0].no);
            hears = {ids->begin(), ids->end()};
            client.Reconnect();
          }
          break;
        case 1: {
          const std::string& group = groups[random() % groups.size()];
          if (random() % 2) {
            bed.Remove(people[5], group, people[random() % 2]).IgnoreError();
          } else {
            bed.Add(people[5], group, {people[random() % 2]}).IgnoreError();
          }
          break;
        }
        case 2:
          bed.SendTo(who, people[0], absl::StrCat("d", step)).status().IgnoreError();
          break;
        default:
          bed.Send(who, groups[random() % groups.size()], absl::StrCat("g", step)).status().IgnoreError();
      }
      deliver();
    }
    client.Reconnect();
    // The truth, read afresh.
    auto ids = bed.parts->sync.ConversationIds(people[0].no);
    ASSERT_TRUE(ids.ok());
    ASSERT_EQ(client.has().size(), ids->size());
    for (const std::string& id : *ids) {
      auto page = bed.List(people[0], id);
      std::map<uint64_t, std::string> truth;
      for (uint64_t after = 0;;) {
        page = bed.List(people[0], id, after);
        ASSERT_TRUE(page.ok());
        for (const auto& message : page->messages()) truth[message.seq()] = message.SerializeAsString();
        if (!page->more()) break;
        after = truth.rbegin()->first;
      }
      EXPECT_EQ(client.has().at(id), truth) << id;
      EXPECT_EQ(truth.rbegin()->first - truth.begin()->first + 1, truth.size()) << "a gap in " << id;
    }
    EXPECT_EQ(bed.ReplayDiffers(), "");
  }
}

}  // namespace
}  // namespace yizhan::im
