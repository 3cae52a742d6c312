#include "appliance/options.h"

#include <arpa/inet.h>
#include <yaml-cpp/yaml.h>

#include <fstream>
#include <functional>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "base/status.h"

namespace yizhan::appliance {
namespace {

// A setting: takes the node, or says what it should be.
using Setter = std::function<absl::Status(const YAML::Node&)>;
using Settings = std::map<std::string, Setter>;

absl::Status Bad(const std::string& file, const YAML::Node& node, const std::string& message) {
  return Refuse(absl::StatusCode::kInvalidArgument, "CONFIG", absl::StrCat(file, ":", node.Mark().line + 1, ": ", message));
}

template <typename T>
Setter To(T* target, const char* what) {
  return [target, what](const YAML::Node& node) {
    try {
      *target = node.as<T>();
      return absl::OkStatus();
    } catch (const YAML::Exception&) {
      return absl::InvalidArgumentError(absl::StrCat("must be ", what));
    }
  };
}

// Applies a mapping; anything unknown is refused with what there is.
absl::Status Apply(const std::string& file, const YAML::Node& map, const Settings& settings) {
  if (!map.IsMap()) return Bad(file, map, "must be a mapping of settings");
  for (const auto& entry : map) {
    const std::string key = entry.first.as<std::string>("");
    auto it = settings.find(key);
    if (it == settings.end()) {
      std::vector<std::string> known;
      for (const auto& setting : settings) known.push_back(setting.first);
      return Bad(file, entry.first, absl::StrCat("unknown setting '", key, "'; known here: ", absl::StrJoin(known, ", ")));
    }
    if (absl::Status status = it->second(entry.second); !status.ok()) {
      return absl::StrContains(status.message(), file) ? status : Bad(file, entry.second, absl::StrCat(key, " ", std::string(status.message())));
    }
  }
  return absl::OkStatus();
}

absl::Status ReadSource(const std::string& file, const YAML::Node& node, directory::LdapSource& source) {
  std::string type = "openldap", password_file;
  if (node["type"]) type = node["type"].as<std::string>("");
  if (type != "openldap" && type != "ad") return Bad(file, node, "type must be openldap or ad");
  directory::LdapConfig& config = source.config;
  config = type == "ad" ? directory::ActiveDirectoryDefaults() : directory::OpenLdapDefaults();
  YZ_RETURN_IF_ERROR(Apply(file, node,
                           {{"name", To(&source.name, "a name")},
                            {"type", To(&type, "openldap or ad")},
                            {"urls", To(&config.urls, "a list of addresses")},
                            {"start_tls", To(&config.start_tls, "true or false")},
                            {"ca_file", To(&config.ca_file, "a file")},
                            {"bind_dn", To(&config.bind_dn, "a DN")},
                            {"bind_password_file", To(&password_file, "a file that holds the password")},
                            {"people_base", To(&config.people_base, "a DN")},
                            {"people_filter", To(&config.people_filter, "a filter")},
                            {"login_filter", To(&config.login_filter, "a filter with {login}")},
                            {"departments_base", To(&config.departments_base, "a DN")},
                            {"departments_filter", To(&config.departments_filter, "a filter")}}));
  if (source.name.empty()) return Bad(file, node, "an LDAP source needs a name");
  if (!password_file.empty()) {
    std::ifstream in(password_file);
    std::string password;
    if (!std::getline(in, password)) return Bad(file, node, absl::StrCat("bind_password_file ", password_file, " cannot be read"));
    config.bind_password = Secret<std::string>(password);
  }
  if (absl::Status status = directory::CheckLdapConfig(config); !status.ok()) return Bad(file, node, std::string(status.message()));
  return absl::OkStatus();
}

}  // namespace

absl::Status ReadConfig(const std::string& path, RunOptions& options) {
  YAML::Node root;
  try {
    root = YAML::LoadFile(path);
  } catch (const YAML::BadFile&) {
    return Refuse(absl::StatusCode::kInvalidArgument, "CONFIG", absl::StrCat(path, " cannot be read"));
  } catch (const YAML::Exception& error) {
    return Refuse(absl::StatusCode::kInvalidArgument, "CONFIG", absl::StrCat(path, ":", error.mark.line + 1, ": not YAML: ", error.msg));
  }
  if (root.IsNull()) return absl::OkStatus();
  return Apply(path, root,
               {{"address", To(&options.address, "an address of this machine")},
                {"port_base", To(&options.port_base, "a port")},
                {"domain", [&](const YAML::Node& node) {
                   options.domain_given = true;
                   return To(&options.domain, "a domain")(node);
                 }},
                {"data", To(&options.data_dir, "a folder")},
                {"pages", To(&options.pages_dir, "a folder")},
                {"log_level", To(&options.log_level, "debug, info, warning or error")},
                {"demonstration", To(&options.demonstration, "true or false")},
                {"im_partitions", To(&options.im_partitions, "a number")},
                {"threads", To(&options.threads, "a number")},
                {"ldap", [&](const YAML::Node& node) -> absl::Status {
                   if (!node.IsSequence()) return absl::InvalidArgumentError("must be a list of sources");
                   for (const auto& entry : node) YZ_RETURN_IF_ERROR(ReadSource(path, entry, options.ldap_sources.emplace_back()));
                   return absl::OkStatus();
                 }}});
}

absl::Status CheckOptions(const RunOptions& options) {
  const auto refuse = [](const std::string& message) { return Refuse(absl::StatusCode::kInvalidArgument, "OPTIONS", message); };
  in_addr v4;
  in6_addr v6;
  if (inet_pton(AF_INET, options.address.c_str(), &v4) != 1 && inet_pton(AF_INET6, options.address.c_str(), &v6) != 1) {
    return refuse(absl::StrCat("--address ", options.address, " is not an IP address of this machine"));
  }
  const bool loopback = options.address.rfind("127.", 0) == 0 || options.address == "::1";
  if (options.port_base < 0 || options.port_base > 65'530) return refuse(absl::StrCat("--port-base ", options.port_base, " leaves no room for five ports; use 0 to 65530"));
  if (options.plain_xmpp_port >= 0 && !loopback) return refuse("--plain-xmpp is for measuring and for loopback only: passwords would cross the network in the clear");
  if (options.plain_xmpp_port > 65'535) return refuse("--plain-xmpp must be a port, 0 to 65535");
  if (options.bench_people < 0 || options.bench_people > 200'000) return refuse("--bench-people must be 0 to 200000");
  if (options.bench_people > 0 && !options.domain_given) return refuse("--bench-people puts known passwords into the directory: it is taken only together with --domain, on a data folder for measuring");
  if (options.bench_people > 0 && !loopback) return refuse("--bench-people is taken on loopback only: its passwords are known to everybody");
  if (options.domain.empty() || options.domain.size() > 253 || options.domain.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") != std::string::npos) {
    return refuse(absl::StrCat("--domain '", options.domain, "' is not a domain name in lower case"));
  }
  if (options.im_partitions < 1 || options.im_partitions > 4'095) return refuse("im_partitions must be 1 to 4095");
  if (options.threads < 0 || options.threads > 64) return refuse("threads must be 0 to 64");
  return absl::OkStatus();
}

}  // namespace yizhan::appliance
