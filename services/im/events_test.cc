#include "im/events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "im/testing/bed.h"

namespace yizhan::im {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class EventsTest : public testing::Test {
 protected:
  // "TOPIC what", with persons and conversations by their short names.
  std::vector<std::string> Said() {
    std::vector<std::string> all;
    for (const auto& [topic, event] : bed.hub.Take()) {
      std::string what;
      if (event.has_message()) {
        const v1::Message& message = event.message();
        what = message.has_notice() ? absl::StrCat("notice", message.notice().kind()) : message.content().text();
        what = absl::StrCat(message.seq(), ":", what);
      } else if (event.has_cursor()) {
        what = absl::StrCat("read", event.cursor().read_seq(), "/", event.cursor().delivered_seq());
      } else if (event.has_joined()) {
        what = absl::StrCat("joined last", event.joined().last_seq(), " first", event.joined().first_seq(), " of",
                            event.joined().member_count(), event.joined().role() == v1::Member::ROLE_OWNER ? "*" : "");
      } else if (event.has_left()) {
        what = absl::StrCat("left last", event.left().last_seq());
      } else if (event.has_typing()) {
        what = event.typing().active() ? "types" : "stopped";
      } else if (event.has_presence()) {
        what = absl::StrCat("show", event.presence().show());
      }
      all.push_back(absl::StrCat(Short(topic), " ", what));
    }
    return all;
  }
  std::vector<std::string> Subscribed() {
    std::vector<std::string> all;
    for (const std::string& one : bed.hub.TakeSubscriptions()) all.push_back(Short(one));
    return all;
  }
  static std::string Short(std::string text) {
    for (size_t at; (at = text.find("p00000000000")) != std::string::npos;) text.erase(at, 12);
    return text;
  }
  FakeClock clock;
  Bed bed{4, &clock};
  const Caller anna = bed.Person(1), bo = bed.Person(2), cai = bed.Person(3);
};

TEST_F(EventsTest, AFirstMessageSubscribesThenTells) {
  ASSERT_TRUE(bed.SendTo(anna, bo, "hi").ok());
  EXPECT_THAT(Subscribed(), ElementsAre("+1 d:1:2", "+2 d:1:2"));
  EXPECT_THAT(Said(), ElementsAre("person:1 joined last1 first1 of2", "person:2 joined last1 first1 of2", "d:1:2 1:notice1",
                                  "d:1:2 2:hi"));
  ASSERT_TRUE(bed.Move(bo, DirectId(anna.no, bo.no), 2).ok());
  EXPECT_THAT(Said(), ElementsAre("d:1:2 read2/2"));
}

TEST_F(EventsTest, MembersComeAndGo) {
  std::string id = bed.Group(anna, {bo}, false, "x");
  EXPECT_THAT(Subscribed(), ElementsAre("+1 g:x", "+2 g:x"));
  EXPECT_THAT(Said(), ElementsAre("person:1 joined last1 first1 of2*", "person:2 joined last1 first1 of2", "g:x 1:notice1"));
  ASSERT_TRUE(bed.Add(anna, id, {cai}).ok());
  EXPECT_THAT(Subscribed(), ElementsAre("+3 g:x"));
  EXPECT_THAT(Said(), ElementsAre("person:3 joined last2 first2 of3", "g:x 2:notice2"));
  ASSERT_TRUE(bed.Remove(anna, id, bo).ok());
  EXPECT_THAT(Said(), ElementsAre("g:x 3:notice3", "person:2 left last3"));
  EXPECT_THAT(Subscribed(), ElementsAre("-2 g:x"));
}

TEST_F(EventsTest, NothingIsBuiltForNobody) {
  bed.hub.set_deaf(true);
  ASSERT_TRUE(bed.SendTo(anna, bo, "hi").ok());
  EXPECT_THAT(Said(), IsEmpty());
}

TEST_F(EventsTest, ALargeGroupsCursorsGoToTheirOwnerOnly) {
  std::vector<Caller> others = bed.Persons(10, 200);
  std::string id = bed.Group(anna, others, false, "big");
  ASSERT_TRUE(bed.Send(anna, id, "x").ok());
  Said();
  ASSERT_TRUE(bed.Move(others[0], id, 2).ok());
  EXPECT_THAT(Said(), ElementsAre(absl::StrCat("person:", Short(others[0].id), " read2/2")));
  v1::SetTypingRequest typing;
  typing.set_conversation_id(id);
  typing.set_active(true);
  EXPECT_TRUE(bed.parts->typing.Set(anna, typing).ok());
  EXPECT_THAT(Said(), IsEmpty());
}

TEST_F(EventsTest, TypingIsPassedOnOnceASecond) {
  v1::SetTypingRequest request;
  request.set_to_person_id(bo.id);
  request.set_active(true);
  EXPECT_TRUE(bed.parts->typing.Set(anna, request).ok());  // no conversation yet
  ASSERT_TRUE(bed.SendTo(anna, bo, "hi").ok());
  Said();
  auto type = [&](bool active) {
    request.set_active(active);
    EXPECT_TRUE(bed.parts->typing.Set(anna, request).ok());
    return Said();
  };
  EXPECT_THAT(type(true), ElementsAre("d:1:2 types"));
  EXPECT_THAT(type(true), IsEmpty());
  EXPECT_THAT(type(false), ElementsAre("d:1:2 stopped"));
  EXPECT_THAT(type(false), IsEmpty());
  EXPECT_THAT(type(true), IsEmpty());
  clock.Advance(absl::Seconds(1));
  EXPECT_THAT(type(true), ElementsAre("d:1:2 types"));
  request.Clear();
  EXPECT_EQ(ReasonOf(bed.parts->typing.Set(anna, request)), "NO_CONVERSATION");
  request.set_conversation_id("g:unknown");
  EXPECT_EQ(ReasonOf(bed.parts->typing.Set(anna, request)), "CONVERSATION_NOT_FOUND");
  request.set_conversation_id(DirectId(anna.no, bo.no));
  EXPECT_EQ(ReasonOf(bed.parts->typing.Set(cai, request)), "CONVERSATION_NOT_FOUND");
}

TEST_F(EventsTest, PresenceGoesToItsTopic) {
  bed.parts->presence.Open({"edge", 1}, anna.no);
  EXPECT_THAT(Said(), ElementsAre("presence:1 show2"));
  v1::WatchPresenceRequest request;
  request.add_person_ids(bo.id);
  ASSERT_TRUE(bed.parts->presence.Watch({"edge", 1}, request).ok());
  EXPECT_THAT(Subscribed(), ElementsAre("+1 presence:2"));
  bed.parts->presence.Close({"edge", 1});
  EXPECT_THAT(Subscribed(), ElementsAre("-1 presence:2"));
  EXPECT_THAT(Said(), ElementsAre("presence:1 show1"));
}

}  // namespace
}  // namespace yizhan::im
