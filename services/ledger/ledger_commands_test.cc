#include "ledger/ledger_commands.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <nlohmann/json.hpp>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "ledger/core.h"
#include "ledger/keyring.h"
#include "ledger/testing/counters.h"

namespace yizhan::ledger {
namespace {
using nlohmann::json;
using testing::Add;
using testing::Counters;
using testing::Do;
using testing::OptionsFor;
using testing::TempDir;

class LedgerCommandsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto ledger = Ledger::Open(OptionsFor(dir_));
    ASSERT_TRUE(ledger.ok()) << ledger.status();
    (*ledger)->Register(&machine_);
    auto keyring = Keyring::Open(ledger->get(), dir_.path());
    ASSERT_TRUE((*ledger)->Start().ok());
    ASSERT_TRUE(Do(**ledger, Add({"im", 3}, "a", {"x", "y", "z"}, "r1")).ok());
    std::promise<void> made;
    (*keyring)->Ensure("conversation", 0, [&](auto) { made.set_value(); });
    made.get_future().wait();
  }
  int Run(std::vector<std::string> arguments) {
    out_.str("");
    err_.str("");
    StateMachine* machines[] = {&machine_, KeyringMachine()};
    return LedgerMain(arguments, machines, out_, err_);
  }
  std::vector<json> Lines() const {
    std::vector<json> lines;
    std::istringstream in(out_.str());
    for (std::string line; std::getline(in, line);) lines.push_back(json::parse(line));
    return lines;
  }
  // Damages what is stored, behind the ledger's back.
  void Change(Table table, const std::string& key, const std::string& value) {
    auto store = Store::Open(dir_.path() + "/ledger", Store::Mode::kReadWrite);
    ASSERT_TRUE((*store)->Put(table, key, value).ok());
  }

  TempDir dir_;
  Counters machine_;
  std::ostringstream out_, err_;
};

TEST_F(LedgerCommandsTest, DumpsRecordsAsJson) {
  ASSERT_EQ(Run({"dump", "--data", dir_.path()}), 0) << err_.str();
  auto lines = Lines();
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0]["partition"], "im/3");
  EXPECT_EQ(lines[0]["seq"], 1);
  EXPECT_EQ(lines[0]["actor"], "person:a");
  EXPECT_EQ(lines[0]["request_id"], "r1");
  EXPECT_TRUE(lines[0]["time"].get<std::string>().ends_with("+00:00")) << lines[0];
  EXPECT_EQ(lines[0]["payload_base64"], "YQl4") << "what is not the service's message is shown as bytes";
  EXPECT_EQ(lines[2]["result_base64"], "Mw==");
  EXPECT_EQ(lines[3]["type"], "keyring.DataKeyCreated");
  EXPECT_EQ(lines[3]["payload"]["created"]["key_id"], "conversation@19700101");
  EXPECT_TRUE(lines[3]["payload"]["created"]["wrapped"].is_string()) << "wrapped, never the key";
  ASSERT_EQ(Run({"dump", "--data", dir_.path(), "--partition", "im/3", "--from", "3"}), 0);
  EXPECT_EQ(Lines().size(), 1u);
}

TEST_F(LedgerCommandsTest, VerifiesAndReplays) {
  ASSERT_EQ(Run({"verify", "--data", dir_.path(), "--json"}), 0) << err_.str();
  auto verified = Lines();
  ASSERT_EQ(verified.size(), 5u);
  EXPECT_EQ(verified[3]["partition"], "im/3");
  EXPECT_EQ(verified[3]["records"], 3);
  ASSERT_EQ(Run({"replay", "--data", dir_.path(), "--json", "--partition", "im/3"}), 0) << err_.str();
  ASSERT_EQ(Lines().size(), 1u);
  EXPECT_EQ(Lines()[0]["digest"], verified[3]["digest"]);
  ASSERT_EQ(Run({"replay", "--data", dir_.path()}), 0) << err_.str();
  EXPECT_TRUE(absl::StrContains(out_.str(), "keyring/0  seq 1  records 1  digest "));
  auto ledger = testing::OpenAndStart(OptionsFor(dir_), &machine_);
  EXPECT_EQ(ledger.status().code(), absl::StatusCode::kFailedPrecondition) << "nothing was registered for keyring/0";
}

TEST_F(LedgerCommandsTest, FindsWhatDoesNotBelongTogether) {
  Change(Table::kState, StateKey(3, "na"), "4");
  EXPECT_EQ(Run({"verify", "--data", dir_.path()}), 0) << "state can only be judged by a replay";
  EXPECT_EQ(Run({"replay", "--data", dir_.path()}), 1);
  EXPECT_TRUE(absl::StrContains(err_.str(), "im/3: the state at seq 3 does not follow from its records")) << err_.str();
  EXPECT_TRUE(absl::StrContains(out_.str(), "keyring/0  seq 1  records 1")) << "the others are told all the same";

  auto store = Store::Open(dir_.path() + "/ledger", Store::Mode::kReadOnly);
  Record record;
  ASSERT_TRUE(record.ParseFromString(**(*store)->Get(Table::kRecords, RecordKey{3, 2}.Encode())));
  store->reset();
  record.set_seq(7);
  Change(Table::kRecords, RecordKey{3, 2}.Encode(), record.SerializeAsString());
  EXPECT_EQ(Run({"verify", "--data", dir_.path()}), 1);
  EXPECT_TRUE(absl::StrContains(err_.str(), "im/3") && absl::StrContains(err_.str(), "seq 2")) << err_.str();
}

TEST_F(LedgerCommandsTest, SaysWhatIsWrong) {
  EXPECT_EQ(Run({}), 2);
  EXPECT_EQ(Run({"explode", "--data", "x"}), 2);
  EXPECT_EQ(Run({"dump"}), 2);
  EXPECT_EQ(Run({"dump", "--data"}), 2);
  EXPECT_EQ(Run({"dump", "--data", "x", "--from", "0"}), 2);
  EXPECT_EQ(Run({"dump", "--data", "x", "--partition", "im"}), 2);
  EXPECT_EQ(Run({"dump", "--data", "x", "--loud"}), 2);
  EXPECT_TRUE(absl::StrContains(err_.str(), "--loud") && absl::StrContains(err_.str(), "usage:")) << err_.str();
  EXPECT_EQ(Run({"dump", "--data", dir_.path() + "/none"}), 1);
  EXPECT_TRUE(absl::StrContains(err_.str(), "there is no ledger")) << err_.str();
  EXPECT_EQ(Run({"dump", "--data", dir_.path(), "--partition", "im/9"}), 1);
  auto ledger = Ledger::Open(OptionsFor(dir_));
  EXPECT_EQ(Run({"verify", "--data", dir_.path()}), 1);
  EXPECT_TRUE(absl::StrContains(err_.str(), "another process uses this folder")) << err_.str();
}

}  // namespace
}  // namespace yizhan::ledger
