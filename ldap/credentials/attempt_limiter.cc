#include "ldap/credentials/attempt_limiter.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "ldap/credentials/crypto.h"

namespace yizhan::directory {
namespace {

// One subscriber has a whole /64, so that is what counts; IPv4 in IPv6's clothes (::ffff:a.b.c.d) counts as IPv4.
std::string Group(std::string_view address) {
  const std::string text(address.substr(0, 64));
  in6_addr six;
  if (inet_pton(AF_INET6, text.c_str(), &six) != 1) return text;
  const char* bytes = reinterpret_cast<const char*>(&six);
  if (IN6_IS_ADDR_V4MAPPED(&six)) {
    char four[INET_ADDRSTRLEN] = {};
    inet_ntop(AF_INET, bytes + 12, four, sizeof(four));
    return four;
  }
  return absl::StrCat("/64:", absl::string_view(bytes, 8));
}

}  // namespace

AttemptLimiter::AttemptLimiter(Bounds bounds, std::function<absl::Time()> clock)
    : bounds_(bounds),
      clock_(std::move(clock)),
      hash_key_(RandomBytes(32)),
      pairs_(bounds.entries),
      addresses_(bounds.entries),
      logins_(bounds.entries),
      trusted_(bounds.entries) {}

AttemptLimiter::Key AttemptLimiter::KeyOf(std::string_view login, std::string_view address) const {
  const std::string digest = KeyedDigest(hash_key_.Reveal(), {login, address});
  uint64_t halves[2];
  std::memcpy(halves, digest.data(), sizeof(halves));
  return absl::MakeUint128(halves[0], halves[1]);
}

AttemptLimiter::Bucket& AttemptLimiter::Leaked(Table& table, Key key, absl::Duration refill, absl::Time now) {
  Bucket* bucket = table.Find(key);
  if (bucket == nullptr) return *table.Put(key, Bucket{.level = 0, .at = now});
  if (now > bucket->at) {
    bucket->level = std::max(0.0, bucket->level - absl::FDivDuration(now - bucket->at, refill));
  }
  bucket->at = now;  // also when the clock went back: nothing leaks, nothing is held for ever
  return *bucket;
}

absl::Status AttemptLimiter::Refused(const Bucket& bucket, int burst, absl::Duration refill) {
  const absl::Duration wait = refill * (bucket.level - burst + 1);
  const int64_t ms = std::clamp<int64_t>(absl::ToInt64Milliseconds(wait) + 1, 1, 3'600'000);
  return RefuseForNow(absl::StatusCode::kResourceExhausted, "TOO_MANY_ATTEMPTS",
                      absl::StrCat("too many failed log-ins from here; try again in ", (ms + 999) / 1000, " s"),
                      static_cast<int>(ms));
}

absl::StatusOr<absl::Duration> AttemptLimiter::Admit(std::string_view login, std::string_view address) {
  const std::string group = Group(address);
  const Key pair_key = KeyOf(login, group);
  const Key address_key = KeyOf("", group);
  const Key login_key = KeyOf(login, "");
  const absl::Time now = clock_();
  absl::MutexLock lock(&mutex_);
  const bool trusted = trusted_.Find(pair_key) != nullptr;
  Bucket& pair = Leaked(pairs_, pair_key, bounds_.pair_refill, now);
  if (pair.level + 1 > bounds_.pair_burst) return Refused(pair, bounds_.pair_burst, bounds_.pair_refill);
  Bucket& whole = Leaked(addresses_, address_key, bounds_.address_refill, now);
  if (!trusted && whole.level + 1 > bounds_.address_burst) {
    return Refused(whole, bounds_.address_burst, bounds_.address_refill);
  }
  pair.level += 1;
  whole.level += 1;
  if (trusted) return absl::ZeroDuration();
  const double beyond = Leaked(logins_, login_key, bounds_.login_refill, now).level - bounds_.login_free;
  if (beyond <= 0) return absl::ZeroDuration();
  const double doublings = std::min(std::floor(beyond), 20.0);
  return std::min(bounds_.longest_delay, bounds_.first_delay * std::exp2(doublings));
}

void AttemptLimiter::Report(std::string_view login, std::string_view address, Outcome outcome) {
  const std::string group = Group(address);
  const Key pair_key = KeyOf(login, group);
  const Key address_key = KeyOf("", group);
  const Key login_key = KeyOf(login, "");
  const absl::Time now = clock_();
  absl::MutexLock lock(&mutex_);
  if (outcome == Outcome::kWrong) {
    Bucket& failures = Leaked(logins_, login_key, bounds_.login_refill, now);
    failures.level = std::min(failures.level + 1, bounds_.login_free + 32.0);
    return;
  }
  Bucket& pair = Leaked(pairs_, pair_key, bounds_.pair_refill, now);
  pair.level = outcome == Outcome::kRight ? 0 : std::max(0.0, pair.level - 1);
  Bucket& whole = Leaked(addresses_, address_key, bounds_.address_refill, now);
  whole.level = std::max(0.0, whole.level - 1);
  if (outcome == Outcome::kRight) trusted_.Put(pair_key, now);
}

}  // namespace yizhan::directory
