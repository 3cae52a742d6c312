#include "im/testing/bed.h"

#include <stdlib.h>

#include "absl/strings/str_cat.h"
#include "im/testing/map_state.h"
#include "yizhan/directory/v1/record.pb.h"

namespace yizhan::im {
namespace {

std::string TempDir() {
  std::string pattern = (std::filesystem::temp_directory_path() / "yizhan-im-XXXXXX").string();
  if (!mkdtemp(pattern.data())) abort();
  return pattern;
}

void Check(const absl::Status& status) {
  if (status.ok()) return;
  fprintf(stderr, "%s\n", std::string(status.ToString()).c_str());
  abort();
}

}  // namespace

class Bed::DirectoryMachine final : public ledger::StateMachine {
 public:
  std::string_view service() const override { return "directory"; }
  absl::Status Apply(const ledger::Record&, ledger::StateWriter&) override { return absl::OkStatus(); }
};

void RecordingHub::Publish(std::string_view topic, std::string frame) {
  {
    absl::MutexLock lock(&mu_);
    if (discard_) return;
  }
  live::v1::ServerFrame parsed;
  if (!parsed.ParseFromString(frame)) abort();
  absl::MutexLock lock(&mu_);
  said_.push_back({std::string(topic), parsed.im()});
}

bool RecordingHub::Heard(std::string_view) const {
  absl::MutexLock lock(&mu_);
  return !deaf_;
}

void RecordingHub::Subscribe(std::string_view principal_id, std::string_view topic, bool active) {
  absl::MutexLock lock(&mu_);
  if (!deaf_ && !discard_) subscriptions_.push_back(absl::StrCat(active ? "+" : "-", std::string(principal_id), " ", std::string(topic)));
}

void RecordingHub::set_deaf(bool deaf) {
  absl::MutexLock lock(&mu_);
  deaf_ = deaf;
}

void RecordingHub::set_discard(bool discard) {
  absl::MutexLock lock(&mu_);
  discard_ = discard;
}

std::vector<RecordingHub::Said> RecordingHub::Take() {
  absl::MutexLock lock(&mu_);
  return std::exchange(said_, {});
}

std::vector<std::string> RecordingHub::TakeSubscriptions() {
  absl::MutexLock lock(&mu_);
  return std::exchange(subscriptions_, {});
}

Bed::Bed(uint32_t partitions, const Clock* clock) : dir(TempDir()), partitions_(partitions), clock_(clock) { Open(); }

Bed::~Bed() {
  Close();
  std::error_code ignored;
  std::filesystem::remove_all(dir, ignored);
}

void Bed::Open() {
  ledger::Options options;
  options.data_dir = dir;
  options.partitions = {{"keyring", 1}, {"directory", 1}, {"im", partitions_}};
  options.hooks.now_us = [this] { return clock_->NowUs(); };
  auto opened = ledger::Ledger::Open(std::move(options));
  Check(opened.status());
  ledger = *std::move(opened);
  auto keys = ledger::Keyring::Open(ledger.get(), dir);
  Check(keys.status());
  keyring = *std::move(keys);
  directory_ = std::make_unique<DirectoryMachine>();
  ledger->Register(directory_.get());
  ledger->Register(&machine_);
  parts = std::make_unique<Parts>(ledger.get(), keyring.get(), clock_);
  parts->events.SetHub(&hub);
  ledger->Listen("im", [this](const ledger::PartitionId& partition, absl::Span<const ledger::Record> records) {
    parts->events.OnCommitted(partition, records);
  });
  Check(ledger->Start());
  Check(parts->people.Start());
}

void Bed::Close() {
  parts->people.Stop();
  ledger->Stop();
  parts.reset();
  keyring.reset();
  ledger.reset();
}

void Bed::Restart() {
  Close();
  Open();
}

void PutPeople(ledger::Ledger& ledger, const std::vector<Caller>& callers, bool active) {
  // A command has a bound of its own.
  constexpr size_t kAtOnce = 2'000;
  if (callers.size() > kAtOnce) {
    PutPeople(ledger, {callers.begin(), callers.end() - kAtOnce}, active);
    return PutPeople(ledger, {callers.end() - kAtOnce, callers.end()}, active);
  }
  ledger::Proposal proposal;
  for (const Caller& caller : callers) {
    directory::v1::DirectoryRecord record;
    directory::v1::Person* person = record.mutable_person_put();
    person->set_person_id(caller.id);
    person->set_login("login-" + caller.id);
    person->set_name("姓名 " + caller.id);
    person->set_active(active);
    proposal.records.push_back({"directory.PersonPut", record.SerializeAsString()});
  }
  absl::Notification done;
  ledger::Command command;
  command.partition = {"directory", 0};
  command.actor = "service:test";
  command.decide = [&](const ledger::DecideContext&, const ledger::StateReader&) -> absl::StatusOr<ledger::Proposal> {
    return proposal;
  };
  command.done = [&](absl::StatusOr<ledger::Command::Outcome> outcome) {
    Check(outcome.status());
    done.Notify();
  };
  ledger.Submit(std::move(command));
  done.WaitForNotification();
}

void Bed::PutPersons(const std::vector<Caller>& callers, bool active) {
  PutPeople(*ledger, callers, active);
  // The projection follows on a thread of its own, in order.
  for (;;) {
    auto known = parts->people.Find(callers.back().no);
    if (known && known->active == active) return;
    absl::SleepFor(absl::Microseconds(200));
  }
}

std::vector<Caller> Bed::Persons(int first, int count) {
  std::vector<Caller> all, missing;
  {
    absl::MutexLock lock(&mu_);
    for (int i = first; i < first + count; ++i) {
      PersonNo number{static_cast<uint64_t>(i)};
      all.push_back({number, number.ToString()});
      if (!std::exchange(known_[i], true)) missing.push_back(all.back());
    }
  }
  if (!missing.empty()) PutPersons(missing, true);
  return all;
}

Caller Bed::Person(int i) { return Persons(i, 1)[0]; }

absl::StatusOr<v1::SendMessageResponse> Bed::Send(const Caller& from, const v1::SendMessageRequest& request) {
  return WaitFor<v1::SendMessageResponse>([&](Answer answer) { parts->messages.Send(from, request, std::move(answer)); });
}

absl::StatusOr<v1::SendMessageResponse> Bed::Send(const Caller& from, const std::string& conversation_id,
                                                  const std::string& text, std::string client_id) {
  v1::SendMessageRequest request;
  request.set_conversation_id(conversation_id);
  request.set_client_id(client_id.empty() ? absl::StrCat("auto-", next_client_id_++) : client_id);
  request.mutable_content()->set_text(text);
  return Send(from, request);
}

absl::StatusOr<v1::SendMessageResponse> Bed::SendTo(const Caller& from, const Caller& to, const std::string& text,
                                                    std::string client_id) {
  v1::SendMessageRequest request;
  request.set_to_person_id(to.id);
  request.set_client_id(client_id.empty() ? absl::StrCat("auto-", next_client_id_++) : client_id);
  request.mutable_content()->set_text(text);
  return Send(from, request);
}

std::string Bed::Group(const Caller& owner, const std::vector<Caller>& others, bool open, const std::string& handle) {
  v1::CreateGroupRequest request;
  request.set_title("一组");
  request.set_open(open);
  request.set_handle(handle);
  for (const Caller& other : others) request.add_member_ids(other.id);
  auto response = Wait<v1::CreateGroupResponse>(&Conversations::CreateGroup, owner, request);
  Check(response.status());
  return response->conversation().conversation_id();
}

absl::Status Bed::Add(const Caller& by, const std::string& conversation_id, const std::vector<Caller>& persons) {
  v1::AddMembersRequest request;
  request.set_conversation_id(conversation_id);
  for (const Caller& person : persons) request.add_person_ids(person.id);
  return Wait<v1::AddMembersResponse>(&Conversations::AddMembers, by, request).status();
}

absl::Status Bed::Remove(const Caller& by, const std::string& conversation_id, const Caller& person) {
  v1::RemoveMemberRequest request;
  request.set_conversation_id(conversation_id);
  request.set_person_id(person.id);
  return Wait<v1::RemoveMemberResponse>(&Conversations::RemoveMember, by, request).status();
}

absl::StatusOr<v1::MoveCursorResponse> Bed::Move(const Caller& caller, const std::string& conversation_id, uint64_t read,
                                                 uint64_t delivered) {
  v1::MoveCursorRequest request;
  request.set_conversation_id(conversation_id);
  request.set_read_seq(read);
  request.set_delivered_seq(delivered);
  return WaitFor<v1::MoveCursorResponse>([&](Answer answer) { parts->cursors.Move(caller, request, std::move(answer)); });
}

absl::StatusOr<v1::Conversation> Bed::Get(const Caller& caller, const std::string& conversation_id) {
  v1::GetConversationRequest request;
  request.set_conversation_id(conversation_id);
  auto response = parts->conversations.Get(caller, request);
  if (!response.ok()) return response.status();
  return response->conversation();
}

absl::StatusOr<v1::ListMessagesResponse> Bed::List(const Caller& caller, const std::string& conversation_id,
                                                   uint64_t after_seq, uint32_t page_size) {
  v1::ListMessagesRequest request;
  request.set_conversation_id(conversation_id);
  request.set_after_seq(after_seq);
  request.set_page_size(page_size);
  return parts->messages.List(caller, request);
}

std::string Bed::ReplayDiffers() {
  for (uint32_t i = 0; i < partitions_; ++i) {
    const ledger::PartitionId partition{"im", i};
    MapState state;
    Machine machine;
    uint64_t next = 1;
    for (;;) {
      auto records = ledger->Read(partition, next, 1 << 20);
      Check(records.status());
      if (records->empty()) break;
      for (const ledger::Record& record : *records) {
        if (record.seq() != next++) return absl::StrCat(partition.ToString(), " has a gap before seq ", record.seq());
        absl::Status applied = machine.Apply(record, state);
        if (!applied.ok()) return std::string(applied.ToString());
      }
    }
    auto digest = ledger->StateDigest(partition);
    Check(digest.status());
    if (digest->hex != state.Digest()) return absl::StrCat(partition.ToString(), " differs at seq ", digest->seq);
  }
  return "";
}

uint64_t Bed::RecordCount() {
  uint64_t count = 0;
  for (uint32_t i = 0; i < partitions_; ++i) count += ledger->Info({"im", i})->head;
  return count;
}

}  // namespace yizhan::im
