// A link within one process: both ends, without a wire.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "base/rpc/batch_queue.h"
#include "base/rpc/channel.h"
#include "base/rpc/executor.h"
#include "base/rpc/link_peer.h"

namespace yizhan::rpc {

class LocalLink : public std::enable_shared_from_this<LocalLink> {
 public:
  // What Channel::OpenLink takes, and `gone`, called once when all is over and neither hub nor table is used any more.
  struct Callbacks {
    std::function<void(yizhan::live::v1::LinkDown)> on_frames;
    std::function<void(absl::Status)> on_broken;
    std::function<void(LocalLink*)> gone;
  };

  // The executor outlives it.
  LocalLink(Executor* executor, Callbacks callbacks);

  // First of all; both outlive the link's end.
  void Begin(LinkHub* hub, const ServiceTable* table, const std::string& edge_id);
  // As Link::Send.
  absl::Status Send(const yizhan::live::v1::UpFrame& frame);
  // The edge has no more interest: neither on_frames nor on_broken is called from here on.
  void Abandon();
  // Ends it soon, and tells the edge why unless it has abandoned it. From any thread, any number of times.
  void End(absl::Status why);

 private:
  void TakeUp(std::string batch);
  void TakeDown(std::string batch);

  const std::shared_ptr<Strand> up_strand_, down_strand_;
  Callbacks callbacks_;
  std::atomic<bool> abandoned_{false}, ended_{false};
  BatchQueue up_;
  std::optional<LinkPeer> peer_;  // since Begin(); Take() and End() on the strand of the way up
};

}  // namespace yizhan::rpc
