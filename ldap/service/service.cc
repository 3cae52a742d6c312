#include "ldap/service/service.h"

#include <utility>

#include "base/metrics.h"
#include "base/status.h"
#include "ldap/service/machine.h"
#include "ldap/service/parts.h"
#include "ldap/service/text.h"

namespace yizhan::directory {
namespace {

// Without state of its own: one serves every ledger of the process.
Machine& TheMachine() {
  static Machine machine;
  return machine;
}

Parts::Options PartsOptions(const Options& options) {
  Parts::Options parts;
  parts.install_key = options.install_key;
  parts.hashing.parallel.parallel = options.parallel_hashes;
  parts.sessions.lifetime = {.idle = options.session_idle, .absolute = options.session_longest};
  parts.log_ins.attempts.address_burst = options.attempts_per_address;
  parts.ldap_workers = options.ldap_workers;
  parts.max_queued = options.max_queued;
  parts.session_ended = options.session_ended;
  parts.record_elsewhere = options.record_elsewhere;
  return parts;
}

}  // namespace

struct DirectoryService::Gauges {
  explicit Gauges(Parts* parts)
      : people("yizhan_directory_people", "Active people.", {}, [parts] { return double(parts->core.roster().active_people()); }),
        sessions("yizhan_directory_sessions", "Sessions that have not ended.", {}, [parts] { return double(parts->sessions.count()); }),
        hashes("yizhan_directory_queued", "Log-ins that wait for a worker.", {{"for", "hash"}},
               [parts] { return double(parts->hash_workers.queued()); }),
        ldap("yizhan_directory_queued", "Log-ins that wait for a worker.", {{"for", "ldap"}},
             [parts] { return double(parts->ldap_workers.queued()); }) {}

  metrics::GaugeFunction people, sessions, hashes, ldap;
};

DirectoryService::DirectoryService(ledger::Ledger* ledger, Options options)
    : options_(std::move(options)), parts_(std::make_unique<Parts>(ledger, options_.clock, PartsOptions(options_))) {
  ledger->Register(&TheMachine());
  ledger->Listen(std::string(kServiceName), [parts = parts_.get()](const ledger::PartitionId&, absl::Span<const ledger::Record> records) {
    parts->OnCommitted(records);
  });
}

DirectoryService::~DirectoryService() { Stop(); }

absl::Status DirectoryService::Start() {
  YZ_RETURN_IF_ERROR(parts_->Start(std::move(options_.ldap_sources)));
  gauges_ = std::make_unique<Gauges>(parts_.get());
  return absl::OkStatus();
}

void DirectoryService::Stop() {
  gauges_.reset();
  parts_->Stop();
}

void DirectoryService::Register(rpc::ServiceTable& table) { RegisterMethods(*parts_, table); }

absl::StatusOr<std::shared_ptr<const v1::CredentialsSet>> DirectoryService::PrepareCredentials(const Secret<std::string>& password) {
  return parts_->people.Prepare(password);
}

absl::StatusOr<People::Created> DirectoryService::CreatePeople(std::vector<NewPerson> people) {
  return parts_->people.CreateMany(std::move(people));
}

absl::StatusOr<std::vector<std::string>> DirectoryService::CreateDepartments(const std::vector<NewDepartment>& departments) {
  return parts_->departments.CreateMany(departments);
}

absl::Status DirectoryService::Remember(std::string_view login, const Secret<std::string>& password) {
  YZ_ASSIGN_OR_RETURN(Secret<std::string> prepared, PreparePassword(password.Reveal()));
  const auto person = parts_->core.roster().FindLogin(LowerAscii(login));
  if (!person) return WrongCredentials();
  YZ_ASSIGN_OR_RETURN(auto credentials, Rows(*parts_->core.View()).Credentials(person->person.person_id()));
  if (!credentials) return WrongCredentials();
  return parts_->hasher.Verify(credentials->password_hash(), prepared, absl::InfiniteFuture());
}

}  // namespace yizhan::directory
