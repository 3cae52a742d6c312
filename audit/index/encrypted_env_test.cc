#include "audit/index/encrypted_env.h"

#include <gtest/gtest.h>
#include <rocksdb/env.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace yizhan::audit {
namespace {

TEST(EncryptedEnv, ReadsBackAtAnyOffsetAndHidesThePlaintext) {
  const auto dir = std::filesystem::path(testing::TempDir()) / "encrypted_env";
  std::filesystem::remove_all(dir);
  std::filesystem::create_directories(dir);
  std::array<uint8_t, 32> key{1, 2, 3};
  auto env = NewEncryptedEnv(key);
  const std::string path = dir / "file";
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "保证收益" + std::to_string(i);
  {
    std::unique_ptr<rocksdb::WritableFile> file;
    ASSERT_TRUE(env->NewWritableFile(path, &file, {}).ok());
    for (size_t at = 0; at < text.size(); at += 777) ASSERT_TRUE(file->Append(text.substr(at, 777)).ok());
    ASSERT_TRUE(file->Close().ok());
  }
  std::unique_ptr<rocksdb::RandomAccessFile> file;
  ASSERT_TRUE(env->NewRandomAccessFile(path, &file, {}).ok());
  for (size_t at : {0, 1, 15, 16, 17, 4095, 40001}) {
    std::string scratch(333, 0);
    rocksdb::Slice result;
    ASSERT_TRUE(file->Read(at, 333, &result, scratch.data()).ok());
    EXPECT_EQ(result.ToString(), text.substr(at, 333)) << at;
  }
  std::stringstream raw;
  raw << std::ifstream(path, std::ios::binary).rdbuf();
  EXPECT_EQ(raw.str().find("保证收益"), std::string::npos);
}

}  // namespace
}  // namespace yizhan::audit
