// What a service manager (systemd) is told: sd_notify(3)'s datagrams, without its library.
#pragma once

#include <string_view>

#include "absl/status/statusor.h"

namespace yizhan {

// Sends `state` ("READY=1", "STOPPING=1", "STATUS=…") to the socket that $NOTIFY_SOCKET names, a path or, with a
// leading
// @, an abstract name. True when it was sent, false when nobody wants to know (the variable is not set).
// InvalidArgument when the name is no such socket, Unavailable when it does not take the datagram; neither is a reason
// to stop.
absl::StatusOr<bool> NotifyServiceManager(std::string_view state);

}  // namespace yizhan
