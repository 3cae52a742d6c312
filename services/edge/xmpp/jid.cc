#include "edge/xmpp/jid.h"

#include "edge/xmpp/precis.h"

namespace yizhan::edge::xmpp {
namespace {

constexpr std::string_view kNotInLocal = "\"&'/:<>@";

absl::Status Bad(std::string_view part, std::string_view why) {
  return Refuse(absl::StatusCode::kInvalidArgument, "JID_MALFORMED",
                std::string("the ").append(part).append(" of the address is wrong: ").append(why));
}
absl::Status Bad(std::string_view part, const absl::Status& why) {
  return Bad(part, std::string_view(why.message().data(), why.message().size()));
}

// a-z 0-9 . - _ only: prepared as it is.
bool IsPlain(std::string_view text) {
  for (char c : text) {
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_')) return false;
  }
  return true;
}

}  // namespace

absl::StatusOr<Jid> Jid::Parse(std::string_view text) {
  std::string_view resource;
  const size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    resource = text.substr(slash + 1);
    text = text.substr(0, slash);
    if (resource.empty()) return Bad("resource", "it is empty");
  }
  std::string_view local;
  const size_t at = text.find('@');
  if (at != std::string_view::npos) {
    local = text.substr(0, at);
    text = text.substr(at + 1);
    if (local.empty()) return Bad("local part", "it is empty");
  }
  return Make(local, text, resource);
}

absl::StatusOr<Jid> Jid::Make(std::string_view local, std::string_view domain, std::string_view resource) {
  // Preparation can shrink a part, never to a third: what is far beyond the bound is not looked at.
  constexpr size_t kFar = 4 * kMaxPart;
  if (local.size() > kFar) return Bad("local part", "it is longer than 1,023 bytes");
  if (resource.size() > kFar) return Bad("resource", "it is longer than 1,023 bytes");
  Jid jid;
  jid.text_.reserve(local.size() + domain.size() + resource.size() + 2);
  if (!local.empty()) {
    if (local.size() <= kMaxPart && IsPlain(local)) {
      jid.text_ = local;
    } else {
      auto prepared = UsernameCaseMapped(local);
      if (!prepared.ok()) return Bad("local part", prepared.status());
      if (prepared->size() > kMaxPart) return Bad("local part", "it is longer than 1,023 bytes");
      if (prepared->find_first_of(kNotInLocal) != std::string::npos) {
        return Bad("local part", "it has one of \" & ' / : < > @");
      }
      jid.text_ = *std::move(prepared);
    }
    jid.local_ = static_cast<uint16_t>(jid.text_.size());
    jid.text_.push_back('@');
  }
  auto host = PrepareDomain(domain);
  if (!host.ok()) return Bad("domain", host.status());
  if (host->size() > kMaxPart) return Bad("domain", "it is longer than 1,023 bytes");
  jid.domain_ = static_cast<uint16_t>(host->size());
  jid.text_.append(*host);
  if (!resource.empty()) {
    auto prepared = OpaqueString(resource);
    if (!prepared.ok()) return Bad("resource", prepared.status());
    if (prepared->size() > kMaxPart) return Bad("resource", "it is longer than 1,023 bytes");
    jid.text_.append("/").append(*prepared);
  }
  return jid;
}

Jid Jid::ToBare() const {
  Jid bare = *this;
  bare.text_.resize(bare_size());
  return bare;
}

absl::StatusOr<Jid> Jid::WithResource(std::string_view resource) const {
  if (resource.size() > 4 * kMaxPart) return Bad("resource", "it is longer than 1,023 bytes");
  auto prepared = OpaqueString(resource);
  if (!prepared.ok()) return Bad("resource", prepared.status());
  if (prepared->size() > kMaxPart) return Bad("resource", "it is longer than 1,023 bytes");
  Jid jid = ToBare();
  jid.text_.append("/").append(*prepared);
  return jid;
}

namespace {
constexpr std::string_view kEscaped = " \"&'/:<>@\\";
constexpr char kHex[] = "0123456789abcdef";

// The character that a two-digit sequence of XEP-0106 stands for; 0 for any other.
char EscapedCharacter(std::string_view two) {
  for (char c : kEscaped) {
    if (two[0] == kHex[c >> 4] && two[1] == kHex[c & 15]) return c;
  }
  return 0;
}
}  // namespace

std::string EscapeLocal(std::string_view name) {
  std::string local;
  for (size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    // A backslash is escaped only where it would be read as the beginning of an escape.
    const bool special = c == '\\' ? i + 2 < name.size() && EscapedCharacter(name.substr(i + 1, 2)) != 0
                                   : kEscaped.find(c) != std::string_view::npos;
    if (!special) {
      local.push_back(c);
      continue;
    }
    local.push_back('\\');
    local.push_back(kHex[c >> 4]);
    local.push_back(kHex[c & 15]);
  }
  return local;
}

std::string UnescapeLocal(std::string_view local) {
  std::string name;
  for (size_t i = 0; i < local.size(); ++i) {
    if (local[i] == '\\' && i + 2 < local.size()) {
      if (const char c = EscapedCharacter(local.substr(i + 1, 2)); c != 0) {
        name.push_back(c);
        i += 2;
        continue;
      }
    }
    name.push_back(local[i]);
  }
  return name;
}

}  // namespace yizhan::edge::xmpp
