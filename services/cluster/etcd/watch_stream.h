// A watch: a stream to some member, and another one when that ends.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "cluster/etcd/client.h"
#include "cluster/etcd/messages.h"
#include "cluster/kv.h"

namespace yizhan::cluster::etcd {

class WatchReactor;

// Thread-safe. One stream at a time, and so one thread at a time that takes what it brings. A watch from revision 0
// begins with what happens after it was opened.
class WatchStream final : public Follower, public std::enable_shared_from_this<WatchStream> {
 public:
  WatchStream(std::shared_ptr<Client> client, KeySpace keys, const std::string& key, const std::string& end,
              int64_t from_revision, WatchCallbacks callbacks);

  void Open();
  void Look() override;  // moves to another member where this one is not well
  void Stop() override;  // for good, without a callback

 private:
  friend class WatchReactor;

  void OpenWith(const std::string& token);
  // What the stream brings. False: it is of no more use.
  bool Take(etcdserverpb::WatchResponse response);
  void TakeEvents(etcdserverpb::WatchResponse response);
  void Closed(const grpc::Status& status, size_t member, const std::string& token);
  void Reopen(bool at_once);
  void End(absl::Status why);
  bool over() const;

  const std::shared_ptr<Client> client_;
  const KeySpace keys_;
  const std::string key_, end_;
  WatchCallbacks callbacks_;

  // Of the thread that has the stream.
  int64_t next_revision_;  // what comes next is of this one at the earliest
  // Of a revision of which there may be more.
  std::vector<Event> held_back_;
  // What ended the stream, where it was said in a message.
  std::string cancel_reason_;
  bool said_cancelled_ = false;
  bool compacted_ = false;
  int failures_ = 0;  // since the last one that worked

  mutable absl::Mutex mutex_;
  bool over_ ABSL_GUARDED_BY(mutex_) = false;
  bool moving_ ABSL_GUARDED_BY(mutex_) = false;   // we end this stream ourselves
  bool created_ ABSL_GUARDED_BY(mutex_) = false;  // etcd has confirmed it
  size_t member_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Time opened_ ABSL_GUARDED_BY(mutex_);
  grpc::ClientContext* context_ ABSL_GUARDED_BY(mutex_) = nullptr;  // of the open stream
};

}  // namespace yizhan::cluster::etcd
