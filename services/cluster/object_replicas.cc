#include "cluster/object_replicas.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "base/logging.h"
#include "base/status.h"
#include "yizhan/cluster/v1/cluster_service.pb.h"

namespace yizhan::cluster {
namespace {
constexpr char kService[] = "/yizhan.cluster.v1.ClusterService/";
constexpr absl::Duration kPatience = absl::Seconds(10);

absl::Status Away(const std::string& what, const std::vector<std::string>& problems) {
  return RefuseForNow(absl::StatusCode::kUnavailable, "REPLICAS_AWAY",
                      absl::StrCat(what, " (", absl::StrJoin(problems, "; "), "); try again"), 1'000);
}

// Calls each machine at once and waits for all. What went wrong, by machine, in words.
template <typename Response, typename Request>
std::vector<std::string> AskAll(Machines* machines, const std::vector<View::Member>& members, const char* method,
                                const Request& request) {
  absl::Mutex mutex;
  std::vector<std::string> problems;
  absl::BlockingCounter left(static_cast<int>(members.size()));
  const std::string bytes = request.SerializeAsString();
  for (const View::Member& member : members) {
    auto done = [&, node = member.node](absl::Status status) {
      if (!status.ok()) {
        absl::MutexLock lock(&mutex);
        problems.push_back(absl::StrCat(node, ": ", std::string(status.message())));
      }
      left.DecrementCount();
    };
    auto channel = machines->To(member.node, member.address);
    if (!channel.ok()) {
      done(channel.status());
      continue;
    }
    (*channel)->Call(absl::StrCat(kService, method), bytes, rpc::Within(kPatience),
                     [done](const absl::StatusOr<std::string>& answer) { done(answer.status()); });
  }
  left.Wait();
  return problems;
}
}  // namespace

ObjectReplicas::ObjectReplicas(Parts parts) : parts_(std::move(parts)) {}

std::vector<View::Member> ObjectReplicas::Others() const {
  std::vector<View::Member> others;
  const auto view = parts_.view();
  for (const View::Member& member : view->members) {
    if (member.node != parts_.node) others.push_back(member);
  }
  return others;
}

absl::Status ObjectReplicas::Put(const std::string& name, std::string_view bytes) {
  if (bytes.size() > kMaxBytes) {
    return Refuse(absl::StatusCode::kInvalidArgument, "OBJECT_SIZE",
                  absl::StrCat(name, " has ", bytes.size(), " bytes; a replicated object has at most ", kMaxBytes));
  }
  YZ_RETURN_IF_ERROR(parts_.local->Put(name, bytes));
  v1::PutObjectRequest request;
  request.set_name(name);
  request.set_data(std::string(bytes));
  const auto others = Others();
  const auto problems = AskAll<v1::PutObjectResponse>(parts_.machines, others, "PutObject", request);
  if (!others.empty() && problems.size() == others.size())
    return Away(absl::StrCat(name, " is on this machine only"), problems);
  for (const std::string& problem : problems)
    log::Warning("cluster", "a file's piece is not on a machine yet").With("object", name).With("why", problem);
  return absl::OkStatus();
}

absl::StatusOr<std::string> ObjectReplicas::Get(const std::string& name) {
  auto here = parts_.local->Get(name);
  if (!absl::IsNotFound(here.status())) return here;
  v1::GetObjectRequest request;
  request.set_name(name);
  std::vector<std::string> problems;
  for (const View::Member& member : Others()) {
    auto answer = [&]() -> absl::StatusOr<v1::GetObjectResponse> {
      YZ_ASSIGN_OR_RETURN(rpc::Channel * channel, parts_.machines->To(member.node, member.address));
      return channel->Wait<v1::GetObjectResponse>(absl::StrCat(kService, "GetObject"), request, rpc::Within(kPatience));
    }();
    if (absl::IsNotFound(answer.status())) continue;
    if (!answer.ok()) {
      problems.push_back(absl::StrCat(member.node, ": ", std::string(answer.status().message())));
      continue;
    }
    // It is read the next time from here, and is one replica more.
    if (absl::Status kept = parts_.local->Put(name, answer->data()); !kept.ok())
      log::Warning("cluster", "a file's piece of another machine is not kept here")
          .With("object", name)
          .With("status", kept);
    return std::move(*answer->mutable_data());
  }
  if (!problems.empty()) return Away(absl::StrCat(name, " is not on this machine"), problems);
  return here;
}

absl::Status ObjectReplicas::Delete(const std::string& name) {
  YZ_RETURN_IF_ERROR(parts_.local->Delete(name));
  v1::DeleteObjectRequest request;
  request.set_name(name);
  for (const std::string& problem :
       AskAll<v1::DeleteObjectResponse>(parts_.machines, Others(), "DeleteObject", request))
    log::Warning("cluster", "a file's piece stays on a machine").With("object", name).With("why", problem);
  return absl::OkStatus();
}

void ObjectReplicas::Register(rpc::ServiceTable* table) {
  const std::string service = kService;
  table->Unary<v1::PutObjectRequest, v1::PutObjectResponse>(
      service + "PutObject",
      [this](const rpc::Context&, const v1::PutObjectRequest& request, rpc::Reply<v1::PutObjectResponse> reply) {
        disk_.Post([this, request, reply = std::move(reply)]() mutable {
          const absl::Status status = parts_.local->Put(request.name(), request.data());
          status.ok() ? reply.Ok({}) : reply.Error(status);
        });
      });
  table->Unary<v1::GetObjectRequest, v1::GetObjectResponse>(
      service + "GetObject",
      [this](const rpc::Context&, const v1::GetObjectRequest& request, rpc::Reply<v1::GetObjectResponse> reply) {
        disk_.Post([this, request, reply = std::move(reply)]() mutable {
          auto bytes = parts_.local->Get(request.name());
          if (!bytes.ok()) return reply.Error(bytes.status());
          v1::GetObjectResponse response;
          response.set_data(*std::move(bytes));
          reply.Ok(response);
        });
      });
  table->Unary<v1::DeleteObjectRequest, v1::DeleteObjectResponse>(
      service + "DeleteObject",
      [this](const rpc::Context&, const v1::DeleteObjectRequest& request, rpc::Reply<v1::DeleteObjectResponse> reply) {
        disk_.Post([this, request, reply = std::move(reply)]() mutable {
          const absl::Status status = parts_.local->Delete(request.name());
          status.ok() ? reply.Ok({}) : reply.Error(status);
        });
      });
}

}  // namespace yizhan::cluster
