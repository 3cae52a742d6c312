#include "base/rpc/testing.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <deque>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "base/rpc/grpc_library.h"
#include "base/rpc/wire.h"

namespace yizhan::rpc::testing {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(10);

class Client final : public StreamClient, public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  Client(std::shared_ptr<grpc::Channel> channel, const std::string& method,
         const std::map<std::string, std::string>& metadata)
      : stub_(std::move(channel)) {
    for (const auto& [key, value] : metadata) context_.AddMetadata(key, value);
    stub_.PrepareBidiStreamingCall(&context_, method, grpc::StubOptions(), this);
    AddHold();  // writes come from the test's thread
    StartRead(&incoming_);
    StartCall();
  }
  ~Client() override {
    context_.TryCancel();
    LetGo();
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(&ended_));
  }

  void Write(std::string message) override {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(&may_write_));
    may_write_ = false;
    outgoing_ = ToBuffer(std::move(message));
    StartWrite(&outgoing_);
  }
  void HalfClose() override {
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(&may_write_));
    }
    StartWritesDone();
  }
  std::optional<std::string> Read() override {
    absl::MutexLock lock(&mutex_);
    auto something = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return ended_reading_ || !messages_.empty(); };
    if (!mutex_.AwaitWithTimeout(absl::Condition(&something), kPatience) || messages_.empty()) return std::nullopt;
    std::string message = std::move(messages_.front());
    messages_.pop_front();
    return message;
  }
  void Cancel() override { context_.TryCancel(); }
  absl::Status Finish() override {
    LetGo();
    absl::MutexLock lock(&mutex_);
    if (!mutex_.AwaitWithTimeout(absl::Condition(&ended_), kPatience))
      return absl::DeadlineExceededError("the stream has not ended");
    return FromGrpc(status_);
  }

  void OnReadDone(bool ok) override {
    {
      absl::MutexLock lock(&mutex_);
      if (ok) {
        messages_.push_back(FromBuffer(incoming_).value());
      } else {
        ended_reading_ = may_write_ = true;
      }
    }
    if (ok) StartRead(&incoming_);
  }
  void OnWriteDone(bool) override {
    absl::MutexLock lock(&mutex_);
    may_write_ = true;
  }
  void OnDone(const grpc::Status& status) override {
    absl::MutexLock lock(&mutex_);
    status_ = status;
    ended_ = true;
  }

 private:
  void LetGo() {
    if (!std::exchange(let_go_, true)) RemoveHold();
  }

  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::ByteBuffer incoming_, outgoing_;
  bool let_go_ = false;
  absl::Mutex mutex_;
  std::deque<std::string> messages_;
  bool may_write_ = true, ended_reading_ = false, ended_ = false;
  grpc::Status status_;
};

}  // namespace

std::unique_ptr<StreamClient> StreamClient::Open(const ConnectOptions& options, const std::string& method,
                                                 const std::map<std::string, std::string>& metadata) {
  KeepGrpcThreads();
  std::stringstream ca;
  ca << std::ifstream(options.ca, std::ios::binary).rdbuf();
  if (ca.str().empty()) std::abort();
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = ca.str();
  return std::make_unique<Client>(grpc::CreateChannel(options.address, grpc::SslCredentials(tls)), method, metadata);
}

}  // namespace yizhan::rpc::testing
