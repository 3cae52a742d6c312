#include "appliance/processes/neighbours.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "appliance/processes/plan.h"
#include "base/status.h"

namespace yizhan::appliance {

struct Neighbours::InFlight {
  absl::Mutex mutex;
  bool stopped ABSL_GUARDED_BY(mutex) = false;
  int calls ABSL_GUARDED_BY(mutex) = 0;
};

class Neighbours::Counted final : public rpc::Channel {
 public:
  Counted(std::string service, rpc::Channel* raw, std::shared_ptr<InFlight> in_flight)
      : service_(std::move(service)), raw_(raw), in_flight_(std::move(in_flight)) {}

  void Call(std::string_view method, std::string request, rpc::CallOptions options, rpc::RawReply done) override {
    {
      absl::ReleasableMutexLock lock(&in_flight_->mutex);
      if (in_flight_->stopped) {
        lock.Release();
        return done(RefuseForNow(absl::StatusCode::kUnavailable, "STOPPING", "this process is stopping", 500));
      }
      ++in_flight_->calls;
    }
    raw_->Call(method, std::move(request), std::move(options),
               [this, in_flight = in_flight_, done = std::move(done)](absl::StatusOr<std::string> answer) mutable {
                 // Of a broken connection gRPC tells itself; people are told what they can do.
                 if (absl::IsUnavailable(answer.status()) && ReasonOf(answer.status()).empty()) {
                   answer = RefuseForNow(absl::StatusCode::kUnavailable, "SERVICE_AWAY",
                                         absl::StrCat("the service ", service_, " does not answer just now (",
                                                      std::string(answer.status().message()), "); try again"),
                                         500);
                 }
                 done(std::move(answer));
                 done = nullptr;  // with what it holds
                 absl::MutexLock lock(&in_flight->mutex);
                 --in_flight->calls;
               });
  }

  std::unique_ptr<rpc::Link> OpenLink(std::string service, std::string edge_id,
                                      std::function<void(yizhan::live::v1::LinkDown)> on_frames,
                                      std::function<void(absl::Status)> on_broken) override {
    return raw_->OpenLink(std::move(service), std::move(edge_id), std::move(on_frames), std::move(on_broken));
  }

 private:
  const std::string service_;
  rpc::Channel* const raw_;
  const std::shared_ptr<InFlight> in_flight_;
};

Neighbours::Neighbours() : in_flight_(std::make_shared<InFlight>()) {}
Neighbours::~Neighbours() { Stop(); }

absl::StatusOr<std::unique_ptr<Neighbours>> Neighbours::Make(const RunOptions& options, const std::string& service) {
  auto neighbours = std::make_unique<Neighbours>();
  for (const ServicePlan& plan : ServicePlans()) {
    Neighbour& one = neighbours->neighbours_[plan.name];
    YZ_ASSIGN_OR_RETURN(one.raw, rpc::ConnectInside({.address = InnerAddressOf(options, plan.name),
                                                     .tls = InnerTlsOf(options, service),
                                                     .node = kHouse,
                                                     .service_name = service,
                                                     .server_service = plan.name}));
    one.counted = std::make_unique<Counted>(plan.name, one.raw.get(), neighbours->in_flight_);
  }
  return neighbours;
}

void Neighbours::Stop() {
  absl::MutexLock lock(&in_flight_->mutex);
  in_flight_->stopped = true;
  in_flight_->mutex.Await(absl::Condition(+[](int* calls) { return *calls == 0; }, &in_flight_->calls));
}

rpc::Channel* Neighbours::To(std::string_view service) const { return neighbours_.find(service)->second.counted.get(); }
rpc::Channel* Neighbours::Raw(std::string_view service) const { return neighbours_.find(service)->second.raw.get(); }

void Neighbours::Call(std::string_view method, std::string request, rpc::CallOptions options, rpc::RawReply done) {
  std::string process = ProcessFor(method);
  // Which methods there are is told by any of them.
  if (process.empty()) process = ServicePlans().front().name;
  To(process)->Call(method, std::move(request), std::move(options), std::move(done));
}

std::unique_ptr<rpc::Link> Neighbours::OpenLink(std::string service, std::string edge_id,
                                                std::function<void(yizhan::live::v1::LinkDown)> on_frames,
                                                std::function<void(absl::Status)> on_broken) {
  rpc::Channel* channel = To(service);
  return channel->OpenLink(std::move(service), std::move(edge_id), std::move(on_frames), std::move(on_broken));
}

}  // namespace yizhan::appliance
