#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "appliance/appliance.h"

namespace yizhan::appliance {

std::string InfoJson(const RunOptions& options, const Addresses& addresses, const Demonstration& demonstration) {
  nlohmann::ordered_json info;
  info["xmpp"] = {{"host", options.address},
                  {"port", addresses.xmpp_port},
                  {"tls_port", addresses.xmpp_tls_port},
                  {"domain", options.domain},
                  {"groups_domain", "conference." + options.domain}};
  if (addresses.plain_xmpp_port != 0) info["xmpp"]["plain_port"] = addresses.plain_xmpp_port;
  info["web"] = {{"url", addresses.web_url}};
  info["grpc"] = {{"address", addresses.grpc_address}};
  info["metrics"] = {{"url", addresses.metrics_url}};
  info["ca"] = addresses.ca_file;
  info["widget_demo"] = addresses.widget_demo_url;
  info["archive"] = {{"public_key", addresses.archive_public_key}};
  info["people"] = nlohmann::ordered_json::array();
  for (const Account& person : demonstration.people) {
    info["people"].push_back({{"login", person.login}, {"password", person.password}, {"name", person.name}, {"roles", person.roles}});
  }
  return info.dump(2) + "\n";
}

std::string InfoText(const RunOptions& options, const Addresses& addresses, const Demonstration& demonstration) {
  std::string text = absl::StrCat(
      "\nYizhan runs. Ctrl-C stops it; the data stays in ", options.data_dir, ".\n\n",                          //
      "  Messenger      ", addresses.web_url, "/\n",                                                            //
      "  Workbench      ", addresses.web_url, "/desk/\n",                                                       //
      "  Archive        ", addresses.web_url, "/audit/\n",                                                      //
      "  Console        ", addresses.web_url, "/admin/\n");
  if (!addresses.widget_demo_url.empty()) absl::StrAppend(&text, "  Widget demo    ", addresses.widget_demo_url, "\n");
  absl::StrAppend(&text, "  XMPP           ", options.address, ":", addresses.xmpp_port, " (STARTTLS), :", addresses.xmpp_tls_port, " (TLS), domain ", options.domain, "\n",
                  "  gRPC           ", addresses.grpc_address, " (TLS)\n",                                      //
                  "  Metrics        ", addresses.metrics_url, "\n",                                             //
                  "  Certificate    ", addresses.ca_file, " (trust it in the browser, or accept its warning)\n",  //
                  "  Archive's key  ", addresses.archive_public_key, "\n");
  if (demonstration.people.empty()) return text;
  absl::StrAppend(&text, "\nAccounts of the demonstration bank, all with the password ", demonstration.people[0].password, "\n\n");
  size_t plain = 0;
  for (const Account& person : demonstration.people) {
    if (person.roles.size() <= 1 && ++plain > 4) continue;
    absl::StrAppendFormat(&text, "  %-16s %s  (%s)\n", person.login, person.name, absl::StrJoin(person.roles, ", "));
  }
  if (plain > 4) absl::StrAppend(&text, "  … and ", plain - 4, " more employees: see the messenger's directory\n");
  return text;
}

}  // namespace yizhan::appliance
