#include "audit/verify/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "audit/export_format/render.h"
#include "audit/export_format/sample_export.h"
#include "audit/tlog/text.h"

namespace yizhan::audit {
namespace {

namespace fs = std::filesystem;
using Kind = Problem::Kind;

constexpr size_t kItems = 7;

std::string Slurp(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void Spit(const fs::path& path, std::string_view bytes) {
  std::ofstream out(path, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

class VerifyTest : public testing::Test {
 protected:
  VerifyTest() : root_(fs::path(testing::TempDir()) / Cat("verify-", ::getpid())), dir_(root_ / "export") {
    fs::remove_all(root_);
    EXPECT_TRUE(archive_.Export(dir_, kItems).ok());
  }
  ~VerifyTest() override { fs::remove_all(root_); }

  Report Verify() const { return VerifyExport(dir_.string(), {archive_.signer().key()}); }

  static bool Names(const Report& report, Kind kind, std::string_view file, uint64_t item = 0) {
    return std::any_of(report.problems.begin(), report.problems.end(), [&](const Problem& problem) {
      return problem.kind == kind && problem.file == file && problem.item == item;
    });
  }
  static bool NamesFile(const Report& report, std::string_view file) {
    return std::any_of(report.problems.begin(), report.problems.end(),
                       [&](const Problem& problem) { return problem.file == file; });
  }

  std::vector<std::string> Files() const {
    std::vector<std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(dir_)) {
      if (entry.is_regular_file()) files.push_back(fs::relative(entry.path(), dir_).string());
    }
    std::sort(files.begin(), files.end());
    return files;
  }

  // What a forger would do next: list the changed files anew and sign the manifest again, with this key.
  void Relist(const NoteSigner& signer, uint64_t items = kItems) const {
    std::string list;
    for (const std::string& file : Files()) {
      if (file != kManifestFile && file != kManifestNoteFile && file != kFileListFile) {
        list += FileListLine(Sha256(Slurp(dir_ / file)), file);
      }
    }
    Spit(dir_ / kFileListFile, list);
    Manifest manifest = *ParseManifestJson(*ParseJson(Slurp(dir_ / kManifestFile)));
    manifest.file_list = Sha256(list);
    manifest.items = items;
    const std::string bytes = ManifestJson(manifest)->Write();
    Spit(dir_ / kManifestFile, bytes);
    Spit(dir_ / kManifestNoteFile, *SignManifest(manifest.export_id, bytes, {signer}));
  }

  const SampleArchive archive_;
  const fs::path root_, dir_;
};

TEST_F(VerifyTest, AWholeExportIsVerified) {
  const Report report = Verify();
  EXPECT_TRUE(report.verified()) << report.ToText();
  EXPECT_EQ(report.items, kItems);
  EXPECT_EQ(report.undisclosed, 1u);
  EXPECT_EQ(report.manifest_signer, "bank.example/archive");
  EXPECT_EQ(report.checkpoint->size, 28u);
  EXPECT_THAT(report.ToText(), testing::StartsWith("VERIFIED\n"));
  EXPECT_THAT(report.ToText(), testing::HasSubstr("im/17 to 4 of 5"));
}

TEST_F(VerifyTest, AnExportOfNothingIsVerified) {
  const fs::path empty = root_ / "empty";
  ASSERT_TRUE(archive_.Export(empty, 0).ok());
  const Report report = VerifyExport(empty.string(), {archive_.signer().key()});
  EXPECT_TRUE(report.verified()) << report.ToText();
}

TEST_F(VerifyTest, AFlippedBitInAnyFileIsFoundAndTheFileNamed) {
  const std::vector<std::string> files = Files();
  EXPECT_EQ(files.size(), 6 + 5 * kItems);
  for (const std::string& file : files) {
    const std::string good = Slurp(dir_ / file);
    for (size_t step = 0; step < 12; ++step) {
      const size_t at = step * (good.size() - 1) / 11;
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ (1 << (step % 8)));
      Spit(dir_ / file, bad);
      const Report report = Verify();
      EXPECT_FALSE(report.verified()) << file << " at " << at;
      EXPECT_TRUE(NamesFile(report, file)) << file << " at " << at << "\n" << report.ToText();
    }
    for (const std::string& bad : {std::string(), good.substr(0, good.size() - 1), good + "\n"}) {
      Spit(dir_ / file, bad);
      const Report report = Verify();
      EXPECT_TRUE(NamesFile(report, file)) << file << "\n" << report.ToText();
    }
    Spit(dir_ / file, good);
  }
  EXPECT_TRUE(Verify().verified());
}

// Even who holds the archive's key, and lists and signs everything anew, cannot have one item say something else.
TEST_F(VerifyTest, WhatTheLogHoldsNeedsNoTrustInTheManifest) {
  for (std::string_view extension : kItemExtensions) {
    for (uint64_t number = 1; number <= kItems; ++number) {
      const std::string file = ItemPath(number, extension);
      const std::string good = Slurp(dir_ / file);
      for (size_t step = 0; step < 12; ++step) {
        const size_t at = step * (good.size() - 1) / 11;
        // Names and titles are the exporter's word, and so is what its own signature covers.
        if (extension == "json" && at > good.find("\"context\"") &&
            at < std::min(good.find("\"disclosed\""), good.find("\"facts\"")))
          continue;
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ 1);
        Spit(dir_ / file, bad);
        Relist(archive_.signer());
        const Report report = Verify();
        EXPECT_FALSE(report.verified()) << file << " at " << at;
        EXPECT_TRUE(std::all_of(report.problems.begin(), report.problems.end(), [&](const Problem& problem) {
          return problem.item == number;
        })) << report.ToText();
      }
      Spit(dir_ / file, good);
    }
  }
  const std::string csv = Slurp(dir_ / kCsvFile);
  for (size_t at = 0; at < csv.size(); at += 7) {
    std::string bad = csv;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    Spit(dir_ / kCsvFile, bad);
    Relist(archive_.signer());
    const Report report = Verify();
    ASSERT_EQ(report.problem_count, 1u) << report.ToText();
    EXPECT_EQ(report.problems[0].file, kCsvFile);
    EXPECT_EQ(report.problems[0].kind, Kind::kText);
  }
}

TEST_F(VerifyTest, ForgeriesAreCalledByTheirKind) {
  const auto forge = [&](std::string_view extension, uint64_t number, std::string_view from, std::string_view to) {
    const fs::path path = dir_ / ItemPath(number, extension);
    std::string bytes = Slurp(path);
    const size_t at = bytes.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    bytes.replace(at, from.size(), to);
    Spit(path, bytes);
    Relist(archive_.signer());
  };
  const auto again = [&] {
    fs::remove_all(dir_);
    ASSERT_TRUE(archive_.Export(dir_, kItems).ok());
  };
  // Another text, told in JSON, mail and table alike.
  forge("json", 1, ToBase64(archive_.records()[0].source.disclosed->bytes), ToBase64(WireBytes(1, "转账")));
  EXPECT_TRUE(Names(Verify(), Kind::kContent, ItemPath(1, "json"), 1)) << Verify().ToText();
  again();
  forge("json", 1, "\"sender_id\": \"p1\"", "\"sender_id\": \"p2\"");
  EXPECT_TRUE(Names(Verify(), Kind::kText, ItemPath(1, "json"), 1));
  EXPECT_THAT(Verify().ToText(), testing::HasSubstr("facts.sender_id"));
  again();
  forge("record", 2, "person:p2", "person:p1");
  EXPECT_TRUE(Names(Verify(), Kind::kCommitment, ItemPath(2, "record"), 2));
  again();
  forge("leaf", 3, "seq 3", "seq 4");
  EXPECT_TRUE(Names(Verify(), Kind::kProof, ItemPath(3, "tlog-proof"), 3));
  again();
  forge("eml", 4, "03:34:56", "03:34:57");
  EXPECT_TRUE(Names(Verify(), Kind::kText, ItemPath(4, "eml"), 4));
  again();
  forge("tlog-proof", 5, "index 19", "index 18");
  EXPECT_TRUE(Names(Verify(), Kind::kProof, ItemPath(5, "tlog-proof"), 5)) << Verify().ToText();
}

TEST_F(VerifyTest, OneItemInPlaceOfAnotherIsFound) {
  for (std::string_view extension : kItemExtensions) {
    fs::copy_file(dir_ / ItemPath(1, extension), dir_ / ItemPath(2, extension), fs::copy_options::overwrite_existing);
  }
  Relist(archive_.signer());
  const Report report = Verify();
  EXPECT_TRUE(Names(report, Kind::kDuplicate, ItemPath(2, "tlog-proof"), 2)) << report.ToText();
  EXPECT_TRUE(Names(report, Kind::kText, ItemPath(2, "json"), 2));
}

TEST_F(VerifyTest, AMissingFileIsNamed) {
  for (const std::string& file : Files()) {
    fs::rename(dir_ / file, root_ / "aside");
    const Report report = Verify();
    EXPECT_TRUE(NamesFile(report, file)) << file;
    EXPECT_THAT(report.ToText(), testing::HasSubstr("missing")) << file;
    fs::rename(root_ / "aside", dir_ / file);
  }
}

TEST_F(VerifyTest, AnItemLeftOutIsFound) {
  for (std::string_view extension : kItemExtensions) fs::remove(dir_ / ItemPath(7, extension));
  EXPECT_TRUE(Names(Verify(), Kind::kMissing, ItemPath(7, "record"), 7));
  // With the table cut, and the list and manifest made anew, only the signature tells; a forger does not have the key.
  std::string csv = Slurp(dir_ / kCsvFile);
  Spit(dir_ / kCsvFile, csv.substr(0, csv.rfind("\r\n", csv.size() - 3) + 2));
  Relist(*NoteSigner::FromSeed("bank.example/archive", std::string(32, 'f')), 6);
  const Report report = Verify();
  EXPECT_EQ(report.problem_count, 1u) << report.ToText();
  EXPECT_TRUE(Names(report, Kind::kSignature, kManifestNoteFile));
  EXPECT_EQ(report.manifest_signer, "");
}

TEST_F(VerifyTest, ExtraThingsAreNamed) {
  Spit(dir_ / "note.txt", "x");
  Spit(dir_ / "items/000/000008.eml", "x");
  Spit(dir_ / "items/000/000001.EML", "x");
  Spit(dir_ / "items/000/000000.eml", "x");
  fs::create_directory(dir_ / "items/more");
  fs::create_symlink("/etc/passwd", dir_ / "items/link");
  Spit(dir_ / "evil\x1b[2J", "x");
  const Report report = Verify();
  for (const char* name : {"note.txt", "items/000/000008.eml", "items/000/000001.EML", "items/000/000000.eml",
                           "items/more", "items/link"}) {
    EXPECT_TRUE(Names(report, Kind::kExtra, name)) << name;
  }
  EXPECT_EQ(report.problem_count, 7u);
  EXPECT_EQ(report.ToText().find('\x1b'), std::string::npos) << "no control characters reach the terminal";
}

TEST_F(VerifyTest, LinksPipesAndFoldersAreNotRead) {
  const fs::path record = dir_ / ItemPath(1, "record");
  fs::rename(record, root_ / "moved");
  fs::create_symlink(root_ / "moved", record);
  EXPECT_TRUE(Names(Verify(), Kind::kUnreadable, ItemPath(1, "record"), 1));
  fs::remove(record);
  fs::create_directory(record);
  EXPECT_TRUE(Names(Verify(), Kind::kUnreadable, ItemPath(1, "record"), 1));
  fs::remove(record);
  ASSERT_EQ(::mkfifo(record.c_str(), 0600), 0);
  EXPECT_TRUE(Names(Verify(), Kind::kUnreadable, ItemPath(1, "record"), 1));
}

TEST_F(VerifyTest, AnotherKeyVerifiesNothing) {
  const NoteSigner other = *NoteSigner::FromSeed("bank.example/archive", std::string(32, 'o'));
  const Report report = VerifyExport(dir_.string(), {other.key()});
  EXPECT_TRUE(Names(report, Kind::kSignature, kCheckpointFile)) << report.ToText();
  EXPECT_TRUE(Names(report, Kind::kSignature, kManifestNoteFile));
  EXPECT_FALSE(report.checkpoint);
  const Report both = VerifyExport(dir_.string(), {other.key(), archive_.signer().key()});
  EXPECT_TRUE(both.verified()) << both.ToText();
}

TEST_F(VerifyTest, ANewerFormatIsNotTakenForAForgery) {
  std::string manifest = Slurp(dir_ / kManifestFile);
  manifest.replace(manifest.find("yizhan-export/v1"), 16, "yizhan-export/v2");
  Spit(dir_ / kManifestFile, manifest);
  EXPECT_TRUE(Names(Verify(), Kind::kVersion, kManifestFile));
}

TEST_F(VerifyTest, AFolderWithNothingOfAnExportIsJustNotVerified) {
  const fs::path empty = root_ / "nothing";
  fs::create_directory(empty);
  const Report report = VerifyExport(empty.string(), {archive_.signer().key()});
  EXPECT_TRUE(Names(report, Kind::kMissing, kManifestFile));
  EXPECT_TRUE(Names(report, Kind::kMissing, kCheckpointFile));
}

// The program itself, as an auditor calls it.
class ProgramTest : public VerifyTest {
 protected:
  int Run(const std::string& arguments) {
    const int status =
        std::system(Cat(YIZHAN_VERIFY, " ", arguments, " > ", (root_ / "out").string(), " 2>&1").c_str());
    output_ = Slurp(root_ / "out");
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  std::string output_;
};

TEST_F(ProgramTest, EndsWithZeroOneOrTwo) {
  const std::string dir = dir_.string(), key = archive_.signer().key().ToString();
  const std::string key_file = (root_ / "key").string();
  Spit(key_file, Cat("# the archive's key\n", key, "\r\n"));
  EXPECT_EQ(Run(Cat(dir, " --key '", key, "'")), 0) << output_;
  EXPECT_EQ(Run(Cat("--key=", key_file, " ", dir)), 0) << output_;
  EXPECT_THAT(output_, testing::StartsWith("VERIFIED\n"));
  EXPECT_EQ(Run(Cat(dir, " --json --key ", key_file)), 0);
  EXPECT_TRUE(ParseJson(output_)->Find("verified")->flag()) << output_;
  EXPECT_EQ(Run("--help"), 0);
  EXPECT_THAT(output_, testing::HasSubstr("usage: yizhan-verify"));
  for (const std::string& wrong :
       {std::string(), dir, Cat("--key ", key_file), Cat(dir, " --key"), Cat(dir, " --key /nowhere"),
        Cat(dir, " ", dir, " --key ", key_file), Cat(dir, " --nonsense --key ", key_file),
        Cat("/nowhere --key ", key_file), Cat(dir, " --key ", dir, "/README.txt")}) {
    EXPECT_EQ(Run(wrong), 2) << wrong << output_;
  }
  std::string eml = Slurp(dir_ / ItemPath(2, "eml"));
  eml[40] = static_cast<char>(eml[40] ^ 1);
  Spit(dir_ / ItemPath(2, "eml"), eml);
  EXPECT_EQ(Run(Cat(dir, " --key ", key_file)), 1);
  EXPECT_THAT(output_, testing::HasSubstr("items/000/000002.eml (item 2): modified: "));
  EXPECT_EQ(Run(Cat(dir, " --json --key ", key_file)), 1);
  const Json report = *ParseJson(output_);
  EXPECT_FALSE(report.Find("verified")->flag());
  EXPECT_EQ(*(*report.GetArray("problems"))->elements().at(0).GetString("file"), "items/000/000002.eml");
}

}  // namespace
}  // namespace yizhan::audit
