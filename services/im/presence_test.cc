#include "im/presence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace yizhan::im {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const PersonNo kAnna{1}, kBo{2}, kCai{3};

struct Fixture {
  std::vector<std::string> said;
  Presence presence{{[this](const v1::Presence& p) {
                       said.push_back(absl::StrCat(PersonNo::Parse(p.person_id())->value, "=", p.show(), p.status()));
                     },
                     [this](PersonNo watcher, PersonNo watched, bool active) {
                       said.push_back(absl::StrCat(active ? "+" : "-", watcher.value, ">", watched.value));
                     }}};
  std::vector<std::string> Take() { return std::exchange(said, {}); }

  absl::Status Say(const DeviceId& device, v1::Presence::Show show, const std::string& status = "") {
    v1::SetPresenceRequest request;
    request.mutable_presence()->set_show(show);
    request.mutable_presence()->set_status(status);
    return presence.Set(device, request).status();
  }
  absl::StatusOr<v1::WatchPresenceResponse> Watch(const DeviceId& device, std::vector<PersonNo> persons) {
    v1::WatchPresenceRequest request;
    for (PersonNo person : persons) request.add_person_ids(person.ToString());
    return presence.Watch(device, request);
  }
};

TEST(Presence, ComesAndGoesWithTheDevices) {
  Fixture f;
  f.presence.Open({"e", 1}, kAnna);
  f.presence.Open({"e", 2}, kAnna);
  EXPECT_THAT(f.Take(), ElementsAre("1=2"));
  f.presence.Close({"e", 1});
  EXPECT_THAT(f.Take(), IsEmpty());
  f.presence.Close({"e", 2});
  EXPECT_THAT(f.Take(), ElementsAre("1=1"));
  f.presence.Close({"e", 2});
  EXPECT_THAT(f.Take(), IsEmpty());
  EXPECT_EQ(f.presence.devices(), 0u);
}

TEST(Presence, IsTheBestOfAllDevicesThatSaidSomething) {
  Fixture f;
  f.presence.Open({"e", 1}, kAnna);
  ASSERT_TRUE(f.Say({"e", 1}, v1::Presence::SHOW_BUSY, "会议").ok());
  EXPECT_THAT(f.Take(), ElementsAre("1=2", "1=4会议"));
  // Another device that has not said anything does not make its person available.
  f.presence.Open({"e", 2}, kAnna);
  EXPECT_THAT(f.Take(), IsEmpty());
  ASSERT_TRUE(f.Say({"e", 2}, v1::Presence::SHOW_AWAY).ok());
  EXPECT_THAT(f.Take(), IsEmpty());
  ASSERT_TRUE(f.Say({"e", 2}, v1::Presence::SHOW_ONLINE, "在").ok());
  EXPECT_THAT(f.Take(), ElementsAre("1=2在"));
  f.presence.Close({"e", 2});
  EXPECT_THAT(f.Take(), ElementsAre("1=4会议"));
  // Connected, but not to be seen.
  ASSERT_TRUE(f.Say({"e", 1}, v1::Presence::SHOW_OFFLINE).ok());
  EXPECT_THAT(f.Take(), ElementsAre("1=1"));
  f.presence.Close({"e", 1});
  EXPECT_THAT(f.Take(), IsEmpty());
}

TEST(Presence, WatchingIsCountedByDevice) {
  Fixture f;
  f.presence.Open({"e", 1}, kAnna);
  f.presence.Open({"f", 1}, kAnna);
  f.presence.Open({"e", 2}, kBo);
  f.Take();
  auto response = f.Watch({"e", 1}, {kBo, kCai, kBo});
  ASSERT_TRUE(response.ok());
  ASSERT_EQ(response->presences_size(), 2);
  EXPECT_EQ(response->presences(0).show(), v1::Presence::SHOW_ONLINE);
  EXPECT_EQ(response->presences(1).show(), v1::Presence::SHOW_OFFLINE);
  EXPECT_THAT(f.Take(), ElementsAre("+1>2", "+1>3"));
  ASSERT_TRUE(f.Watch({"f", 1}, {kBo}).ok());
  EXPECT_THAT(f.Take(), IsEmpty());
  ASSERT_TRUE(f.Watch({"e", 1}, {kCai}).ok());
  EXPECT_THAT(f.Take(), IsEmpty());
  ASSERT_TRUE(f.Watch({"f", 1}, {}).ok());
  EXPECT_THAT(f.Take(), ElementsAre("-1>2"));
  f.presence.Close({"e", 1});
  EXPECT_THAT(f.Take(), ElementsAre("-1>3"));
}

TEST(Presence, RefusesWithoutChanging) {
  Fixture f;
  f.presence.Open({"e", 1}, kAnna);
  f.Take();
  EXPECT_EQ(ReasonOf(f.Say({"e", 9}, v1::Presence::SHOW_BUSY)), "NO_SESSION");
  EXPECT_EQ(ReasonOf(f.Say({"", 0}, v1::Presence::SHOW_BUSY)), "NO_SESSION");
  EXPECT_EQ(ReasonOf(f.Say({"e", 1}, v1::Presence::SHOW_BUSY, std::string(201, 'x'))), "STATUS_LENGTH");
  EXPECT_EQ(ReasonOf(f.Watch({"e", 1}, std::vector<PersonNo>(501, kBo)).status()), "TOO_MANY_WATCHED");
  v1::WatchPresenceRequest request;
  request.add_person_ids("somebody");
  EXPECT_EQ(ReasonOf(f.presence.Watch({"e", 1}, request).status()), "INVALID_PERSON_ID");
  v1::GetPresenceRequest get;
  for (int i = 0; i < 501; ++i) get.add_person_ids(kBo.ToString());
  EXPECT_EQ(ReasonOf(f.presence.Get(get).status()), "TOO_MANY_WATCHED");
  EXPECT_THAT(f.Take(), IsEmpty());
}

TEST(Presence, IsToldInOrderFromManyThreads) {
  std::atomic<int> inside{0};
  std::atomic<bool> overlapped{false};
  std::vector<v1::Presence::Show> told;
  Presence presence({[&](const v1::Presence& p) {
                       if (++inside > 1) overlapped = true;
                       told.push_back(p.show());
                       --inside;
                     },
                     [](PersonNo, PersonNo, bool) {}});
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (uint64_t i = 0; i < 2'000; ++i) {
        presence.Open({"e", t * 10'000 + i}, kAnna);
        presence.Close({"e", t * 10'000 + i});
      }
    });
  }
  for (auto& thread : threads) thread.join();
  // A last step may have been taken over by a thread that has ended since: all is drained.
  EXPECT_FALSE(overlapped);
  ASSERT_FALSE(told.empty());
  for (size_t i = 0; i < told.size(); ++i) {
    ASSERT_EQ(told[i], i % 2 == 0 ? v1::Presence::SHOW_ONLINE : v1::Presence::SHOW_OFFLINE) << i;
  }
  EXPECT_EQ(told.back(), v1::Presence::SHOW_OFFLINE);
}

}  // namespace
}  // namespace yizhan::im
