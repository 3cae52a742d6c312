#include "audit/export_format/export_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <fstream>
#include <iterator>

#include "audit/export_format/sample_export.h"
#include "audit/tlog/text.h"
#include "base/status.h"

namespace yizhan::audit {
namespace {

std::string Slurp(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class ExportWriterTest : public testing::Test {
 protected:
  ExportWriterTest() : dir_(std::filesystem::path(testing::TempDir()) / Cat("export-", ::getpid())) {
    std::filesystem::remove_all(dir_);
  }
  ~ExportWriterTest() override { std::filesystem::remove_all(dir_); }

  const std::filesystem::path dir_;
  const SampleArchive archive_;
};

TEST_F(ExportWriterTest, WritesTheFolderOfTheDocument) {
  ASSERT_TRUE(archive_.Export(dir_, 7).ok());
  const std::string list = Slurp(dir_ / "files.sha256");
  std::string_view rest = list, last;
  size_t lines = 0;
  while (auto line = TakeLine(&rest)) {
    const std::string_view path = line->substr(66);
    EXPECT_LT(last, path) << "sorted by path";
    EXPECT_EQ(FileListLine(Sha256(Slurp(dir_ / path)), path), Cat(*line, '\n'));
    last = path;
    ++lines;
  }
  EXPECT_EQ(lines, 3 + 7 * 5u);
  const std::string bytes = Slurp(dir_ / "manifest.json");
  const auto manifest = ParseManifestJson(*ParseJson(bytes));
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_EQ(manifest->items, 7u);
  EXPECT_EQ(manifest->file_count, lines);
  EXPECT_EQ(manifest->file_list, Sha256(list));
  EXPECT_EQ(manifest->coverage, archive_.About().coverage);
  EXPECT_EQ(ManifestJson(*manifest)->Write(), bytes);
  EXPECT_EQ(*VerifyManifest(Slurp(dir_ / "manifest.note"), bytes, {archive_.signer().key()}), "bank.example/archive");
}

TEST_F(ExportWriterTest, RefusesWhatWouldNotVerify) {
  auto writer = ExportWriter::Create(dir_, archive_.checkpoint());
  ASSERT_TRUE(writer.ok()) << writer.status();
  const SampleRecord& record = archive_.records()[0];
  const std::vector<Hash> proof = archive_.InclusionOf(record.source.leaf_index);
  EXPECT_EQ(ReasonOf((*writer)->Add(record.source, record.bytes + std::string("\x42\x00", 2), proof).status()),
            "PROOF_MISMATCH");
  ItemSource other = record.source;
  other.leaf_salt[0] ^= 1;
  EXPECT_EQ(ReasonOf((*writer)->Add(other, record.bytes, proof).status()), "PROOF_MISMATCH");
  other = record.source;
  other.disclosed->bytes = "x";
  EXPECT_EQ(ReasonOf((*writer)->Add(other, record.bytes, proof).status()), "CONTENT_MISMATCH");
  ItemSource plain;
  plain.leaf_salt = std::string(32, 's');
  EXPECT_EQ(ReasonOf((*writer)
                         ->Add(plain,
                               RecordWire("directory/0", 1, 1, "service:x", "directory.CredentialsSet", 4, "\x0a\x01p"),
                               proof)
                         .status()),
            "NOT_EXPORTABLE");
  EXPECT_EQ(*(*writer)->Add(record.source, record.bytes, proof), 1u);
  Manifest about = archive_.About();
  about.export_id = "not an id";
  EXPECT_EQ(ReasonOf((*writer)->Finish(about, {archive_.signer()}).status()), "MANIFEST_MALFORMED");
}

TEST_F(ExportWriterTest, WantsAnEmptyFolderAndACheckpoint) {
  ASSERT_TRUE(archive_.Export(dir_, 1).ok());
  EXPECT_EQ(ExportWriter::Create(dir_, archive_.checkpoint()).status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ReasonOf(ExportWriter::Create(dir_ / "new", "no note").status()), "NOTE_MALFORMED");
  EXPECT_EQ(ExportWriter::Create(dir_ / "manifest.json" / "below", archive_.checkpoint()).status().code(),
            absl::StatusCode::kUnavailable);
}

TEST(Manifest, IsSignedInADomainOfItsOwn) {
  const SampleArchive archive;
  const std::string note = *SignManifest("e1", "{}", {archive.signer()});
  EXPECT_EQ(*VerifyManifest(note, "{}", {archive.signer().key()}), "bank.example/archive");
  EXPECT_EQ(ReasonOf(VerifyManifest(note, "{ }", {archive.signer().key()}).status()), "MANIFEST_MODIFIED");
  EXPECT_EQ(ReasonOf(VerifyManifest(archive.checkpoint(), "{}", {archive.signer().key()}).status()), "NOTE_MALFORMED");
  EXPECT_FALSE(OpenCheckpoint(note, {archive.signer().key()}).ok());
  EXPECT_FALSE(SignManifest("e\n1", "{}", {archive.signer()}).ok());
}

TEST(Manifest, ParsesStrictly) {
  Json json = *ManifestJson(SampleArchive().About());
  ASSERT_TRUE(ParseManifestJson(json).ok());
  Json newer = json;
  newer.Set("format", Json::String("yizhan-export/v2"));
  EXPECT_EQ(ReasonOf(ParseManifestJson(newer).status()), "MANIFEST_VERSION");
  for (const Json::Member& member : json.members()) {
    if (member.first == "created") continue;  // for people; created_us is read
    Json spoilt = json;
    spoilt.Set(member.first, Json::Bool(true));
    EXPECT_EQ(ReasonOf(ParseManifestJson(spoilt).status()), "MANIFEST_MALFORMED") << member.first;
  }
}

}  // namespace
}  // namespace yizhan::audit
