#include "cluster/context.h"

#include <memory>
#include <utility>

namespace yizhan::cluster {
namespace {

// Ends what was posted to the loop and has not run yet, too.
class LoopWatch : public Watch {
 public:
  LoopWatch(std::unique_ptr<Watch> inner, std::shared_ptr<bool> alive)
      : inner_(std::move(inner)), alive_(std::move(alive)) {}
  ~LoopWatch() override { *alive_ = false; }

 private:
  std::unique_ptr<Watch> inner_;
  const std::shared_ptr<bool> alive_;  // the loop's
};

}  // namespace

std::unique_ptr<Watch> LoopKv::StartWatch(std::string key, std::string end, int64_t from_revision,
                                          WatchCallbacks callbacks) const {
  auto alive = std::make_shared<bool>(true);
  auto shared = std::make_shared<WatchCallbacks>(std::move(callbacks));
  WatchCallbacks posting;
  posting.on_events = [loop = loop_, alive, shared](std::vector<Event> events, int64_t revision) {
    loop->Post([alive, shared, events = std::move(events), revision]() mutable {
      if (*alive) shared->on_events(std::move(events), revision);
    });
  };
  posting.on_ended = [loop = loop_, alive, shared](absl::Status why) {
    loop->Post([alive, shared, why = std::move(why)]() mutable {
      if (*alive) shared->on_ended(std::move(why));
    });
  };
  return std::make_unique<LoopWatch>(kv_->StartWatch(std::move(key), std::move(end), from_revision, std::move(posting)),
                                     std::move(alive));
}

}  // namespace yizhan::cluster
