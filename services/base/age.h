// The age v1 file format (C2SP "age", age-encryption.org/v1) for X25519 recipients, in memory: what is encrypted to
// public recipients here opens with the public `age` tool and the identity, not on the machine that made it. No
// passphrases (scrypt), no ASCII armour, no plugins. Everything here may be called from any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/secret.h"

namespace yizhan::age {

inline constexpr size_t kMaxRecipients = 20;
// A header of our own has at most 2,030 bytes; one of this many is still read.
inline constexpr size_t kMaxHeaderBytes = 64 * 1024;

// To whom a file is encrypted: a point of Curve25519. Not a secret.
class Recipient {
 public:
  // "age1" and 58 lower-case letters and digits (Bech32). InvalidArgument (AGE_KEY) with what is wrong with it: no such
  // text, a checksum that does not fit, a point of low order. The text itself is never repeated: it may be a secret
  // that somebody put in the wrong place.
  static absl::StatusOr<Recipient> Parse(std::string_view text);

  std::string ToString() const;

  // The point, little-endian (RFC 7748).
  const std::array<uint8_t, 32>& point() const { return point_; }

  friend bool operator==(const Recipient&, const Recipient&) = default;

 private:
  friend class Identity;
  explicit Recipient(const std::array<uint8_t, 32>& point) : point_(point) {}

  std::array<uint8_t, 32> point_;
};

// Who can open what is encrypted to its recipient: a secret, wiped on destruction; each copy wipes itself.
class Identity {
 public:
  // "AGE-SECRET-KEY-1" and 58 upper-case letters and digits (Bech32). InvalidArgument (AGE_KEY) with what is wrong with
  // it; the text is never repeated.
  static absl::StatusOr<Identity> Parse(std::string_view text);

  // A new one.
  static Identity Generate();

  Identity(const Identity&) = default;
  Identity& operator=(const Identity&) = default;
  ~Identity();

  // As Parse() reads it.
  Secret<std::string> ToString() const;

  const Recipient& recipient() const { return recipient_; }

  // The scalar, as it was drawn: RFC 7748 clamps it where it is used.
  const std::array<uint8_t, 32>& secret() const { return secret_; }

 private:
  explicit Identity(const std::array<uint8_t, 32>& secret);

  std::array<uint8_t, 32> secret_;
  Recipient recipient_;
};

// The identities of a file as `age-keygen` writes it: a line for each; empty lines and those that begin with # are
// passed over. InvalidArgument (AGE_KEY) names the number of a line that is none of these, never its text, or says that
// no line is an identity.
absl::StatusOr<std::vector<Identity>> ParseIdentityFile(std::string_view text);

// The plaintext and some 100 bytes, 98 for each recipient, 16 for each 64 KiB: readable for any one of the 1 to
// 20 recipients, else InvalidArgument (AGE_RECIPIENTS).
absl::StatusOr<std::string> Encrypt(std::string_view plaintext, absl::Span<const Recipient> recipients);

// The plaintext of a whole file; nothing of it is given out unless all of it is as it was written. Fails with
//   InvalidArgument (AGE_FORMAT)     what is no age file of version 1, or has an ASCII armour around it
//   Unimplemented (AGE_PASSPHRASE)   a file for a passphrase
//   PermissionDenied (AGE_NO_MATCH)  none of the identities is a recipient's. A recipient's lines may also be damaged
//   DataLoss (AGE_DAMAGED)           what is damaged, cut off or goes on behind its end, and where; a longer header
// Recipients of kinds that are not known are passed over.
absl::StatusOr<std::string> Decrypt(std::string_view file, absl::Span<const Identity> identities);

}  // namespace yizhan::age
