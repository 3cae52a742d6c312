// Many threads at once: what may not happen however they interleave.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "ldap/service/testing/bed.h"

namespace yizhan::directory {
namespace {

void InThreads(int count, const std::function<void(int)>& work) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back(work, i);
  for (std::thread& thread : threads) thread.join();
}

TEST(Races, OneLogInNameHasOneOwner) {
  Bed bed;
  std::atomic<int> made{0}, taken{0};
  InThreads(8, [&](int) {
    v1::CreatePersonRequest request;
    request.mutable_person()->set_login("lina");
    request.mutable_person()->set_name("李娜");
    request.set_password("long enough");
    auto created = bed.WaitFor<v1::CreatePersonResponse>([&](Answer answer) {
      bed.parts->people.Create(Bed::Administrator(), request, absl::InfiniteFuture(), std::move(answer));
    });
    if (created.ok()) {
      ++made;
    } else {
      taken += ReasonOf(created.status()) == "LOGIN_TAKEN";
    }
  });
  EXPECT_EQ(made, 1);
  EXPECT_EQ(taken, 7);
}

TEST(Races, NoSessionOutlivesTheDisabling) {
  Bed bed;
  v1::Person lina = bed.Add("lina");
  std::atomic<bool> stop{false};
  absl::Mutex mu;
  std::vector<std::string> tokens;
  std::thread disabling([&] {
    for (int i = 0; i < 20; ++i) {
      absl::SleepFor(absl::Milliseconds(3));
      lina.set_active(i % 2 == 1);
      ASSERT_TRUE(bed.Update(lina).ok());
    }
    lina.set_active(false);
    ASSERT_TRUE(bed.Update(lina).ok());
    stop = true;
  });
  InThreads(4, [&](int thread) {
    while (!stop) {
      auto session = bed.LogIn("lina", "secret-lina", absl::StrCat("192.0.2.", thread));
      if (!session.ok()) continue;
      (void)bed.Who(session->token());  // into memory, while it may be ending
      absl::MutexLock lock(&mu);
      tokens.push_back(session->token());
    }
  });
  disabling.join();
  for (const std::string& token : tokens) EXPECT_FALSE(bed.Who(token).ok());
  EXPECT_EQ(bed.parts->sessions.count(), 0);
  EXPECT_EQ(bed.ReplayDiffers(), "");
}

TEST(Races, NoSessionOfTheOldPasswordOutlivesItsChange) {
  Bed bed;
  v1::Person lina = bed.Add("lina");
  std::atomic<bool> changed{false};
  absl::Mutex mu;
  std::vector<std::string> tokens;
  std::thread changing([&] {
    absl::SleepFor(absl::Milliseconds(20));
    v1::SetPasswordRequest request;
    request.set_person_id(lina.person_id());
    request.set_new_password("another secret");
    EXPECT_TRUE(bed.WaitFor<v1::SetPasswordResponse>([&](Answer answer) {
                     bed.parts->people.SetPassword(Bed::Administrator(), request, "", absl::InfiniteFuture(), std::move(answer));
                   }).ok());
    changed = true;
  });
  InThreads(4, [&](int thread) {
    for (int after = 0; after < 2; after += changed) {
      auto session = bed.LogIn("lina", "secret-lina", absl::StrCat("192.0.2.", thread));
      if (!session.ok()) continue;
      absl::MutexLock lock(&mu);
      tokens.push_back(session->token());
    }
  });
  changing.join();
  EXPECT_FALSE(tokens.empty());
  for (const std::string& token : tokens) EXPECT_FALSE(bed.Who(token).ok());
}

TEST(Races, AnEndedSessionIsNeverRememberedAgain) {
  Parts::Options options = Bed::Quick();
  options.sessions.remembered = 2;  // so that most are read from state
  Bed bed(options);
  bed.Add("lina");
  std::vector<v1::LogInResponse> sessions;
  for (int i = 0; i < 40; ++i) sessions.push_back(bed.LoggedIn("lina"));
  std::atomic<size_t> ended{0};
  std::thread ending([&] {
    for (v1::LogInResponse& session : sessions) {
      EXPECT_TRUE(
          bed.WaitFor<v1::LogOutResponse>([&](Answer answer) { bed.parts->sessions.LogOut(Bed::AsCaller(session), std::move(answer)); })
              .ok());
      ++ended;
    }
  });
  InThreads(3, [&](int) {
    while (ended < sessions.size()) {
      const size_t gone = ended;
      for (size_t i = 0; i < sessions.size(); ++i) {
        const bool live = bed.Who(sessions[i].token()).ok();
        EXPECT_FALSE(live && i < gone) << i;
      }
    }
  });
  ending.join();
}

}  // namespace
}  // namespace yizhan::directory
