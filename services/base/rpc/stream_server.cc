#include "base/rpc/stream_server.h"

#include <deque>
#include <optional>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "base/ids.h"
#include "base/rpc/unary_server.h"
#include "base/rpc/wire.h"
#include "base/status.h"

namespace yizhan::rpc {
namespace {

class Reactor;

// What the reactor and its user share. gRPC is never called under the lock.
class GrpcStream final : public ServerStream, public std::enable_shared_from_this<GrpcStream> {
 public:
  GrpcStream(Reactor* reactor, grpc::GenericCallbackServerContext* context, std::string token)
      : reactor_(reactor),
        context_(context),
        token_(std::move(token)),
        remote_address_(RemoteAddress(*context)),
        request_id_(RequestIdOf(*context)) {}

  const std::string& token() const override { return token_; }
  const std::string& remote_address() const override { return remote_address_; }
  const std::string& request_id() const override { return request_id_; }

  void Start(std::shared_ptr<StreamReader> reader) override {
    bool gone;
    {
      absl::MutexLock lock(&mutex_);
      gone = finishing_.has_value();
      if (!gone) reader_ = reader;
    }
    if (gone) return reader->OnGone();
    ReadNext();
  }
  void ReadNext() override;
  void Write(std::shared_ptr<const std::string> message) override {
    {
      absl::MutexLock lock(&mutex_);
      if (finishing_.has_value()) return;
      queued_bytes_ += message->size();
      queue_.push_back(std::move(message));
    }
    Go();
  }
  size_t queued_bytes() const override {
    absl::MutexLock lock(&mutex_);
    return queued_bytes_;
  }
  void Finish(absl::Status status) override {
    {
      absl::MutexLock lock(&mutex_);
      if (!finishing_.has_value()) finishing_ = std::move(status);
      reader_ = nullptr;
    }
    Go();
  }
  void Cancel() override {
    Finish(absl::CancelledError("the stream was ended"));
    {
      absl::MutexLock lock(&mutex_);
      if (finished_) return;
      ++busy_;
    }
    context_->TryCancel();
    Done();
  }

  void Read(bool ok, std::string bytes) {
    std::shared_ptr<StreamReader> reader;
    {
      absl::MutexLock lock(&mutex_);
      reader = reader_;
    }
    if (reader == nullptr) return;
    if (ok) {
      reader->OnMessage(std::move(bytes));
    } else {
      reader->OnHalfClosed();
    }
  }
  void Written(bool ok) {
    {
      absl::MutexLock lock(&mutex_);
      writing_ = false;
      if (!ok) Drop();  // the call's cancellation follows, or has come
    }
    Go();
  }
  // The client, or this process, has broken the call off.
  void Cancelled() {
    std::shared_ptr<StreamReader> reader;
    {
      absl::MutexLock lock(&mutex_);
      Drop();
      if (!finishing_.has_value()) finishing_ = absl::CancelledError("the client is gone");
      reader = std::exchange(reader_, nullptr);
    }
    Go();
    if (reader != nullptr) reader->OnGone();
  }

 private:
  void Drop() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    queue_.clear();
    queued_bytes_ = 0;
  }
  // An operation that kept the reactor has returned.
  void Done() {
    {
      absl::MutexLock lock(&mutex_);
      --busy_;
    }
    Go();
  }
  // Begins the next write or, when none is left and none needs the reactor any more, finishes.
  void Go();

  Reactor* const reactor_;  // lives until it is finished
  grpc::GenericCallbackServerContext* const context_;
  const std::string token_, remote_address_, request_id_;
  mutable absl::Mutex mutex_;
  std::shared_ptr<StreamReader> reader_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::shared_ptr<const std::string>> queue_ ABSL_GUARDED_BY(mutex_);
  size_t queued_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  int busy_ ABSL_GUARDED_BY(mutex_) = 0;  // calls into gRPC that have not returned
  std::optional<absl::Status> finishing_ ABSL_GUARDED_BY(mutex_);
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

class Reactor final : public grpc::ServerGenericBidiReactor {
 public:
  Reactor(grpc::GenericCallbackServerContext* context, std::string token)
      : stream_(std::make_shared<GrpcStream>(this, context, std::move(token))) {}

  void Read() { StartRead(&incoming_); }
  void Write(std::shared_ptr<const std::string> message) {
    auto* kept = new std::shared_ptr<const std::string>(std::move(message));
    grpc::Slice slice(
        const_cast<char*>((*kept)->data()), (*kept)->size(),
        [](void* pointer) { delete static_cast<std::shared_ptr<const std::string>*>(pointer); }, kept);
    outgoing_ = grpc::ByteBuffer(&slice, 1);
    StartWrite(&outgoing_);
  }
  const std::shared_ptr<GrpcStream>& stream() const { return stream_; }

  void OnReadDone(bool ok) override {
    auto bytes = ok ? FromBuffer(incoming_) : absl::StatusOr<std::string>("");
    incoming_.Clear();
    stream_->Read(ok && bytes.ok(), bytes.ok() ? *std::move(bytes) : "");
  }
  void OnWriteDone(bool ok) override { stream_->Written(ok); }
  void OnCancel() override { stream_->Cancelled(); }
  void OnDone() override { delete this; }

 private:
  const std::shared_ptr<GrpcStream> stream_;
  grpc::ByteBuffer incoming_, outgoing_;
};

void GrpcStream::ReadNext() {
  {
    absl::MutexLock lock(&mutex_);
    if (finishing_.has_value()) return;
    ++busy_;
  }
  reactor_->Read();
  Done();
}

void GrpcStream::Go() {
  std::shared_ptr<const std::string> message;
  absl::Status status;
  bool finish = false;
  {
    absl::MutexLock lock(&mutex_);
    if (writing_ || finished_) return;
    if (!queue_.empty()) {
      message = std::move(queue_.front());
      queue_.pop_front();
      queued_bytes_ -= message->size();
      writing_ = true;
      ++busy_;
    } else if (finishing_.has_value() && busy_ == 0) {
      status = *finishing_;
      finished_ = finish = true;
    }
  }
  auto keep = shared_from_this();
  if (message != nullptr) {
    reactor_->Write(std::move(message));
    return Done();
  }
  if (finish) reactor_->Finish(ToGrpc(status, request_id_));
}

}  // namespace

grpc::ServerGenericBidiReactor* NewStreamReactor(grpc::GenericCallbackServerContext* context,
                                                 const StreamAcceptor& accept) {
  absl::StatusOr<std::string> token = BearerToken(*context);
  if (!token.ok()) return NewRefusal(token.status());
  auto* reactor = new Reactor(context, *std::move(token));
  accept(reactor->stream());
  return reactor;
}

}  // namespace yizhan::rpc
