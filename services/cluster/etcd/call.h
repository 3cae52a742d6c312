// One call of a client's, from its first attempt to its answer.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include <grpcpp/client_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "cluster/etcd/client.h"

namespace yizhan::cluster::etcd {

// Its steps follow each other, on whichever thread; only Cancel() comes in between.
class Call : public std::enable_shared_from_this<Call> {
 public:
  Call(std::shared_ptr<Client> client, CallSpec spec, grpc::ByteBuffer request, Client::Reply reply);

  void Start();
  // Any time; the call ends soon.
  void Cancel();

 private:
  struct Attempt {
    grpc::ClientContext context;
    grpc::ByteBuffer response;
    size_t member = 0;
    absl::Time sent;
    std::string token;
  };

  void Try();
  void Send(std::string token);
  void Answered(const grpc::Status& status);
  void Finish(absl::StatusOr<grpc::ByteBuffer> answer);
  absl::Duration Remaining() const;
  bool cancelled() const;

  const std::shared_ptr<Client> client_;
  const CallSpec spec_;
  const grpc::ByteBuffer request_;
  const absl::Time deadline_;
  Client::Reply reply_;
  bool counted_ = false;
  int failures_ = 0;  // attempts that failed
  int logins_ = 0;
  std::unique_ptr<Attempt> attempt_;

  mutable absl::Mutex mutex_;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  grpc::ClientContext* context_ ABSL_GUARDED_BY(mutex_) = nullptr;  // of the attempt under way
};

}  // namespace yizhan::cluster::etcd
