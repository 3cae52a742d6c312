// Reading the desk's state as its nouns.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "desk/tables.h"
#include "ledger/keyring.h"
#include "ledger/state.h"
#include "yizhan/desk/v1/reception.pb.h"
#include "yizhan/desk/v1/record.pb.h"

namespace yizhan::desk {

using yizhan::desk::v1::Agent;
using yizhan::desk::v1::Channel;
using yizhan::desk::v1::Customer;
using yizhan::desk::v1::Line;
using yizhan::desk::v1::Reception;
using yizhan::desk::v1::ServiceGroup;

// A customer's row: the customer, by which channel, and the reception that is open or was last.
struct CustomerRow {
  Customer customer;
  std::string channel_id;
  std::string conversation_id;
  std::string Encode() const;
  static std::optional<CustomerRow> Decode(std::string_view bytes);
};

// A view of desk/0's state, typed. NotFound with a reason (NO_SUCH_…) for what is not there.
class Rows {
 public:
  explicit Rows(const ledger::StateReader* state) : state_(state) {}

  absl::StatusOr<ServiceGroup> Group(std::string_view id) const;
  absl::StatusOr<Channel> ChannelOf(std::string_view id) const;
  absl::StatusOr<CustomerRow> CustomerOf(std::string_view id) const;
  absl::StatusOr<Reception> ReceptionOf(std::string_view id) const;
  // Offline with the default capacity when the agent never said anything.
  absl::StatusOr<Agent> AgentOf(std::string_view id) const;
  // Ids of those who are not offline.
  absl::StatusOr<std::vector<std::string>> AgentsAtWork() const;
  // The customer of a visitor's token; NotFound for an unknown one.
  absl::StatusOr<std::string> CustomerOfToken(std::string_view token_hash) const;

  absl::StatusOr<std::vector<ServiceGroup>> Groups() const;
  absl::StatusOr<std::vector<Channel>> Channels() const;
  absl::StatusOr<std::vector<std::string>> Mine(std::string_view agent_id) const;
  struct Waiting {
    std::string key;
    std::string conversation_id;
    int64_t since_us;
  };
  // The queue of a group, the longest waiting first.
  absl::StatusOr<std::vector<Waiting>> Queue(std::string_view group_id, size_t limit) const;
  absl::StatusOr<bool> Had(std::string_view agent_id, std::string_view conversation_id) const;

  // Lines after a seq, ascending, opened. `internal` false leaves out what the customer may not see. `more` may be null.
  absl::StatusOr<std::vector<Line>> Lines(std::string_view conversation_id, uint64_t after_seq, size_t limit, bool internal,
                                          const ledger::Keyring& keyring, bool* more) const;
  absl::StatusOr<Line> LineAt(std::string_view conversation_id, uint64_t seq, const ledger::Keyring& keyring) const;
  // A reception with its customer and the last line that the reader may see.
  absl::StatusOr<Reception> Whole(Reception reception, bool internal, const ledger::Keyring& keyring) const;

  const ledger::StateReader& state() const { return *state_; }

 private:
  const ledger::StateReader* state_;
};

// A line from a record: text opened. DataLoss when it cannot be.
absl::StatusOr<Line> OpenLine(const yizhan::desk::v1::DeskRecord& record, int64_t time_us, const ledger::Keyring& keyring);

inline constexpr uint32_t kDefaultCapacity = 8;

}  // namespace yizhan::desk
