// Whose pages may embed the widget: what its channel allows, as sources of a Content-Security-Policy.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/rpc/channel.h"

namespace yizhan::edge {

// Thread-safe. Remembers answers for 10 seconds (a change of a channel counts after that), of at most 1,000 channels;
// beyond, those whose time is over are forgotten, or else all.
class EmbeddingSites {
 public:
  // Finds the channel of a method's service; null where this installation lacks it.
  using Channels = std::function<rpc::Channel*(std::string_view method)>;
  explicit EmbeddingSites(Channels channels);

  // The sources, each after a space; empty where nobody may. Nothing when it has to be asked for.
  std::optional<std::string> Known(std::string_view channel_id, absl::Time now) const;

  // Asks desk. A name that no channel can have, and a channel that does not exist, allow nobody. Unavailable while desk
  // cannot be asked. `done` runs once, on this thread or one of gRPC's: must not block. It may outlive this object.
  void Ask(const std::string& channel_id, absl::AnyInvocable<void(absl::StatusOr<std::string>)> done);

 private:
  struct Answer {
    std::string sources;
    absl::Time until;
  };
  struct Memory {
    absl::Mutex mutex;
    std::map<std::string, Answer, std::less<>> answers ABSL_GUARDED_BY(mutex);
  };

  const Channels channels_;
  const std::shared_ptr<Memory> memory_;
};

}  // namespace yizhan::edge
