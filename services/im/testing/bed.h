// Messaging over a real ledger in a folder of its own, with people of a directory that only puts people.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "im/core.h"
#include "im/machine.h"
#include "im/parts.h"
#include "ledger/keyring.h"
#include "ledger/ledger.h"
#include "yizhan/live/v1/live_service.pb.h"

namespace yizhan::im {

// Hears everything, or what a test names; keeps what was said.
class RecordingHub final : public rpc::Hub {
 public:
  struct Said {
    std::string topic;
    v1::ImEvent event;
  };
  void Publish(std::string_view topic, std::string frame) override;
  bool Heard(std::string_view topic) const override;
  void Subscribe(std::string_view principal_id, std::string_view topic, bool active) override;
  size_t sessions() const override { return 0; }

  void set_deaf(bool deaf);
  // Hears, and forgets at once: for measuring.
  void set_discard(bool discard);
  std::vector<Said> Take();  // and forgets
  // "+p… g:…" and "-p… g:…", in order; and forgets.
  std::vector<std::string> TakeSubscriptions();

 private:
  mutable absl::Mutex mu_;
  bool deaf_ ABSL_GUARDED_BY(mu_) = false;
  bool discard_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<Said> said_ ABSL_GUARDED_BY(mu_);
  std::vector<std::string> subscriptions_ ABSL_GUARDED_BY(mu_);
};

// Records that people are in the directory (directory/0), and waits until that is durable.
void PutPeople(ledger::Ledger& ledger, const std::vector<Caller>& callers, bool active = true);

// Stops and removes its folder at the end.
class Bed {
 public:
  // The ledger's own clock is this one too.
  explicit Bed(uint32_t partitions = 4, const Clock* clock = &RealClock());
  ~Bed();

  // Stops everything and opens the same folder again.
  void Restart();

  // The caller number i: put into the directory at the first call.
  Caller Person(int i);
  // The callers with numbers first to first + count - 1, put together.
  std::vector<Caller> Persons(int first, int count);
  // Puts a person with these facts and waits until messaging knows.
  void PutPerson(const Caller& caller, bool active) { PutPersons({caller}, active); }

  // Calls that answer later, waited for.
  template <typename Response, typename Request>
  absl::StatusOr<Response> Wait(void (Conversations::*method)(const Caller&, const Request&, Answer) const,
                                const Caller& caller, const Request& request) {
    return WaitFor<Response>([&](Answer answer) { (parts->conversations.*method)(caller, request, std::move(answer)); });
  }
  template <typename Response>
  absl::StatusOr<Response> WaitFor(absl::FunctionRef<void(Answer)> call) {
    absl::Notification done;
    absl::StatusOr<std::string> bytes;
    call([&](absl::StatusOr<std::string> result) {
      bytes = std::move(result);
      done.Notify();
    });
    done.WaitForNotification();
    if (!bytes.ok()) return bytes.status();
    Response response;
    if (!response.ParseFromString(*bytes)) return absl::InternalError("unreadable answer");
    return response;
  }

  // With a client id of its own if none is given.
  absl::StatusOr<v1::SendMessageResponse> Send(const Caller& from, const std::string& conversation_id,
                                               const std::string& text, std::string client_id = "");
  absl::StatusOr<v1::SendMessageResponse> SendTo(const Caller& from, const Caller& to, const std::string& text,
                                                 std::string client_id = "");
  absl::StatusOr<v1::SendMessageResponse> Send(const Caller& from, const v1::SendMessageRequest& request);
  // The new group's id.
  std::string Group(const Caller& owner, const std::vector<Caller>& others, bool open = false,
                    const std::string& handle = "");
  absl::Status Add(const Caller& by, const std::string& conversation_id, const std::vector<Caller>& persons);
  absl::Status Remove(const Caller& by, const std::string& conversation_id, const Caller& person);
  absl::StatusOr<v1::MoveCursorResponse> Move(const Caller& caller, const std::string& conversation_id, uint64_t read,
                                              uint64_t delivered = 0);
  absl::StatusOr<v1::Conversation> Get(const Caller& caller, const std::string& conversation_id);
  absl::StatusOr<v1::ListMessagesResponse> List(const Caller& caller, const std::string& conversation_id,
                                                uint64_t after_seq = 0, uint32_t page_size = 200);

  // The state of every partition equals a replay of its records from the first; empty, or what differs.
  std::string ReplayDiffers();
  uint64_t RecordCount();

  const std::string dir;
  std::unique_ptr<ledger::Ledger> ledger;
  std::unique_ptr<ledger::Keyring> keyring;
  std::unique_ptr<Parts> parts;
  RecordingHub hub;

 private:
  class DirectoryMachine;
  void PutPersons(const std::vector<Caller>& callers, bool active);
  void Open();
  void Close();

  const uint32_t partitions_;
  const Clock* const clock_;
  std::unique_ptr<DirectoryMachine> directory_;
  Machine machine_;
  absl::Mutex mu_;
  std::map<int, bool> known_ ABSL_GUARDED_BY(mu_);
  std::atomic<int> next_client_id_{0};
};

// Without anybody's list of texts: "a b c" of a page.
template <typename Page>
std::string Texts(const Page& page) {
  std::string all;
  for (const v1::Message& message : page.messages()) {
    if (!all.empty()) all += ' ';
    all += message.has_notice() ? "[" + std::to_string(message.notice().kind()) + "]" : message.content().text();
  }
  return all;
}

}  // namespace yizhan::im
