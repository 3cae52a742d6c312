#include "base/objects/folder_store.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <ctime>
#include <fstream>
#include <iostream>
#include <thread>

#include "base/objects/objects_test.h"
#include "base/status.h"

namespace yizhan::objects {
namespace {
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Object = ObjectStore::Object;
namespace fs = std::filesystem;

class FolderStoreTest : public ::testing::Test {
 protected:
  static unsigned Mode(const std::string& path) {
    struct stat info = {};
    EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
    return info.st_mode & 0777;
  }
  static void Make(const std::string& path) { std::ofstream(path) << "?"; }
  std::vector<std::string> Entries() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(place_)) {
      names.push_back(fs::relative(entry.path(), place_).string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  TestDir dir_;
  const std::string place_ = dir_.path() + "/store";
};

TEST_F(FolderStoreTest, OnlyItsOwnerReadsIt) {
  const mode_t before = umask(0);
  auto store = Open(At(place_ + "//"));
  EXPECT_EQ(store->place(), place_);
  ASSERT_TRUE(store->Put("a/b/c", "1").ok());
  umask(before);
  for (const char* folder : {"", "/a", "/a/b"}) EXPECT_EQ(Mode(place_ + folder), 0700u) << folder;
  EXPECT_EQ(Mode(place_ + "/a/b/c"), 0600u);
  ASSERT_TRUE(store->Delete("a/b/c").ok());
  EXPECT_THAT(Entries(), ElementsAre()) << "folders without objects go";
  EXPECT_TRUE(fs::exists(place_)) << "the place itself stays";
}

TEST_F(FolderStoreTest, WhatKilledWritersLeaveIsNeverListedAndGoesAfterADay) {
  auto store = Open(At(place_));
  Make(place_ + "/~put-oldold");
  Make(place_ + "/~put-newnew");
  const timespec times[2] = {{0, UTIME_OMIT}, {time(nullptr) - 25 * 3600, 0}};
  ASSERT_EQ(utimensat(AT_FDCWD, (place_ + "/~put-oldold").c_str(), times, 0), 0);
  EXPECT_THAT(*store->List(""), ElementsAre());
  ASSERT_TRUE(store->Put("a", "1").ok());
  EXPECT_THAT(*store->List(""), ElementsAre(Object{"a", 1}));
  EXPECT_THAT(Entries(), ElementsAre("a", "~put-newnew"));
}

TEST_F(FolderStoreTest, AKilledWriterLeavesTheOldObjectOrTheNewOne) {
  auto store = Open(At(place_));
  ASSERT_TRUE(store->Put("a/b", std::string(1 << 20, '0')).ok());
  for (int i = 1; i <= 20; ++i) {
    int ready[2];
    ASSERT_EQ(pipe2(ready, O_CLOEXEC), 0);
    const pid_t child = fork();
    if (child == 0) {
      for (int n = 0;; ++n) {
        if (!store->Put("a/b", std::string(1 << 20, static_cast<char>('1' + n % 9))).ok()) _exit(1);
        if (write(ready[1], "x", 1) != 1) _exit(1);
      }
    }
    close(ready[1]);
    char x;
    ASSERT_EQ(read(ready[0], &x, 1), 1);
    usleep(static_cast<useconds_t>(i * 131));  // somewhere within the next one
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    close(ready[0]);
    auto got = store->Get("a/b");
    ASSERT_TRUE(got.ok()) << got.status();
    ASSERT_EQ(got->size(), size_t{1} << 20);
    ASSERT_EQ(got->find_first_not_of(got->front()), std::string::npos);
    ASSERT_THAT(*store->List(""), ElementsAre(Object{"a/b", 1 << 20}));
  }
}

TEST_F(FolderStoreTest, WhatIsNotOursIsLeftAlone) {
  auto store = Open(At(place_));
  fs::create_directories(place_ + "/lost+found/a");
  Make(place_ + "/lost+found/a/b");
  Make(place_ + "/a b");
  Make(dir_.path() + "/outside");
  fs::create_symlink(dir_.path(), place_ + "/link");
  fs::create_symlink(dir_.path() + "/outside", place_ + "/file");
  ASSERT_EQ(mkfifo((place_ + "/pipe").c_str(), 0600), 0);
  ASSERT_TRUE(store->Put("a", "1").ok());
  EXPECT_THAT(*store->List(""), ElementsAre(Object{"a", 1}));
  for (const char* name : {"file", "pipe"}) {
    EXPECT_EQ(store->Get(name).status().code(), absl::StatusCode::kNotFound) << name;
  }
  std::ofstream(place_ + "/huge").close();
  fs::resize_file(place_ + "/huge", kMaxObjectBytes + 1);
  EXPECT_EQ(ReasonOf(store->Get("huge").status()), "OBJECT_SIZE");
}

TEST_F(FolderStoreTest, APlaceIsAFolder) {
  Make(dir_.path() + "/file");
  auto message = [](const std::string& place) {
    absl::Status status = OpenObjectStore(At(place)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    return std::string(status.message());
  };
  EXPECT_THAT(message(dir_.path() + "/file"), HasSubstr("/file is not a folder"));
  EXPECT_THAT(message(dir_.path() + "/none/store"), HasSubstr("the folder above it is not there"));
  EXPECT_FALSE(fs::exists(dir_.path() + "/none"));
  for (const char* place : {"", "store", "./store", "~/store", "file:///store", "S3://bucket"}) {
    absl::Status status = OpenObjectStore(At(place)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << place;
    EXPECT_EQ(ReasonOf(status), "STORE_PLACE") << place;
  }
}

TEST_F(FolderStoreTest, APlaceThatGoesIsNotMadeAgain) {
  auto store = Open(At(place_));
  fs::remove(place_);  // as when its disk is no longer mounted
  for (const absl::Status& status : {store->Put("a", "1"), store->List("").status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(place_));
  }
  EXPECT_FALSE(fs::exists(place_));
}

TEST_F(FolderStoreTest, AFolderThatGoesUnderAWritersHandsIsMadeAgain) {
  auto store = Open(At(place_));
  std::atomic<bool> writing{true};
  std::thread other([&] {
    while (writing) {
      rmdir((place_ + "/a").c_str());  // as Delete() does
      usleep(1);
    }
  });
  for (int i = 0; i < 200; ++i) {
    absl::Status put = store->Put("a/b", "1");
    EXPECT_TRUE(put.ok()) << put;
    EXPECT_TRUE(store->Delete("a/b").ok());
  }
  writing = false;
  other.join();
}

TEST_F(FolderStoreTest, NoNameGoesOnWhereAnotherEnds) {
  auto store = Open(At(place_));
  ASSERT_TRUE(store->Put("a/b", "1").ok());
  for (const char* name : {"a", "a/b/c"}) {
    absl::Status refused = store->Put(name, "2");
    EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition) << name;
    EXPECT_THAT(std::string(refused.message()), HasSubstr("choose another name")) << name;
  }
  EXPECT_THAT(Entries(), ElementsAre("a", "a/b"));
  EXPECT_EQ(*store->Get("a/b"), "1");
}

// In a process of its own, which has a small disk for itself: it may make one as root, or as root of a user namespace.
TEST_F(FolderStoreTest, AFullDiskStoresNothingAndKeepsWhatIsThere) {
  ASSERT_EQ(mkdir(place_.c_str(), 0700), 0);
  constexpr int kNoDisk = 77;
  std::cout.flush();
  const pid_t child = fork();
  if (child == 0) {
    const std::string uid = absl::StrCat("0 ", getuid(), " 1"), gid = absl::StrCat("0 ", getgid(), " 1");
    if (unshare(CLONE_NEWNS) != 0) {
      if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) _exit(kNoDisk);
      std::ofstream("/proc/self/setgroups") << "deny";
      std::ofstream("/proc/self/uid_map") << uid;
      std::ofstream("/proc/self/gid_map") << gid;
    }
    if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("disk", place_.c_str(), "tmpfs", 0, "size=128k") != 0) {
      _exit(kNoDisk);
    }
    auto store = Open(At(place_));
    EXPECT_TRUE(store->Put("a", "1").ok());
    for (const char* name : {"a", "b"}) {
      absl::Status full = store->Put(name, std::string(200'000, 'x'));
      EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted) << full;
      EXPECT_EQ(ReasonOf(full), "DISK_FULL");
      EXPECT_GT(RetryAfterMs(full), 0);
      EXPECT_THAT(std::string(full.message()), HasSubstr(place_));
    }
    EXPECT_THAT(Entries(), ElementsAre("a"));
    EXPECT_EQ(*store->Get("a"), "1");
    EXPECT_TRUE(store->Put("b", std::string(50'000, 'x')).ok());
    std::cout.flush();
    _exit(HasFailure() ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  ASSERT_NE(WEXITSTATUS(status), kNoDisk) << "a disk of its own needs root, or namespaces that users may make";
  EXPECT_EQ(WEXITSTATUS(status), 0) << "see above";
}

}  // namespace
}  // namespace yizhan::objects
