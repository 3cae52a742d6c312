#include "ldap/credentials/password_hash.h"

#include <sodium.h>
#include <unicode/usprep.h>
#include <unicode/ustring.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "absl/base/const_init.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/mutex.h"
#include "base/status.h"
#include "ldap/credentials/crypto.h"

namespace yizhan::directory {
namespace {

constexpr HashCost kLowest = {.memory_kib = 8, .passes = 1};
constexpr HashCost kHighest = {.memory_kib = 1024 * 1024, .passes = 64};

bool WithinBounds(const HashCost& cost) {
  return cost.memory_kib >= kLowest.memory_kib && cost.memory_kib <= kHighest.memory_kib &&
         cost.passes >= kLowest.passes && cost.passes <= kHighest.passes;
}

absl::Status Unusable() {
  return Refuse(absl::StatusCode::kInvalidArgument, "PASSWORD_UNUSABLE",
                "the password holds characters that cannot be typed reliably (control characters, private-use "
                "characters, or bytes that are not UTF-8); choose one without them");
}

// A UTF-16 buffer that held a password.
struct WipedUtf16 {
  explicit WipedUtf16(size_t size) : chars(size) {}
  ~WipedUtf16() { explicit_bzero(chars.data(), chars.size() * sizeof(UChar)); }
  std::vector<UChar> chars;
};

}  // namespace

absl::Status WrongCredentials() {
  return Refuse(absl::StatusCode::kUnauthenticated, "WRONG_CREDENTIALS",
                "the login or the password is wrong; check both (upper and lower case matter in the password)");
}

absl::StatusOr<Secret<std::string>> PreparePassword(std::string_view password) {
  if (password.empty()) {
    return Refuse(absl::StatusCode::kInvalidArgument, "PASSWORD_EMPTY", "the password is empty; enter one");
  }
  if (password.size() > kMaxPasswordBytes) {
    return Refuse(absl::StatusCode::kInvalidArgument, "PASSWORD_TOO_LONG",
                  absl::StrCat("the password is longer than ", kMaxPasswordBytes, " bytes; choose a shorter one"));
  }
  bool ascii = true;
  for (unsigned char c : password) {
    ascii = ascii && c < 0x80;
    if (c < 0x20 || c == 0x7f) return Unusable();
  }
  if (ascii) return Secret<std::string>(std::string(password));

  UErrorCode error = U_ZERO_ERROR;
  WipedUtf16 in(password.size() + 1);
  int32_t in_length = 0;
  u_strFromUTF8(in.chars.data(), static_cast<int32_t>(in.chars.size()), &in_length, password.data(),
                static_cast<int32_t>(password.size()), &error);
  if (U_FAILURE(error)) return Unusable();

  UStringPrepProfile* profile = usprep_openByType(USPREP_RFC4013_SASLPREP, &error);
  if (U_FAILURE(error)) return absl::InternalError(absl::StrCat("ICU has no SASLprep: ", u_errorName(error)));
  WipedUtf16 out(static_cast<size_t>(in_length) * 18 + 16);  // NFKC grows one UTF-16 unit to 18 at most
  // USPREP_DEFAULT: code points that Unicode 3.2 does not assign are refused, as RFC 4013 demands for stored strings.
  int32_t out_length = usprep_prepare(profile, in.chars.data(), in_length, out.chars.data(),
                                      static_cast<int32_t>(out.chars.size()), USPREP_DEFAULT, nullptr, &error);
  usprep_close(profile);
  if (U_FAILURE(error) || out_length <= 0) return Unusable();

  std::string utf8(static_cast<size_t>(out_length) * 3, '\0');
  int32_t utf8_length = 0;
  u_strToUTF8(utf8.data(), static_cast<int32_t>(utf8.size()), &utf8_length, out.chars.data(), out_length, &error);
  if (U_FAILURE(error)) return Unusable();
  utf8.resize(static_cast<size_t>(utf8_length));
  return Secret<std::string>(std::move(utf8));
}

absl::StatusOr<std::string> HashPassword(const Secret<std::string>& prepared, const HashCost& cost) {
  if (!WithinBounds(cost)) {
    return Refuse(
        absl::StatusCode::kInvalidArgument, "HASH_COST",
        absl::StrCat("Argon2id with ", cost.memory_kib, " KiB and ", cost.passes, " passes is out of range; use ",
                     kLowest.memory_kib, " to ", kHighest.memory_kib, " KiB and 1 to ", kHighest.passes, " passes"));
  }
  StartCrypto();
  const std::string& password = prepared.Reveal();
  char out[crypto_pwhash_STRBYTES] = {};
  if (crypto_pwhash_str_alg(out, password.data(), password.size(), cost.passes,
                            static_cast<size_t>(cost.memory_kib) * 1024, crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return RefuseForNow(absl::StatusCode::kResourceExhausted, "NO_MEMORY",
                        absl::StrCat("no ", cost.memory_kib, " KiB of memory for a password hash; try again later"),
                        1000);
  }
  return std::string(out);
}

absl::StatusOr<HashCost> CostOf(std::string_view stored) {
  const absl::Status bad =
      Refuse(absl::StatusCode::kDataLoss, "PASSWORD_HASH_UNREADABLE",
             "a stored password hash is not a readable Argon2id string; set the account's password anew");
  // "", "argon2id", "v=19", "m=..,t=..,p=1", salt, hash
  const std::vector<absl::string_view> parts = absl::StrSplit(absl::string_view(stored.data(), stored.size()), '$');
  if (stored.size() >= crypto_pwhash_STRBYTES || parts.size() != 6 || !parts[0].empty() || parts[1] != "argon2id" ||
      parts[2] != "v=19") {
    return bad;
  }
  const std::vector<absl::string_view> costs = absl::StrSplit(parts[3], ',');
  HashCost cost;
  if (costs.size() != 3 || !absl::StartsWith(costs[0], "m=") || !absl::StartsWith(costs[1], "t=") ||
      costs[2] != "p=1" || !absl::SimpleAtoi(costs[0].substr(2), &cost.memory_kib) ||
      !absl::SimpleAtoi(costs[1].substr(2), &cost.passes) || !WithinBounds(cost)) {
    return bad;
  }
  return cost;
}

absl::Status VerifyPassword(std::string_view stored, const Secret<std::string>& prepared) {
  YZ_RETURN_IF_ERROR(CostOf(stored).status());
  StartCrypto();
  const std::string terminated(stored);  // libsodium wants a C string
  const std::string& password = prepared.Reveal();
  if (crypto_pwhash_str_verify(terminated.c_str(), password.data(), password.size()) != 0) return WrongCredentials();
  return absl::OkStatus();
}

const std::string& DecoyHash(const HashCost& cost) {
  ABSL_CONST_INIT static absl::Mutex mutex(absl::kConstInit);
  static auto* decoys = new std::map<std::pair<uint32_t, uint32_t>, std::string>();
  absl::MutexLock lock(&mutex);
  std::string& decoy = (*decoys)[{cost.memory_kib, cost.passes}];
  if (decoy.empty()) {
    const Secret<std::string> nobody_knows(RandomBytes(32));
    absl::StatusOr<std::string> made = HashPassword(nobody_knows, cost);
    if (!made.ok()) made = HashPassword(nobody_knows, kLowest);  // no memory right now: a cheap decoy, still no match
    if (made.ok()) decoy = *std::move(made);
  }
  return decoy;
}

bool NeedsRehash(std::string_view stored, const HashCost& cost) {
  const absl::StatusOr<HashCost> is = CostOf(stored);
  return !is.ok() || *is != cost;
}

}  // namespace yizhan::directory
