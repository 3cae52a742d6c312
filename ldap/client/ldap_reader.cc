#include "ldap/client/ldap_reader.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace yizhan::directory {
namespace {

constexpr size_t kMaxMembers = 1'000'000;  // of one group

struct Read {
  std::vector<RawEntry> entries;
  size_t referrals = 0;
};

absl::StatusOr<Read> ReadPaged(LdapConnection& connection, const LdapSearch& search, size_t most, absl::Time deadline) {
  Read read;
  std::string cookie;
  do {
    YZ_ASSIGN_OR_RETURN(LdapPage page, connection.Search(search, cookie, deadline));
    read.referrals += page.referrals;
    for (RawEntry& entry : page.entries) read.entries.push_back(std::move(entry));
    if (read.entries.size() > most) {
      return Refuse(absl::StatusCode::kResourceExhausted, "LDAP_TOO_MANY",
                    absl::StrCat("more than ", most, " entries below \"", search.base, "\" match ", search.filter,
                                 "; narrow the filter, or raise ldap.max_people or ldap.max_departments"));
    }
    if (!page.cookie.empty() && page.cookie == cookie && page.entries.empty()) {
      return Refuse(absl::StatusCode::kFailedPrecondition, "LDAP_NO_PAGING",
                    absl::StrCat("LDAP server ", connection.url(), " gives the same empty page again and again"));
    }
    cookie = std::move(page.cookie);
  } while (!cookie.empty());
  return read;
}

absl::Status CompleteRanges(LdapConnection& connection, RawEntry& entry, const std::string& wanted,
                            absl::Time deadline) {
  const std::string name = absl::AsciiStrToLower(wanted);
  std::vector<std::string> all = entry.All(name);
  std::string piece;
  for (const auto& [description, values] : entry.attributes) {
    if (absl::StartsWith(description, absl::StrCat(name, ";range="))) piece = description;
  }
  RawEntry current = entry;
  while (!piece.empty()) {
    YZ_ASSIGN_OR_RETURN(const ValueRange range, ParseRange(piece));
    const std::vector<std::string>& values = current.All(piece);
    all.insert(all.end(), values.begin(), values.end());
    if (range.last) break;
    if (all.size() > kMaxMembers || values.empty() || range.next != all.size()) {
      return Refuse(absl::StatusCode::kDataLoss, "LDAP_ENTRY",
                    absl::StrCat("\"", entry.dn, "\": the pieces of ", wanted, " do not fit together"));
    }
    const LdapSearch search = {.base = entry.dn,
                               .base_only = true,
                               .filter = "(objectClass=*)",
                               .attributes = {absl::StrCat(wanted, ";range=", range.next, "-*")}};
    YZ_ASSIGN_OR_RETURN(LdapPage page, connection.Search(search, "", deadline));
    piece.clear();
    if (page.entries.size() == 1) {
      current = std::move(page.entries[0]);
      for (const auto& [description, unused] : current.attributes) {
        if (absl::StartsWith(description, absl::StrCat(name, ";range="))) piece = description;
      }
    }
    if (piece.empty()) {
      return Refuse(absl::StatusCode::kUnavailable, "LDAP_UNAVAILABLE",
                    absl::StrCat("\"", entry.dn, "\" changed while it was read; try again"));
    }
  }
  entry.attributes[name] = std::move(all);
  return absl::OkStatus();
}

}  // namespace

std::vector<std::string> PersonAttributes(const LdapAttributes& attributes) {
  return {attributes.key,     attributes.login,   attributes.name, "cn",
          attributes.name_zh, attributes.name_en, attributes.mail, attributes.title,
          attributes.phone,   attributes.disabled};
}

absl::StatusOr<ValueRange> ParseRange(std::string_view description) {
  static constexpr absl::string_view kOption = ";range=";
  const std::string text = absl::AsciiStrToLower(absl::string_view(description.data(), description.size()));
  const size_t at = text.find(std::string(kOption));
  if (at == std::string::npos) return absl::NotFoundError("no range");
  const std::string bounds = text.substr(at + kOption.size());
  const size_t dash = bounds.find('-');
  ValueRange range = {.attribute = text.substr(0, at)};
  uint64_t first = 0, last = 0;
  const bool first_ok = dash != std::string::npos && absl::SimpleAtoi(bounds.substr(0, dash), &first);
  const std::string end = dash == std::string::npos ? "" : bounds.substr(dash + 1);
  range.last = end == "*";
  if (!first_ok || (!range.last && (!absl::SimpleAtoi(end, &last) || last < first || last >= kMaxMembers))) {
    return Refuse(absl::StatusCode::kDataLoss, "LDAP_ENTRY", absl::StrCat("\"", text, "\" is no range of values"));
  }
  range.next = last + 1;
  return range;
}

absl::StatusOr<LdapSnapshot> ReadSnapshot(LdapConnection& connection, const LdapConfig& config, absl::Time deadline) {
  Read departments;
  if (!config.departments_filter.empty()) {
    LdapSearch search = {.base = config.departments_base,
                         .filter = config.departments_filter,
                         .attributes = {config.attributes.key, config.attributes.department_name},
                         .page_size = config.page_size};
    const bool groups = config.department_source == DepartmentSource::kGroups;
    if (groups) search.attributes.push_back(config.member_attribute);
    YZ_ASSIGN_OR_RETURN(departments, ReadPaged(connection, search, config.max_departments, deadline));
    for (RawEntry& entry : departments.entries) {
      if (groups) YZ_RETURN_IF_ERROR(CompleteRanges(connection, entry, config.member_attribute, deadline));
    }
  }
  const LdapSearch search = {.base = config.people_base,
                             .filter = config.people_filter,
                             .attributes = PersonAttributes(config.attributes),
                             .page_size = config.page_size};
  YZ_ASSIGN_OR_RETURN(const Read people, ReadPaged(connection, search, config.max_people, deadline));
  LdapSnapshot snapshot = BuildSnapshot(people.entries, departments.entries, config);
  snapshot.referrals = people.referrals + departments.referrals;
  return snapshot;
}

}  // namespace yizhan::directory
