#include <openssl/sha.h>

#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "base/rpc/server.h"
#include "base/status.h"
#include "yizhan/desk/v1/visitor_service.pb.h"
#include "yizhan/directory/v1/session_service.pb.h"

namespace yizhan::rpc {
namespace {

constexpr absl::Duration kRemember = absl::Seconds(30);
constexpr size_t kMaxRemembered = 200'000;
constexpr size_t kMaxTokenBytes = 512;
constexpr absl::Duration kAskTimeout = absl::Seconds(5);

// What is remembered is keyed by a token's hash, never by the token.
using Key = std::array<unsigned char, SHA256_DIGEST_LENGTH>;
struct KeyHash {
  size_t operator()(const Key& key) const {
    size_t hash;
    std::memcpy(&hash, key.data(), sizeof(hash));
    return hash;
  }
};
using Done = absl::AnyInvocable<void(absl::StatusOr<Principal>)>;

class CachingAuthenticator final : public Authenticator {
 public:
  CachingAuthenticator(Channel* directory, Channel* desk)
      : directory_(directory), desk_(desk), state_(std::make_shared<State>()) {}

  void Authenticate(std::string_view token, Done done) override {
    bool person = token.substr(0, 4) == "yzp_";
    bool visitor = token.substr(0, 4) == "yzv_";
    Channel* service = person ? directory_ : visitor ? desk_ : nullptr;
    if (service == nullptr || token.size() > kMaxTokenBytes) return done(Unknown());
    Key key;
    SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(), key.data());
    uint64_t forgets;
    {
      absl::ReleasableMutexLock lock(&state_->mutex);
      if (const Entry* entry = state_->Find(key, absl::Now())) {
        Principal principal = *entry->principal;
        lock.Release();
        return done(std::move(principal));
      }
      auto& waiting = state_->asked[key];
      waiting.push_back(std::move(done));
      if (waiting.size() > 1) return;  // the answer is on its way
      forgets = state_->forgets;
    }
    if (person) {
      Ask<yizhan::directory::v1::IntrospectRequest, yizhan::directory::v1::IntrospectResponse>(
          service, "/yizhan.directory.v1.SessionService/Introspect", token, key, forgets);
    } else {
      Ask<yizhan::desk::v1::IntrospectVisitorRequest, yizhan::desk::v1::IntrospectVisitorResponse>(
          service, "/yizhan.desk.v1.VisitorService/Introspect", token, key, forgets);
    }
  }

  void Forget(std::string_view session_id) override {
    absl::MutexLock lock(&state_->mutex);
    state_->forgets++;
    auto range = state_->by_session.equal_range(std::string(session_id));
    for (auto it = range.first; it != range.second; ++it) {
      state_->young.erase(it->second);
      state_->old.erase(it->second);
    }
    state_->by_session.erase(std::string(session_id));
  }

 private:
  struct Entry {
    std::shared_ptr<const Principal> principal;
    absl::Time until;
  };
  using Map = std::unordered_map<Key, Entry, KeyHash>;

  // Two generations bound the memory: the older one is dropped whole when the younger is full or 30 seconds old.
  struct State {
    absl::Mutex mutex;
    Map young ABSL_GUARDED_BY(mutex), old ABSL_GUARDED_BY(mutex);
    absl::Time turned ABSL_GUARDED_BY(mutex) = absl::InfinitePast();
    std::unordered_multimap<std::string, Key> by_session ABSL_GUARDED_BY(mutex);
    std::unordered_map<Key, std::vector<Done>, KeyHash> asked ABSL_GUARDED_BY(mutex);
    // Counts Forget(): an answer that was asked for before one is handed on but not remembered.
    uint64_t forgets ABSL_GUARDED_BY(mutex) = 0;

    const Entry* Find(const Key& key, absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
      for (const Map* map : {&young, &old}) {
        auto found = map->find(key);
        if (found != map->end()) return found->second.until > now ? &found->second : nullptr;
      }
      return nullptr;
    }
    void Remember(const Key& key, Principal principal, absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
      if (young.size() >= kMaxRemembered / 2 || now - turned > kRemember) {
        old.swap(young);
        young.clear();
        turned = now;
        by_session.clear();
        for (const auto& [k, entry] : old) by_session.emplace(entry.principal->session_id(), k);
      }
      old.erase(key);
      std::string session = principal.session_id();
      bool known = young.contains(key);
      young[key] = {std::make_shared<const Principal>(std::move(principal)), now + kRemember};
      if (!known) by_session.emplace(std::move(session), key);
    }
  };

  static absl::Status Unknown() {
    return Refuse(absl::StatusCode::kUnauthenticated, "TOKEN_UNKNOWN",
                  "the token is not known or its session has ended: log in again");
  }

  template <typename Request, typename Response>
  void Ask(Channel* service, std::string_view method, std::string_view token, const Key& key, uint64_t forgets) {
    Request request;
    request.set_token(std::string(token));
    CallOptions options;
    options.timeout = kAskTimeout;
    service->Call(
        method, request.SerializeAsString(), std::move(options),
        [state = state_, key, forgets](absl::StatusOr<std::string> answer) {
          absl::StatusOr<Principal> result = Unknown();
          Response response;
          if (!answer.ok()) {
            result = answer.status();
          } else if (response.ParseFromString(*answer) && response.principal().kind() != Principal::KIND_UNSPECIFIED) {
            result = std::move(*response.mutable_principal());
          }
          std::vector<Done> waiting;
          {
            absl::MutexLock lock(&state->mutex);
            auto asked = state->asked.find(key);
            waiting = std::move(asked->second);
            state->asked.erase(asked);
            if (result.ok() && state->forgets == forgets) state->Remember(key, *result, absl::Now());
          }
          for (Done& done : waiting) done(result);
        });
  }

  Channel* const directory_;
  Channel* const desk_;
  const std::shared_ptr<State> state_;
};

}  // namespace

std::unique_ptr<Authenticator> MakeAuthenticator(Channel* directory, Channel* desk) {
  return std::make_unique<CachingAuthenticator>(directory, desk);
}

}  // namespace yizhan::rpc
