// Calls to etcd: to a member that is well, again where that is safe, with a token where one is needed.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <grpcpp/client_context.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/support/byte_buffer.h>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "cluster/etcd/endpoints.h"
#include "cluster/etcd/etcd_kv.h"

namespace yizhan::cluster::etcd {

class Call;

struct CallSpec {
  const char* method = nullptr;     // "/etcdserverpb.KV/Txn"; a stream's method takes one message for one
  const char* operation = nullptr;  // in messages
  absl::Duration timeout;
  // May be sent again though it may have happened.
  bool repeatable = false;
  // To this member and no other, once, with whatever token there is, and not counted.
  std::optional<size_t> only_to = std::nullopt;
  bool without_token = false;
};

// What lives along with a client: a watch.
class Follower {
 public:
  virtual ~Follower() = default;
  virtual void Look() = 0;  // twice a second, and when a member has just failed
  virtual void Stop() = 0;  // the client stops
};

// Thread-safe. Always held by a shared_ptr; whoever made it calls Stop().
class Client : public std::enable_shared_from_this<Client> {
 public:
  using Reply = absl::AnyInvocable<void(absl::StatusOr<grpc::ByteBuffer>)>;
  using Token = absl::AnyInvocable<void(absl::StatusOr<std::string>)>;

  Client(const EtcdOptions& options, const std::shared_ptr<grpc::ChannelCredentials>& credentials);
  ~Client();

  // Begins to look after the members.
  void Start();
  // Ends calls and streams in flight and waits until they have; calls from then on end with Cancelled.
  void Stop();

  // `reply` runs once, on a thread of gRPC's, within the timeout and not inside this call.
  template <typename Response, typename Request>
  void Ask(CallSpec spec, const Request& request, absl::AnyInvocable<void(absl::StatusOr<Response>)> reply) {
    grpc::ByteBuffer bytes;
    bool own = false;
    (void)grpc::SerializationTraits<Request>::Serialize(request, &bytes, &own);
    AskBytes(spec, std::move(bytes), [reply = std::move(reply)](absl::StatusOr<grpc::ByteBuffer> answer) mutable {
      if (!answer.ok()) return reply(std::move(answer).status());
      Response response;
      if (!grpc::SerializationTraits<Response>::Deserialize(&*answer, &response).ok()) {
        return reply(absl::InternalError("etcd: an answer that cannot be read"));
      }
      reply(std::move(response));
    });
  }
  void AskBytes(CallSpec spec, grpc::ByteBuffer request, Reply reply);

  Endpoints& endpoints() { return endpoints_; }
  // Marks it; followers look at once.
  void Failed(size_t member, const absl::Status& why);

  bool needs_token() const { return !options_.user.empty(); }
  // The token to send; empty when there is no user or etcd's authentication is off. Logs in first where there is
  // none yet. `done` may run inside this call.
  void GetToken(Token done);
  // What there is.
  std::string CurrentToken() const;
  // It is no longer accepted.
  void DropToken(const std::string& token);
  static void AddToken(grpc::ClientContext& context, const std::string& token);

  void Follow(const std::shared_ptr<Follower>& follower);
  // A stream begins, unless the client has stopped; and is done.
  bool EnterStream();
  void LeaveStream();

 private:
  friend class Call;

  // A call begins; `bytes` of its request count, none when 0. When it is refused, it still has to Leave(call, 0).
  absl::Status Enter(const std::shared_ptr<Call>& call, size_t bytes);
  void Leave(const std::shared_ptr<Call>& call, size_t bytes);
  void Tick();
  void LookAfterFollowers();
  void Check(size_t member);
  void LogIn();
  void LoggedIn(absl::StatusOr<std::string> token);

  const EtcdOptions options_;
  Endpoints endpoints_;

  mutable absl::Mutex mutex_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  absl::flat_hash_set<std::shared_ptr<Call>> calls_ ABSL_GUARDED_BY(mutex_);
  int counted_calls_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t counted_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  int streams_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<std::weak_ptr<Follower>> followers_ ABSL_GUARDED_BY(mutex_);
  bool have_token_ ABSL_GUARDED_BY(mutex_) = false;
  bool logging_in_ ABSL_GUARDED_BY(mutex_) = false;
  std::string token_ ABSL_GUARDED_BY(mutex_);
  absl::Status refusal_ ABSL_GUARDED_BY(mutex_);
  absl::Time refused_until_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  std::vector<Token> waiting_for_token_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace yizhan::cluster::etcd
