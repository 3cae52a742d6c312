#include "im/people.h"

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "yizhan/directory/v1/record.pb.h"

namespace yizhan::im {
namespace {

constexpr char kProjection[] = "im.people";

// The projection's rows: person id ("p…"; the cursor's keys begin otherwise) → a directory.v1.Person with id, login, name and active
// alone.
std::optional<std::pair<PersonNo, People::Person>> DecodeRow(std::string_view key, std::string_view value) {
  auto number = PersonNo::Parse(key);
  directory::v1::Person row;
  if (!number || !row.ParseFromArray(value.data(), static_cast<int>(value.size()))) return std::nullopt;
  return std::make_pair(*number, People::Person{row.login(), row.name(), row.active()});
}

}  // namespace

People::People(ledger::Ledger* ledger) : ledger_(ledger) {}
People::~People() { Stop(); }

absl::Status People::Start() {
  bool readable = true;
  YZ_RETURN_IF_ERROR(ledger_->ProjectionScan(kProjection, "p", [&](std::string_view key, std::string_view value) {
    auto row = DecodeRow(key, value);
    readable = row.has_value();
    if (!row) return false;
    absl::MutexLock lock(&mu_);
    people_.insert_or_assign(row->first, std::move(row->second));
    return true;
  }));
  if (!readable) return absl::DataLossError("messaging's list of people is not readable: run `yizhan ledger verify`");
  projection_ = std::make_unique<ledger::Projection>(
      ledger_, ledger::ProjectionOptions{.name = kProjection, .services = {"directory"}},
      [this](const ledger::PartitionId&, const std::vector<ledger::Record>& records) { return Take(records); });
  return projection_->Start();
}

void People::Stop() {
  if (projection_) projection_->Stop();
}

absl::StatusOr<std::vector<ledger::Ledger::ProjectionWrite>> People::Take(const std::vector<ledger::Record>& records) {
  std::vector<ledger::Ledger::ProjectionWrite> writes;
  for (const ledger::Record& record : records) {
    directory::v1::DirectoryRecord directory;
    if (!directory.ParseFromString(record.payload())) {
      return absl::DataLossError(absl::StrCat("record ", record.seq(), " of ", record.partition(), " is not readable"));
    }
    if (!directory.has_person_put()) continue;
    const directory::v1::Person& put = directory.person_put();
    auto number = PersonNo::Parse(put.person_id());
    // The directory makes no other ids; who has one cannot take part in messaging.
    if (!number) continue;
    directory::v1::Person row;
    row.set_person_id(put.person_id());
    row.set_login(put.login());
    row.set_name(put.name());
    row.set_active(put.active());
    writes.push_back({put.person_id(), row.SerializeAsString()});
    absl::MutexLock lock(&mu_);
    people_.insert_or_assign(*number, Person{put.login(), put.name(), put.active()});
  }
  return writes;
}

std::optional<People::Person> People::Find(PersonNo person) const {
  absl::ReaderMutexLock lock(&mu_);
  auto found = people_.find(person);
  if (found == people_.end()) return std::nullopt;
  return found->second;
}

absl::Status People::RequireActive(PersonNo person) const {
  {
    absl::ReaderMutexLock lock(&mu_);
    auto found = people_.find(person);
    if (found != people_.end() && found->second.active) return absl::OkStatus();
    if (found != people_.end()) {
      return Refuse(absl::StatusCode::kFailedPrecondition, "PERSON_INACTIVE",
                    absl::StrCat("the account of person ", person.ToString(), " is disabled"));
    }
  }
  return Refuse(absl::StatusCode::kNotFound, "PERSON_NOT_FOUND",
                absl::StrCat("the directory knows no person ", person.ToString()));
}

size_t People::size() const {
  absl::ReaderMutexLock lock(&mu_);
  return people_.size();
}

}  // namespace yizhan::im
