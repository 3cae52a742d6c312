#include "im/events.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "base/logging.h"
#include "base/metrics.h"
#include "im/content.h"
#include "im/conversations.h"
#include "im/membership.h"
#include "im/typing.h"
#include "yizhan/live/v1/live_service.pb.h"

namespace yizhan::im {
namespace {

metrics::Counter& Messages() {
  static metrics::Counter& counter = metrics::GetCounter("yizhan_im_messages_total", "Messages committed.");
  return counter;
}

metrics::Counter& Untold() {
  static metrics::Counter& counter = metrics::GetCounter(
      "yizhan_im_events_untold_total", "Events that could not be built; clients find the gap in seq and fetch it.");
  return counter;
}

void Skip(std::string_view what, const absl::Status& why) {
  Untold().Add();
  log::Error("im", "an event could not be told").With("event", what).With("why", why);
}

// The event of a frame about to be published.
struct Frame {
  live::v1::ServerFrame frame;
  v1::ImEvent& event() { return *frame.mutable_im(); }
  std::string Serialize() const { return frame.SerializeAsString(); }
};

}  // namespace

std::string PersonTopic(std::string_view person_id) { return "person:" + std::string(person_id); }
std::string PresenceTopic(std::string_view person_id) { return "presence:" + std::string(person_id); }

void Events::OnCommitted(const ledger::PartitionId& partition, absl::Span<const ledger::Record> records) {
  rpc::Hub* hub = hub_.load(std::memory_order_acquire);
  if (!hub) return;
  v1::ImRecord im;
  for (const ledger::Record& record : records) {
    // What the machine has applied is readable.
    if (im.ParseFromString(record.payload())) Tell(*hub, partition, im);
  }
}

void Events::Tell(rpc::Hub& hub, const ledger::PartitionId& partition, const v1::ImRecord& record) {
  switch (record.kind_case()) {
    case v1::ImRecord::kCreated:
      TellCreated(hub, record.created());
      return TellMessage(hub, record.created().conversation_id(), record);
    case v1::ImRecord::kSent:
      Messages().Add();
      return TellMessage(hub, record.sent().conversation_id(), record);
    case v1::ImRecord::kJoined:
      TellJoined(hub, partition, record.joined());
      return TellMessage(hub, record.joined().conversation_id(), record);
    case v1::ImRecord::kLeft:
      // The notice first: whoever leaves still hears it.
      TellMessage(hub, record.left().conversation_id(), record);
      return TellLeft(hub, record.left());
    case v1::ImRecord::kRenamed:
      return TellMessage(hub, record.renamed().conversation_id(), record);
    case v1::ImRecord::kCursors:
      return TellCursors(hub, partition, record.cursors());
    case v1::ImRecord::KIND_NOT_SET:
      return;
  }
}

void Events::TellMessage(rpc::Hub& hub, std::string_view conversation_id, const v1::ImRecord& record) {
  if (!hub.Heard(conversation_id)) return;
  auto message = ToMessage(record, *core_->keyring);
  if (!message.ok()) return Skip("message", message.status());
  Frame frame;
  *frame.event().mutable_message() = *std::move(message);
  hub.Publish(conversation_id, frame.Serialize());
}

void Events::TellCreated(rpc::Hub& hub, const v1::ConversationCreated& created) {
  Frame frame;
  v1::Conversation* conversation = frame.event().mutable_joined();
  conversation->set_conversation_id(created.conversation_id());
  conversation->set_kind(created.kind());
  conversation->set_title(created.title());
  conversation->set_last_seq(1);
  conversation->set_last_time_us(TimeOfMessageId(created.message_id()));
  conversation->set_first_seq(1);
  conversation->set_member_count(static_cast<uint32_t>(created.member_ids_size()));
  for (const std::string& person : created.member_ids()) {
    hub.Subscribe(person, created.conversation_id(), true);
    std::string topic = PersonTopic(person);
    if (!hub.Heard(topic)) continue;
    const bool owner = created.kind() == v1::Conversation::KIND_GROUP && person == created.creator_id();
    conversation->set_role(owner ? v1::Member::ROLE_OWNER : v1::Member::ROLE_MEMBER);
    hub.Publish(topic, frame.Serialize());
  }
}

void Events::TellJoined(rpc::Hub& hub, const ledger::PartitionId& partition, const v1::MembersJoined& joined) {
  std::unique_ptr<ledger::StateReader> view;
  for (const std::string& person : joined.person_ids()) {
    hub.Subscribe(person, joined.conversation_id(), true);
    std::string topic = PersonTopic(person);
    if (!hub.Heard(topic)) continue;
    if (!view) view = core_->ledger->View(partition);
    auto number = PersonNo::Parse(person);
    auto membership = RequireReader(*view, joined.conversation_id(), *number);
    auto conversation = membership.ok() ? ToConversation(*core_, *view, joined.conversation_id(), *membership, false)
                                        : absl::StatusOr<v1::Conversation>(membership.status());
    if (!conversation.ok()) {
      Skip("joined", conversation.status());
      continue;
    }
    Frame frame;
    *frame.event().mutable_joined() = *std::move(conversation);
    hub.Publish(topic, frame.Serialize());
  }
}

void Events::TellLeft(rpc::Hub& hub, const v1::MemberLeft& left) {
  std::string topic = PersonTopic(left.person_id());
  if (hub.Heard(topic)) {
    Frame frame;
    frame.event().mutable_left()->set_conversation_id(left.conversation_id());
    frame.event().mutable_left()->set_last_seq(left.seq());
    hub.Publish(topic, frame.Serialize());
  }
  hub.Subscribe(left.person_id(), left.conversation_id(), false);
}

void Events::TellCursors(rpc::Hub& hub, const ledger::PartitionId& partition, const v1::CursorsMoved& cursors) {
  std::string topic = cursors.conversation_id();
  if (!hub.Heard(topic)) return;
  if (!topic.starts_with("d:")) {
    auto head = FindHead(*core_->ledger->View(partition), topic);
    if (!head.ok() || !*head) return Skip("cursors", head.status());
    if ((*head)->members > kMaxChattyMembers) topic = PersonTopic(cursors.person_id());
  }
  Frame frame;
  v1::CursorMoved* moved = frame.event().mutable_cursor();
  moved->set_conversation_id(cursors.conversation_id());
  moved->set_person_id(cursors.person_id());
  moved->set_read_seq(cursors.read_seq());
  moved->set_delivered_seq(cursors.delivered_seq());
  hub.Publish(topic, frame.Serialize());
}

void Events::OnTyping(const v1::TypingChanged& typing) {
  rpc::Hub* hub = hub_.load(std::memory_order_acquire);
  if (!hub || !hub->Heard(typing.conversation_id())) return;
  Frame frame;
  *frame.event().mutable_typing() = typing;
  hub->Publish(typing.conversation_id(), frame.Serialize());
}

void Events::OnPresence(const v1::Presence& presence) {
  rpc::Hub* hub = hub_.load(std::memory_order_acquire);
  std::string topic = PresenceTopic(presence.person_id());
  if (!hub || !hub->Heard(topic)) return;
  Frame frame;
  *frame.event().mutable_presence() = presence;
  hub->Publish(topic, frame.Serialize());
}

void Events::OnWatch(PersonNo watcher, PersonNo watched, bool active) {
  rpc::Hub* hub = hub_.load(std::memory_order_acquire);
  if (hub) hub->Subscribe(watcher.ToString(), PresenceTopic(watched.ToString()), active);
}

}  // namespace yizhan::im
