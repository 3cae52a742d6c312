// Keeps a PeopleBook beside the directory: everything at the start, what changed every two seconds, and at once when somebody is asked
// for who is not in the book.
#pragma once

#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "base/http/io_pool.h"
#include "base/rpc/channel.h"
#include "edge/xmpp_server/people_book.h"

namespace yizhan::edge::xmpp {

class PeopleSync {
 public:
  // All outlive this.
  PeopleSync(PeopleBook* book, rpc::Channel* directory, http::IoPool* pool);
  ~PeopleSync();

  // Reads all people, waiting for them, then follows. Refused as SyncDirectory is; then it goes on trying by itself.
  absl::Status Start();
  // Asks the directory for news; `done` runs on a thread of the pool once they are in the book (or could not be had). Calls that come
  // while one is on its way share the next one. Thread-safe.
  void Refresh(size_t thread, absl::AnyInvocable<void()> done);
  // `done`s that wait are dropped. Before the pool stops.
  void Stop();

 private:
  struct State;
  static void Ask(const std::shared_ptr<State>& state);
  static void Answered(const std::shared_ptr<State>& state, absl::StatusOr<std::string> bytes);
  static void Tick(const std::shared_ptr<State>& state);
  const std::shared_ptr<State> state_;
};

}  // namespace yizhan::edge::xmpp
