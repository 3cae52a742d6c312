#include "ldap/service/testing/bed.h"

#include <stdio.h>
#include <stdlib.h>

#include <filesystem>

#include "absl/strings/str_cat.h"

namespace yizhan::directory {
namespace {

std::string TempDir() {
  std::string pattern = (std::filesystem::temp_directory_path() / "yizhan-directory-XXXXXX").string();
  if (!mkdtemp(pattern.data())) abort();
  return pattern;
}

void Check(const absl::Status& status) {
  if (status.ok()) return;
  fprintf(stderr, "%s\n", std::string(status.ToString()).c_str());
  abort();
}

}  // namespace

Parts::Options Bed::Quick() {
  Parts::Options options;
  options.install_key = Secret<std::string>(std::string(32, 'k'));
  options.hashing.cost = {.memory_kib = 64, .passes = 1};
  options.hashing.scram_iterations = kMinScramIterations;
  options.log_ins.refusal_step = absl::Milliseconds(20);
  return options;
}

Bed::Bed(Parts::Options options, std::vector<LdapSource> (*sources)()) : dir(TempDir()), options_(std::move(options)) {
  Open(sources ? sources() : std::vector<LdapSource>());
}

Bed::~Bed() {
  Close();
  std::error_code ignored;
  std::filesystem::remove_all(dir, ignored);
}

void Bed::Open(std::vector<LdapSource> sources) {
  ledger::Options ledger_options;
  ledger_options.data_dir = dir;
  ledger_options.partitions = {{"keyring", 1}, {"directory", 1}};
  ledger_options.hooks.now_us = [this] { return clock.NowUs(); };
  auto opened = ledger::Ledger::Open(std::move(ledger_options));
  Check(opened.status());
  ledger = *std::move(opened);
  Parts::Options options = options_;
  options.session_ended = [this](std::string_view session_id, std::string_view) {
    absl::MutexLock lock(&mu_);
    ended_.emplace_back(session_id);
  };
  parts = std::make_unique<Parts>(ledger.get(), &clock, std::move(options));
  ledger->Register(&machine_);
  ledger->Listen(std::string(kServiceName), [this](const ledger::PartitionId&, absl::Span<const ledger::Record> records) {
    parts->OnCommitted(records);
  });
  Check(ledger->Start());
  Check(parts->Start(std::move(sources)));
}

void Bed::Close() {
  parts->Stop();
  ledger->Stop();
  parts.reset();
  ledger.reset();
}

void Bed::Restart() { RestartWith({}); }

void Bed::RestartWith(std::vector<LdapSource> sources) {
  Close();
  Open(std::move(sources));
}

v1::Person Bed::Add(std::string_view login, std::vector<int> roles, std::string_view name) {
  v1::CreatePersonRequest request;
  request.mutable_person()->set_login(std::string(login));
  request.mutable_person()->set_name(std::string(name));
  for (int role : roles) request.mutable_person()->add_roles(static_cast<yizhan::common::v1::Role>(role));
  request.set_password(PasswordOf(login));
  auto created = WaitFor<v1::CreatePersonResponse>(
      [&](Answer answer) { parts->people.Create(Administrator(), request, absl::InfiniteFuture(), std::move(answer)); });
  Check(created.status());
  return created->person();
}

absl::StatusOr<v1::LogInResponse> Bed::LogIn(std::string_view login, std::string_view password, std::string_view address,
                                             std::string_view device) {
  v1::LogInRequest request;
  request.set_login(std::string(login));
  request.set_password(std::string(password));
  request.set_device(std::string(device));
  return WaitFor<v1::LogInResponse>(
      [&](Answer answer) { parts->log_ins.LogIn(request, address, absl::InfiniteFuture(), std::move(answer)); });
}

v1::LogInResponse Bed::LoggedIn(std::string_view login, std::string_view device) {
  auto session = LogIn(login, PasswordOf(login), "192.0.2.1", device);
  Check(session.status());
  return *session;
}

absl::StatusOr<v1::UpdatePersonResponse> Bed::Update(const v1::Person& person) {
  v1::UpdatePersonRequest request;
  *request.mutable_person() = person;
  return WaitFor<v1::UpdatePersonResponse>([&](Answer answer) { parts->people.Update(Administrator(), request, std::move(answer)); });
}

absl::StatusOr<Principal> Bed::Who(std::string_view token) {
  auto response = parts->sessions.Introspect(token);
  if (!response.ok()) return response.status();
  return response->principal();
}

absl::StatusOr<v1::Department> Bed::PutDepartment(std::string_view name, std::string_view parent_id, int position) {
  v1::PutDepartmentRequest request;
  request.mutable_department()->set_name(std::string(name));
  request.mutable_department()->set_parent_id(std::string(parent_id));
  request.mutable_department()->set_position(position);
  auto response = WaitFor<v1::PutDepartmentResponse>(
      [&](Answer answer) { parts->departments.Put(Administrator(), request, std::move(answer)); });
  if (!response.ok()) return response.status();
  return response->department();
}

Caller Bed::AsCaller(const v1::LogInResponse& session) {
  return {session.principal(), absl::StrCat("person:", session.principal().id())};
}

Caller Bed::Administrator() {
  Caller caller;
  caller.principal.set_kind(Principal::KIND_PERSON);
  caller.principal.set_id("p00000admin00");
  caller.principal.set_session_id("s00000admin00");
  caller.principal.add_roles(yizhan::common::v1::ROLE_SECURITY_ADMIN);
  caller.actor = "person:p00000admin00";
  return caller;
}

Caller Bed::Service() {
  Caller caller;
  caller.principal.set_kind(Principal::KIND_SERVICE);
  caller.principal.set_id("test");
  caller.actor = "service:test";
  return caller;
}

std::vector<v1::DirectoryRecord> Bed::Records(v1::DirectoryRecord::KindCase kind) const {
  std::vector<v1::DirectoryRecord> found;
  for (uint64_t seq = 1;;) {
    auto records = ledger->Read({"directory", 0}, seq, 1 << 20);
    Check(records.status());
    if (records->empty()) return found;
    for (const ledger::Record& record : *records) {
      v1::DirectoryRecord directory;
      if (!directory.ParseFromString(record.payload())) abort();
      if (directory.kind_case() == kind) found.push_back(std::move(directory));
    }
    seq = records->back().seq() + 1;
  }
}

std::string Bed::ReplayDiffers() const {
  auto replayed = ledger->Replay(dir + "/scratch", ledger::PartitionId{"directory", 0});
  return replayed.ok() ? "" : std::string(replayed.status().ToString());
}

std::vector<std::string> Bed::ended() const {
  absl::MutexLock lock(&mu_);
  return ended_;
}

}  // namespace yizhan::directory
