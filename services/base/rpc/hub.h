// The owner's side of the links to edges: who hears which topic, and what is sent to them. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "base/rpc/service.h"

namespace yizhan::rpc {

// A service that edges link to implements this.
class LinkHandler {
 public:
  virtual ~LinkHandler() = default;
  // A device came: the topics that it hears from now on. Called on a link's thread; must not block.
  virtual absl::StatusOr<std::vector<std::string>> OnOpen(const std::string& edge_id, uint64_t session,
                                                          const Principal& principal) = 0;
  // A device went, or its edge's link broke.
  virtual void OnClose(const std::string& edge_id, uint64_t session, const Principal& principal) = 0;
};

class Hub {
 public:
  virtual ~Hub() = default;
  // Sends a frame (a serialised yizhan.live.v1.ServerFrame) to every edge with a session that hears the topic. Never
  // blocks; an edge that does not keep up beyond the bound (64 MiB queued) loses its link and opens it anew. Order is
  // kept per topic.
  virtual void Publish(std::string_view topic, std::string frame) = 0;
  // Whether anybody hears a topic: lets a publisher skip the work.
  virtual bool Heard(std::string_view topic) const = 0;
  // All sessions of a principal (wherever they are, and those to come while one is open) begin or cease to hear a
  // topic.
  virtual void Subscribe(std::string_view principal_id, std::string_view topic, bool active) = 0;
  // Sessions open now.
  virtual size_t sessions() const = 0;
};

}  // namespace yizhan::rpc
