#include "edge/rate_limiter.h"

#include <arpa/inet.h>

#include <algorithm>

namespace yizhan::edge {

std::string RateLimiter::Key(std::string_view address) {
  std::string text(address);
  in6_addr v6;
  if (text.find(':') == std::string::npos || ::inet_pton(AF_INET6, text.c_str(), &v6) != 1) return text;
  return std::string(reinterpret_cast<const char*>(v6.s6_addr), 8);
}

absl::Duration RateLimiter::Take(std::string_view address, absl::Time now) {
  std::string key = Key(address);
  absl::MutexLock lock(&mutex_);
  auto found = young_.find(key);
  if (found == young_.end()) {
    if (young_.size() >= limits_.addresses / 2) {
      old_.swap(young_);
      young_.clear();
    }
    Bucket bucket{limits_.burst, now};
    if (auto before = old_.find(key); before != old_.end()) {
      bucket = before->second;
      old_.erase(before);
    }
    found = young_.emplace(std::move(key), bucket).first;
  }
  Bucket& bucket = found->second;
  double gained = absl::ToDoubleSeconds(now - bucket.at) * limits_.per_second;
  if (gained > 0) {
    bucket.left = std::min(limits_.burst, bucket.left + gained);
    bucket.at = now;
  }
  if (bucket.left < 1) return absl::Seconds((1 - bucket.left) / limits_.per_second);
  bucket.left -= 1;
  return absl::ZeroDuration();
}

}  // namespace yizhan::edge
