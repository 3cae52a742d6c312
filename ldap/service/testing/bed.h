// The directory over a real ledger in a folder of its own, with a clock that stands still.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "base/clock.h"
#include "ldap/service/machine.h"
#include "ldap/service/parts.h"
#include "ledger/ledger.h"

namespace yizhan::directory {

class Bed {
 public:
  // Weak hashes, so that tests are quick; no other difference from production.
  static Parts::Options Quick();

  explicit Bed(Parts::Options options = Quick(), std::vector<LdapSource> (*sources)() = nullptr);
  ~Bed();

  // Stops everything and opens the same folder again.
  void Restart();
  void RestartWith(std::vector<LdapSource> sources);

  // A call that answers later, waited for.
  template <typename Response>
  absl::StatusOr<Response> WaitFor(absl::FunctionRef<void(Answer)> call) {
    absl::Notification done;
    absl::StatusOr<std::string> bytes;
    call([&](absl::StatusOr<std::string> result) {
      bytes = std::move(result);
      done.Notify();
    });
    done.WaitForNotification();
    if (!bytes.ok()) return bytes.status();
    Response response;
    if (!response.ParseFromString(*bytes)) return absl::InternalError("unreadable answer");
    return response;
  }

  // Adds a local person with the password "secret-LOGIN".
  v1::Person Add(std::string_view login, std::vector<int> roles = {}, std::string_view name = "测试");
  static std::string PasswordOf(std::string_view login) { return "secret-" + std::string(login); }

  absl::StatusOr<v1::LogInResponse> LogIn(std::string_view login, std::string_view password, std::string_view address = "192.0.2.1",
                                          std::string_view device = "test");
  // With the right password, which must do.
  v1::LogInResponse LoggedIn(std::string_view login, std::string_view device = "test");
  absl::StatusOr<v1::UpdatePersonResponse> Update(const v1::Person& person);
  absl::StatusOr<Principal> Who(std::string_view token);
  absl::StatusOr<v1::Department> PutDepartment(std::string_view name, std::string_view parent_id = "", int position = 0);

  // A person's session as a caller; a security administrator who is not in the directory; a service.
  static Caller AsCaller(const v1::LogInResponse& session);
  static Caller Administrator();
  static Caller Service();

  // Records of this kind, in order.
  std::vector<v1::DirectoryRecord> Records(v1::DirectoryRecord::KindCase kind) const;
  // The state equals a replay of its records from the first; empty, or what differs.
  std::string ReplayDiffers() const;

  FakeClock clock;
  const std::string dir;
  std::unique_ptr<ledger::Ledger> ledger;
  std::unique_ptr<Parts> parts;
  // Session ids, as the service says that they ended.
  std::vector<std::string> ended() const;

 private:
  void Open(std::vector<LdapSource> sources);
  void Close();

  const Parts::Options options_;
  Machine machine_;
  mutable absl::Mutex mu_;
  std::vector<std::string> ended_ ABSL_GUARDED_BY(mu_);
};

}  // namespace yizhan::directory
