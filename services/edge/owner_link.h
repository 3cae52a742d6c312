// The edge's link to one owner ("im", "desk"), opened again whenever it breaks.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "base/http/io_pool.h"
#include "base/rpc/channel.h"
#include "edge/session_router.h"
#include "yizhan/live/v1/link_service.pb.h"

namespace yizhan::edge {

// The owners that sessions may be linked to.
enum Owner : size_t { kIm = 0, kDesk = 1, kOwners = 2 };
std::string_view OwnerName(Owner owner);

// What came down a link at once, in order, for one io thread.
struct Batch {
  using Item = std::variant<std::shared_ptr<const Event>, yizhan::live::v1::SessionOpened, yizhan::live::v1::Reply,
                            std::shared_ptr<const yizhan::live::v1::Subscription>>;
  Owner owner = kIm;
  uint64_t generation = 0;
  std::vector<Item> items;
};

// Ids of sessions and calls name their io thread, so that answers find it: the low byte.
inline size_t ThreadOfId(uint64_t id) { return id & 0xFF; }

class OwnerLink : public std::enable_shared_from_this<OwnerLink> {
 public:
  struct Callbacks {
    // On io thread `thread`: the link of this generation is up; sessions are to be opened on it.
    std::function<void(size_t thread, Owner, uint64_t generation)> on_up;
    std::function<void(size_t thread, Owner, uint64_t generation)> on_down;
    std::function<void(size_t thread, Batch)> on_batch;
  };

  OwnerLink(http::IoPool* pool, rpc::Channel* channel, Owner owner, std::string edge_id, Callbacks callbacks);

  // Opens the link and keeps it open until Stop().
  void Start();
  void Stop();

  // Unavailable when the link of that generation is no more.
  absl::Status Send(uint64_t generation, const yizhan::live::v1::UpFrame& frame);
  bool up() const;

 private:
  void Open();
  void Broken(uint64_t generation, const absl::Status& why);
  void Split(uint64_t generation, yizhan::live::v1::LinkDown down);

  http::IoPool* const pool_;
  rpc::Channel* const channel_;
  const Owner owner_;
  const std::string edge_id_;
  const Callbacks callbacks_;
  mutable absl::Mutex mutex_;
  std::shared_ptr<rpc::Link> link_ ABSL_GUARDED_BY(mutex_);
  uint64_t generation_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t broken_ ABSL_GUARDED_BY(mutex_) = 0;  // the last generation that broke
  int failures_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace yizhan::edge
