// One room as one session sees it. For rooms.cc and room_join.cc.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "edge/xmpp_server/rooms.h"
#include "yizhan/im/v1/message_service.pb.h"

namespace yizhan::edge::xmpp {

struct Rooms::Room {
  // A message that the client wrote behind its join, without waiting for what comes of it: sent when it is in.
  struct Unsent {
    im::v1::SendMessageRequest request;
    uint64_t ticket;
    std::string head;
  };
  // Until the join is complete, and while missed messages are fetched: what is said meanwhile waits.
  struct Joining {
    MucJoin wish;
    std::string presence_id, nick;
    bool created = false, tried_to_create = false, known = false;
    std::vector<std::shared_ptr<const Event>> waiting;
    std::vector<Unsent> unsent;
  };

  std::string conversation_id, title;
  uint64_t serial = 0;    // answers for an earlier stay in the same room are not for this one
  uint64_t last_seq = 0;  // handed over
  int64_t time_us = 0;
  uint32_t member_count = 0;
  bool owner = false;
  bool entered = false;  // the client was told that it is in
  std::unique_ptr<Joining> joining;
  std::vector<std::string> members;  // of a small room, sorted

  std::string_view handle() const { return std::string_view(conversation_id).substr(2); }
};

}  // namespace yizhan::edge::xmpp
