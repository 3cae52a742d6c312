// What an answer of etcd's means: for who asked, for the member that gave it, and for asking again.
#pragma once

#include <string>

#include <grpcpp/support/status.h>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace yizhan::cluster::etcd {

// How a call to one member went.
struct Answer {
  grpc::Status status;
  bool may_have_left = true;  // false: it certainly was not sent
  absl::Duration after;       // it was sent
};

struct Verdict {
  absl::Status status;          // for who asked; names the member and the operation
  bool did_not_happen = false;  // for certain
  bool ask_again = false;       // another member, or the same one later, may do better
  bool member_unwell = false;   // calls should go elsewhere
  bool token_ended = false;     // log in and ask again; has not happened
};

// Of an answer that is an error. `operation` is a word for the message ("txn").
Verdict Judge(const Answer& answer, const std::string& address, const std::string& operation);

// Of the reason in a WatchResponse that says `canceled`.
Verdict JudgeCancelled(const std::string& reason, const std::string& address);

}  // namespace yizhan::cluster::etcd
