// What a Connection needs until its resource is bound. For connection.cc and connection_negotiation.cc.
#pragma once

#include <memory>
#include <string>

#include "edge/xmpp_server/connection.h"
#include "edge/xmpp_server/log_in.h"

namespace yizhan::edge::xmpp {

struct Connection::Negotiation {
  std::unique_ptr<LogIn> log_in;
  directory::v1::LogInResponse who;  // once logged in
  std::string bind_id;               // of the iq that asked for the resource
};

}  // namespace yizhan::edge::xmpp
