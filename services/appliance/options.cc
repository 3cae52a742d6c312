#include "appliance/options.h"

#include <arpa/inet.h>

#include <memory>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "admin/backup/schedule.h"
#include "base/status.h"
#include "ldap/service/rules.h"
#include "ldap/service/tables.h"

namespace yizhan::appliance {
namespace {

absl::Status CheckAddress(const std::string& address) {
  in_addr v4;
  in6_addr v6;
  if (inet_pton(AF_INET, address.c_str(), &v4) == 1 || inet_pton(AF_INET6, address.c_str(), &v6) == 1) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("must be an IP address of this machine, such as 127.0.0.1, not \"", address, "\""));
}

absl::Status CheckDomain(const std::string& domain) {
  constexpr char kLetters[] = "abcdefghijklmnopqrstuvwxyz0123456789.-";
  if (!domain.empty() && domain.size() <= 253 && domain.find_first_not_of(kLetters) == std::string::npos) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("must be a domain name in lower case, such as bank.example, not \"", domain, "\""));
}

// A machine's name, as the certificates have it.
absl::Status CheckNode(const std::string& node) {
  constexpr char kLetters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
  if (node.size() <= 63 && node.find_first_not_of(kLetters) == std::string::npos &&
      (node.empty() || (node.front() != '-' && node.back() != '-'))) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("must be a name of 1 to 63 of a-z, 0-9 and -, such as node-1, not \"", node, "\""));
}

absl::Status CheckClusterName(const std::string& name) {
  return name.empty() ? absl::InvalidArgumentError("must be a name of 1 to 63 of a-z, 0-9 and -") : CheckNode(name);
}

// A cluster needs all of it; without one, none of it is looked at.
std::vector<config::Schema::Mistake> CheckCluster(const ClusterOptions& cluster) {
  std::vector<config::Schema::Mistake> mistakes;
  if (!cluster.enabled()) return mistakes;
  const auto need = [&mistakes](const char* key, const std::string& value, const char* what) {
    if (value.empty()) mistakes.push_back({key, absl::StrCat("must be ", what, " where cluster.node is set")});
  };
  need("cluster.address", cluster.address, "the inner face's \"HOST:PORT\", as the other machines reach it,");
  need("cluster.ca", cluster.tls.ca, "a file");
  need("cluster.certificate", cluster.tls.certificate, "a file");
  need("cluster.key", cluster.tls.private_key, "a file");
  if (cluster.etcd.empty()) mistakes.push_back({"cluster.etcd", "must name etcd's members, [\"HOST:PORT\"], where cluster.node is set"});
  return mistakes;
}

// A place for backups: a folder on this machine, or a bucket.
absl::Status CheckPlace(const std::string& place) {
  if (place.empty() || place[0] == '/' || place.rfind("s3://", 0) == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("must be a folder's whole path, /…, or s3://BUCKET/PREFIX, not \"", place, "\""));
}

bool IsBucket(const std::string& place) { return place.rfind("s3://", 0) == 0; }

// A section's keys that say how its S3-compatible store is reached; without `secret` that file is not read.
void BindS3(config::Schema& schema, const std::string& section, objects::StoreOptions* store, bool secret) {
  schema.String(section + ".s3_endpoint", &store->s3_endpoint, "The S3-compatible store: https://HOST:PORT.")
      .String(section + ".s3_region", &store->s3_region, "Its region.")
      .String(section + ".s3_access_key", &store->s3_access_key, "Who writes there.")
      .SecretFile(section + ".s3_secret_key_file", secret ? &store->s3_secret_key : nullptr, "A file whose first line is that one's secret key.")
      .String(section + ".s3_ca", &store->s3_ca, "The authorities that may vouch for the store, in PEM; empty: the system's.");
}

void NeedS3(const std::string& section, const objects::StoreOptions& store, std::vector<config::Schema::Mistake>& mistakes) {
  if (store.s3_endpoint.empty()) mistakes.push_back({section + ".s3_endpoint", "must be the store's address, https://HOST:PORT, where a place is s3://"});
  if (store.s3_access_key.empty()) mistakes.push_back({section + ".s3_access_key", "must be set where a place is s3://"});
  if (store.s3_secret_key.empty()) mistakes.push_back({section + ".s3_secret_key_file", "must be set where a place is s3://"});
}

// A backup needs somebody who can open it.
std::vector<config::Schema::Mistake> CheckBackup(const admin::BackupOptions& backup) {
  std::vector<config::Schema::Mistake> mistakes;
  if (!backup.enabled()) return mistakes;
  if (backup.recipients.empty()) {
    mistakes.push_back({"backup.recipients", "must name who can open the backups, [\"age1…\"], where backup.to is set; `yizhan backup key` makes one"});
  } else if (auto parsed = admin::ParseRecipients(backup.recipients); !parsed.ok()) {
    mistakes.push_back({"backup.recipients", std::string(parsed.status().message())});
  }
  if (IsBucket(backup.to.place) || IsBucket(backup.keys_to)) NeedS3("backup", backup.to, mistakes);
  return mistakes;
}

absl::Status CheckFolder(const std::string& folder) {
  return folder.empty() ? absl::InvalidArgumentError("must be a folder") : absl::OkStatus();
}

absl::Status CheckSourceName(const std::string& name) {
  constexpr char kLetters[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";
  if (!name.empty() && name.size() <= directory::kMaxSourceBytes && name != directory::kLocal &&
      name.find_first_not_of(kLetters) == std::string::npos) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat("must be a name of 1 to ", directory::kMaxSourceBytes,
                                                 " of a-z, 0-9, - and _, and not \"", std::string(directory::kLocal),
                                                 "\", not \"", name, "\""));
}

std::vector<config::Schema::Mistake> CheckSourceNames(const std::vector<directory::LdapSource>& sources) {
  std::set<std::string> names;
  for (const directory::LdapSource& source : sources) {
    if (!source.name.empty() && !names.insert(source.name).second) {
      return {{"ldap", absl::StrCat("has two sources with the name \"", source.name, "\"; give each its own")}};
    }
  }
  return {};
}

// What CheckLdapConfig() refuses, at the key that it is about: its message begins with "ldap.KEY: ".
std::vector<config::Schema::Mistake> CheckSource(const directory::LdapSource& source) {
  const absl::Status status = directory::CheckLdapConfig(source.config);
  if (status.ok()) return {};
  absl::string_view what = status.message();
  absl::ConsumePrefix(&what, "ldap.");
  const size_t colon = what.find(": ");
  std::string key(what.substr(0, colon));
  if (key == "bind_password") key = "bind_password_file";
  return {{std::move(key), std::string(colon == absl::string_view::npos ? what : what.substr(colon + 2))}};
}

void BindSource(config::Schema& schema, directory::LdapSource* source, bool with_secrets) {
  directory::LdapConfig& config = source->config;
  if (config.attributes.key.empty()) config = directory::OpenLdapDefaults();
  // The word is not kept: the attributes tell.
  auto type = std::make_shared<std::string>(config.attributes.login == "uid" ? "openldap" : "ad");
  const auto chosen = [&config, type] {
    config = *type == "ad" ? directory::ActiveDirectoryDefaults() : directory::OpenLdapDefaults();
  };
  schema
      .String("name", &source->name,
              "What people's entries are known to come from; never to be changed: 1 to 32 of a-z, 0-9, - and _.",
              CheckSourceName)
      .Required()
      .Preset("type", type.get(), {"openldap", "ad"}, chosen,
              "Which filters and attributes stand where none are given.")
      .Strings("urls", &config.urls,
               "Servers with the same directory, the preferred one first: [\"ldaps://HOST:PORT\"].")
      .Required()
      .Bool("start_tls", &config.start_tls, "Ask ldap:// servers for TLS first; nothing is sent to them without.")
      .String("ca_file", &config.ca_file, "The authorities that may vouch for the servers, in PEM.")
      .Required()
      .String("bind_dn", &config.bind_dn, "Who searches: a DN that may read people and departments.")
      .Required()
      .SecretFile("bind_password_file", with_secrets ? &config.bind_password : nullptr, "A file whose first line is that one's password.")
      .Required()
      .String("people_base", &config.people_base, "The DN below which people are.")
      .Required()
      .String("people_filter", &config.people_filter, "Which entries below it are people.")
      .String("login_filter", &config.login_filter, "Who may log in; {login} is what they typed.")
      .String("departments_base", &config.departments_base, "The DN below which departments are.")
      .String("departments_filter", &config.departments_filter, "Which entries are departments; empty: no departments.")
      .Together([source, with_secrets] { return with_secrets ? CheckSource(*source) : std::vector<config::Schema::Mistake>(); });
}

}  // namespace

config::Schema OptionsSchema(RunOptions* options, const std::string& service) {
  const auto reads = [&service](const char* whose) { return service.empty() || service == whose; };
  const bool directory = reads("directory"), archive = reads("audit"), cluster = service.empty();
  config::Schema schema;
  schema
      .String("data", &options->data_dir, "The data folder: ledger, archive, search index, keys, certificates.",
              CheckFolder)
      .String("pages", &options->pages_dir, "The folder of the built pages; empty: no pages are served.")
      .String("address", &options->address, "The IP address to listen on.", CheckAddress)
      .Int("port_base", &options->port_base, 0, 65'530,
           "HTTPS at this port, XMPP at +1 (STARTTLS) and +2 (TLS), gRPC at +3, metrics at +4; 0: any free ports.")
      .Int("inner_port_base", &options->inner_port_base, 1, 65'519,
           "Where each service is a process of its own: they speak to one another at this port and the 15 behind it, on loopback.")
      .String("domain", &options->domain, "The XMPP domain and name of the installation.", CheckDomain)
      .Choice("log_level", &options->log_level, {"debug", "info", "warning", "error", "off"}, "What is logged.")
      .Bool("demonstration", &options->demonstration,
            "Whether to seed the demonstration bank: people with a known password.")
      .Int("im_partitions", &options->im_partitions, 1, 4'095,
           "Partitions of conversations. A data folder keeps those that it has.")
      .Int("threads", &options->threads, 0, 64, "Threads of the edge; 0: one for each core, at most 8.")
      .List<directory::LdapSource>("ldap", &options->ldap_sources, [directory](config::Schema& item, directory::LdapSource* source) { BindSource(item, source, directory); },
                                   "LDAP directories whose people log in with their passwords there.")
      .String("cluster.node", &options->cluster.node, "This machine's name in its cluster; empty: a single machine.", CheckNode)
      .String("cluster.name", &options->cluster.name, "The cluster's name in etcd.", CheckClusterName)
      .Bool("cluster.found", &options->cluster.found, "Found the cluster from this machine's data when it is not there yet.")
      .String("cluster.address", &options->cluster.address, "Where the other machines reach this one: HOST:PORT.")
      .String("cluster.ca", &options->cluster.tls.ca, "The authority of the machines' certificates, in PEM.")
      .String("cluster.certificate", &options->cluster.tls.certificate, "This machine's certificate, in PEM.")
      .String("cluster.key", &options->cluster.tls.private_key, "Its key.")
      .Strings("cluster.etcd", &options->cluster.etcd, "etcd's members, the nearest first: [\"HOST:PORT\"].")
      .String("cluster.etcd_ca", &options->cluster.etcd_tls.ca, "The authority of etcd's certificates; empty: no TLS.")
      .String("cluster.etcd_certificate", &options->cluster.etcd_tls.certificate, "The certificate shown to etcd.")
      .String("cluster.etcd_key", &options->cluster.etcd_tls.private_key, "Its key.")
      .String("cluster.etcd_user", &options->cluster.etcd_user, "etcd's user; empty: none.")
      .SecretFile("cluster.etcd_password_file", cluster ? &options->cluster.etcd_password : nullptr, "A file whose first line is the user's password.")
      .String("backup.to", &options->backup.to.place, "Where backups go: a folder, or s3://BUCKET/PREFIX; empty: nowhere.", CheckPlace)
      .String("backup.keys_to", &options->backup.keys_to, "Where the keys go that open what is in backup.to, to be kept apart; empty: there as well.", CheckPlace)
      .Strings("backup.recipients", &options->backup.recipients, "Who can open them: public keys, [\"age1…\"].")
      .Int("backup.every_minutes", &options->backup.every_minutes, 1, 10'080, "Minutes from one backup to the next.")
      .String("files.to", &options->files.place, "Where files go (exports): a folder that all machines share, or s3://BUCKET/PREFIX; empty: the data folders of the machines.", CheckPlace)
      .Together([options, archive] {
        auto mistakes = CheckSourceNames(options->ldap_sources);
        if (archive) {
          for (auto& mistake : CheckBackup(options->backup)) mistakes.push_back(std::move(mistake));
          if (IsBucket(options->files.place)) NeedS3("files", options->files, mistakes);
        }
        for (auto& mistake : CheckCluster(options->cluster)) mistakes.push_back(std::move(mistake));
        return mistakes;
      });
  BindS3(schema, "backup", &options->backup.to, archive);
  BindS3(schema, "files", &options->files, archive);
  return schema;
}

absl::Status CheckOptions(const RunOptions& options) {
  const auto refuse = [](const std::string& message) {
    return Refuse(absl::StatusCode::kInvalidArgument, "OPTIONS", message);
  };
  const bool loopback = options.address.rfind("127.", 0) == 0 || options.address == "::1";
  if (options.plain_xmpp_port >= 0 && !loopback) {
    return refuse(
        "--plain-xmpp is for measuring and for loopback only: passwords would cross the network in the clear");
  }
  if (options.plain_xmpp_port > 65'535) return refuse("--plain-xmpp must be a port, 0 to 65535");
  if (options.bench_people < 0 || options.bench_people > 200'000) return refuse("--bench-people must be 0 to 200000");
  if (options.bench_people > 0 && !options.domain_given) {
    return refuse(
        "--bench-people puts known passwords into the directory: it is taken only together with --domain, on a data "
        "folder for measuring");
  }
  if (options.bench_people > 0 && !loopback) {
    return refuse("--bench-people is taken on loopback only: its passwords are known to everybody");
  }
  return absl::OkStatus();
}

}  // namespace yizhan::appliance
