#include "ldap/client/ldap_config.h"

#include <fstream>
#include <string_view>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status.h"
#include "ldap/client/dn.h"
#include "ldap/client/filter.h"

namespace yizhan::directory {
namespace {

absl::Status Wrong(absl::string_view setting, absl::string_view what) {
  return Refuse(absl::StatusCode::kInvalidArgument, "LDAP_CONFIG", absl::StrCat("ldap.", setting, ": ", what));
}

absl::Status CheckUrl(const std::string& url, bool start_tls) {
  absl::string_view host = url;
  const bool ldaps = absl::ConsumePrefix(&host, "ldaps://");
  if (!ldaps && !absl::ConsumePrefix(&host, "ldap://")) {
    return Wrong("urls", absl::StrCat("\"", url, "\" is no address; write ldaps://HOST[:PORT] or ldap://HOST[:PORT]"));
  }
  if (!ldaps && !start_tls) {
    return Wrong("urls", absl::StrCat("\"", url,
                                      "\" without start_tls would send passwords in the clear; switch "
                                      "start_tls on or write ldaps://"));
  }
  // A DN, attributes or a filter within the address would be ignored; somebody would believe that they are not.
  if (host.empty() || host.find_first_of("/?# \t@,") != absl::string_view::npos) {
    return Wrong("urls", absl::StrCat("\"", url, "\" must be a host and perhaps a port, nothing after it"));
  }
  if (host.front() == ':' || host.back() == ':') return Wrong("urls", absl::StrCat("\"", url, "\" lacks host or port"));
  const size_t colon = host.rfind(':');
  if (colon != absl::string_view::npos && host.back() != ']') {
    int port = 0;
    if (!absl::SimpleAtoi(host.substr(colon + 1), &port) || port < 1 || port > 65535) {
      return Wrong("urls", absl::StrCat("\"", url, "\" has no port between 1 and 65535"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckFilterOf(absl::string_view setting, const std::string& filter) {
  if (absl::Status status = ParseFilter(filter).status(); !status.ok()) return Wrong(setting, status.message());
  return absl::OkStatus();
}

absl::Status CheckDnOf(absl::string_view setting, const std::string& dn) {
  if (dn.empty()) return Wrong(setting, "is missing");
  if (absl::Status status = ParseDn(dn).status(); !status.ok()) return Wrong(setting, status.message());
  return absl::OkStatus();
}

absl::Status CheckPositive(absl::string_view setting, absl::Duration value) {
  if (value < absl::Milliseconds(1) || value > absl::Hours(24)) {
    return Wrong(setting, absl::StrCat(absl::FormatDuration(value), " is out of range; use 1 ms to 24 h"));
  }
  return absl::OkStatus();
}

}  // namespace

LdapConfig OpenLdapDefaults() {
  LdapConfig config;
  config.people_filter = "(objectClass=inetOrgPerson)";
  config.login_filter = "(&(objectClass=inetOrgPerson)(uid={login}))";
  config.departments_filter = "(objectClass=organizationalUnit)";
  config.attributes = {.key = "entryUUID",
                       .login = "uid",
                       .name = "displayName",
                       .name_zh = "cn;lang-zh",
                       .name_en = "cn;lang-en",
                       .mail = "mail",
                       .title = "title",
                       .phone = "telephoneNumber",
                       .department_name = "ou",
                       .disabled = "pwdAccountLockedTime",
                       .disabled_bits = 0,
                       .disabled_value = ""};
  return config;
}

LdapConfig ActiveDirectoryDefaults() {
  LdapConfig config;
  // sAMAccountType 805306368: a normal user account; a computer is a user too, by class.
  config.people_filter = "(&(objectClass=user)(sAMAccountType=805306368))";
  config.login_filter = "(&(objectClass=user)(sAMAccountType=805306368)(sAMAccountName={login}))";
  config.departments_filter = "(objectClass=organizationalUnit)";
  config.attributes = {.key = "objectGUID",
                       .login = "sAMAccountName",
                       .name = "displayName",
                       .name_zh = "",
                       .name_en = "",
                       .mail = "mail",
                       .title = "title",
                       .phone = "telephoneNumber",
                       .department_name = "ou",
                       .disabled = "userAccountControl",
                       .disabled_bits = 2,
                       .disabled_value = ""};
  return config;
}

absl::Status CheckLdapConfig(const LdapConfig& config) {
  if (config.urls.empty()) return Wrong("urls", "is empty; write at least one server's address");
  if (config.urls.size() > 16) return Wrong("urls", "names more than 16 servers");
  for (const std::string& url : config.urls) YZ_RETURN_IF_ERROR(CheckUrl(url, config.start_tls));
  if (config.ca_file.empty()) return Wrong("ca_file", "is missing; the server's certificate is always checked");
  std::ifstream ca(config.ca_file);
  const std::string pem((std::istreambuf_iterator<char>(ca)), std::istreambuf_iterator<char>());
  if (!absl::StrContains(pem, "-----BEGIN CERTIFICATE-----")) {
    return Wrong("ca_file", absl::StrCat("\"", config.ca_file, "\" cannot be read or holds no certificate in PEM"));
  }
  YZ_RETURN_IF_ERROR(CheckDnOf("bind_dn", config.bind_dn));
  if (config.bind_password.empty()) return Wrong("bind_password", "is empty; a server would take it for anonymous");
  YZ_RETURN_IF_ERROR(CheckDnOf("people_base", config.people_base));
  YZ_RETURN_IF_ERROR(CheckFilterOf("people_filter", config.people_filter));
  YZ_RETURN_IF_ERROR(CheckFilterOf("login_filter", config.login_filter));
  if (!absl::StrContains(config.login_filter, "{login}")) {
    return Wrong("login_filter", "lacks {login}, the place of what the person typed");
  }
  if (!config.departments_filter.empty()) {
    YZ_RETURN_IF_ERROR(CheckFilterOf("departments_filter", config.departments_filter));
    YZ_RETURN_IF_ERROR(CheckDnOf("departments_base", config.departments_base));
    if (config.attributes.department_name.empty()) return Wrong("attributes.department_name", "is missing");
    if (config.department_source == DepartmentSource::kGroups && config.member_attribute.empty()) {
      return Wrong("member_attribute", "is missing");
    }
  }
  if (config.attributes.key.empty()) return Wrong("attributes.key", "is missing; use entryUUID or objectGUID");
  if (config.attributes.login.empty()) return Wrong("attributes.login", "is missing; use uid or sAMAccountName");
  YZ_RETURN_IF_ERROR(CheckPositive("connect_timeout", config.connect_timeout));
  YZ_RETURN_IF_ERROR(CheckPositive("operation_timeout", config.operation_timeout));
  YZ_RETURN_IF_ERROR(CheckPositive("call_timeout", config.call_timeout));
  YZ_RETURN_IF_ERROR(CheckPositive("sync_timeout", config.sync_timeout));
  if (config.page_size < 1 || config.page_size > 10'000) return Wrong("page_size", "must be 1 to 10000");
  if (config.connections < 1 || config.connections > 64) return Wrong("connections", "must be 1 to 64");
  return absl::OkStatus();
}

absl::Status CarrySecretOver(const LdapConfig& before, LdapConfig* after) {
  if (!after->bind_password.empty()) return absl::OkStatus();
  if (before.urls != after->urls || before.bind_dn != after->bind_dn || before.ca_file != after->ca_file ||
      before.start_tls != after->start_tls) {
    return Refuse(absl::StatusCode::kFailedPrecondition, "LDAP_SECRET_DROPPED",
                  "ldap.bind_password: servers, bind_dn, ca_file or start_tls have changed, so the old password is not "
                  "sent there; enter it again");
  }
  after->bind_password = before.bind_password;
  return absl::OkStatus();
}

}  // namespace yizhan::directory
