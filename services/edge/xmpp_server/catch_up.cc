// What a session of DirectMessages missed: messages that came while their recipient had no device, or while a link was
// broken.
#include <algorithm>
#include <limits>
#include <utility>

#include "base/logging.h"
#include "edge/xmpp_server/direct_messages.h"
#include "edge/xmpp_server/event_stanza.h"
#include "edge/xmpp_server/text.h"
#include "edge/xmpp_server/xmpp_session.h"
#include "yizhan/im/v1/conversation_service.pb.h"
#include "yizhan/im/v1/message_service.pb.h"

namespace yizhan::edge::xmpp {
namespace {

constexpr char kSync[] = "/yizhan.im.v1.ConversationService/Sync";
constexpr char kMoveCursor[] = "/yizhan.im.v1.MessageService/MoveCursor";
constexpr char kListMessages[] = "/yizhan.im.v1.MessageService/ListMessages";
// The newest conversations are looked at; what waits in older ones is in the archive.
constexpr size_t kMaxConversations = 50;
constexpr int kMaxWaitingEvents = 1'000;

}  // namespace

struct DirectMessages::CatchUpState {
  std::vector<std::string> conversations;  // the last one is next: oldest first
  size_t left = 0;                         // messages that may still be handed over
  std::vector<std::pair<std::string, uint64_t>> reached;
  std::vector<std::shared_ptr<const Event>> waiting;
  bool missed = false;  // messages are missing; without it, only people are asked for
};

void DirectMessages::OnMessage(const std::shared_ptr<const Event>& event, const im::v1::Message& message) {
  if (!session_->contacts().available()) {
    // Waits with its owner; one's own are not missed.
    if (message.sender_id() == session_->person_id()) session_->IsOwn(message.client_id());
    return;
  }
  if (catching_up_ == nullptr) {
    if (!IsStranger(message.sender_id())) return Deliver(event, message);
    // Somebody whom the directory has known for less than two seconds: a message has its sender's address.
    catching_up_ = std::make_shared<CatchUpState>();
    catching_up_->waiting.push_back(event);
    return MeetStrangers(catching_up_);
  }
  if (catching_up_->waiting.size() >= kMaxWaitingEvents) FinishCatchUp();
  if (catching_up_ == nullptr) return Deliver(event, message);
  catching_up_->waiting.push_back(event);
}

void DirectMessages::CatchUp() {
  if (catching_up_ != nullptr && catching_up_->missed) return;
  auto before = std::exchange(catching_up_, std::make_shared<CatchUpState>());
  if (before != nullptr) catching_up_->waiting = std::move(before->waiting);
  catching_up_->missed = true;
  catching_up_->left = session_->context().limits.offline_messages;
  im::v1::SyncRequest request;
  request.set_page_size(200);
  session_->edge().Ask<im::v1::SyncResponse>(
      kSync, request, [this, state = catching_up_](absl::StatusOr<im::v1::SyncResponse> page) {
        if (state != catching_up_) return;
        if (!page.ok()) {
          log::Warning("xmpp", "what waits for a person cannot be read")
              .With("person", session_->person_id())
              .With("why", page.status());
          return FinishCatchUp();
        }
        bool strangers = false;
        for (const im::v1::Conversation& conversation : page->conversations()) {
          if (state->conversations.size() >= kMaxConversations) break;
          if (conversation.kind() == im::v1::Conversation::KIND_DIRECT && conversation.unread() > 0) {
            state->conversations.push_back(conversation.conversation_id());
            const auto pair = ParseDirect(conversation.conversation_id());
            strangers = strangers || (pair && IsStranger(pair->Other(session_->person_id())));
          }
        }
        return strangers ? MeetStrangers(state) : CatchUpOne(state);
      });
}

bool DirectMessages::IsStranger(std::string_view person_id) const {
  return session_->context().people->LoginOf(person_id).empty();
}

void DirectMessages::MeetStrangers(const std::shared_ptr<CatchUpState>& state) {
  session_->context().refresh_people(session_->thread(), [home = &session_->home(), id = session_->id(), state] {
    XmppSession* session = home->Find(id);
    if (session != nullptr && !session->over()) session->direct().CatchUpOne(state);
  });
}

void DirectMessages::CatchUpOne(const std::shared_ptr<CatchUpState>& state) {
  if (state != catching_up_) return;
  if (state->conversations.empty() || state->left == 0 || session_->over()) return FinishCatchUp();
  std::string conversation = std::move(state->conversations.back());
  state->conversations.pop_back();
  uint64_t handed_over = 0;
  for (const Delivered& delivered : delivered_) {
    if (delivered.conversation_id == conversation) handed_over = delivered.seq;
  }
  // A cursor that is not moved is a cursor that is asked for.
  im::v1::MoveCursorRequest request;
  request.set_conversation_id(conversation);
  session_->edge().Ask<im::v1::MoveCursorResponse>(
      kMoveCursor, request,
      [this, state, conversation, handed_over](absl::StatusOr<im::v1::MoveCursorResponse> cursor) {
        if (state != catching_up_) return;
        if (!cursor.ok()) return CatchUpOne(state);
        im::v1::ListMessagesRequest list;
        list.set_conversation_id(conversation);
        list.set_before_seq(
            std::numeric_limits<uint64_t>::max());  // the newest, should there be more than can be handed over
        list.set_page_size(static_cast<uint32_t>(std::min<size_t>(state->left, 200)));
        session_->edge().Ask<im::v1::ListMessagesResponse>(
            kListMessages, list,
            [this, state, conversation,
             from = std::max(cursor->delivered_seq(), handed_over)](absl::StatusOr<im::v1::ListMessagesResponse> page) {
              if (state != catching_up_) return;
              if (page.ok()) {
                for (const im::v1::Message& message : page->messages()) {
                  if (session_->over()) return;
                  if (message.seq() <= from || message.sender_id() == session_->person_id() || !HasText(message))
                    continue;
                  const XmppContext& context = session_->context();
                  session_->Send(DelayedStanza(context, message, context.domain));
                  context.metrics.offline_out.Add();
                  if (!session_->over()) NoteDelivered(message);
                  if (state->left > 0) --state->left;
                }
                if (page->messages_size() > 0) {
                  state->reached.emplace_back(conversation, page->messages(page->messages_size() - 1).seq());
                }
              }
              CatchUpOne(state);
            });
      });
}

void DirectMessages::FinishCatchUp() {
  auto state = std::exchange(catching_up_, nullptr);
  for (const auto& event : state->waiting) {
    if (session_->over()) return;
    const im::v1::Message& message = event->parsed().im().message();
    const bool handed_over = std::any_of(state->reached.begin(), state->reached.end(), [&](const auto& reached) {
      return reached.first == message.conversation_id() && message.seq() <= reached.second;
    });
    if (!handed_over || message.sender_id() == session_->person_id()) Deliver(event, message);
  }
}

}  // namespace yizhan::edge::xmpp
