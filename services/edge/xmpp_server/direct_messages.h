// One session's conversations with single people: messages both ways, copies to other devices, receipts, markers, who
// types.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "edge/session_router.h"
#include "edge/xmpp/element.h"
#include "yizhan/im/v1/conversation.pb.h"
#include "yizhan/im/v1/live.pb.h"

namespace yizhan::edge::xmpp {

class XmppSession;
struct MessageMarks;

class DirectMessages {
 public:
  explicit DirectMessages(XmppSession* session) : session_(session) {}

  // A message of the client to a person. Text is recorded; receipts and markers move cursors; chat states are passed
  // on.
  void OnStanza(const Element& message, std::string_view login);

  // What happened in a conversation of two.
  void OnMessage(const std::shared_ptr<const Event>& event, const im::v1::Message& message);
  void OnCursor(const im::v1::CursorMoved& moved);
  void OnTyping(const im::v1::TypingChanged& typing);

  // Hands over what has not been delivered: with the initial presence, and when events may have been lost. What comes
  // meanwhile waits.
  void CatchUp();
  // Reports what has been delivered: to a client that acknowledges, what it has acknowledged; to others, what was
  // written. `last`: the session ends.
  void ReportDelivered(bool last);

 private:
  // How far one conversation was handed to this session; gone once that is reported.
  struct Delivered {
    std::string conversation_id;
    uint64_t seq = 0;        // handed over
    uint64_t ripe_seq = 0;   // of these, up to here is reported when
    uint32_t ripe_mark = 0;  // so many stanzas are acknowledged
  };
  // A message of this session for which a receipt or marker was asked.
  struct Asked {
    std::string conversation_id, stanza_id;
    uint64_t seq;
    bool receipt, marker;
  };
  struct CatchUpState;

  void Send(const Element& message, std::string_view login, const MessageMarks& marks, std::string_view body);
  void Confirm(std::string_view login, std::string_view stanza_id, bool read);
  void FindAndConfirm(std::string conversation_id, std::string peer_id, std::string stanza_id, bool read);
  void MoveCursor(const std::string& conversation_id, uint64_t read_seq, uint64_t delivered_seq);
  void SetTyping(std::string_view login, bool active);
  void Deliver(const std::shared_ptr<const Event>& event, const im::v1::Message& message);
  void NoteDelivered(const im::v1::Message& message);
  void CatchUpOne(const std::shared_ptr<CatchUpState>& state);
  bool IsStranger(std::string_view person_id) const;
  void MeetStrangers(const std::shared_ptr<CatchUpState>& state);
  void FinishCatchUp();

  XmppSession* const session_;
  std::vector<Delivered> delivered_;
  std::vector<Asked> asked_;
  // The last messages handed over: hash of conversation and stanza id, seq. A ring.
  std::vector<std::pair<uint64_t, uint64_t>> recent_;
  uint32_t recent_at_ = 0;
  std::shared_ptr<CatchUpState> catching_up_;
};

}  // namespace yizhan::edge::xmpp
