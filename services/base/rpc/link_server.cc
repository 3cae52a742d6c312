#include "base/rpc/link_server.h"

#include <utility>

#include "absl/synchronization/mutex.h"
#include "base/logging.h"
#include "base/rpc/link_peer.h"
#include "base/rpc/wire.h"
#include "base/status.h"

namespace yizhan::rpc {
namespace {

class LinkReactor final : public grpc::ServerGenericBidiReactor {
 public:
  LinkReactor(grpc::GenericCallbackServerContext* context, LinkHub* hub, const ServiceTable* table)
      : guard_(std::make_shared<Guard>()),
        peer_(
            hub, table,
            [this](std::string batch) {
              outgoing_ = ToBuffer(std::move(batch));
              StartWrite(&outgoing_);
            },
            [guard = guard_] { guard->Break(); }) {
    guard_->context = context;
    StartRead(&incoming_);
  }

  void OnReadDone(bool ok) override {
    absl::Status status = ok ? Take() : absl::OkStatus();
    if (!ok || !status.ok()) {
      if (!status.ok()) log::Warning("rpc", "an edge's link is broken off").With("error", status);
      status_ = ToGrpc(status, "");
      // End() and Written() between them say true once.
      if (peer_.End()) Finish(status_);
      return;
    }
    StartRead(&incoming_);
  }

  void OnWriteDone(bool ok) override {
    // A failed write comes with a failed read, which ends the stream.
    if (peer_.Written()) Finish(status_);
  }

  void OnDone() override {
    {
      absl::MutexLock lock(&guard_->mutex);
      guard_->context = nullptr;
    }
    delete this;
  }

 private:
  // Lets the link be broken from any thread as long as its stream lives.
  struct Guard {
    absl::Mutex mutex;
    grpc::GenericCallbackServerContext* context ABSL_GUARDED_BY(mutex) = nullptr;
    void Break() {
      absl::MutexLock lock(&mutex);
      if (context != nullptr) context->TryCancel();
    }
  };

  absl::Status Take() {
    YZ_ASSIGN_OR_RETURN(std::string bytes, FromBuffer(incoming_));
    return peer_.Take(bytes);
  }

  const std::shared_ptr<Guard> guard_;
  LinkPeer peer_;
  grpc::ByteBuffer incoming_, outgoing_;
  grpc::Status status_;
};

}  // namespace

grpc::ServerGenericBidiReactor* NewLinkReactor(grpc::GenericCallbackServerContext* context, LinkHub* hub,
                                               const ServiceTable* table) {
  return new LinkReactor(context, hub, table);
}

}  // namespace yizhan::rpc
