#include "admin/service/federation.h"

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/status.h"

namespace yizhan::admin {
namespace {

using namespace yizhan::admin::v1;  // NOLINT: the contract's nouns are this file's

// A process that does not answer is told of, and does not keep the others' answers waiting for longer.
constexpr absl::Duration kPatience = absl::Seconds(2);

rpc::CallOptions As(const rpc::Context& context, absl::Duration timeout) {
  rpc::CallOptions options;
  options.timeout = std::min(timeout, context.deadline - absl::Now());
  options.on_behalf_of = context.caller;
  options.request_id = context.request_id;
  options.remote_address = context.remote_address;
  return options;
}

// What all of several calls answered, once the last one has.
template <typename Response>
class Gathered {
 public:
  using Answers = std::vector<absl::StatusOr<Response>>;
  Gathered(size_t count, absl::AnyInvocable<void(Answers)> done)
      : answers_(count, absl::UnknownError("")), left_(count), done_(std::move(done)) {}

  void Set(size_t index, absl::StatusOr<std::string> bytes) {
    Response response;
    absl::StatusOr<Response> answer = absl::InternalError("unreadable answer");
    if (!bytes.ok()) {
      answer = bytes.status();
    } else if (response.ParseFromString(*bytes)) {
      answer = std::move(response);
    }
    std::unique_lock lock(mutex_);
    answers_[index] = std::move(answer);
    if (--left_ > 0) return;
    lock.unlock();
    done_(std::move(answers_));
  }

 private:
  std::mutex mutex_;
  Answers answers_;
  size_t left_;
  absl::AnyInvocable<void(Answers)> done_;
};

template <typename Response>
void AskAll(const std::vector<Federation::Process>& processes, const rpc::Context& context, const char* method,
            absl::AnyInvocable<void(typename Gathered<Response>::Answers)> done) {
  auto gathered = std::make_shared<Gathered<Response>>(processes.size(), std::move(done));
  for (size_t i = 0; i < processes.size(); ++i) {
    processes[i].channel->Call(method, "", As(context, kPatience),
                               [gathered, i](absl::StatusOr<std::string> bytes) { gathered->Set(i, std::move(bytes)); });
  }
}

}  // namespace

void Federation::GetHealth(const rpc::Context& context, rpc::Reply<GetHealthResponse> reply) {
  AskAll<GetHealthResponse>(
      processes_, context, "/yizhan.admin.v1.AdminService/GetHealth",
      [this, reply = std::move(reply)](std::vector<absl::StatusOr<GetHealthResponse>> answers) mutable {
        GetHealthResponse all = own_->Health();
        for (size_t i = 0; i < answers.size(); ++i) {
          const std::string& name = processes_[i].name;
          if (!answers[i].ok()) {
            *all.add_components() = Down(name, absl::UnavailableError(absl::StrCat(
                                                   "the process does not answer (", answers[i].status().message(),
                                                   "); is it running? systemctl status yizhan-", name)));
            continue;
          }
          for (ComponentHealth& part : *answers[i]->mutable_components()) {
            part.set_name(absl::StrCat(name, ": ", part.name()));
            *all.add_components() = std::move(part);
          }
          all.set_sessions(all.sessions() + answers[i]->sessions());
          all.set_data_bytes(all.data_bytes() + answers[i]->data_bytes());
          all.set_disk_free_bytes(std::min(all.disk_free_bytes(), answers[i]->disk_free_bytes()));
        }
        all.set_state(Worst(all));
        reply.Ok(all);
      });
}

// A partition's place is told by the process that decides for it, and what is archived of it by the archive's.
void Federation::ListPartitions(const rpc::Context& context, rpc::Reply<ListPartitionStatesResponse> reply) {
  AskAll<ListPartitionStatesResponse>(
      processes_, context, "/yizhan.admin.v1.AdminService/ListPartitionStates",
      [this, reply = std::move(reply)](std::vector<absl::StatusOr<ListPartitionStatesResponse>> answers) mutable {
        std::map<std::string, PartitionState> states;
        for (size_t i = 0; i < answers.size(); ++i) {
          if (!answers[i].ok()) continue;
          for (PartitionState& state : *answers[i]->mutable_partitions()) {
            const std::string& name = state.position().partition();
            const std::string service = name.substr(0, name.find('/'));
            PartitionState& known = states[name];
            if (processes_[i].name == archive_) known.set_archived_seq(state.archived_seq());
            for (const std::string& owned : processes_[i].owns) {
              if (owned != service) continue;
              *known.mutable_position() = state.position();
              known.set_owner(state.owner());
            }
          }
        }
        ListPartitionStatesResponse all;
        for (auto& [name, state] : states) {
          // Its owner is away: the archive's process knows its name at least.
          state.mutable_position()->set_partition(name);
          *all.add_partitions() = std::move(state);
        }
        reply.Ok(all);
      });
}

void Federation::Register(rpc::ServiceTable& table) {
  table.Unary<GetHealthRequest, GetHealthResponse>(
      "/yizhan.admin.v1.AdminService/GetHealth",
      [this](const rpc::Context& context, const GetHealthRequest&, rpc::Reply<GetHealthResponse> reply) { GetHealth(context, std::move(reply)); });
  table.Unary<ListPartitionStatesRequest, ListPartitionStatesResponse>(
      "/yizhan.admin.v1.AdminService/ListPartitionStates",
      [this](const rpc::Context& context, const ListPartitionStatesRequest&, rpc::Reply<ListPartitionStatesResponse> reply) {
        ListPartitions(context, std::move(reply));
      });
  for (const char* method : {"/yizhan.admin.v1.AdminService/GetBackup", "/yizhan.admin.v1.AdminService/StartBackup"}) {
    table.Pass(method, [this, method](const rpc::Context& context, std::string_view request, rpc::RawReply reply) {
      for (const Process& process : processes_) {
        if (process.name == archive_) return process.channel->Call(method, std::string(request), As(context, absl::Seconds(10)), std::move(reply));
      }
      reply(absl::InternalError("no process has the archive"));
    });
  }
}

}  // namespace yizhan::admin
