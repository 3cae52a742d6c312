// The owner's end of one edge's link, whatever carries it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "absl/status/status.h"
#include "base/rpc/link_hub.h"
#include "base/rpc/service.h"

namespace yizhan::rpc {

// Take() and End() come one after another; Written() from any thread.
class LinkPeer {
 public:
  // The first two outlive it. `start_write` and `break_link` as in LinkHub::EdgeLink; neither is called any more once
  // the stream is finished. Calls on the link are dispatched into the table with their session's principal.
  LinkPeer(LinkHub* hub, const ServiceTable* table, std::function<void(std::string)> start_write,
           std::function<void()> break_link);

  // A serialised LinkUp came. Not OK: the stream is to be ended.
  absl::Status Take(std::string_view bytes);
  // The write that start_write began has ended. True: the stream may be finished now.
  bool Written();
  // Nothing more comes: every session is gone. True: the stream may be finished now, else once Written() says so. Once.
  bool End();

 private:
  absl::Status TakeFrame(yizhan::live::v1::UpFrame& frame);
  void Begin(const std::string& edge_id);
  void Call(const yizhan::live::v1::Call& call);

  LinkHub* const hub_;
  const ServiceTable* const table_;
  std::function<void(std::string)> start_write_;
  std::function<void()> break_link_;
  std::shared_ptr<LinkHub::EdgeLink> link_;  // since the first frame
  std::unordered_map<uint64_t, std::shared_ptr<const Principal>> principals_;
};

}  // namespace yizhan::rpc
