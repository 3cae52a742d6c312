#include "ldap/client/ldap_entries.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "ldap/client/dn.h"
#include "ldap/client/guid.h"

namespace yizhan::directory {
namespace {

constexpr size_t kMaxValueBytes = 1024;
constexpr size_t kMaxSkipped = 1000;
constexpr int kMaxDepth = 64;

// Well-formed UTF-8 without control characters (Unicode 15, table 3-7).
bool IsText(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const int more = lead < 0x80                   ? 0
                     : lead >= 0xc2 && lead < 0xe0 ? 1
                     : (lead & 0xf0) == 0xe0       ? 2
                     : lead >= 0xf0 && lead < 0xf5 ? 3
                                                   : -1;
    if (more < 0 || i + more >= text.size() || lead < 0x20 || lead == 0x7f) return false;
    for (int k = 1; k <= more; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if ((next & 0xc0) != 0x80) return false;
      if (k == 1 && ((lead == 0xe0 && next < 0xa0) || (lead == 0xed && next > 0x9f) || (lead == 0xf0 && next < 0x90) ||
                     (lead == 0xf4 && next > 0x8f))) {
        return false;
      }
    }
    i += more + 1;
  }
  return true;
}

absl::Status Unusable(const std::string& what) { return Refuse(absl::StatusCode::kDataLoss, "LDAP_ENTRY", what); }

absl::StatusOr<std::string> KeyOf(const RawEntry& entry, const std::string& attribute) {
  const std::string raw = entry.First(attribute);
  if (raw.empty()) return Unusable(absl::StrCat("no ", attribute));
  if (absl::EqualsIgnoreCase(attribute, "objectGUID")) return GuidToText(raw);
  if (!IsText(raw) || raw.size() > kMaxValueBytes) return Unusable(absl::StrCat(attribute, " is not a text"));
  return absl::AsciiStrToLower(raw);
}

absl::Status Take(const RawEntry& entry, const std::string& attribute, std::string* out) {
  if (attribute.empty()) return absl::OkStatus();
  std::string value = entry.First(attribute);
  if (!IsText(value)) return Unusable(absl::StrCat(attribute, " is not a text in UTF-8"));
  if (value.size() > kMaxValueBytes) return Unusable(absl::StrCat(attribute, " is longer than 1 KiB"));
  absl::StripAsciiWhitespace(&value);
  *out = std::move(value);
  return absl::OkStatus();
}

bool IsDisabled(const RawEntry& entry, const LdapAttributes& attributes) {
  if (attributes.disabled.empty()) return false;
  const std::vector<std::string>& values = entry.All(attributes.disabled);
  if (attributes.disabled_bits != 0) {
    // Signed and unsigned writings of the same 32 bits are both in use.
    int64_t bits = 0;
    return !values.empty() && absl::SimpleAtoi(values.front(), &bits) &&
           (static_cast<uint32_t>(bits) & attributes.disabled_bits) != 0;
  }
  if (attributes.disabled_value.empty()) return !values.empty();
  return std::any_of(values.begin(), values.end(), [&](const std::string& value) {
    return absl::EqualsIgnoreCase(value, attributes.disabled_value);
  });
}

std::string Canonical(const std::string& dn) {
  const absl::StatusOr<Dn> parsed = ParseDn(dn);
  return parsed.ok() ? CanonicalDn(*parsed) : std::string();
}

// The work of one BuildSnapshot().
class Builder {
 public:
  explicit Builder(const LdapConfig& config) : config_(config) {}

  void AddDepartments(const std::vector<RawEntry>& entries) {
    for (const RawEntry& entry : entries) {
      LdapDepartment department;
      department.dn = entry.dn;
      absl::StatusOr<std::string> key = KeyOf(entry, config_.attributes.key);
      absl::Status named = Take(entry, config_.attributes.department_name, &department.name);
      const std::string place = Canonical(entry.dn);
      if (!key.ok() || !named.ok() || department.name.empty() || place.empty()) {
        Skip(entry.dn, !key.ok()       ? key.status().message()
                       : !named.ok()   ? named.message()
                       : place.empty() ? "its DN cannot be read"
                                       : absl::StrCat("no ", config_.attributes.department_name));
        continue;
      }
      department.key = *std::move(key);
      if (by_key_.contains(department.key) || by_place_.contains(place)) {
        Skip(entry.dn, "a department with this key or DN was read before");
        continue;
      }
      by_key_[department.key] = departments_.size();
      by_place_[place] = departments_.size();
      departments_.push_back(std::move(department));
      entries_.push_back(&entry);
    }
    config_.department_source == DepartmentSource::kOuTree ? ParentsByTree() : ParentsByGroups();
    CutCycles();
    NameAndOrder();
  }

  void AddPeople(const std::vector<RawEntry>& entries) {
    absl::flat_hash_set<std::string> keys, logins;
    for (const RawEntry& entry : entries) {
      absl::StatusOr<LdapPerson> person = PersonOf(entry, config_.attributes);
      if (!person.ok()) {
        Skip(entry.dn, person.status().message());
      } else if (keys.contains(person->key)) {
        Skip(entry.dn, "an entry with this key was read before");
      } else if (!logins.insert(absl::AsciiStrToLower(person->login)).second) {
        Skip(entry.dn, absl::StrCat("another entry has the login \"", person->login, "\""));
      } else {
        keys.insert(person->key);
        person->department_keys = DepartmentsOf(entry.dn);
        snapshot_.people.push_back(*std::move(person));
      }
    }
  }

  LdapSnapshot Finish() { return std::move(snapshot_); }

 private:
  void Skip(const std::string& dn, absl::string_view reason) {
    ++snapshot_.skipped_count;
    if (snapshot_.skipped.size() < kMaxSkipped) snapshot_.skipped.push_back({dn, std::string(reason)});
  }

  // The nearest department above a place in the tree; -1 when there is none.
  int Above(const std::string& dn) const {
    absl::StatusOr<Dn> place = ParseDn(dn);
    if (!place.ok()) return -1;
    for (Dn up = ParentOf(*place); !up.empty(); up = ParentOf(up)) {
      if (auto at = by_place_.find(CanonicalDn(up)); at != by_place_.end()) return static_cast<int>(at->second);
    }
    return -1;
  }

  void ParentsByTree() {
    parent_.resize(departments_.size());
    for (size_t i = 0; i < departments_.size(); ++i) parent_[i] = Above(departments_[i].dn);
  }

  void ParentsByGroups() {
    parent_.assign(departments_.size(), -1);
    for (size_t i = 0; i < departments_.size(); ++i) {
      for (const std::string& member : entries_[i]->All(config_.member_attribute)) {
        const std::string place = Canonical(member);
        if (place.empty()) continue;
        if (auto at = by_place_.find(place); at != by_place_.end()) {
          if (parent_[at->second] < 0) parent_[at->second] = static_cast<int>(i);
        } else {
          groups_of_[place].push_back(i);
        }
      }
    }
  }

  // Walks up from each department once; where the walk meets itself, or gets too deep, the chain is cut.
  void CutCycles() {
    std::vector<int> depth(parent_.size(), 0);  // 1: a top one; 0: not known yet
    std::vector<size_t> seen_from(parent_.size(), SIZE_MAX);
    for (size_t i = 0; i < parent_.size(); ++i) {
      std::vector<size_t> chain;
      for (int at = static_cast<int>(i); at >= 0 && depth[at] == 0; at = parent_[at]) {
        if (seen_from[at] == i) {
          MakeTop(chain.back(), "this department is above itself; it was made a top one");
          break;
        }
        seen_from[at] = i;
        chain.push_back(at);
      }
      for (auto at = chain.rbegin(); at != chain.rend(); ++at) {
        depth[*at] = parent_[*at] < 0 ? 1 : depth[parent_[*at]] + 1;
        if (depth[*at] <= kMaxDepth) continue;
        MakeTop(*at, "more than 64 departments are above it; it was made a top one");
        depth[*at] = 1;
      }
    }
  }

  void MakeTop(size_t i, absl::string_view reason) {
    Skip(departments_[i].dn, reason);
    parent_[i] = -1;
  }

  void NameAndOrder() {
    std::vector<std::pair<size_t, size_t>> order;  // depth, index
    for (size_t i = 0; i < departments_.size(); ++i) {
      LdapDepartment& department = departments_[i];
      if (parent_[i] >= 0) department.parent_key = departments_[parent_[i]].key;
      for (int at = static_cast<int>(i); at >= 0; at = parent_[at]) department.path.push_back(departments_[at].name);
      std::reverse(department.path.begin(), department.path.end());
      order.emplace_back(department.path.size(), i);
    }
    std::sort(order.begin(), order.end());
    for (const auto& [depth, i] : order) snapshot_.departments.push_back(departments_[i]);
  }

  std::vector<std::string> DepartmentsOf(const std::string& dn) const {
    std::vector<std::string> keys;
    if (config_.department_source == DepartmentSource::kOuTree) {
      if (const int above = Above(dn); above >= 0) keys.push_back(departments_[above].key);
    } else if (auto at = groups_of_.find(Canonical(dn)); at != groups_of_.end()) {
      for (size_t i : at->second) {
        if (std::find(keys.begin(), keys.end(), departments_[i].key) == keys.end()) keys.push_back(departments_[i].key);
      }
    }
    return keys;
  }

  const LdapConfig& config_;
  LdapSnapshot snapshot_;
  std::vector<LdapDepartment> departments_;
  std::vector<const RawEntry*> entries_;  // of departments_, in the same order
  std::vector<int> parent_;               // of departments_; -1: none
  absl::flat_hash_map<std::string, size_t> by_key_, by_place_;
  absl::flat_hash_map<std::string, std::vector<size_t>> groups_of_;  // a member's place -> departments
};

}  // namespace

const std::vector<std::string>& RawEntry::All(std::string_view attribute) const {
  static const auto* none = new std::vector<std::string>();
  const auto at = attributes.find(absl::AsciiStrToLower(absl::string_view(attribute.data(), attribute.size())));
  return at == attributes.end() ? *none : at->second;
}

std::string RawEntry::First(std::string_view attribute) const {
  const std::vector<std::string>& all = All(attribute);
  return all.empty() ? std::string() : all.front();
}

absl::StatusOr<LdapPerson> PersonOf(const RawEntry& entry, const LdapAttributes& attributes) {
  LdapPerson person;
  person.dn = entry.dn;
  YZ_ASSIGN_OR_RETURN(person.key, KeyOf(entry, attributes.key));
  YZ_RETURN_IF_ERROR(Take(entry, attributes.login, &person.login));
  if (person.login.empty()) return Unusable(absl::StrCat("no ", attributes.login));
  YZ_RETURN_IF_ERROR(Take(entry, attributes.name, &person.name));
  YZ_RETURN_IF_ERROR(Take(entry, attributes.name_zh, &person.name_zh));
  YZ_RETURN_IF_ERROR(Take(entry, attributes.name_en, &person.name_en));
  YZ_RETURN_IF_ERROR(Take(entry, attributes.mail, &person.mail));
  YZ_RETURN_IF_ERROR(Take(entry, attributes.title, &person.title));
  YZ_RETURN_IF_ERROR(Take(entry, attributes.phone, &person.phone));
  if (person.name.empty()) YZ_RETURN_IF_ERROR(Take(entry, "cn", &person.name));
  if (person.name.empty()) person.name = person.login;
  person.disabled = IsDisabled(entry, attributes);
  return person;
}

LdapSnapshot BuildSnapshot(const std::vector<RawEntry>& people, const std::vector<RawEntry>& departments,
                           const LdapConfig& config) {
  Builder builder(config);
  builder.AddDepartments(departments);
  builder.AddPeople(people);
  return builder.Finish();
}

}  // namespace yizhan::directory
