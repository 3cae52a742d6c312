#include "base/rpc/unary_server.h"

#include <memory>
#include <utility>

#include "absl/time/clock.h"
#include "base/ids.h"
#include "base/rpc/inner_tls.h"
#include "base/rpc/stamp.h"
#include "base/rpc/wire.h"
#include "base/status.h"
#include "google/protobuf/descriptor.h"

namespace yizhan::rpc {
namespace {

std::string Metadata(const grpc::GenericCallbackServerContext& context, const char* key) {
  auto found = context.client_metadata().find(key);
  return found == context.client_metadata().end() ? "" : std::string(found->second.data(), found->second.size());
}

// "ipv4:127.0.0.1:5555" and "ipv6:%5B::1%5D:5555" without scheme, brackets and port.
std::string AddressOf(std::string peer) {
  size_t scheme = peer.find(':');
  size_t port = peer.rfind(':');
  if (scheme == std::string::npos || port <= scheme) return peer;
  std::string address = peer.substr(scheme + 1, port - scheme - 1);
  if (address.rfind("%5B", 0) == 0 && address.size() > 6) address = address.substr(3, address.size() - 6);
  if (!address.empty() && address.front() == '[') address = address.substr(1, address.size() - 2);
  return address;
}

class UnaryReactor final : public grpc::ServerGenericBidiReactor {
 public:
  UnaryReactor(grpc::GenericCallbackServerContext* context, const Face* face) : server_context_(context), face_(face) {
    StartRead(&buffer_);
  }

  void OnReadDone(bool ok) override {
    absl::StatusOr<std::string> request =
        ok ? FromBuffer(buffer_) : absl::InvalidArgumentError("the call came without a request");
    buffer_.Clear();
    context_.request_id = RequestIdOf(*server_context_);
    if (!request.ok()) return Answer(request.status());
    request_ = *std::move(request);
    auto deadline = server_context_->deadline();
    if (deadline != std::chrono::system_clock::time_point::max()) context_.deadline = absl::FromChrono(deadline);
    if (face_->inner) {
      EnterInside();
    } else {
      EnterOutside();
    }
  }

  void OnDone() override { delete this; }

 private:
  void EnterInside() {
    context_.remote_address = Metadata(*server_context_, kRemoteKey);
    ServiceIdentity peer;
    if (face_->certified) {
      absl::StatusOr<ServiceIdentity> identity = PeerIdentity(*server_context_);
      if (!identity.ok()) return Answer(identity.status());
      peer = *std::move(identity);
      context_.node = peer.node;
    }
    const auto& metadata = server_context_->client_metadata();
    if (auto found = metadata.find(kCallerKey); found != metadata.end()) {
      if (!context_.caller.ParseFromArray(found->second.data(), static_cast<int>(found->second.size()))) {
        return Answer(absl::InternalError("the caller that was passed on cannot be read"));
      }
      if (face_->certified) {
        absl::Status may = MayPassOn(peer, context_.caller, face_->service_name);
        if (!may.ok()) return Answer(may);
      }
    } else {
      context_.caller.set_kind(Principal::KIND_SERVICE);
      std::string claimed = Metadata(*server_context_, kServiceKey);
      context_.caller.set_id(face_->certified ? CallerName(peer, claimed) : claimed);
    }
    Dispatch();
  }

  void EnterOutside() {
    context_.remote_address = RemoteAddress(*server_context_);
    const auto* method = FindMethod(server_context_->method());
    if (method != nullptr && IsStamped(method->input_type())) {
      std::unique_ptr<google::protobuf::Message> message(
          google::protobuf::MessageFactory::generated_factory()->GetPrototype(method->input_type())->New());
      if (message->ParseFromString(request_)) {
        Stamp(message.get(), context_.remote_address, "");
        request_ = message->SerializeAsString();
      }
    }
    auto access = AccessOf(server_context_->method());
    if (access.ok() && access->anyone()) return Dispatch();
    absl::StatusOr<std::string> token = BearerToken(*server_context_);
    if (!token.ok()) return Answer(token.status());
    if (token->empty()) return Dispatch();
    face_->authenticator->Authenticate(*token, [this](absl::StatusOr<Principal> caller) {
      if (!caller.ok()) return Answer(caller.status());
      context_.caller = *std::move(caller);
      Dispatch();
    });
  }

  void Dispatch() {
    face_->table->Dispatch(context_, server_context_->method(), request_, [this](absl::StatusOr<std::string> result) {
      if (!result.ok()) return Answer(result.status());
      Echo();
      buffer_ = ToBuffer(*std::move(result));
      StartWriteAndFinish(&buffer_, grpc::WriteOptions(), grpc::Status::OK);
    });
  }

  void Echo() {
    server_context_->AddTrailingMetadata(kRequestIdKey, context_.request_id);
    server_context_->AddTrailingMetadata(kCommonRequestIdKey, context_.request_id);
  }

  void Answer(const absl::Status& status) {
    Echo();
    Finish(ToGrpc(status, context_.request_id));
  }

  grpc::GenericCallbackServerContext* const server_context_;
  const Face* const face_;
  Context context_;
  std::string request_;
  grpc::ByteBuffer buffer_;
};

class Refusal final : public grpc::ServerGenericBidiReactor {
 public:
  explicit Refusal(const absl::Status& status) { Finish(ToGrpc(status, "")); }
  void OnDone() override { delete this; }
};

}  // namespace

absl::StatusOr<std::string> BearerToken(const grpc::GenericCallbackServerContext& context) {
  std::string authorization = Metadata(context, kAuthorizationKey);
  if (authorization.empty()) return authorization;
  constexpr std::string_view kBearer = "Bearer ";
  if (authorization.compare(0, kBearer.size(), kBearer) != 0) {
    return Refuse(absl::StatusCode::kUnauthenticated, "TOKEN_REQUIRED", "authorization must be \"Bearer TOKEN\"");
  }
  return authorization.substr(kBearer.size());
}

std::string RemoteAddress(const grpc::GenericCallbackServerContext& context) { return AddressOf(context.peer()); }

std::string RequestIdOf(const grpc::GenericCallbackServerContext& context) {
  for (const char* key : {kRequestIdKey, kCommonRequestIdKey}) {
    if (std::string id = Metadata(context, key); IsRequestId(id)) return id;
  }
  return RandomRequestId();
}

grpc::ServerGenericBidiReactor* NewUnaryReactor(grpc::GenericCallbackServerContext* context, const Face* face) {
  return new UnaryReactor(context, face);
}

grpc::ServerGenericBidiReactor* NewRefusal(const absl::Status& status) { return new Refusal(status); }

}  // namespace yizhan::rpc
