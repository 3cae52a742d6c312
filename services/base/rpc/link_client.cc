#include "base/rpc/link_client.h"

#include <atomic>
#include <utility>

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include "base/rpc/batch_queue.h"
#include "base/rpc/wire.h"
#include "base/status.h"

namespace yizhan::rpc {
namespace {

using yizhan::live::v1::LinkDown;
using yizhan::live::v1::UpFrame;

// The stream; deletes itself when gRPC has done with it.
class Stream final : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  // What the stream and its Link share.
  struct Shared {
    Shared(Stream* stream, std::function<void(LinkDown)> frames, std::function<void(absl::Status)> broken)
        : queue(kMaxLinkQueueBytes, [stream](std::string batch) { stream->Write(std::move(batch)); }),
          on_frames(std::move(frames)),
          on_broken(std::move(broken)) {}
    BatchQueue queue;
    std::function<void(LinkDown)> on_frames;
    std::function<void(absl::Status)> on_broken;
    std::atomic<bool> abandoned{false};
    absl::Mutex mutex;
    grpc::ClientContext* context ABSL_GUARDED_BY(mutex) = nullptr;
  };

  static std::shared_ptr<Shared> Open(std::shared_ptr<grpc::Channel> channel, const std::string& service,
                                      const std::string& edge_id, std::function<void(LinkDown)> on_frames,
                                      std::function<void(absl::Status)> on_broken) {
    auto* stream = new Stream(std::move(channel), std::move(on_frames), std::move(on_broken));
    std::shared_ptr<Shared> shared = stream->shared_;
    stream->Begin(service, edge_id);
    return shared;
  }

  void OnReadDone(bool ok) override {
    if (ok && Take()) {
      StartRead(&incoming_);
      return;
    }
    if (ok) context_.TryCancel();
    if (shared_->queue.Close()) RemoveHold();
  }

  void OnWriteDone(bool ok) override {
    // A failed write comes with a failed read, which ends the stream with the other end's status.
    if (shared_->queue.Written()) RemoveHold();
  }

  void OnDone(const grpc::Status& status) override {
    {
      absl::MutexLock lock(&shared_->mutex);
      shared_->context = nullptr;
    }
    absl::Status why = FromGrpc(status);
    if (why.ok() || why.code() == absl::StatusCode::kCancelled)
      why = absl::UnavailableError("the link was closed by the other end");
    if (!bad_.ok()) why = bad_;
    if (!shared_->abandoned.load(std::memory_order_acquire)) shared_->on_broken(std::move(why));
    delete this;
  }

 private:
  Stream(std::shared_ptr<grpc::Channel> channel, std::function<void(LinkDown)> on_frames,
         std::function<void(absl::Status)> on_broken)
      : stub_(std::move(channel)), shared_(std::make_shared<Shared>(this, std::move(on_frames), std::move(on_broken))) {
    absl::MutexLock lock(&shared_->mutex);
    shared_->context = &context_;
  }

  void Begin(const std::string& service, const std::string& edge_id) {
    context_.AddMetadata(kLinkServiceKey, service);
    stub_.PrepareBidiStreamingCall(&context_, kLinkMethod, grpc::StubOptions(), this);
    AddHold();  // writes come from other threads; let go when the queue is closed and no write is in flight
    UpFrame hello;
    hello.mutable_hello()->set_edge_id(edge_id);
    (void)shared_->queue.Add(hello);
    StartRead(&incoming_);
    shared_->queue.Kick();
    StartCall();
  }

  void Write(std::string batch) {
    outgoing_ = ToBuffer(std::move(batch));
    StartWrite(&outgoing_);
  }

  bool Take() {
    auto bytes = FromBuffer(incoming_);
    LinkDown down;
    if (!bytes.ok() || !down.ParseFromString(*bytes)) {
      bad_ = absl::InternalError("the other end sent what is not a LinkDown");
      return false;
    }
    if (!shared_->abandoned.load(std::memory_order_acquire)) shared_->on_frames(std::move(down));
    return true;
  }

  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  const std::shared_ptr<Shared> shared_;
  grpc::ByteBuffer incoming_, outgoing_;
  absl::Status bad_;
};

class GrpcLink final : public Link {
 public:
  explicit GrpcLink(std::shared_ptr<Stream::Shared> shared) : shared_(std::move(shared)) {}

  ~GrpcLink() override {
    shared_->abandoned.store(true, std::memory_order_release);
    absl::MutexLock lock(&shared_->mutex);
    if (shared_->context != nullptr) shared_->context->TryCancel();
  }

  absl::Status Send(const UpFrame& frame) override {
    BatchQueue::Added added = shared_->queue.Add(frame);
    if (added == BatchQueue::Added::kQueued) shared_->queue.Kick();
    return BatchQueue::StatusOf(added);
  }

 private:
  const std::shared_ptr<Stream::Shared> shared_;
};

}  // namespace

std::unique_ptr<Link> NewLink(std::shared_ptr<grpc::Channel> channel, std::string service, std::string edge_id,
                              std::function<void(LinkDown)> on_frames, std::function<void(absl::Status)> on_broken) {
  return std::make_unique<GrpcLink>(
      Stream::Open(std::move(channel), service, edge_id, std::move(on_frames), std::move(on_broken)));
}

}  // namespace yizhan::rpc
