// Fields of requests that say where a call came from: never taken from outside.
#pragma once

#include <string>
#include <string_view>

#include "google/protobuf/message.h"

namespace yizhan::rpc {

// Whether a request has such fields: one named remote_address (log-ins, visits).
bool IsStamped(const google::protobuf::Descriptor* request);

// Overwrites them: remote_address with the client's address, origin (where there is one too) with the embedding page's.
void Stamp(google::protobuf::Message* request, std::string_view remote_address, std::string_view origin);

}  // namespace yizhan::rpc
