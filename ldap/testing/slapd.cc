#include "ldap/testing/slapd.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/status.h"
#include "base/testing/programs.h"
#include "ldap/testing/slapd_data.h"

namespace yizhan::directory {
namespace {

using yizhan::testing::FreePort;
using yizhan::testing::RunProgram;
using yizhan::testing::Spawn;
using yizhan::testing::Tail;

// As much of Active Directory's schema as a reader sees, with its object identifiers. Debian's msuser.schema has no
// matching rules, so nothing could be searched for.
constexpr char kActiveDirectorySchema[] = R"(
attributetype ( 1.2.840.113556.1.4.2 NAME 'objectGUID' EQUALITY octetStringMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.221 NAME 'sAMAccountName' EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.302 NAME 'sAMAccountType' EQUALITY integerMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.8 NAME 'userAccountControl' EQUALITY integerMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
objectclass ( 1.2.840.113556.1.5.9 NAME 'user' SUP organizationalPerson STRUCTURAL
  MAY ( displayName $ mail $ objectGUID $ sAMAccountName $ sAMAccountType $ userAccountControl ) )
)";

bool Listens(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  const bool connected = connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  close(fd);
  return connected;
}

absl::Status Write(const std::string& file, const std::string& text) {
  std::ofstream out(file);
  out << text;
  out.close();
  return out ? absl::OkStatus() : absl::InternalError(absl::StrCat("cannot write ", file));
}

}  // namespace

Slapd::Slapd(std::string dir, Options options) : dir_(std::move(dir)), options_(std::move(options)) {}

Slapd::~Slapd() {
  Stop();
  std::error_code ignored;
  std::filesystem::remove_all(dir_, ignored);
}

std::string Slapd::base() { return "dc=bank,dc=example"; }
std::string Slapd::bind_dn() { return "cn=reader,dc=bank,dc=example"; }
std::string Slapd::bind_password() { return "reader-of-the-bank"; }
std::string Slapd::ldap_url() const { return absl::StrCat("ldap://127.0.0.1:", ldap_port_); }
std::string Slapd::ldaps_url() const { return absl::StrCat("ldaps://127.0.0.1:", ldaps_port_); }
std::string Slapd::ca_dir() const { return options_.ca_dir.empty() ? dir_ : options_.ca_dir; }
std::string Slapd::ca_file() const { return ca_dir() + "/ca.pem"; }

absl::StatusOr<std::unique_ptr<Slapd>> Slapd::Start() { return Start(Options()); }

absl::StatusOr<std::unique_ptr<Slapd>> Slapd::Start(Options options) {
  const char* temporary = std::getenv("TMPDIR");
  std::string dir = absl::StrCat(temporary == nullptr ? "/tmp" : temporary, "/yizhan-slapd-XXXXXX");
  if (mkdtemp(dir.data()) == nullptr) return absl::InternalError(absl::StrCat("cannot make ", dir));
  std::unique_ptr<Slapd> slapd(new Slapd(dir, std::move(options)));
  YZ_RETURN_IF_ERROR(slapd->Prepare());
  absl::Status launched;
  for (int attempt = 0; attempt < 3; ++attempt) {
    slapd->ldap_port_ = FreePort();
    slapd->ldaps_port_ = FreePort();
    launched = slapd->Launch();
    if (launched.ok()) return slapd;
  }
  return launched;
}

absl::Status Slapd::MakeCertificates() {
  const std::string ca_key = ca_dir() + "/ca.key";
  if (options_.ca_dir.empty()) {
    YZ_RETURN_IF_ERROR(RunProgram({"openssl",
                                   "req",
                                   "-x509",
                                   "-newkey",
                                   "ec",
                                   "-pkeyopt",
                                   "ec_paramgen_curve:prime256v1",
                                   "-nodes",
                                   "-days",
                                   "3650",
                                   "-subj",
                                   "/CN=Test authority",
                                   "-addext",
                                   "basicConstraints=critical,CA:TRUE",
                                   "-addext",
                                   "keyUsage=critical,keyCertSign,cRLSign",
                                   "-keyout",
                                   ca_key,
                                   "-out",
                                   ca_file()},
                                  dir_)
                           .status());
  }
  YZ_RETURN_IF_ERROR(
      RunProgram({"openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
                  "/CN=Test directory", "-keyout", dir_ + "/server.key", "-out", dir_ + "/server.csr"},
                 dir_)
          .status());
  YZ_RETURN_IF_ERROR(Write(dir_ + "/server.ext", absl::StrCat("subjectAltName=", options_.names,
                                                              "\nextendedKeyUsage=serverAuth\n"
                                                              "keyUsage=critical,digitalSignature\n")));
  return RunProgram({"openssl", "x509", "-req", "-in", dir_ + "/server.csr", "-CA", ca_file(), "-CAkey", ca_key,
                     "-set_serial", absl::StrCat(absl::ToUnixNanos(absl::Now())), "-days", "3650", "-extfile",
                     dir_ + "/server.ext", "-out", dir_ + "/server.pem"},
                    dir_)
      .status();
}

absl::Status Slapd::Prepare() {
  YZ_RETURN_IF_ERROR(MakeCertificates());
  std::string conf;
  for (const char* schema : {"core", "cosine", "inetorgperson"}) {
    absl::StrAppend(&conf, "include /etc/ldap/schema/", schema, ".schema\n");
  }
  conf += kActiveDirectorySchema;
  absl::StrAppend(&conf, "modulepath /usr/lib/ldap\nmoduleload back_mdb\n", "pidfile ", dir_, "/slapd.pid\n",
                  "sizelimit size.soft=", options_.size_limit, " size.hard=", options_.size_limit,
                  " size.prtotal=unlimited\n");
  if (options_.tls) {
    absl::StrAppend(&conf, "TLSCACertificateFile ", ca_file(), "\nTLSCertificateFile ", dir_,
                    "/server.pem\nTLSCertificateKeyFile ", dir_, "/server.key\n");
  }
  absl::StrAppend(&conf, "database mdb\nmaxsize 67108864\ndbnosync\nsuffix \"", base(), "\"\ndirectory ", dir_,
                  "/data\nindex objectClass,uid,sAMAccountName eq\n",
                  "access to attrs=userPassword by anonymous auth by * none\n", "access to * by dn.exact=\"", bind_dn(),
                  "\" read by anonymous auth by * none\n");
  YZ_RETURN_IF_ERROR(Write(dir_ + "/slapd.conf", conf));
  YZ_RETURN_IF_ERROR(Write(dir_ + "/bank.ldif", BankLdif(options_.extra_people)));
  mkdir((dir_ + "/data").c_str(), 0700);
  return RunProgram({"/usr/sbin/slapadd", "-q", "-f", dir_ + "/slapd.conf", "-l", dir_ + "/bank.ldif"}, dir_).status();
}

absl::Status Slapd::Launch() {
  std::string listeners = absl::StrCat(ldap_url(), "/");
  if (options_.tls) absl::StrAppend(&listeners, " ", ldaps_url(), "/");
  const std::string log = dir_ + "/slapd.log";
  // -d keeps it in the foreground; 0 says only what is wrong.
  pid_ = Spawn({"/usr/sbin/slapd", "-d", "0", "-f", dir_ + "/slapd.conf", "-h", listeners}, log, log);
  const absl::Time patience = absl::Now() + absl::Seconds(20);
  while (pid_ > 0 && absl::Now() < patience) {
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = -1;
      break;
    }
    if (Listens(ldap_port_) && (!options_.tls || Listens(ldaps_port_))) return absl::OkStatus();
    absl::SleepFor(absl::Milliseconds(5));
  }
  Stop();
  return absl::UnavailableError(absl::StrCat("slapd does not start: ", Tail(log)));
}

void Slapd::Stop() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

absl::Status Slapd::Restart() {
  Stop();
  return Launch();
}

void Slapd::Pause() {
  if (pid_ <= 0) return;
  kill(pid_, SIGSTOP);
  waitpid(pid_, nullptr, WUNTRACED);  // until its last thread stands still
}

void Slapd::Resume() {
  if (pid_ > 0) kill(pid_, SIGCONT);
}

LdapConfig Slapd::Config(bool ldaps) const {
  LdapConfig config = OpenLdapDefaults();
  config.urls = {ldaps ? ldaps_url() : ldap_url()};
  config.ca_file = ca_file();
  config.bind_dn = bind_dn();
  config.bind_password = Secret<std::string>(bind_password());
  config.people_base = absl::StrCat("ou=staff,", base());
  config.departments_base = absl::StrCat("ou=总行,ou=staff,", base());
  config.attributes.disabled = "employeeType";
  config.attributes.disabled_value = "disabled";
  return config;
}

LdapConfig Slapd::ActiveDirectoryConfig() const {
  LdapConfig config = ActiveDirectoryDefaults();
  const LdapConfig own = Config();
  config.urls = own.urls;
  config.ca_file = own.ca_file;
  config.bind_dn = own.bind_dn;
  config.bind_password = own.bind_password;
  config.people_base = absl::StrCat("ou=ad,", base());
  config.departments_base = config.people_base;
  // OpenLDAP gives its own units no objectGUID.
  config.departments_filter = "";
  return config;
}

}  // namespace yizhan::directory
