#include "ldap/credentials/verified_cache.h"

#include <utility>

#include "ldap/credentials/crypto.h"

namespace yizhan::directory {
namespace {
constexpr size_t kTagBytes = 16;
}  // namespace

VerifiedCache::VerifiedCache(Bounds bounds, std::function<absl::Time()> clock)
    : bounds_(bounds), clock_(std::move(clock)), key_(RandomBytes(32)), entries_(bounds.entries) {}

std::string VerifiedCache::TagOf(std::string_view login, std::string_view stored,
                                 const Secret<std::string>& password) const {
  std::string tag = KeyedDigest(key_.Reveal(), {login, stored, password.Reveal()});
  tag.resize(kTagBytes);
  return tag;
}

bool VerifiedCache::Knows(std::string_view login, std::string_view stored, const Secret<std::string>& password) {
  const std::string tag = TagOf(login, stored, password);
  const std::string key(login);
  const absl::Time now = clock_();
  absl::MutexLock lock(&mutex_);
  Entry* entry = entries_.Find(key);
  if (entry == nullptr) return false;
  // A clock that went back makes an entry look new; one beyond its age by any clock is gone.
  if (now - entry->used > bounds_.idle || now - entry->verified > bounds_.age) {
    entries_.Erase(key);
    return false;
  }
  if (!SameBytes(entry->tag, tag)) return false;
  entry->used = now;
  return true;
}

void VerifiedCache::Remember(std::string_view login, std::string_view stored, const Secret<std::string>& password) {
  Entry entry = {.tag = TagOf(login, stored, password), .verified = clock_(), .used = {}};
  entry.used = entry.verified;
  absl::MutexLock lock(&mutex_);
  entries_.Put(std::string(login), std::move(entry));
}

void VerifiedCache::Forget(std::string_view login) {
  absl::MutexLock lock(&mutex_);
  entries_.Erase(std::string(login));
}

void VerifiedCache::ForgetAll() {
  absl::MutexLock lock(&mutex_);
  entries_.Clear();
}

size_t VerifiedCache::size() const {
  absl::MutexLock lock(&mutex_);
  return entries_.size();
}

}  // namespace yizhan::directory
