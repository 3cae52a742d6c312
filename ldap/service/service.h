// The directory, composed. A main (or a test) does, in this order:
//
//   auto directory = std::make_unique<directory::DirectoryService>(ledger, options);   // before Ledger::Start: registers machine, listener
//   ledger->Start();
//   directory->Start();                     // people in memory, LDAP sources, sweeping
//   directory->Register(table);             // SessionService and DirectoryService
//   ... and at the end, when the server has stopped: directory->Stop(), ledger->Stop(), then let go of it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/rpc/service.h"
#include "base/secret.h"
#include "ldap/service/departments.h"
#include "ldap/service/ldap_sources.h"
#include "ldap/service/people.h"
#include "ledger/ledger.h"

namespace yizhan::directory {

struct Parts;

struct Options {
  // 32 bytes of the installation, the same after each start: Keyring::Derive("directory-fake-salt"). Hides which log-in names exist.
  Secret<std::string> install_key;
  std::vector<LdapSource> ldap_sources;
  // Hears of every session that ends: Authenticator::Forget, closing its links. On the ledger's completion thread; must not block.
  std::function<void(std::string_view session_id, std::string_view person_id)> session_ended;

  // Where several machines are one: something is to be recorded that happened here, and another one decides for the directory. Has it
  // recorded there, by a method of SessionService with its serialised request. Must not block.
  std::function<void(std::string_view method, std::string request)> record_elsewhere;

  // A session ends after this long without use, and at the latest.
  absl::Duration session_idle = absl::Hours(24 * 14);
  absl::Duration session_longest = absl::Hours(24 * 90);
  // Password hashes at once: 19 MiB and a core each, for some 20 ms.
  int parallel_hashes = 2;
  // Log-ins and bindings at LDAP servers at once.
  int ldap_workers = 8;
  // Attempts not yet decided from one address (an office behind one NAT), see AttemptLimiter::Bounds::address_burst.
  int attempts_per_address = 100;
  // Log-ins and password changes that wait; in each of the two pools.
  size_t max_queued = 2'048;
  const Clock* clock = &RealClock();
};

class DirectoryService {
 public:
  // `ledger` outlives the service. Before Ledger::Start.
  DirectoryService(ledger::Ledger* ledger, Options options);
  // After Ledger::Stop: commands on their way still answer through the service.
  ~DirectoryService();

  // After Ledger::Start. InvalidArgument LDAP_CONFIG for a source that cannot be used as it is configured (no server is asked yet), DataLoss
  // for state that cannot be read.
  absl::Status Start();
  // Answers what waits (Unavailable) and ends the threads. Once the server takes no more calls; before Ledger::Stop or after it.
  void Stop();

  // All methods of yizhan.directory.v1.SessionService and DirectoryService.
  void Register(rpc::ServiceTable& table);

  // For the main's own people (a demonstration bank, a load test). All block; after Start; never from the ledger's threads.
  //
  // Credentials of one password for many people: hashed once.
  absl::StatusOr<std::shared_ptr<const v1::CredentialsSet>> PrepareCredentials(const Secret<std::string>& password);
  // Adds those whose log-in names are not there; the others stay as they are. 19,000 with shared credentials take some seconds.
  absl::StatusOr<People::Created> CreatePeople(std::vector<NewPerson> people);
  // Adds departments; those whose name stands below the same parent stay as they are. Answers all ids, in order.
  absl::StatusOr<std::vector<std::string>> CreateDepartments(const std::vector<NewDepartment>& departments);
  // Verifies a password now, so that the next log-ins with it are quick (those of all people who share the credentials). WRONG_CREDENTIALS.
  absl::Status Remember(std::string_view login, const Secret<std::string>& password);

  Parts& parts() { return *parts_; }

 private:
  Options options_;
  std::unique_ptr<Parts> parts_;
  struct Gauges;
  std::unique_ptr<Gauges> gauges_;
};

// Registers all methods of SessionService and DirectoryService.
void RegisterMethods(Parts& parts, rpc::ServiceTable& table);

}  // namespace yizhan::directory
