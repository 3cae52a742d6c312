// What the directory makes of its records.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "ldap/service/rows.h"
#include "ledger/ledger.h"
#include "yizhan/directory/v1/record.pb.h"

namespace yizhan::directory {

inline constexpr std::string_view kServiceName = "directory";

// Why a session ended: SessionEnded.reason.
inline constexpr std::string_view kLoggedOut = "LOGGED_OUT";
inline constexpr std::string_view kKicked = "KICKED";
inline constexpr std::string_view kExpired = "EXPIRED";
inline constexpr std::string_view kPersonDisabled = "PERSON_DISABLED";
inline constexpr std::string_view kPasswordChanged = "PASSWORD_CHANGED";

// Records to append, typed after the payload's kind ("directory.SessionStarted").
class Draft {
 public:
  void Add(const v1::DirectoryRecord& record);
  void Put(const v1::Person& person);
  void Put(const v1::Department& department);
  void Bind(std::string_view source, std::string_view key, const v1::Person& person);
  void Bind(std::string_view source, std::string_view key, const v1::Department& department);
  void End(std::string_view session_id, std::string_view person_id, std::string_view reason);
  // Ends all of a person's sessions but `except` (empty: really all). Answers how many.
  absl::StatusOr<size_t> EndAll(const Rows& rows, std::string_view person_id, std::string_view except, std::string_view reason);

  size_t size() const { return records_.size(); }
  ledger::Proposal Finish(std::string result = "") && { return {std::move(records_), std::move(result)}; }

 private:
  std::vector<ledger::NewRecord> records_;
};

// Rules beside what record.proto says:
//   - A person_put with another log-in name gives the old name free.
//   - Nothing is ever deleted but sessions.
// An error means that the records do not fit one another (DataLoss) or are of a newer program (FailedPrecondition).
class Machine final : public ledger::StateMachine {
 public:
  std::string_view service() const override { return kServiceName; }
  absl::Status Apply(const ledger::Record& record, ledger::StateWriter& state) override;
};

}  // namespace yizhan::directory
