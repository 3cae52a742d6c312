#include "ldap/credentials/scram.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status.h"
#include "ldap/credentials/crypto.h"
#include "ldap/credentials/password_hash.h"

namespace yizhan::directory {
namespace {

constexpr size_t kSaltBytes = 16;
constexpr size_t kMinSaltBytes = 8;

const EVP_MD* Digest(ScramHash hash) { return hash == ScramHash::kSha1 ? EVP_sha1() : EVP_sha256(); }
size_t DigestBytes(ScramHash hash) { return hash == ScramHash::kSha1 ? 20 : 32; }

std::string_view NameOf(ScramHash hash) { return hash == ScramHash::kSha1 ? "SCRAM-SHA-1" : "SCRAM-SHA-256"; }

std::string Hmac(ScramHash hash, std::string_view key, std::string_view data) {
  std::string out(DigestBytes(hash), '\0');
  unsigned int length = 0;
  HMAC(Digest(hash), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(data.data()),
       data.size(), reinterpret_cast<unsigned char*>(out.data()), &length);
  return out;
}

std::string H(ScramHash hash, std::string_view data) {
  std::string out(DigestBytes(hash), '\0');
  unsigned int length = 0;
  EVP_Digest(data.data(), data.size(), reinterpret_cast<unsigned char*>(out.data()), &length, Digest(hash), nullptr);
  return out;
}

absl::Status Unreadable() {
  return Refuse(absl::StatusCode::kDataLoss, "SCRAM_KEYS_UNREADABLE",
                "stored SCRAM keys are not readable; set the account's password anew");
}

}  // namespace

absl::StatusOr<ScramKeys> DeriveScramKeys(ScramHash hash, const Secret<std::string>& prepared, std::string_view salt,
                                          int iterations) {
  if (iterations < kMinScramIterations || iterations > kMaxScramIterations) {
    return Refuse(absl::StatusCode::kInvalidArgument, "SCRAM_ITERATIONS",
                  absl::StrCat(iterations, " SCRAM iterations are out of range; use ", kMinScramIterations, " to ",
                               kMaxScramIterations));
  }
  if (salt.size() < kMinSaltBytes) {
    return Refuse(absl::StatusCode::kInvalidArgument, "SCRAM_SALT",
                  absl::StrCat("a SCRAM salt of ", salt.size(), " bytes is too short; use ", kMinSaltBytes));
  }
  const std::string& password = prepared.Reveal();
  std::string salted(DigestBytes(hash), '\0');
  if (PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                        reinterpret_cast<const unsigned char*>(salt.data()), static_cast<int>(salt.size()), iterations,
                        Digest(hash), static_cast<int>(salted.size()),
                        reinterpret_cast<unsigned char*>(salted.data())) != 1) {
    return absl::InternalError("PBKDF2 failed in the cryptographic library");
  }
  const Secret<std::string> salted_password(std::move(salted));
  const Secret<std::string> client_key(Hmac(hash, salted_password.Reveal(), "Client Key"));
  return ScramKeys{.hash = hash,
                   .salt = std::string(salt),
                   .iterations = iterations,
                   .stored_key = H(hash, client_key.Reveal()),
                   .server_key = Hmac(hash, salted_password.Reveal(), "Server Key")};
}

absl::StatusOr<ScramKeys> DeriveScramKeys(ScramHash hash, const Secret<std::string>& prepared, int iterations) {
  return DeriveScramKeys(hash, prepared, RandomBytes(kSaltBytes), iterations);
}

ScramKeys FakeScramKeys(ScramHash hash, const Secret<std::string>& installation_key, std::string_view login,
                        int iterations) {
  const auto part = [&](std::string_view use, size_t bytes) {
    std::string digest = KeyedDigest(installation_key.Reveal(), {"scram", NameOf(hash), use, login});
    digest.resize(bytes);
    return digest;
  };
  return ScramKeys{.hash = hash,
                   .salt = part("salt", kSaltBytes),
                   .iterations = iterations,
                   .stored_key = part("stored", DigestBytes(hash)),
                   .server_key = part("server", DigestBytes(hash))};
}

absl::Status VerifyClientProof(const ScramKeys& keys, std::string_view auth_message, std::string_view proof) {
  if (proof.size() != DigestBytes(keys.hash)) return WrongCredentials();
  std::string client_key = Hmac(keys.hash, keys.stored_key, auth_message);
  for (size_t i = 0; i < client_key.size(); ++i) client_key[i] = static_cast<char>(client_key[i] ^ proof[i]);
  if (!SameBytes(H(keys.hash, client_key), keys.stored_key)) return WrongCredentials();
  return absl::OkStatus();
}

std::string ServerSignature(const ScramKeys& keys, std::string_view auth_message) {
  return Hmac(keys.hash, keys.server_key, auth_message);
}

absl::Status VerifyWithScramKeys(const ScramKeys& keys, const Secret<std::string>& prepared) {
  YZ_ASSIGN_OR_RETURN(const ScramKeys derived, DeriveScramKeys(keys.hash, prepared, keys.salt, keys.iterations));
  if (!SameBytes(derived.stored_key, keys.stored_key)) return WrongCredentials();
  return absl::OkStatus();
}

std::string FormatScramKeys(const ScramKeys& keys) {
  return absl::StrCat(absl::string_view(NameOf(keys.hash).data(), NameOf(keys.hash).size()), "$", keys.iterations, ":",
                      Base64(keys.salt), "$", Base64(keys.stored_key), ":", Base64(keys.server_key));
}

absl::StatusOr<ScramKeys> ParseScramKeys(std::string_view text) {
  if (text.size() > 1024) return Unreadable();
  const std::vector<std::string> parts = absl::StrSplit(absl::string_view(text.data(), text.size()), '$');
  if (parts.size() != 3) return Unreadable();
  ScramKeys keys;
  if (parts[0] == NameOf(ScramHash::kSha1)) {
    keys.hash = ScramHash::kSha1;
  } else if (parts[0] == NameOf(ScramHash::kSha256)) {
    keys.hash = ScramHash::kSha256;
  } else {
    return Unreadable();
  }
  const std::vector<std::string> info = absl::StrSplit(parts[1], ':');
  const std::vector<std::string> secrets = absl::StrSplit(parts[2], ':');
  if (info.size() != 2 || secrets.size() != 2 || !absl::SimpleAtoi(info[0], &keys.iterations) ||
      keys.iterations < kMinScramIterations || keys.iterations > kMaxScramIterations ||
      !DecodeBase64(info[1], &keys.salt) || keys.salt.size() < kMinSaltBytes ||
      !DecodeBase64(secrets[0], &keys.stored_key) || keys.stored_key.size() != DigestBytes(keys.hash) ||
      !DecodeBase64(secrets[1], &keys.server_key) || keys.server_key.size() != DigestBytes(keys.hash)) {
    return Unreadable();
  }
  return keys;
}

}  // namespace yizhan::directory
