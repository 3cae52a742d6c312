// The archive over a real ledger: what is said is found, proven, exported and verified; what is changed is named.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <archive.h>
#include <archive_entry.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "audit/archive/item_store.h"
#include "audit/archive/machine.h"
#include "audit/archive/service.h"
#include "audit/tlog/proof.h"
#include "audit/verify/verify.h"
#include "base/objects/folder_store.h"
#include "base/status.h"
#include "ledger/testing/counters.h"
#include "yizhan/audit/v1/archive_service.pb.h"
#include "yizhan/directory/v1/record.pb.h"
#include "yizhan/im/v1/record.pb.h"

namespace yizhan::audit {
namespace {

using namespace yizhan::audit::v1;  // NOLINT
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// Takes whatever records it is given: what the archive reads is the log.
class AnyMachine : public ledger::StateMachine {
 public:
  explicit AnyMachine(std::string service) : service_(std::move(service)) {}
  std::string_view service() const override { return service_; }
  absl::Status Apply(const ledger::Record&, ledger::StateWriter&) override { return absl::OkStatus(); }

 private:
  const std::string service_;
};

class ArchiveTest : public testing::Test {
 protected:
  ArchiveTest() : im_("im"), desk_("desk"), directory_("directory") { Open(); }
  ~ArchiveTest() override { Close(); }

  void Open() {
    ledger::Options options;
    options.data_dir = dir_.path();
    options.partitions = {{"im", 2}, {"desk", 1}, {"directory", 1}, {"audit", 1}};
    options.min_free_bytes = 0;
    auto ledger = ledger::Ledger::Open(options);
    ASSERT_TRUE(ledger.ok()) << ledger.status();
    ledger_ = *std::move(ledger);
    ledger_->Register(&im_);
    ledger_->Register(&desk_);
    ledger_->Register(&directory_);
    auto keyring = ledger::Keyring::Open(ledger_.get(), dir_.path());
    ASSERT_TRUE(keyring.ok()) << keyring.status();
    keyring_ = *std::move(keyring);
    files_ = *objects::OpenFolderStore(dir_.path() + "/files");
    auto service = Service::Make(ledger_.get(), keyring_.get(), {dir_.path(), "test.example/archive", files_.get()});
    ASSERT_TRUE(service.ok()) << service.status();
    service_ = *std::move(service);
    ASSERT_TRUE(ledger_->Start().ok());
    ASSERT_TRUE(service_->Start().ok());
    table_ = std::make_unique<rpc::ServiceTable>();
    service_->Register(*table_);
  }
  void Close() {
    if (service_) service_->Stop();
    if (ledger_) ledger_->Stop();
    table_.reset();
    service_.reset();
    keyring_.reset();
    ledger_.reset();
  }

  template <typename Response, typename Request>
  absl::StatusOr<Response> Call(const std::string& method, const Request& request, int role = common::v1::ROLE_AUDITOR) {
    rpc::Context context;
    context.caller.set_kind(rpc::Principal::KIND_PERSON);
    context.caller.set_id("pauditor00001");
    context.caller.add_roles(static_cast<common::v1::Role>(role));
    absl::Notification done;
    absl::StatusOr<std::string> bytes;
    table_->Dispatch(context, "/yizhan.audit.v1.ArchiveService/" + method, request.SerializeAsString(), [&](absl::StatusOr<std::string> answer) {
      bytes = std::move(answer);
      done.Notify();
    });
    done.WaitForNotification();
    if (!bytes.ok()) return bytes.status();
    Response response;
    EXPECT_TRUE(response.ParseFromString(*bytes));
    return response;
  }

  void Append(const ledger::PartitionId& partition, const std::string& type, const std::string& payload, const std::string& actor = "person:p1") {
    ledger::Command command;
    command.partition = partition;
    command.actor = actor;
    command.decide = [&](const ledger::DecideContext&, const ledger::StateReader&) -> absl::StatusOr<ledger::Proposal> {
      return ledger::Proposal{{{type, payload}}, ""};
    };
    auto outcome = ledger::testing::Do(*ledger_, std::move(command));
    ASSERT_TRUE(outcome.ok()) << outcome.status();
  }

  void Say(const std::string& conversation, uint64_t seq, const std::string& who, const std::string& text) {
    absl::Notification done;
    ledger::DataKeyPtr key;
    keyring_->Ensure(conversation, absl::ToUnixMicros(absl::Now()), [&](absl::StatusOr<ledger::DataKeyPtr> made) {
      ASSERT_TRUE(made.ok()) << made.status();
      key = *made;
      done.Notify();
    });
    done.WaitForNotification();
    im::v1::Content content;
    content.set_text(text);
    im::v1::ImRecord record;
    auto* sent = record.mutable_sent();
    sent->set_conversation_id(conversation);
    sent->set_seq(seq);
    sent->set_sender_id(who);
    sent->set_client_id(absl::StrCat("c", seq));
    *sent->mutable_content() = ledger::Seal(*key, content.SerializeAsString());
    Append({"im", ledger::PartitionIndexOf(conversation, 2)}, "im.MessageSent", record.SerializeAsString(), "person:" + who);
  }

  void Person(const std::string& id, const std::string& name) {
    directory::v1::DirectoryRecord record;
    record.mutable_person_put()->set_person_id(id);
    record.mutable_person_put()->set_login(id);
    record.mutable_person_put()->set_name(name);
    Append({"directory", 0}, "directory.Person", record.SerializeAsString(), "service:test");
  }

  SearchRequest Query(const std::string& text) {
    SearchRequest request;
    request.mutable_purpose()->set_case_id("2026-001");
    request.mutable_purpose()->set_reason("review");
    request.set_text(text);
    return request;
  }

  // Waits until everything in the ledger is searchable.
  void WaitIndexed() {
    for (int i = 0; i < 1000; ++i) {
      auto status = Call<GetStatusResponse>("GetStatus", GetStatusRequest());
      ASSERT_TRUE(status.ok()) << status.status();
      bool all = true;
      for (const auto& c : status->coverage()) all = all && c.archived_seq() >= c.head() && (c.partition() == "audit/0" || c.indexed_seq() >= c.head());
      if (all) return;
      absl::SleepFor(absl::Milliseconds(10));
    }
    FAIL() << "the archive does not catch up";
  }

  std::vector<std::string> Texts(const SearchResponse& response) {
    std::vector<std::string> texts;
    for (const auto& item : response.items()) texts.push_back(item.text());
    return texts;
  }

  // Packs an export out into a folder with libarchive, as an auditor would with any program.
  std::string Unzip(const std::string& bytes) {
    const std::string folder = dir_.path() + "/unzipped";
    std::filesystem::remove_all(folder);
    struct ::archive* in = archive_read_new();
    archive_read_support_format_zip(in);
    EXPECT_EQ(archive_read_open_memory(in, bytes.data(), bytes.size()), ARCHIVE_OK);
    archive_entry* entry;
    std::string top;
    while (archive_read_next_header(in, &entry) == ARCHIVE_OK) {
      const std::filesystem::path path = folder + "/" + archive_entry_pathname(entry);
      top = std::string(archive_entry_pathname(entry)).substr(0, std::string(archive_entry_pathname(entry)).find('/'));
      std::filesystem::create_directories(path.parent_path());
      std::ofstream out(path, std::ios::binary);
      char buffer[4096];
      for (ssize_t n; (n = archive_read_data(in, buffer, sizeof buffer)) > 0;) out.write(buffer, n);
    }
    archive_read_free(in);
    return folder + "/" + top;
  }

  ledger::testing::TempDir dir_;
  AnyMachine im_, desk_, directory_;
  std::unique_ptr<ledger::Ledger> ledger_;
  std::unique_ptr<ledger::Keyring> keyring_;
  std::unique_ptr<objects::ObjectStore> files_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<rpc::ServiceTable> table_;
};

TEST_F(ArchiveTest, FindsWhatWasSaidWithNamesOfThatTime) {
  Person("p1", "张伟");
  Person("p2", "李娜");
  Say("d:p1:p2", 2, "p1", "本产品保证收益，请放心");
  Say("d:p1:p2", 3, "p2", "好的，谢谢");
  Person("p1", "张大伟");
  WaitIndexed();
  auto found = Call<SearchResponse>("Search", Query("保证收益"));
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_THAT(Texts(*found), ElementsAre("本产品保证收益，请放心"));
  EXPECT_EQ(found->items(0).actor_name(), "张伟");
  EXPECT_EQ(found->items(0).conversation_title(), "张伟 / 李娜");
  EXPECT_EQ(found->total(), 1u);
  EXPECT_TRUE(found->total_exact());
  EXPECT_EQ(found->items(0).highlights(0).start(), 9u);
  EXPECT_THAT(Texts(*Call<SearchResponse>("Search", Query("谢"))), ElementsAre("好的，谢谢"));
}

TEST_F(ArchiveTest, PagesDoNotMoveWhenNewHitsCome) {
  for (int i = 0; i < 30; ++i) Say("g:a", i + 1, "p1", absl::StrCat("贷款 ", i));
  WaitIndexed();
  SearchRequest request = Query("贷款");
  request.set_page_size(10);
  auto first = Call<SearchResponse>("Search", request);
  ASSERT_TRUE(first.ok());
  Say("g:a", 31, "p1", "贷款 new");
  WaitIndexed();
  request.set_page_token(first->next_page_token());
  auto second = Call<SearchResponse>("Search", request);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->items(0).text(), "贷款 19");
  EXPECT_EQ(second->items(9).text(), "贷款 10");
}

TEST_F(ArchiveTest, AnAuditorsOwnQueryIsInTheLogBeforeItsAnswer) {
  auto found = Call<SearchResponse>("Search", Query("秘密计划"));
  ASSERT_TRUE(found.ok()) << found.status();
  auto view = ledger_->View(kPartition);
  uint64_t seq = 0;
  ASSERT_TRUE(absl::SimpleAtoi(found->access_id(), &seq));
  auto leaf = TreeState(view.get()).LeafOf("audit/0", seq);
  ASSERT_TRUE(leaf.ok() && leaf->has_value());
  // The list is read from the index, which follows the log.
  auto access = Call<ListAccessResponse>("ListAccess", ListAccessRequest());
  for (int i = 0; i < 1000 && access.ok() && access->entries_size() == 0; ++i) {
    absl::SleepFor(absl::Milliseconds(10));
    access = Call<ListAccessResponse>("ListAccess", ListAccessRequest());
  }
  ASSERT_TRUE(access.ok()) << access.status();
  ASSERT_EQ(access->entries_size(), 1);
  EXPECT_EQ(access->entries(0).detail(), "秘密计划");
  EXPECT_EQ(access->entries(0).purpose().case_id(), "2026-001");
}

TEST_F(ArchiveTest, RefusesToLookWithoutAPurposeAndToOthers) {
  SearchRequest request = Query("x");
  request.clear_purpose();
  EXPECT_EQ(Call<SearchResponse>("Search", request).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Call<SearchResponse>("Search", Query("x"), common::v1::ROLE_SYSTEM_ADMIN).status().code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(ArchiveTest, EveryRecordOfEveryPartitionIsALeafOnce) {
  for (int i = 0; i < 200; ++i) Say(absl::StrCat("g:", i % 7), i + 1, "p1", "文字");
  WaitIndexed();
  Close();
  Open();
  WaitIndexed();
  auto view = ledger_->View(kPartition);
  const TreeState tree(view.get());
  uint64_t leaves = 0;
  for (const auto& partition : ledger_->Partitions()) {
    auto records = ledger_->Read(partition.id, 1, 64 << 20);
    ASSERT_TRUE(records.ok());
    for (const auto& record : *records) {
      auto leaf = tree.LeafOf(partition.id.ToString(), record.seq());
      ASSERT_TRUE(leaf.ok());
      const bool log = record.type() == kLeavesTaken || record.type() == kCheckpointSigned;
      EXPECT_EQ(leaf->has_value(), !log) << partition.id.ToString() << " " << record.seq();
      leaves += leaf->has_value();
    }
  }
  EXPECT_EQ(tree.Tree()->size(), leaves);
  auto verified = Call<VerifyArchiveResponse>("VerifyArchive", VerifyArchiveRequest());
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_TRUE(verified->ok()) << verified->DebugString();
  EXPECT_GE(verified->checked(), leaves);
}

TEST_F(ArchiveTest, CheckpointsAreConsistentAsTheLogGrows) {
  std::vector<std::pair<uint64_t, std::string>> seen;
  for (int i = 0; i < 20; ++i) {
    Say("g:a", i + 1, "p1", "x");
    WaitIndexed();
    auto status = Call<GetStatusResponse>("GetStatus", GetStatusRequest());
    auto key = NoteKey::Parse(status->public_key());
    auto checkpoint = OpenCheckpoint(status->checkpoint(), {*key});
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
    seen.emplace_back(checkpoint->size, std::string(checkpoint->root.view()));
  }
  for (const auto& [size, root] : seen) {
    GetConsistencyProofRequest request;
    request.set_old_size(size);
    auto proof = Call<GetConsistencyProofResponse>("GetConsistencyProof", request);
    ASSERT_TRUE(proof.ok()) << proof.status();
    EXPECT_EQ(proof->old_root(), root);
    std::vector<Hash> hashes;
    for (const auto& h : proof->hashes()) hashes.push_back(*HashFromBytes(h));
    EXPECT_TRUE(VerifyConsistency(size, *HashFromBytes(root), proof->new_size(), *HashFromBytes(proof->new_root()), hashes).ok());
  }
}

TEST_F(ArchiveTest, AnExportVerifiesAndAChangedByteIsNamed) {
  Person("p1", "张伟");
  for (int i = 0; i < 5; ++i) Say("d:p1:p2", i + 2, "p1", absl::StrCat("理财产品 ", i));
  WaitIndexed();
  StartExportRequest request;
  *request.mutable_search() = Query("理财");
  request.set_request_id("export-1");
  auto started = Call<StartExportResponse>("StartExport", request);
  ASSERT_TRUE(started.ok()) << started.status();
  Export job = started->export_();
  for (int i = 0; i < 1000 && job.state() == Export::STATE_RUNNING; ++i) {
    absl::SleepFor(absl::Milliseconds(10));
    job = Call<ListExportsResponse>("ListExports", ListExportsRequest())->exports(0);
  }
  ASSERT_EQ(job.state(), Export::STATE_DONE) << job.DebugString();
  EXPECT_EQ(job.items_done(), 5u);
  ReadExportRequest read;
  read.set_export_id(job.export_id());
  auto piece = Call<ReadExportResponse>("ReadExport", read);
  ASSERT_TRUE(piece.ok()) << piece.status();
  EXPECT_EQ(ToHex(Sha256(piece->data()).view()), job.sha256());
  const std::string folder = Unzip(piece->data());
  auto key = NoteKey::Parse(service_->public_key());
  Report report = VerifyExport(folder, {*key});
  EXPECT_TRUE(report.verified()) << report.ToText();

  const std::string eml = folder + "/items/000/000003.eml";
  std::fstream file(eml, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(40);
  file.put('#');
  file.close();
  report = VerifyExport(folder, {*key});
  EXPECT_FALSE(report.verified());
  EXPECT_THAT(report.ToText(), HasSubstr("000003.eml"));
}

TEST_F(ArchiveTest, AnExportsFileIsSealedAndDamageIsNoticed) {
  Person("p1", "张伟");
  Say("d:p1:p2", 2, "p1", "理财产品");
  WaitIndexed();
  StartExportRequest request;
  *request.mutable_search() = Query("理财");
  ASSERT_TRUE(Call<StartExportResponse>("StartExport", request).ok());
  Export job;
  for (int i = 0; i < 1000 && job.state() != Export::STATE_DONE; ++i) {
    absl::SleepFor(absl::Milliseconds(10));
    job = Call<ListExportsResponse>("ListExports", ListExportsRequest())->exports(0);
  }
  ASSERT_EQ(job.state(), Export::STATE_DONE) << job.DebugString();
  auto objects = files_->List("exports/");
  ASSERT_TRUE(objects.ok()) << objects.status();
  ASSERT_EQ(objects->size(), 1u);
  const std::string name = (*objects)[0].name;
  EXPECT_EQ(name, absl::StrCat("exports/", job.sha256(), "/000000"));
  std::string sealed = *files_->Get(name);
  EXPECT_EQ(sealed.find("manifest.json"), std::string::npos) << "the .zip is readable";
  EXPECT_TRUE(std::filesystem::is_empty(dir_.path() + "/exports")) << "a readable copy stays";

  ReadExportRequest read;
  read.set_export_id(job.export_id());
  ASSERT_TRUE(Call<ReadExportResponse>("ReadExport", read).ok());
  sealed[sealed.size() / 2] ^= 1;
  ASSERT_TRUE(files_->Put(name, sealed).ok());
  EXPECT_EQ(ReasonOf(Call<ReadExportResponse>("ReadExport", read).status()), "EXPORT_DAMAGED");
  ASSERT_TRUE(files_->Delete(name).ok());
  EXPECT_EQ(ReasonOf(Call<ReadExportResponse>("ReadExport", read).status()), "EXPORT_GONE");
}

TEST_F(ArchiveTest, AJobThatNobodyWorksOnIsRecordedAsFailed) {
  // What a process leaves that is killed while an export runs.
  AuditRecord record;
  Export& job = *record.mutable_export_started();
  job.set_export_id("e000000000001");
  job.set_state(Export::STATE_RUNNING);
  job.set_started_at_us(1);
  Append(kPartition, std::string(kExportStarted), record.SerializeAsString(), "person:pauditor00001");
  Close();
  const std::string left = dir_.path() + "/exports/" + job.export_id();
  std::filesystem::create_directories(left);
  std::ofstream(left + "/1.eml") << "what somebody wrote";
  Open();
  const Export ended = Call<ListExportsResponse>("ListExports", ListExportsRequest())->exports(0);
  EXPECT_EQ(ended.export_id(), job.export_id());
  EXPECT_EQ(ended.state(), Export::STATE_FAILED);
  EXPECT_THAT(ended.problem(), HasSubstr("start the export again"));
  EXPECT_FALSE(std::filesystem::exists(left));
}

TEST_F(ArchiveTest, AChangedItemIsFoundAndNamed) {
  for (int i = 0; i < 10; ++i) Say("g:a", i + 1, "p1", absl::StrCat("原文 ", i));
  WaitIndexed();
  Close();
  // Someone with the files and the program rewrites an item in place.
  {
    auto items = ItemStore::Open(dir_.path() + "/archive");
    ASSERT_TRUE(items.ok());
    auto bytes = (*items)->Get(5);
    ASSERT_TRUE(bytes.ok());
    bytes->back() ^= 1;
    ASSERT_TRUE(ItemStore::OverwriteForTest(std::move(*items), 5, *bytes).ok());
  }
  Open();
  auto verified = Call<VerifyArchiveResponse>("VerifyArchive", VerifyArchiveRequest());
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_FALSE(verified->ok());
  ASSERT_EQ(verified->problems_size(), 1) << verified->DebugString();
  EXPECT_THAT(verified->problems(0), HasSubstr("leaf 5"));
  GetProofRequest request;
  *request.mutable_purpose() = Query("").purpose();
  request.set_leaf_index(5);
  auto proof = Call<GetProofResponse>("GetProof", request);
  ASSERT_TRUE(proof.ok()) << proof.status();
  EXPECT_FALSE(proof->verified());
  request.set_leaf_index(4);
  EXPECT_TRUE(Call<GetProofResponse>("GetProof", request)->verified());
}

TEST_F(ArchiveTest, AFlippedBitInAFileOfTheArchiveIsNamed) {
  for (int i = 0; i < 2000; ++i) Say("g:a", i + 1, "p1", std::string(200, 'x'));
  WaitIndexed();
  Close();
  Open();  // the write-ahead log becomes a table
  Close();
  std::string victim;
  for (const auto& entry : std::filesystem::directory_iterator(dir_.path() + "/archive")) {
    if (entry.path().extension() == ".sst" && (victim.empty() || entry.file_size() > std::filesystem::file_size(victim))) victim = entry.path();
  }
  ASSERT_FALSE(victim.empty());
  std::fstream file(victim, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(20'000);
  const char byte = static_cast<char>(file.get() ^ 0x10);
  file.seekp(20'000);
  file.put(byte);
  file.close();
  Open();
  auto verified = Call<VerifyArchiveResponse>("VerifyArchive", VerifyArchiveRequest());
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_FALSE(verified->ok());
  EXPECT_THAT(verified->problems(0), HasSubstr(".sst"));
}

TEST_F(ArchiveTest, ALostSigningKeyIsAClearRefusal) {
  Say("g:a", 1, "p1", "x");
  WaitIndexed();
  Close();
  std::filesystem::remove(dir_.path() + "/keys/archive.key");
  ledger::Options options;
  options.data_dir = dir_.path();
  options.partitions = {{"im", 2}, {"desk", 1}, {"directory", 1}, {"audit", 1}};
  auto ledger = ledger::Ledger::Open(options);
  ASSERT_TRUE(ledger.ok());
  auto keyring = ledger::Keyring::Open(ledger->get(), dir_.path());
  ASSERT_TRUE(keyring.ok());
  EXPECT_EQ(Service::Make(ledger->get(), keyring->get(), {dir_.path(), "test.example/archive", files_.get()}).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(ArchiveTest, TheIndexIsBuiltAgainWhenItIsGone) {
  for (int i = 0; i < 50; ++i) Say("g:a", i + 1, "p1", "信用卡");
  WaitIndexed();
  Close();
  std::filesystem::remove_all(dir_.path() + "/search");
  Open();
  WaitIndexed();
  EXPECT_EQ(Call<SearchResponse>("Search", Query("信用卡"))->total(), 50u);
}

}  // namespace
}  // namespace yizhan::audit
