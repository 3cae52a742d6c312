// What strangers and stored records hand in: tokens, SCRAM keys, password strings, addresses.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "ldap/credentials/attempt_limiter.h"
#include "ldap/credentials/password_hash.h"
#include "ldap/credentials/scram.h"
#include "ldap/credentials/token.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace yizhan::directory;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const auto keys = ParseScramKeys(input); keys.ok()) {
    if (*ParseScramKeys(FormatScramKeys(*keys)) != *keys) abort();
    (void)VerifyClientProof(*keys, "m", input);
  }
  if (const auto token = ReadToken(input); token.ok() && token->digest.size() != 32) abort();
  (void)CostOf(input);
  // SASLprep is idempotent: what was prepared once is left alone (RFC 3454 wants no less of a profile).
  if (const auto prepared = PreparePassword(input); prepared.ok()) {
    const auto again = PreparePassword(prepared->Reveal());
    if (again.ok() && again->Reveal() != prepared->Reveal()) abort();
  }
  static auto* limiter = new AttemptLimiter({.entries = 64});
  const size_t half = size / 2;
  if (limiter->Admit(input.substr(0, half), input.substr(half)).ok()) {
    limiter->Report(input.substr(0, half), input.substr(half), AttemptLimiter::Outcome::kWrong);
  }
  return 0;
}
