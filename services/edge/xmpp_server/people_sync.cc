#include "edge/xmpp_server/people_sync.h"

#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "base/logging.h"
#include "yizhan/directory/v1/directory_service.pb.h"

namespace yizhan::edge::xmpp {
namespace {

constexpr char kMethod[] = "/yizhan.directory.v1.DirectoryService/SyncDirectory";
constexpr absl::Duration kEvery = absl::Seconds(2);
constexpr uint32_t kPage = 2'000;
// Requests to look again that may wait; beyond, they are answered at once by what is in the book.
constexpr size_t kMaxWaiting = 10'000;

}  // namespace

struct PeopleSync::State {
  struct Waiter {
    size_t thread;
    absl::AnyInvocable<void()> done;
  };
  PeopleBook* book;
  rpc::Channel* directory;
  http::IoPool* pool;

  absl::Mutex mutex;
  bool stopped ABSL_GUARDED_BY(mutex) = false;
  bool asking ABSL_GUARDED_BY(mutex) = false;
  bool failing ABSL_GUARDED_BY(mutex) = false;
  uint64_t version ABSL_GUARDED_BY(mutex) = 0;
  std::vector<Waiter> asked ABSL_GUARDED_BY(mutex);    // for what is on its way
  std::vector<Waiter> waiting ABSL_GUARDED_BY(mutex);  // for the one after it
};

PeopleSync::PeopleSync(PeopleBook* book, rpc::Channel* directory, http::IoPool* pool) : state_(std::make_shared<State>()) {
  state_->book = book;
  state_->directory = directory;
  state_->pool = pool;
}

PeopleSync::~PeopleSync() { Stop(); }

absl::Status PeopleSync::Start() {
  absl::Status status;
  for (bool more = true; more && status.ok();) {
    directory::v1::SyncDirectoryRequest request;
    request.set_page_size(kPage);
    {
      absl::MutexLock lock(&state_->mutex);
      request.set_since_version(state_->version);
    }
    auto page = state_->directory->Wait<directory::v1::SyncDirectoryResponse>(kMethod, request);
    status = page.status();
    if (!page.ok()) break;
    state_->book->Apply(*page);
    absl::MutexLock lock(&state_->mutex);
    more = page->more() && page->version() > state_->version;
    state_->version = page->version();
  }
  state_->pool->After(0, kEvery, [state = state_] { Tick(state); });
  return status;
}

void PeopleSync::Tick(const std::shared_ptr<State>& state) {
  {
    absl::MutexLock lock(&state->mutex);
    if (state->stopped) return;
  }
  Ask(state);
  state->pool->After(0, kEvery, [state] { Tick(state); });
}

void PeopleSync::Refresh(size_t thread, absl::AnyInvocable<void()> done) {
  {
    absl::MutexLock lock(&state_->mutex);
    if (state_->stopped) return;
    if (state_->waiting.size() < kMaxWaiting) {
      state_->waiting.push_back({thread, std::move(done)});
      done = nullptr;
    }
  }
  if (done) {
    state_->pool->Post(thread, std::move(done));
    return;
  }
  Ask(state_);
}

void PeopleSync::Ask(const std::shared_ptr<State>& state) {
  directory::v1::SyncDirectoryRequest request;
  {
    absl::MutexLock lock(&state->mutex);
    if (state->stopped || state->asking) return;
    state->asking = true;
    state->asked.swap(state->waiting);
    request.set_since_version(state->version);
  }
  request.set_page_size(kPage);
  state->directory->Call(kMethod, request.SerializeAsString(), {},
                         [state](absl::StatusOr<std::string> bytes) { Answered(state, std::move(bytes)); });
}

void PeopleSync::Answered(const std::shared_ptr<State>& state, absl::StatusOr<std::string> bytes) {
  directory::v1::SyncDirectoryResponse page;
  absl::Status status = bytes.status();
  if (bytes.ok() && !page.ParseFromString(*bytes)) status = absl::InternalError("unreadable answer");
  if (status.ok()) state->book->Apply(page);
  std::vector<State::Waiter> asked;
  bool again = false, report = false;
  {
    absl::MutexLock lock(&state->mutex);
    if (state->stopped) return;
    state->asking = false;
    report = status.ok() == state->failing;  // tells of the change, not of each failure
    state->failing = !status.ok();
    again = !state->waiting.empty();
    if (status.ok() && page.more() && page.version() > state->version) {
      // Whoever asked waits for the last page.
      again = true;
      for (auto& waiter : state->asked) state->waiting.push_back(std::move(waiter));
      state->asked.clear();
    }
    if (status.ok()) state->version = page.version();
    asked.swap(state->asked);
  }
  if (report && !status.ok()) log::Warning("xmpp", "the directory cannot be read; names stay as they are").With("why", status);
  if (report && status.ok()) log::Info("xmpp", "the directory can be read again");
  for (auto& waiter : asked) state->pool->Post(waiter.thread, std::move(waiter.done));
  if (again) Ask(state);
}

void PeopleSync::Stop() {
  std::vector<State::Waiter> asked, waiting;
  absl::MutexLock lock(&state_->mutex);
  state_->stopped = true;
  asked.swap(state_->asked);
  waiting.swap(state_->waiting);
}

}  // namespace yizhan::edge::xmpp
