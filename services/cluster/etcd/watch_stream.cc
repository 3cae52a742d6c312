#include "cluster/etcd/watch_stream.h"

#include <algorithm>
#include <utility>

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/client_callback.h>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "cluster/etcd/moments.h"
#include "cluster/etcd/verdict.h"

namespace yizhan::cluster::etcd {
namespace {

using etcdserverpb::WatchRequest;
using etcdserverpb::WatchResponse;

constexpr absl::Duration kFirstPause = absl::Milliseconds(50);
constexpr absl::Duration kLongestPause = absl::Seconds(1);
// Until a member has confirmed a watch; else another one is asked.
constexpr absl::Duration kCreation = absl::Seconds(2);

}  // namespace

// One stream; deletes itself when gRPC has done with it.
class WatchReactor final : public grpc::ClientBidiReactor<WatchRequest, WatchResponse> {
 public:
  WatchReactor(std::shared_ptr<WatchStream> watch, size_t member, std::string token)
      : watch_(std::move(watch)),
        stub_(watch_->client_->endpoints().channel(member)),
        member_(member),
        token_(std::move(token)) {
    // A member that loses its leader ends the stream.
    context_.AddMetadata("hasleader", "true");
    Client::AddToken(context_, token_);
  }

  grpc::ClientContext& context() { return context_; }

  void Begin(WatchRequest request) {
    request_ = std::move(request);
    stub_.PrepareBidiStreamingCall(&context_, "/etcdserverpb.Watch/Watch", grpc::StubOptions(), this);
    StartWrite(&request_);
    StartRead(&response_);
    StartCall();
  }

  void OnReadDone(bool ok) override {
    if (!ok) return;  // OnDone says why
    if (watch_->Take(std::move(response_))) {
      response_.Clear();
      StartRead(&response_);
    } else {
      context_.TryCancel();
    }
  }

  void OnDone(const grpc::Status& status) override {
    watch_->Closed(status, member_, token_);
    delete this;
  }

 private:
  const std::shared_ptr<WatchStream> watch_;
  grpc::TemplatedGenericStub<WatchRequest, WatchResponse> stub_;
  grpc::ClientContext context_;
  const size_t member_;
  const std::string token_;
  WatchRequest request_;
  WatchResponse response_;
};

WatchStream::WatchStream(std::shared_ptr<Client> client, KeySpace keys, const std::string& key, const std::string& end,
                         int64_t from_revision, WatchCallbacks callbacks)
    : client_(std::move(client)),
      keys_(std::move(keys)),
      key_(keys_.Key(key)),
      end_(keys_.End(end)),
      callbacks_(std::move(callbacks)),
      next_revision_(std::max<int64_t>(from_revision, 0)) {}

bool WatchStream::over() const {
  absl::MutexLock lock(&mutex_);
  return over_;
}

void WatchStream::Open() {
  if (over()) return;
  if (!client_->needs_token()) return OpenWith("");
  client_->GetToken([self = shared_from_this()](absl::StatusOr<std::string> token) {
    if (token.ok()) return self->OpenWith(*token);
    // Not inside the call that asked for the watch.
    RunAfter(absl::ZeroDuration(), [self, why = std::move(token).status()] {
      if (why.code() == absl::StatusCode::kPermissionDenied) return self->End(why);
      self->Reopen(false);
    });
  });
}

void WatchStream::OpenWith(const std::string& token) {
  if (!client_->EnterStream()) return;
  const size_t member = client_->endpoints().Pick();
  WatchRequest request;
  auto& create = *request.mutable_create_request();
  create.set_key(key_);
  create.set_range_end(end_);
  create.set_start_revision(next_revision_);
  create.set_fragment(true);
  held_back_.clear();
  said_cancelled_ = compacted_ = false;
  cancel_reason_.clear();
  auto* reactor = new WatchReactor(shared_from_this(), member, token);
  {
    absl::MutexLock lock(&mutex_);
    context_ = &reactor->context();
    member_ = member;
    opened_ = Now();
    created_ = false;
    moving_ = false;
    if (over_) context_->TryCancel();
  }
  reactor->Begin(std::move(request));
}

bool WatchStream::Take(WatchResponse response) {
  {
    absl::MutexLock lock(&mutex_);
    if (over_ || moving_) return false;
    if (response.created()) created_ = true;
  }
  if (response.canceled()) {
    said_cancelled_ = true;
    compacted_ = response.compact_revision() != 0;
    cancel_reason_ = response.cancel_reason();
    return false;
  }
  failures_ = 0;
  if (response.created()) {
    // "From now on" has to mean the same after the stream breaks.
    if (next_revision_ == 0) next_revision_ = response.header().revision() + 1;
    return true;
  }
  // Without events it is a report of progress, which is not needed.
  if (response.events_size() > 0) TakeEvents(std::move(response));
  return true;
}

void WatchStream::TakeEvents(WatchResponse response) {
  std::vector<Event> events = std::move(held_back_);
  held_back_.clear();
  for (etcdserverpb::Event& event : *response.mutable_events()) {
    // 3.4 may send what is older than asked for, after a member has caught up by a snapshot.
    if (event.kv().mod_revision() < next_revision_) continue;
    events.push_back(FromEvent(keys_, std::move(event)));
  }
  if (events.empty()) return;
  const int64_t last = events.back().kv.mod_revision;
  int64_t revision = last;
  if (response.fragment()) {
    const auto cut =
        std::find_if(events.begin(), events.end(), [&](const Event& e) { return e.kv.mod_revision == last; });
    held_back_.assign(std::make_move_iterator(cut), std::make_move_iterator(events.end()));
    events.erase(cut, events.end());
    if (events.empty()) return;
    revision = events.back().kv.mod_revision;
  }
  next_revision_ = revision + 1;
  if (!over()) callbacks_.on_events(std::move(events), revision);
}

void WatchStream::Closed(const grpc::Status& status, size_t member, const std::string& token) {
  bool moved;
  {
    absl::MutexLock lock(&mutex_);
    context_ = nullptr;
    moved = moving_;
  }
  client_->LeaveStream();
  if (over()) return;
  const std::string& address = client_->endpoints().address(member);
  if (compacted_) {
    return End(Refuse(absl::StatusCode::kOutOfRange, "ETCD_COMPACTED",
                      absl::StrCat("etcd ", address, ": watch: what was from revision ", next_revision_,
                                   " on has been compacted; list again and watch from there")));
  }
  if (moved) return Reopen(true);
  Verdict verdict = said_cancelled_ ? JudgeCancelled(cancel_reason_, address)
                                    : Judge({status, true, absl::ZeroDuration()}, address, "watch");
  if (verdict.token_ended && client_->needs_token()) {
    client_->DropToken(token);
    // At once the first time: it is the usual end of a token.
    return Reopen(failures_++ == 0);
  }
  if (verdict.status.code() == absl::StatusCode::kPermissionDenied) return End(std::move(verdict.status));
  if (verdict.member_unwell && !said_cancelled_) client_->Failed(member, verdict.status);
  Reopen(false);
}

void WatchStream::Reopen(bool at_once) {
  const absl::Duration pause =
      at_once ? absl::ZeroDuration() : std::min(kFirstPause * (1 << std::min(failures_, 8)), kLongestPause);
  if (!at_once) ++failures_;
  RunAfter(pause, [weak = weak_from_this()] {
    if (auto self = weak.lock()) self->Open();
  });
}

void WatchStream::End(absl::Status why) {
  {
    absl::MutexLock lock(&mutex_);
    if (over_) return;
    over_ = true;
  }
  callbacks_.on_ended(std::move(why));
}

void WatchStream::Look() {
  size_t member;
  bool silent;
  {
    absl::MutexLock lock(&mutex_);
    if (context_ == nullptr || over_ || moving_) return;
    member = member_;
    silent = !created_ && Now() - opened_ > kCreation;
  }
  Endpoints& endpoints = client_->endpoints();
  const absl::Status why =
      RefuseForNow(absl::StatusCode::kUnavailable, "ETCD_UNAVAILABLE",
                   absl::StrCat("etcd ", endpoints.address(member), ": watch: not confirmed"), 500);
  if (silent) {
    client_->Failed(member, why);
  } else if (endpoints.IsWell(member) || !endpoints.AnyWell()) {
    return;
  }
  absl::MutexLock lock(&mutex_);
  if (context_ == nullptr || member_ != member) return;
  moving_ = true;
  context_->TryCancel();
}

void WatchStream::Stop() {
  absl::MutexLock lock(&mutex_);
  over_ = true;
  if (context_ != nullptr) context_->TryCancel();
}

}  // namespace yizhan::cluster::etcd
