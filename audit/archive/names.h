// What people, departments, conversations and customers were called at a time, and who was in which group when: a read model of the
// directory's, messaging's and customer service's ledgers.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ledger/ledger.h"
#include "yizhan/audit/v1/archive_service.pb.h"

namespace yizhan::audit {

class Names {
 public:
  static std::unique_ptr<Names> Make(ledger::Ledger* ledger);
  virtual ~Names() = default;

  // Catches up, then follows in the background.
  virtual absl::Status Start() = 0;
  virtual void Stop() = 0;

  // A person, or customer, as they were called at the time; before they were known, as they were first called. `id` itself when nothing is
  // known of it.
  virtual yizhan::audit::v1::Participant Who(std::string_view id, int64_t time_us) const = 0;
  // A conversation's title at the time: a group's title; the two names of a direct one; the customer's of a reception.
  virtual std::string Title(std::string_view conversation_id, int64_t time_us) const = 0;

  struct Membership {
    std::string conversation_id;
    std::string person_id;
    int64_t from_us = 0;
    int64_t to_us = 0;  // 0: still a member
  };
  // The groups that a person was ever in, an entry for each stay.
  virtual std::vector<Membership> GroupsOf(std::string_view person_id) const = 0;
  // Everybody who was ever in a group.
  virtual std::vector<Membership> MembersOf(std::string_view conversation_id) const = 0;
};

}  // namespace yizhan::audit
