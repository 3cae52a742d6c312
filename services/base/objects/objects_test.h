// What the tests of this folder share: folders, one S3 server.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/objects/object_store.h"
#include "base/objects/testing/s3_server.h"

namespace yizhan::objects {

// A folder that goes with the test.
class TestDir {
 public:
  TestDir() : path_(::testing::TempDir() + "/yizhan-objects-XXXXXX") { EXPECT_NE(mkdtemp(path_.data()), nullptr); }
  ~TestDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TestDir(const TestDir&) = delete;
  TestDir& operator=(const TestDir&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A folder as a place.
inline StoreOptions At(const std::string& folder) {
  StoreOptions options;
  options.place = folder;
  return options;
}

inline std::unique_ptr<ObjectStore> Open(const StoreOptions& options) {
  auto store = OpenObjectStore(options);
  EXPECT_TRUE(store.ok()) << store.status();
  return store.ok() ? *std::move(store) : nullptr;
}

// The one server of this process; null, and a failure, when it does not start.
inline testing::S3TestServer* Server() {
  static const auto server = [] {
    // Nothing may go by it.
    setenv("http_proxy", "http://127.0.0.1:9", 1);
    setenv("https_proxy", "http://127.0.0.1:9", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:9", 1);
    auto started = testing::S3TestServer::Start();
    EXPECT_TRUE(started.ok()) << started.status();
    return started.ok() ? *std::move(started) : nullptr;
  }();
  return server.get();
}

inline std::string FreshPrefix() {
  static int count = 0;
  return absl::StrCat("test-", ++count, "/objects");
}

}  // namespace yizhan::objects
