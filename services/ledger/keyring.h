// Data keys, and content sealed with them. One partition, keyring/0, holds every data key, wrapped by the
// installation's key.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ledger/ledger.h"
#include "yizhan/common/v1/sealed.pb.h"

namespace yizhan::ledger {

// A data key in memory. Shared, wiped when the last holder lets go.
struct DataKey {
  std::string key_id;  // "SCOPE@YYYYMMDD"
  std::array<uint8_t, 32> key;
  ~DataKey();
};
using DataKeyPtr = std::shared_ptr<const DataKey>;

class Keyring {
 public:
  // Reads DIR/keys/installation.key (32 bytes, mode 0600), or makes it when the ledger is empty. A missing key beside a
  // ledger that holds records or is a replica (Options::replicated: all have one key), one that others can read, or
  // another key than the one that wrapped the data keys is refused: FailedPrecondition, never an empty store. Registers
  // its state machine and a listener: call before Ledger::Start.
  static absl::StatusOr<std::unique_ptr<Keyring>> Open(Ledger* ledger, const std::string& data_dir);
  virtual ~Keyring() = default;

  // The data key of a scope (a conversation's id) for the day of time_us (UTC). `done` runs at once on this thread when
  // the key is at hand, else on the completion thread after it has been made. Refused like any command;
  // FailedPrecondition KEY_DESTROYED for a key that was destroyed, InvalidArgument for a scope that has not 1 to 200
  // bytes.
  virtual void Ensure(std::string_view scope, int64_t time_us,
                      absl::AnyInvocable<void(absl::StatusOr<DataKeyPtr>)> done) = 0;

  // Makes sure that a data key ("SCOPE@YYYYMMDD") is in keyring/0, as its owner: what another machine's Remote ends at.
  // Never asks the Remote: NotOwner() where keyring/0 is not owned. `done` runs on the completion thread, and
  // keyring/0's head covers the record then. InvalidArgument for an id of another shape; otherwise refused as Ensure
  // is.
  virtual void EnsureById(std::string_view key_id, absl::AnyInvocable<void(absl::Status)> done) = 0;

  // Asks the owner of keyring/0 for a data key when that is another machine. Its `done` is called once, on any thread;
  // ok means that the key's record is in the local replica now, and Ensure answers from there. It is called on whatever
  // thread Ensure found out on, the completion thread among them: must not block.
  using Remote = std::function<void(std::string key_id, absl::AnyInvocable<void(absl::Status)> done)>;
  // Without one, Ensure is refused with NotOwner() there. Any thread; no `done` may come after the ledger is gone.
  virtual void SetRemote(Remote remote) = 0;

  // A known key by id. NotFound when it was destroyed or never was.
  virtual absl::StatusOr<DataKeyPtr> Find(std::string_view key_id) const = 0;

  // Destroys a data key: what it sealed can never be opened again, here or anywhere else. Destroying it again is ok;
  // NotFound for one that never was. `done` runs on the completion thread. Whoever holds the key in memory lets it go
  // by itself; a replica's keyring does when the record arrives. NotOwner() where keyring/0 is not owned.
  virtual void Destroy(std::string_view key_id, absl::AnyInvocable<void(absl::Status)> done) = 0;

  // A key of the installation for another purpose, derived by HKDF-SHA-256 from the installation key: "archive-salt",
  // "search-index".
  virtual std::array<uint8_t, 32> Derive(std::string_view purpose) const = 0;

  // Opens sealed content with the key that it names.
  absl::StatusOr<std::string> Open(const yizhan::common::v1::Sealed& sealed) const;
};

// Makes DIR/keys/installation.key, for a ledger that is to be made: what replicas share.
absl::Status MakeInstallationKey(const std::string& data_dir);

// The keyring's state machine: Keyring::Open registers it; tools that replay without the installation key need it
// alone.
StateMachine* KeyringMachine();

// Seals content: fresh salt and nonce, AES-256-GCM, commitment (see sealed.proto). ~1 µs for 100 bytes.
yizhan::common::v1::Sealed Seal(const DataKey& key, std::string_view content);
// Opens. DataLoss when the tag does not fit. `salt` (16 bytes) may be null.
absl::StatusOr<std::string> OpenWith(const DataKey& key, const yizhan::common::v1::Sealed& sealed,
                                     std::string* salt = nullptr);

}  // namespace yizhan::ledger
