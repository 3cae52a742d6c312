// What a log-in costs: the figures behind HashCost's default and VerifiedCache's purpose.
#include <benchmark/benchmark.h>

#include <string>

#include "ldap/credentials/attempt_limiter.h"
#include "ldap/credentials/password_hash.h"
#include "ldap/credentials/scram.h"
#include "ldap/credentials/token.h"
#include "ldap/credentials/verified_cache.h"

namespace yizhan::directory {
namespace {

const Secret<std::string>& Password() {
  static const auto* password = new Secret<std::string>(std::string("correct horse battery"));
  return *password;
}

void BM_Argon2idVerify(benchmark::State& state) {
  const std::string stored = *HashPassword(Password());
  for (auto _ : state) benchmark::DoNotOptimize(VerifyPassword(stored, Password()));
}
BENCHMARK(BM_Argon2idVerify)->Unit(benchmark::kMillisecond);

void BM_VerifiedCacheKnows(benchmark::State& state) {
  static auto* cache = new VerifiedCache({});
  const std::string stored = DecoyHash();
  cache->Remember("wang", stored, Password());
  for (auto _ : state) benchmark::DoNotOptimize(cache->Knows("wang", stored, Password()));
}
BENCHMARK(BM_VerifiedCacheKnows)->Threads(1)->Threads(2);

void BM_ScramDerive(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(DeriveScramKeys(ScramHash::kSha256, Password()));
}
BENCHMARK(BM_ScramDerive)->Unit(benchmark::kMillisecond);

void BM_ScramVerifyProof(benchmark::State& state) {
  const ScramKeys keys = *DeriveScramKeys(ScramHash::kSha256, Password());
  const std::string proof(32, 'p');
  for (auto _ : state) benchmark::DoNotOptimize(VerifyClientProof(keys, "n=user,r=abc,r=abcdef,s=x,i=4096", proof));
}
BENCHMARK(BM_ScramVerifyProof);

void BM_ReadToken(benchmark::State& state) {
  const NewToken token = MakeToken(TokenKind::kPerson);
  for (auto _ : state) benchmark::DoNotOptimize(ReadToken(token.token.Reveal()));
}
BENCHMARK(BM_ReadToken);

void BM_AdmitAndReport(benchmark::State& state) {
  static auto* limiter = new AttemptLimiter({});
  for (auto _ : state) {
    benchmark::DoNotOptimize(limiter->Admit("wang", "10.0.0.1"));
    limiter->Report("wang", "10.0.0.1", AttemptLimiter::Outcome::kRight);
  }
}
BENCHMARK(BM_AdmitAndReport);

}  // namespace
}  // namespace yizhan::directory
