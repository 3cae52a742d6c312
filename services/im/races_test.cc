// Many threads at once: what is answered is there once, in order, and a replay gives the same state.
#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "im/content.h"
#include "im/testing/bed.h"

namespace yizhan::im {
namespace {

constexpr int kThreads = 8;

TEST(Races, EightThreadsSendJoinLeaveAndRead) {
  Bed bed;
  const std::vector<Caller> people = bed.Persons(1, kThreads);
  const std::string open = bed.Group(people[0], people, true);
  std::mutex mu;
  std::map<std::string, std::map<uint64_t, std::string>> answered;  // conversation → seq → text
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(static_cast<unsigned>(t));
      for (int i = 0; i < 150; ++i) {
        const std::string text = absl::StrCat(t, "-", i);
        absl::StatusOr<v1::SendMessageResponse> sent;
        switch (random() % 6) {
          case 0:
            // Both sides make the same direct conversation.
            sent = bed.SendTo(people[t], people[t ^ 1], text);
            break;
          case 1:
            ASSERT_TRUE(bed.Remove(people[t], open, people[t]).ok());
            ASSERT_TRUE(bed.Add(people[t], open, {people[t]}).ok());
            continue;
          case 2: {
            auto seen = bed.Get(people[t], open);
            ASSERT_TRUE(seen.ok());
            ASSERT_TRUE(bed.Move(people[t], open, seen->last_seq()).ok());
            continue;
          }
          case 3: {
            // A retry racing with itself.
            std::string id = absl::StrCat("same-", t, "-", i);
            std::thread other([&] { ASSERT_TRUE(bed.Send(people[t], open, text, id).ok()); });
            sent = bed.Send(people[t], open, text, id);
            other.join();
            break;
          }
          default:
            sent = bed.Send(people[t], open, text);
        }
        ASSERT_TRUE(sent.ok()) << sent.status();
        std::lock_guard lock(mu);
        ASSERT_TRUE(answered[sent->conversation_id()].emplace(sent->seq(), text).second) << "one seq, two messages";
      }
    });
  }
  for (auto& thread : threads) thread.join();

  for (const auto& [id, messages] : answered) {
    auto name = ConversationName::Parse(id);
    // Someone who has been there from the first seq: of the group nobody has, so read the records.
    std::map<uint64_t, std::string> recorded;
    std::set<uint64_t> seqs, ids;
    auto records = bed.ledger->Read(bed.parts->core.HomeOf(id), 1, 64 << 20);
    ASSERT_TRUE(records.ok());
    for (const auto& record : *records) {
      v1::ImRecord im;
      ASSERT_TRUE(im.ParseFromString(record.payload()));
      if (im.has_cursors()) continue;
      auto message = ToMessage(im, *bed.keyring);
      ASSERT_TRUE(message.ok());
      if (message->conversation_id() != id) continue;
      EXPECT_TRUE(seqs.insert(message->seq()).second);
      EXPECT_TRUE(ids.insert(message->message_id()).second);
      if (message->has_content()) recorded[message->seq()] = message->content().text();
    }
    EXPECT_EQ(recorded, messages) << id;
    EXPECT_EQ(*seqs.rbegin(), seqs.size()) << "a gap in " << id;
    EXPECT_EQ(name->direct, id != open);
  }
  EXPECT_EQ(bed.Get(people[0], open)->member_count(), static_cast<uint32_t>(kThreads));
  EXPECT_EQ(bed.ReplayDiffers(), "");
  // Events came in the order of seq.
  std::map<std::string, uint64_t> last;
  for (const auto& said : bed.hub.Take()) {
    if (!said.event.has_message()) continue;
    uint64_t& before = last[said.topic];
    ASSERT_EQ(said.event.message().seq(), before + 1) << said.topic;
    before = said.event.message().seq();
  }
}

}  // namespace
}  // namespace yizhan::im
