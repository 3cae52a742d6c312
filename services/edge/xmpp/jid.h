// Addresses of XMPP (RFC 7622): [local@]domain[/resource].
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace yizhan::edge::xmpp {

// A prepared JID: equal addresses have equal bytes. Immutable value of one string; default-constructed it is empty.
class Jid {
 public:
  // Each part's bound (RFC 7622 section 3), in bytes after preparation.
  static constexpr size_t kMaxPart = 1023;

  Jid() = default;

  // Parses and prepares. InvalidArgument (reason JID_MALFORMED) names the part and what is wrong with it.
  static absl::StatusOr<Jid> Parse(std::string_view text);
  // From its parts; `local` and `resource` may be empty.
  static absl::StatusOr<Jid> Make(std::string_view local, std::string_view domain, std::string_view resource = {});

  bool empty() const { return text_.empty(); }
  std::string_view local() const { return std::string_view(text_).substr(0, local_); }
  std::string_view domain() const { return std::string_view(text_).substr(domain_begin(), domain_); }
  std::string_view resource() const {
    return is_bare() ? std::string_view() : std::string_view(text_).substr(bare_size() + 1);
  }
  std::string_view bare() const { return std::string_view(text_).substr(0, bare_size()); }
  const std::string& full() const { return text_; }
  bool is_bare() const { return text_.size() == bare_size(); }
  bool is_domain() const { return local_ == 0 && is_bare(); }

  Jid ToBare() const;
  // Another resource of the same account; refused as Make() refuses.
  absl::StatusOr<Jid> WithResource(std::string_view resource) const;

  bool operator==(const Jid& other) const { return text_ == other.text_; }
  template <typename H>
  friend H AbslHashValue(H h, const Jid& jid) {
    return H::combine(std::move(h), jid.text_);
  }

 private:
  size_t domain_begin() const { return local_ == 0 ? 0 : local_ + 1u; }
  size_t bare_size() const { return domain_begin() + domain_; }

  std::string text_;
  uint16_t local_ = 0;   // bytes
  uint16_t domain_ = 0;  // bytes
};

// XEP-0106: a log-in name that a localpart cannot hold ("zhang san@corp") in the form that it can, and back.
std::string EscapeLocal(std::string_view name);
std::string UnescapeLocal(std::string_view local);

}  // namespace yizhan::edge::xmpp
