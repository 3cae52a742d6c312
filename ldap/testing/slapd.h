// A real OpenLDAP server for tests: Debian's slapd on free loopback ports, in a folder of its own, with a certificate
// made for it, and a small bank in it.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ldap/client/ldap_config.h"

namespace yizhan::directory {

// Not thread-safe. Needs slapd, slapadd and openssl of the system; runs as the current user and ends with this object,
// or with the thread that started it.
class Slapd {
 public:
  struct Options {
    std::string ca_dir;                                // another Slapd's ca_dir(): one authority for both
    std::string names = "DNS:localhost,IP:127.0.0.1";  // what its certificate says
    bool tls = true;                                   // false: it knows no TLS at all
    int extra_people = 0;                              // u0001 ... beside the bank's twelve
    int size_limit = 40;                               // what one search gives without paging
  };
  struct Login {
    std::string login;
    std::string password;
  };

  // Answers when the server does. Unavailable with slapd's own words when it does not start within 20 s.
  static absl::StatusOr<std::unique_ptr<Slapd>> Start(Options options);
  static absl::StatusOr<std::unique_ptr<Slapd>> Start();
  ~Slapd();
  Slapd(const Slapd&) = delete;
  Slapd& operator=(const Slapd&) = delete;

  // A configuration that reads this bank, over ldaps:// or over ldap:// with StartTLS.
  LdapConfig Config(bool ldaps = true) const;
  // The same for the branch under ou=ad, whose entries look like Active Directory's.
  LdapConfig ActiveDirectoryConfig() const;

  int ldap_port() const { return ldap_port_; }
  int ldaps_port() const { return ldaps_port_; }
  std::string ldap_url() const;
  std::string ldaps_url() const;
  std::string ca_dir() const;
  std::string ca_file() const;
  static std::string base();
  static std::string bind_dn();
  static std::string bind_password();
  // Who can log in (the disabled and the extra ones are not among them).
  static std::vector<Login> people();

  void Stop();             // at once; the data stays
  absl::Status Restart();  // on the same ports with the same data
  void Pause();            // SIGSTOP: it accepts connections and says nothing
  void Resume();

 private:
  Slapd(std::string dir, Options options);
  absl::Status Prepare();
  absl::Status Launch();
  absl::Status MakeCertificates();

  const std::string dir_;
  const Options options_;
  int ldap_port_ = 0;
  int ldaps_port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace yizhan::directory
