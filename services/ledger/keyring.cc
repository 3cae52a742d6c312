#include "ledger/keyring.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <list>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/files.h"
#include "base/status.h"
#include "ledger/seal.h"
#include "yizhan/ledger/v1/keyring.pb.h"

namespace yizhan::ledger {
namespace {
using yizhan::ledger::v1::KeyringRecord;

constexpr size_t kMaxCached = 65'536;
constexpr size_t kMaxScope = 200;
constexpr size_t kWrapped = 12 + 32 + 16;
const PartitionId kPartition{"keyring", 0};

// State of keyring/0: 'k' key_id -> wrapped_by (8) || wrapped (60); 'd' key_id -> "" once destroyed.
std::string AliveKey(std::string_view key_id) { return "k" + std::string(key_id); }
std::string DestroyedKey(std::string_view key_id) { return "d" + std::string(key_id); }

class Machine : public StateMachine {
 public:
  std::string_view service() const override { return "keyring"; }
  absl::Status Apply(const Record& record, StateWriter& state) override {
    KeyringRecord keyring;
    if (!keyring.ParseFromString(record.payload())) return absl::DataLossError("unreadable keyring record");
    switch (keyring.kind_case()) {
      case KeyringRecord::kCreated:
        state.Put(AliveKey(keyring.created().key_id()), keyring.created().wrapped_by() + keyring.created().wrapped());
        return absl::OkStatus();
      case KeyringRecord::kDestroyed:
        state.Delete(AliveKey(keyring.destroyed().key_id()));
        state.Put(DestroyedKey(keyring.destroyed().key_id()), {});
        return absl::OkStatus();
      case KeyringRecord::KIND_NOT_SET:
        break;
    }
    return absl::DataLossError(absl::StrCat("this version does not know the keyring record ", record.type()));
  }
};

// Calendar day (UTC) of a time, as YYYYMMDD. Days to civil date after H. Hinnant's chrono-compatible algorithms.
std::string Day(int64_t time_us) {
  int64_t days = time_us / 86'400'000'000;
  if (time_us % 86'400'000'000 < 0) --days;
  days += 719'468;
  const int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const int64_t day_of_era = days - era * 146'097;
  const int64_t year_of_era = (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t shifted = (5 * day_of_year + 2) / 153;
  const int64_t day = day_of_year - (153 * shifted + 2) / 5 + 1;
  const int64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
  const int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  return absl::StrFormat("%04d%02d%02d", year, month, day);
}

bool IsKeyId(std::string_view key_id) {
  const size_t at = key_id.rfind('@');
  if (at == std::string_view::npos || at == 0 || at > kMaxScope) return false;
  const std::string_view day = key_id.substr(at + 1);
  return day.size() == 8 && day.find_first_not_of("0123456789") == std::string_view::npos;
}

absl::Status Destroyed(std::string_view key_id) {
  return Refuse(absl::StatusCode::kFailedPrecondition, "KEY_DESTROYED",
                absl::StrCat("the data key ", std::string(key_id), " was destroyed and is not made again"));
}

absl::StatusOr<Key256> ReadKey(int fd, const std::string& path) {
  struct stat info;
  if (fstat(fd, &info) != 0) return FileError("reading", path, errno);
  if ((info.st_mode & 077) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("the installation key ", path, " can be read by others; set its mode to 0600"));
  }
  Key256 key;
  if (info.st_size != 32 || read(fd, key.data(), 32) != 32) {
    return absl::FailedPreconditionError(
        absl::StrCat("the installation key ", path, " has not 32 bytes; restore it from its backup"));
  }
  return key;
}

absl::StatusOr<Key256> MakeKey(const std::string& folder, const std::string& path) {
  YZ_RETURN_IF_ERROR(MakePrivateFolder(folder));
  Key256 key;
  FillRandom(reinterpret_cast<char*>(key.data()), key.size());
  YZ_RETURN_IF_ERROR(ReplaceFile(path, {reinterpret_cast<const char*>(key.data()), key.size()}));
  return key;
}

absl::StatusOr<Key256> LoadKey(const Ledger& ledger, const std::string& data_dir) {
  const std::string folder = data_dir + "/keys", path = folder + "/installation.key";
  if (const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC); fd >= 0) {
    auto key = ReadKey(fd, path);
    close(fd);
    return key;
  }
  if (errno != ENOENT) return FileError("opening the installation key", path, errno);
  if (ledger.replicated()) {
    return Refuse(absl::StatusCode::kFailedPrecondition, "KEY_LOST",
                  absl::StrCat("the installation key ", path,
                               " is missing; copy keys/installation.key from another machine of the cluster"));
  }
  for (const PartitionInfo& partition : ledger.Partitions()) {
    if (partition.head > 0) {
      return Refuse(
          absl::StatusCode::kFailedPrecondition, "KEY_LOST",
          absl::StrCat(
              "the installation key ", path,
              " is missing, and without it what this ledger holds cannot be opened. Restore it from its backup"));
    }
  }
  return MakeKey(folder, path);
}

using Done = absl::AnyInvocable<void(absl::StatusOr<DataKeyPtr>)>;

class KeyringImpl : public Keyring {
 public:
  KeyringImpl(Ledger* ledger, const Key256& key) : ledger_(ledger), shared_(std::make_shared<Shared>()) {
    shared_->ledger = ledger;
    shared_->key = key;
    const auto hash = Sha256({std::string_view(reinterpret_cast<const char*>(key.data()), key.size())});
    shared_->key_name.assign(reinterpret_cast<const char*>(hash.data()), 8);
    // Also what another machine has destroyed.
    ledger_->Listen("keyring", [shared = shared_](const PartitionId&, absl::Span<const Record> records) {
      KeyringRecord keyring;
      for (const Record& record : records) {
        if (keyring.ParseFromString(record.payload()) && keyring.has_destroyed())
          shared->Drop(keyring.destroyed().key_id());
      }
    });
  }

  absl::Status CheckKey() const {
    absl::Status status;
    YZ_RETURN_IF_ERROR(ledger_->View(kPartition)->Scan("k", "", [&](std::string_view key, std::string_view value) {
      status = shared_->Unwrap(key.substr(1), value).status();
      return false;
    }));
    if (status.ok()) return status;
    return Refuse(absl::StatusCode::kFailedPrecondition, "KEY_LOST",
                  absl::StrCat("the installation key is not the one that this ledger's data keys are wrapped with; "
                               "restore it from its backup (",
                               status.message(), ")"));
  }

  void Ensure(std::string_view scope, int64_t time_us, Done done) override {
    if (scope.empty() || scope.size() > kMaxScope) {
      done(absl::InvalidArgumentError(absl::StrCat("a scope of data keys has 1 to ", kMaxScope, " bytes")));
      return;
    }
    std::string key_id = absl::StrCat(std::string(scope), "@", Day(time_us));
    auto known = Find(key_id);
    if (known.ok() || !absl::IsNotFound(known.status())) return done(std::move(known));
    {
      std::lock_guard lock(shared_->mutex);
      auto [it, first] = shared_->making.try_emplace(key_id);
      it->second.push_back(std::move(done));
      if (!first) return;
    }
    Create(std::move(key_id));
  }

  void EnsureById(std::string_view key_id, absl::AnyInvocable<void(absl::Status)> done) override {
    if (!IsKeyId(key_id)) {
      done(absl::InvalidArgumentError("a data key's id is SCOPE@YYYYMMDD"));
      return;
    }
    // Even when the key is at hand: what is answered behind a batch is covered by the head.
    ledger_->Submit(
        CreateCommand(shared_, std::string(key_id),
                      [done = std::move(done)](absl::StatusOr<DataKeyPtr> key) mutable { done(key.status()); }));
  }

  void SetRemote(Remote remote) override {
    std::lock_guard lock(shared_->mutex);
    shared_->remote = std::move(remote);
  }

  absl::StatusOr<DataKeyPtr> Find(std::string_view key_id) const override { return shared_->Find(key_id); }

  void Destroy(std::string_view key_id, absl::AnyInvocable<void(absl::Status)> done) override {
    Command command;
    command.partition = kPartition;
    command.actor = "service:keyring";
    command.decide = [id = std::string(key_id)](const DecideContext&,
                                                const StateReader& state) -> absl::StatusOr<Proposal> {
      YZ_ASSIGN_OR_RETURN(auto alive, state.Get(AliveKey(id)));
      YZ_ASSIGN_OR_RETURN(auto destroyed, state.Get(DestroyedKey(id)));
      if (destroyed) return Proposal{};
      if (!alive) return absl::NotFoundError(absl::StrCat("there is no data key ", id));
      KeyringRecord record;
      record.mutable_destroyed()->set_key_id(id);
      return Proposal{{{"keyring.DataKeyDestroyed", record.SerializeAsString()}}, ""};
    };
    command.done = [shared = shared_, id = std::string(key_id),
                    done = std::move(done)](absl::StatusOr<Command::Outcome> outcome) mutable {
      if (outcome.ok()) shared->Drop(id);
      done(outcome.status());
    };
    ledger_->Submit(std::move(command));
  }

  Key256 Derive(std::string_view purpose) const override {
    return Hkdf(shared_->key, "yizhan installation key", purpose);
  }

 private:
  // Outlives the keyring as long as a command of its is on the way.
  struct Shared {
    Ledger* ledger;
    Key256 key;
    std::string key_name;  // first 8 bytes of its SHA-256
    std::mutex mutex;
    uint64_t drops = 0;
    using Order = std::list<DataKeyPtr>;
    Order order;                                                    // latest first
    absl::flat_hash_map<absl::string_view, Order::iterator> cache;  // by the list's key_id
    std::map<std::string, std::vector<Done>> making;
    Remote remote;

    ~Shared() { OPENSSL_cleanse(key.data(), key.size()); }

    DataKeyPtr Cached(std::string_view key_id, uint64_t* drops_now) {
      std::lock_guard lock(mutex);
      *drops_now = drops;
      auto it = cache.find(absl::string_view(key_id.data(), key_id.size()));
      if (it == cache.end()) return nullptr;
      order.splice(order.begin(), order, it->second);
      return order.front();
    }
    // `drops_then`: how many keys had been dropped before the key was read. One read before it was destroyed must not
    // come back.
    void Remember(const DataKeyPtr& data_key, uint64_t drops_then) {
      std::lock_guard lock(mutex);
      if (drops != drops_then) return;
      if (cache.contains(data_key->key_id)) return;
      order.push_front(data_key);
      cache[order.front()->key_id] = order.begin();
      if (order.size() > kMaxCached) {
        cache.erase(order.back()->key_id);
        order.pop_back();
      }
    }
    void Remember(const DataKeyPtr& data_key) {
      uint64_t now;
      if (Cached(data_key->key_id, &now) == nullptr) Remember(data_key, now);
    }
    void Drop(const std::string& key_id) {
      std::lock_guard lock(mutex);
      ++drops;
      auto it = cache.find(key_id);
      if (it == cache.end()) return;
      auto at = it->second;
      cache.erase(it);
      order.erase(at);
    }
    absl::StatusOr<DataKeyPtr> Find(std::string_view key_id) {
      uint64_t drops_then = 0;
      if (DataKeyPtr cached = Cached(key_id, &drops_then)) return cached;
      YZ_ASSIGN_OR_RETURN(auto stored, ledger->View(kPartition)->Get(AliveKey(key_id)));
      if (!stored)
        return absl::NotFoundError(
            absl::StrCat("there is no data key ", std::string(key_id), "; it was destroyed or never was"));
      YZ_ASSIGN_OR_RETURN(DataKeyPtr found, Unwrap(key_id, *stored));
      Remember(found, drops_then);
      return found;
    }
    // What the owner of keyring/0 has said is here, if it is.
    absl::StatusOr<DataKeyPtr> FindArrived(const std::string& key_id) {
      auto found = Find(key_id);
      if (!absl::IsNotFound(found.status())) return found;
      YZ_ASSIGN_OR_RETURN(auto destroyed, ledger->View(kPartition)->Get(DestroyedKey(key_id)));
      if (destroyed) return Destroyed(key_id);
      return RefuseForNow(absl::StatusCode::kUnavailable, "NOT_HERE_YET",
                          absl::StrCat("the data key ", key_id, " was made and is not here yet; try again"), 200);
    }
    // Answers all who wait for a key that is being made.
    void Made(const std::string& key_id, const absl::StatusOr<DataKeyPtr>& made) {
      std::vector<Done> waiting;
      {
        std::lock_guard lock(mutex);
        if (auto it = making.find(key_id); it != making.end()) {
          waiting = std::move(it->second);
          making.erase(it);
        }
      }
      for (Done& done : waiting) done(made);
    }
    absl::StatusOr<DataKeyPtr> Unwrap(std::string_view key_id, std::string_view stored) const {
      if (stored.size() != 8 + kWrapped)
        return absl::DataLossError(absl::StrCat("the data key ", std::string(key_id), " is not whole"));
      if (stored.substr(0, 8) != key_name) {
        return Refuse(absl::StatusCode::kFailedPrecondition, "KEY_LOST",
                      absl::StrCat("the data key ", std::string(key_id), " is wrapped by another installation key"));
      }
      YZ_ASSIGN_OR_RETURN(std::string plain, AesGcmOpen(key, stored.substr(8, 12), key_id, stored.substr(20)));
      auto data_key = std::make_shared<DataKey>();
      data_key->key_id = key_id;
      memcpy(data_key->key.data(), plain.data(), data_key->key.size());
      OPENSSL_cleanse(plain.data(), plain.size());
      return data_key;
    }
  };

  // Makes the key, here or where keyring/0 is owned, and answers those who wait for it.
  void Create(std::string key_id) {
    ledger_->Submit(CreateCommand(shared_, key_id, [shared = shared_, key_id](absl::StatusOr<DataKeyPtr> key) {
      Remote remote;
      if (NotOwnedPartition(key.status())) {
        std::lock_guard lock(shared->mutex);
        remote = shared->remote;
      }
      if (!remote) return shared->Made(key_id, key);
      remote(key_id, [shared, key_id](absl::Status status) {
        shared->Made(key_id, status.ok() ? shared->FindArrived(key_id) : std::move(status));
      });
    }));
  }

  // Idempotent by what it does: the key that is there already is the answer.
  static Command CreateCommand(std::shared_ptr<Shared> shared, std::string key_id, Done done) {
    Command command;
    command.partition = kPartition;
    command.actor = "service:keyring";
    command.decide = [shared, key_id](const DecideContext&, const StateReader& state) -> absl::StatusOr<Proposal> {
      YZ_ASSIGN_OR_RETURN(auto alive, state.Get(AliveKey(key_id)));
      if (alive) return Proposal{{}, *alive};
      YZ_ASSIGN_OR_RETURN(auto destroyed, state.Get(DestroyedKey(key_id)));
      if (destroyed) return Destroyed(key_id);
      DataKey fresh;
      FillRandom(reinterpret_cast<char*>(fresh.key.data()), fresh.key.size());
      std::string nonce(12, '\0');
      FillRandom(nonce.data(), nonce.size());
      const std::string wrapped =
          nonce +
          AesGcmSeal(shared->key, nonce, key_id, {reinterpret_cast<const char*>(fresh.key.data()), fresh.key.size()});
      KeyringRecord record;
      record.mutable_created()->set_key_id(key_id);
      record.mutable_created()->set_wrapped(wrapped);
      record.mutable_created()->set_wrapped_by(shared->key_name);
      return Proposal{{{"keyring.DataKeyCreated", record.SerializeAsString()}}, shared->key_name + wrapped};
    };
    command.done = [shared, key_id, done = std::move(done)](absl::StatusOr<Command::Outcome> outcome) mutable {
      if (!outcome.ok()) return done(outcome.status());
      auto key = shared->Unwrap(key_id, outcome->result);
      // Destructions are told on this thread too, in order: the key is alive as of now.
      if (key.ok()) shared->Remember(*key);
      done(std::move(key));
    };
    return command;
  }

  Ledger* const ledger_;
  const std::shared_ptr<Shared> shared_;
};
}  // namespace

absl::Status MakeInstallationKey(const std::string& data_dir) {
  return MakeKey(data_dir + "/keys", data_dir + "/keys/installation.key").status();
}

StateMachine* KeyringMachine() {
  static Machine machine;
  return &machine;
}

absl::StatusOr<std::unique_ptr<Keyring>> Keyring::Open(Ledger* ledger, const std::string& data_dir) {
  YZ_ASSIGN_OR_RETURN(Key256 key, LoadKey(*ledger, data_dir));
  auto keyring = std::make_unique<KeyringImpl>(ledger, key);
  OPENSSL_cleanse(key.data(), key.size());
  YZ_RETURN_IF_ERROR(keyring->CheckKey());
  ledger->Register(KeyringMachine());
  return keyring;
}

absl::StatusOr<std::string> Keyring::Open(const yizhan::common::v1::Sealed& sealed) const {
  auto key = Find(sealed.key_id());
  if (!key.ok()) return key.status();
  return OpenWith(**key, sealed);
}

}  // namespace yizhan::ledger
