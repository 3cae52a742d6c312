#include "ldap/service/ldap_sources.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "ldap/service/rules.h"

namespace yizhan::directory {

absl::Status LdapSources::Open(std::vector<LdapSource> sources) {
  for (LdapSource& source : sources) {
    const bool good = !source.name.empty() && source.name.size() <= kMaxSourceBytes && source.name != kLocal &&
                      std::all_of(source.name.begin(), source.name.end(), [](char c) {
                        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
                      });
    if (!good || Find(source.name) != nullptr) {
      return Refuse(absl::StatusCode::kInvalidArgument, "LDAP_CONFIG",
                    absl::StrCat("LDAP source '", source.name, "': give each source a name of its own of a-z, 0-9, _ and -, at most ",
                                 kMaxSourceBytes, " characters, not 'local'"));
    }
    auto client = LdapClient::Create(std::move(source.config));
    if (!client.ok()) return Annotate(client.status(), absl::StrCat("LDAP source '", source.name, "'"));
    clients_.push_back({std::move(source.name), *std::move(client)});
  }
  return absl::OkStatus();
}

LdapClient* LdapSources::Find(std::string_view name) const {
  for (const Client& client : clients_) {
    if (client.name == name) return client.client.get();
  }
  return nullptr;
}

}  // namespace yizhan::directory
