#include "audit/archive/names.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "audit/archive/tables.h"
#include "base/status.h"
#include "ledger/projection.h"
#include "yizhan/desk/v1/record.pb.h"
#include "yizhan/directory/v1/record.pb.h"
#include "yizhan/im/v1/record.pb.h"

namespace yizhan::audit {
namespace {

using Writes = std::vector<ledger::Ledger::ProjectionWrite>;
using yizhan::audit::v1::Participant;

// Keys of the read model; a row is what was true from its time on.
//   'n' id 0x00 time(8)                    serialised Participant (people, customers)
//   'd' department id 0x00 time(8)         name
//   't' conversation id 0x00 time(8)       title, or the customer's id for a reception
//   'g' person id 0x00 conversation id 0x00 from(8)     to(8)
//   'm' conversation id 0x00 person id 0x00 from(8)     to(8)
constexpr std::string_view kName = "archive-names";

std::string Prefix(char kind, std::string_view a) { return std::string(1, kind).append(a).append(1, '\0'); }
std::string TimedKey(char kind, std::string_view id, int64_t time_us) {
  std::string key = Prefix(kind, id);
  AppendU64(key, static_cast<uint64_t>(time_us));
  return key;
}
std::string StayKey(char kind, std::string_view a, std::string_view b, int64_t from_us) {
  std::string key = Prefix(kind, a).append(b).append(1, '\0');
  AppendU64(key, static_cast<uint64_t>(from_us));
  return key;
}

class NamesImpl : public Names {
 public:
  explicit NamesImpl(ledger::Ledger* ledger)
      : ledger_(ledger),
        projection_(ledger, {std::string(kName), {"directory", "im", "desk"}},
                    [this](const ledger::PartitionId& partition, const std::vector<ledger::Record>& records) { return Handle(partition, records); }) {}

  absl::Status Start() override { return projection_.Start(); }
  void Stop() override { projection_.Stop(); }

  Participant Who(std::string_view id, int64_t time_us) const override {
    Participant who;
    if (auto row = At('n', id, time_us)) (void)who.ParseFromString(*row);
    who.set_id(std::string(id));
    if (who.name().empty()) who.set_name(std::string(id));
    if (!who.department().empty()) who.set_department(At('d', who.department(), time_us).value_or(who.department()));
    return who;
  }

  std::string Title(std::string_view conversation_id, int64_t time_us) const override {
    const std::vector<std::string> parts = absl::StrSplit(absl::string_view(conversation_id.data(), conversation_id.size()), ':');
    if (parts.size() == 3 && parts[0] == "d") {
      const std::string first = Who(parts[1], time_us).name();
      return parts[1] == parts[2] ? first : absl::StrCat(first, " / ", Who(parts[2], time_us).name());
    }
    const std::string title = At('t', conversation_id, time_us).value_or("");
    return parts[0] == "r" && !title.empty() ? Who(title, time_us).name() : title;
  }

  std::vector<Membership> GroupsOf(std::string_view person_id) const override { return Stays('g', person_id); }
  std::vector<Membership> MembersOf(std::string_view conversation_id) const override { return Stays('m', conversation_id); }

 private:
  // The row in force at a time; the first one for earlier times.
  std::optional<std::string> At(char kind, std::string_view id, int64_t time_us) const {
    std::optional<std::string> found;
    const std::string prefix = Prefix(kind, id);
    (void)ledger_->ProjectionScan(kName, prefix, [&](std::string_view key, std::string_view value) {
      if (key.size() != prefix.size() + 8) return true;
      if (found && static_cast<int64_t>(LoadU64(key.substr(prefix.size()))) > time_us) return false;
      found = std::string(value);
      return true;
    });
    return found;
  }

  std::vector<Membership> Stays(char kind, std::string_view id) const {
    std::vector<Membership> stays;
    const std::string prefix = Prefix(kind, id);
    (void)ledger_->ProjectionScan(kName, prefix, [&](std::string_view key, std::string_view value) {
      const std::string_view rest = key.substr(prefix.size());
      if (rest.size() < 9 || value.size() != 8) return true;
      const std::string other(rest.substr(0, rest.size() - 9));
      Membership stay{kind == 'g' ? other : std::string(id), kind == 'g' ? std::string(id) : other,
                      static_cast<int64_t>(LoadU64(rest.substr(rest.size() - 8))), static_cast<int64_t>(LoadU64(value))};
      stays.push_back(std::move(stay));
      return true;
    });
    return stays;
  }

  static void Join(const std::string& conversation, const std::string& person, int64_t time_us, Writes& writes) {
    std::string open;
    AppendU64(open, 0);
    writes.push_back({StayKey('g', person, conversation, time_us), open});
    writes.push_back({StayKey('m', conversation, person, time_us), open});
  }

  // Closes the open stay; it may have begun in this very batch.
  void Leave(const std::string& conversation, const std::string& person, int64_t time_us, Writes& writes) const {
    int64_t from_us = 0;
    for (const Membership& stay : Stays('g', person)) {
      if (stay.conversation_id == conversation && stay.to_us == 0) from_us = stay.from_us;
    }
    const std::string prefix = StayKey('g', person, conversation, 0).substr(0, StayKey('g', person, conversation, 0).size() - 8);
    for (const auto& write : writes) {
      if (write.key.size() == prefix.size() + 8 && write.key.compare(0, prefix.size(), prefix) == 0) {
        from_us = static_cast<int64_t>(LoadU64(std::string_view(write.key).substr(prefix.size())));
      }
    }
    std::string closed;
    AppendU64(closed, static_cast<uint64_t>(time_us));
    writes.push_back({StayKey('g', person, conversation, from_us), closed});
    writes.push_back({StayKey('m', conversation, person, from_us), closed});
  }

  absl::StatusOr<Writes> Handle(const ledger::PartitionId& partition, const std::vector<ledger::Record>& records) const {
    Writes writes;
    for (const ledger::Record& record : records) {
      if (partition.service == "directory") {
        directory::v1::DirectoryRecord payload;
        if (payload.ParseFromString(record.payload())) FromDirectory(record, payload, writes);
      } else if (partition.service == "im") {
        if (record.type() == "im.MessageSent" || record.type() == "im.CursorsMoved") continue;
        im::v1::ImRecord payload;
        if (payload.ParseFromString(record.payload())) FromIm(record, payload, writes);
      } else {
        if (record.type() == "desk.LineWritten") continue;
        desk::v1::DeskRecord payload;
        if (payload.ParseFromString(record.payload())) FromDesk(record, payload, writes);
      }
    }
    return writes;
  }

  static void FromDirectory(const ledger::Record& record, const directory::v1::DirectoryRecord& payload, Writes& writes) {
    if (payload.has_person_put()) {
      Participant who;
      who.set_name(payload.person_put().name());
      who.set_login(payload.person_put().login());
      who.set_department(payload.person_put().department_id());
      writes.push_back({TimedKey('n', payload.person_put().person_id(), record.time_us()), who.SerializeAsString()});
    } else if (payload.has_department_put()) {
      writes.push_back({TimedKey('d', payload.department_put().department_id(), record.time_us()), payload.department_put().name()});
    }
  }

  void FromIm(const ledger::Record& record, const im::v1::ImRecord& payload, Writes& writes) const {
    if (payload.has_created()) {
      const auto& created = payload.created();
      if (created.kind() != im::v1::Conversation::KIND_GROUP) return;
      writes.push_back({TimedKey('t', created.conversation_id(), record.time_us()), created.title()});
      for (const auto& person : created.member_ids()) Join(created.conversation_id(), person, record.time_us(), writes);
    } else if (payload.has_renamed()) {
      writes.push_back({TimedKey('t', payload.renamed().conversation_id(), record.time_us()), payload.renamed().title()});
    } else if (payload.has_joined()) {
      for (const auto& person : payload.joined().person_ids()) Join(payload.joined().conversation_id(), person, record.time_us(), writes);
    } else if (payload.has_left()) {
      Leave(payload.left().conversation_id(), payload.left().person_id(), record.time_us(), writes);
    }
  }

  static void FromDesk(const ledger::Record& record, const desk::v1::DeskRecord& payload, Writes& writes) {
    if (payload.has_customer_put()) {
      Participant who;
      who.set_name(payload.customer_put().customer().name());
      writes.push_back({TimedKey('n', payload.customer_put().customer().customer_id(), record.time_us()), who.SerializeAsString()});
    } else if (payload.has_started()) {
      writes.push_back({TimedKey('t', payload.started().conversation_id(), record.time_us()), payload.started().customer_id()});
    }
  }

  ledger::Ledger* const ledger_;
  ledger::Projection projection_;
};

}  // namespace

std::unique_ptr<Names> Names::Make(ledger::Ledger* ledger) { return std::make_unique<NamesImpl>(ledger); }

}  // namespace yizhan::audit
