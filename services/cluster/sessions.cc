#include "cluster/sessions.h"

#include <deque>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "base/logging.h"
#include "base/metrics.h"
#include "base/status.h"

namespace yizhan::cluster {

namespace {
constexpr absl::Duration kTick = absl::Milliseconds(250);
// So often at least a machine hears of this one: one that has started anew then says what it lacks.
constexpr absl::Duration kSign = absl::Seconds(2);
constexpr absl::Duration kTimeout = absl::Seconds(5);
constexpr absl::Duration kRetry = absl::Milliseconds(500);
constexpr size_t kBatchBytes = 512 << 10;
// Steps that may wait for a machine beside those that say everything; beyond, everything is told anew.
constexpr size_t kMaxWaiting = 20'000;

using Step = v1::SessionStep;
// Service, edge, session.
using Device = std::tuple<std::string, std::string, uint64_t>;

Device DeviceOf(const v1::SharedDevice& device) { return {device.service(), device.edge_id(), device.session()}; }

void Name(const Device& device, v1::SharedDevice* out) {
  out->set_service(std::get<0>(device));
  out->set_edge_id(std::get<1>(device));
  out->set_session(std::get<2>(device));
}

// "/yizhan.im.v1.MessageService/SetTyping" -> "im".
std::string ServiceOf(std::string_view method) {
  constexpr std::string_view kPrefix = "/yizhan.";
  if (!method.starts_with(kPrefix)) return "";
  method.remove_prefix(kPrefix.size());
  return std::string(method.substr(0, method.find('.')));
}
}  // namespace

// This machine's devices, and what the others have been told of them.
class Sessions::Telling : public std::enable_shared_from_this<Telling> {
 public:
  explicit Telling(const Parts& parts) : parts_(parts) {}

  void Start() {
    parts_.loop->Post([self = shared_from_this()] { self->Tick(); });
  }

  void Stop() {
    absl::MutexLock lock(&mutex_);
    stopped_ = true;
  }

  void Open(Device device, const rpc::Principal& principal) {
    Step step;
    Name(device, step.mutable_open()->mutable_device());
    *step.mutable_open()->mutable_principal() = principal;
    absl::MutexLock lock(&mutex_);
    own_.insert_or_assign(std::move(device), Own{step, {}});
    Tell(step);
  }

  void Close(const Device& device) {
    Step step;
    Name(device, step.mutable_close()->mutable_device());
    absl::MutexLock lock(&mutex_);
    if (own_.erase(device) > 0) Tell(step);
  }

  void Called(const rpc::Context& context, const std::string& method, std::string request,
              yizhan::common::v1::Sharing sharing) {
    Step step;
    auto* call = step.mutable_call();
    call->set_method(method);
    call->set_request(std::move(request));
    absl::MutexLock lock(&mutex_);
    if (context.link_session == 0) {
      *call->mutable_caller() = context.caller;
    } else {
      const Device device{ServiceOf(method), context.edge_id, context.link_session};
      auto own = own_.find(device);
      if (own == own_.end()) return;  // it went meanwhile
      Name(device, call->mutable_device());
      if (sharing == yizhan::common::v1::SHARING_STATE) own->second.states.insert_or_assign(method, step);
    }
    Tell(step);
  }

 private:
  struct Own {
    Step open;
    std::map<std::string, Step> states;  // by method
  };
  struct Other {
    std::string address;
    uint64_t seq = 0;
    std::deque<std::shared_ptr<const Step>> waiting;
    size_t more = 0;         // of those, the ones that came after everything was told
    bool everything = true;  // is to be told next; until then nothing else waits
    bool asked = false;      // one request at a time
    absl::Time heard = absl::InfinitePast();
    absl::Time not_before = absl::InfinitePast();
  };

  void Tell(const Step& step) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (others_.empty() || stopped_) return;
    auto shared = std::make_shared<const Step>(step);
    for (auto& [node, other] : others_) {
      if (other.everything) continue;
      if (++other.more > kMaxWaiting) {
        other.everything = true;
        other.waiting.clear();
        continue;
      }
      other.waiting.push_back(shared);
    }
    if (std::exchange(posted_, true)) return;
    parts_.loop->Post([self = shared_from_this()] { self->Pump(); });
  }

  void TellEverything(Other& other) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    other.everything = false;
    other.waiting.clear();
    other.more = 0;
    auto add = [&](Step step) { other.waiting.push_back(std::make_shared<const Step>(std::move(step))); };
    Step reset, complete;
    reset.mutable_reset();
    complete.mutable_complete();
    add(std::move(reset));
    for (const auto& [device, own] : own_) {
      add(own.open);
      for (const auto& [method, call] : own.states) add(call);
    }
    add(std::move(complete));
  }

  // On the loop, as all that follows.
  void Tick() {
    {
      absl::MutexLock lock(&mutex_);
      if (stopped_) return;
      const auto view = parts_.view();
      std::map<std::string, Other> others;
      for (const View::Member& member : view->members) {
        if (member.node == parts_.node) continue;
        auto known = others_.find(member.node);
        if (known != others_.end() && known->second.address == member.address) {
          others.emplace(member.node, std::move(known->second));
        } else {
          others[member.node].address = member.address;
        }
      }
      others_ = std::move(others);
    }
    Pump();
    parts_.loop->After(kTick, [self = shared_from_this()] { self->Tick(); });
  }

  void Pump() {
    struct Sending {
      std::string node, address;
      v1::ShareSessionsRequest request;
    };
    std::vector<Sending> sending;
    {
      absl::MutexLock lock(&mutex_);
      posted_ = false;
      if (stopped_) return;
      const absl::Time now = parts_.loop->Now();
      for (auto& [node, other] : others_) {
        if (other.asked || now < other.not_before) continue;
        if (other.everything) TellEverything(other);
        if (other.waiting.empty() && now - other.heard < kSign) continue;
        Sending& one = sending.emplace_back(Sending{node, other.address, {}});
        one.request.set_node(parts_.node);
        one.request.set_start(parts_.start);
        one.request.set_seq(++other.seq);
        for (size_t bytes = 0; !other.waiting.empty() && bytes < kBatchBytes; other.waiting.pop_front()) {
          bytes += other.waiting.front()->ByteSizeLong();
          *one.request.add_steps() = *other.waiting.front();
        }
        if (other.waiting.empty()) other.more = 0;
        other.asked = true;
      }
    }
    for (Sending& one : sending) {
      auto channel = parts_.machines->To(one.node, one.address);
      if (!channel.ok()) {
        Answered(one.node, one.address, channel.status());
        continue;
      }
      rpc::CallOptions options;
      options.timeout = kTimeout;
      (*channel)->Call("/yizhan.cluster.v1.ClusterService/ShareSessions", one.request.SerializeAsString(),
                       std::move(options),
                       [weak = weak_from_this(), loop = parts_.loop, node = one.node,
                        address = one.address](absl::StatusOr<std::string> answer) {
                         loop->Post([weak, node, address, status = answer.status()] {
                           if (auto self = weak.lock()) self->Answered(node, address, status);
                         });
                       });
    }
  }

  void Answered(const std::string& node, const std::string& address, const absl::Status& status) {
    {
      absl::MutexLock lock(&mutex_);
      auto found = others_.find(node);
      if (found == others_.end() || found->second.address != address) return;
      Other& other = found->second;
      other.asked = false;
      if (status.ok()) {
        other.heard = parts_.loop->Now();
      } else {
        // Whether it was taken is not known.
        other.everything = true;
        other.waiting.clear();
        if (ReasonOf(status) != "SESSIONS_UNKNOWN") other.not_before = parts_.loop->Now() + kRetry;
      }
      if (stopped_ || (other.waiting.empty() && !other.everything)) return;
    }
    Pump();
  }

  const Parts parts_;
  absl::Mutex mutex_;
  std::map<Device, Own> own_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Other> others_ ABSL_GUARDED_BY(mutex_);
  bool posted_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

// The others' devices, as this machine's services have been told of them.
class Sessions::Hearing : public std::enable_shared_from_this<Hearing> {
 public:
  explicit Hearing(const Parts& parts)
      : parts_(parts),
        gauge_("yizhan_cluster_other_devices", "Devices connected to other machines that this one knows of.", {},
               [this] { return static_cast<double>(size()); }) {}

  void Add(std::string service, rpc::LinkHandler* handler) { handlers_[std::move(service)] = handler; }

  void Start() {
    parts_.loop->Post([self = shared_from_this()] { self->Tick(); });
  }

  void Stop() {
    absl::MutexLock lock(&mutex_);
    stopped_ = true;
  }

  absl::Status Take(const v1::ShareSessionsRequest& request) {
    absl::MutexLock lock(&mutex_);
    if (stopped_) return RefuseForNow(absl::StatusCode::kUnavailable, "SHUTTING_DOWN", "this machine stops", 2'000);
    Machine& machine = machines_[request.node()];
    const bool anew = request.steps_size() > 0 && request.steps(0).has_reset();
    if (!anew && (machine.start != request.start() || machine.seq + 1 != request.seq())) {
      if (machine.start == 0) machines_.erase(request.node());
      return Refuse(absl::StatusCode::kFailedPrecondition, "SESSIONS_UNKNOWN",
                    absl::StrCat("what ", request.node(), " said before is not known here; it has to say everything"));
    }
    machine.start = request.start();
    machine.seq = request.seq();
    for (const Step& step : request.steps()) Carry(machine, step);
    return absl::OkStatus();
  }

  size_t size() const {
    absl::MutexLock lock(&mutex_);
    size_t sum = 0;
    for (const auto& [node, machine] : machines_) sum += machine.devices.size();
    return sum;
  }

 private:
  struct Known {
    rpc::Principal principal;
    bool open = false;  // the service has taken it
    bool told = true;   // since the last reset
  };
  struct Machine {
    uint64_t start = 0, seq = 0;
    std::map<Device, Known> devices;
  };

  void Carry(Machine& machine, const Step& step) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    switch (step.kind_case()) {
      case Step::kReset:
        for (auto& [device, known] : machine.devices) known.told = false;
        break;
      case Step::kOpen: {
        const Device device = DeviceOf(step.open().device());
        auto [at, made] = machine.devices.try_emplace(device);
        at->second.told = true;
        if (made) {
          at->second.principal = step.open().principal();
          Open(device, at->second);
        }
        break;
      }
      case Step::kClose:
        if (auto at = machine.devices.find(DeviceOf(step.close().device())); at != machine.devices.end()) {
          Close(at->first, at->second);
          machine.devices.erase(at);
        }
        break;
      case Step::kCall:
        Call(machine, step.call());
        break;
      case Step::kComplete:
        for (auto at = machine.devices.begin(); at != machine.devices.end();) {
          if (at->second.told) {
            ++at;
            continue;
          }
          Close(at->first, at->second);
          at = machine.devices.erase(at);
        }
        break;
      default:
        break;  // a newer machine's
    }
  }

  // A person whom this machine's replica does not know yet is refused, and tried again.
  void Open(const Device& device, Known& known) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto& [service, edge, session] = device;
    auto handler = handlers_.find(service);
    known.open = handler != handlers_.end() && handler->second->OnOpen(edge, session, known.principal).ok();
  }

  void Close(const Device& device, const Known& known) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto& [service, edge, session] = device;
    if (known.open) handlers_.at(service)->OnClose(edge, session, known.principal);
  }

  void Call(const Machine& machine, const v1::SharedCall& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    rpc::Context context;
    if (call.device().service().empty()) {
      context.caller = call.caller();
    } else {
      auto at = machine.devices.find(DeviceOf(call.device()));
      if (at == machine.devices.end()) return;
      context.caller = at->second.principal;
      context.edge_id = call.device().edge_id();
      context.link_session = call.device().session();
    }
    context.hops = 1;
    context.deadline = absl::Now() + kTimeout;
    // Its caller has been answered where the call came in.
    parts_.table->Dispatch(context, call.method(), call.request(), [](const absl::StatusOr<std::string>&) {});
  }

  void Tick() {
    absl::MutexLock lock(&mutex_);
    if (stopped_) return;
    const auto view = parts_.view();
    for (auto machine = machines_.begin(); machine != machines_.end();) {
      const bool there = std::any_of(view->members.begin(), view->members.end(),
                                     [&](const View::Member& member) { return member.node == machine->first; });
      for (auto& [device, known] : machine->second.devices) {
        if (!there) {
          Close(device, known);
        } else if (!known.open) {
          Open(device, known);
        }
      }
      machine = there ? std::next(machine) : machines_.erase(machine);
    }
    parts_.loop->After(absl::Seconds(1), [self = shared_from_this()] { self->Tick(); });
  }

  const Parts parts_;
  std::map<std::string, rpc::LinkHandler*> handlers_;  // before Start()
  mutable absl::Mutex mutex_;
  std::map<std::string, Machine> machines_ ABSL_GUARDED_BY(mutex_);
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  metrics::GaugeFunction gauge_;
};

class Sessions::Handler : public rpc::LinkHandler {
 public:
  Handler(std::string service, rpc::LinkHandler* inner, std::shared_ptr<Telling> telling)
      : service_(std::move(service)), inner_(inner), telling_(std::move(telling)) {}

  absl::StatusOr<std::vector<std::string>> OnOpen(const std::string& edge_id, uint64_t session,
                                                  const rpc::Principal& principal) override {
    auto topics = inner_->OnOpen(edge_id, session, principal);
    if (topics.ok()) telling_->Open({service_, edge_id, session}, principal);
    return topics;
  }

  void OnClose(const std::string& edge_id, uint64_t session, const rpc::Principal& principal) override {
    inner_->OnClose(edge_id, session, principal);
    telling_->Close({service_, edge_id, session});
  }

 private:
  const std::string service_;
  rpc::LinkHandler* const inner_;
  const std::shared_ptr<Telling> telling_;
};

Sessions::Sessions(Parts parts)
    : telling_(std::make_shared<Telling>(parts)), hearing_(std::make_shared<Hearing>(parts)) {}

Sessions::~Sessions() { Stop(); }

rpc::LinkHandler* Sessions::Share(std::string service, rpc::LinkHandler* handler) {
  hearing_->Add(service, handler);
  return handlers_.emplace_back(std::make_unique<Handler>(std::move(service), handler, telling_)).get();
}

void Sessions::Start() {
  telling_->Start();
  hearing_->Start();
}

void Sessions::Stop() {
  telling_->Stop();
  hearing_->Stop();
}

void Sessions::Called(const rpc::Context& context, const std::string& method, std::string request,
                      yizhan::common::v1::Sharing sharing) {
  // What another machine has passed on is told by that one.
  if (context.hops == 0) telling_->Called(context, method, std::move(request), sharing);
}

absl::Status Sessions::Take(const v1::ShareSessionsRequest& request) { return hearing_->Take(request); }

size_t Sessions::others() const { return hearing_->size(); }

void RegisterSessions(rpc::ServiceTable* table, Sessions* sessions, std::function<bool()> ready) {
  table->Unary<v1::ShareSessionsRequest, v1::ShareSessionsResponse>(
      "/yizhan.cluster.v1.ClusterService/ShareSessions",
      [sessions, ready = std::move(ready)](const rpc::Context& context, const v1::ShareSessionsRequest& request,
                                           rpc::Reply<v1::ShareSessionsResponse> reply) {
        if (!context.node.empty() && context.node != request.node()) {
          return reply.Error(Refuse(absl::StatusCode::kPermissionDenied, "NOT_YOUR_NAME",
                                    absl::StrCat("the machine ", context.node, " speaks for ", request.node())));
        }
        // Not yet: its services do not know the people.
        if (!ready()) {
          return reply.Error(RefuseForNow(absl::StatusCode::kUnavailable, "CATCHING_UP",
                                          "this machine has not yet got what the cluster has recorded", 500));
        }
        if (absl::Status status = sessions->Take(request); !status.ok()) return reply.Error(std::move(status));
        reply.Ok({});
      });
}

}  // namespace yizhan::cluster
