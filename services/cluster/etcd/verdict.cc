#include "cluster/etcd/verdict.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace yizhan::cluster::etcd {
namespace {

constexpr int kRetryMs = 500;

enum : unsigned {
  kDidNotHappen = 1,
  kAskAgain = 2,
  kUnwell = 4,
  kTokenEnded = 8,
};

struct Row {
  const char* words;  // what etcd says, somewhere in its message
  absl::StatusCode code;
  const char* reason;
  unsigned flags;
  const char* advice;
};

// etcd's words, of etcdserver/api/v3rpc/rpctypes/error.go. Those that do not happen are refused before they are
// proposed, or by every member alike when they are applied.
constexpr Row kRows[] = {
    // Of the interceptor, because we send `hasleader`. Those that come after seconds are another matter: see Judge().
    {"etcdserver: no leader", absl::StatusCode::kUnavailable, "ETCD_UNAVAILABLE", kDidNotHappen | kAskAgain | kUnwell,
     "it has lost its peers, or they are electing"},
    {"raft proposal dropped", absl::StatusCode::kUnavailable, "ETCD_UNAVAILABLE", kDidNotHappen | kAskAgain | kUnwell,
     "it has lost its peers, or they are electing"},
    {"etcdserver: not capable", absl::StatusCode::kUnavailable, "ETCD_UNAVAILABLE", kDidNotHappen | kAskAgain | kUnwell,
     "it is still starting"},
    {"etcdserver: rpc not supported for learner", absl::StatusCode::kUnavailable, "ETCD_UNAVAILABLE",
     kDidNotHappen | kAskAgain | kUnwell, "it is a learner: promote it, or leave it out of the configuration"},
    {"etcdserver: leader changed", absl::StatusCode::kUnavailable, "ETCD_UNKNOWN", kAskAgain, ""},
    {"etcdserver: request timed out", absl::StatusCode::kUnavailable, "ETCD_UNKNOWN", kAskAgain | kUnwell, ""},
    {"etcdserver: server stopped", absl::StatusCode::kUnavailable, "ETCD_UNKNOWN", kAskAgain | kUnwell, ""},
    {"etcdserver: unhealthy cluster", absl::StatusCode::kUnavailable, "ETCD_UNKNOWN", kAskAgain | kUnwell, ""},
    {"etcdserver: too many requests", absl::StatusCode::kResourceExhausted, "ETCD_BUSY", kDidNotHappen,
     "it is behind with applying; ask more slowly"},
    {"etcdserver: invalid auth token", absl::StatusCode::kPermissionDenied, "ETCD_LOGIN", kTokenEnded, ""},
    {"etcdserver: revision of auth store is old", absl::StatusCode::kPermissionDenied, "ETCD_LOGIN", kTokenEnded, ""},
    {"etcdserver: user name is empty", absl::StatusCode::kPermissionDenied, "ETCD_LOGIN", kTokenEnded,
     "etcd wants a user: configure one"},
    {"etcdserver: authentication failed", absl::StatusCode::kPermissionDenied, "ETCD_LOGIN", kDidNotHappen,
     "the configured user or its password is wrong"},
    {"etcdserver: authentication is not enabled", absl::StatusCode::kFailedPrecondition, "ETCD_AUTH_OFF", kDidNotHappen,
     ""},
    {"etcdserver: permission denied", absl::StatusCode::kPermissionDenied, "ETCD_DENIED", kDidNotHappen,
     "give the user's role readwrite on all keys with the configured prefix"},
    {"required revision has been compacted", absl::StatusCode::kOutOfRange, "ETCD_COMPACTED", kDidNotHappen, ""},
    {"required revision is a future revision", absl::StatusCode::kInvalidArgument, "ETCD_INVALID", kDidNotHappen, ""},
    {"etcdserver: requested lease not found", absl::StatusCode::kNotFound, "ETCD_LEASE_ENDED", kDidNotHappen, ""},
    {"etcdserver: lease already exists", absl::StatusCode::kAlreadyExists, "ETCD_LEASE_EXISTS", kDidNotHappen, ""},
    {"etcdserver: too large lease TTL", absl::StatusCode::kInvalidArgument, "ETCD_INVALID", kDidNotHappen, ""},
    {"database space exceeded", absl::StatusCode::kResourceExhausted, "ETCD_NO_SPACE", kDidNotHappen,
     "it has reached --quota-backend-bytes: compact, `etcdctl defrag`, then `etcdctl alarm disarm`"},
    {"etcdserver: request is too large", absl::StatusCode::kInvalidArgument, "ETCD_TOO_LARGE", kDidNotHappen,
     "start etcd with a larger --max-request-bytes"},
    {"etcdserver: too many operations in txn request", absl::StatusCode::kInvalidArgument, "ETCD_TOO_LARGE",
     kDidNotHappen, "start etcd with a larger --max-txn-ops"},
    {"etcdserver: corrupt cluster", absl::StatusCode::kDataLoss, "ETCD_CORRUPT", kDidNotHappen,
     "its members disagree: restore the one that is wrong"},
    // gRPC's own, of this side and of the other.
    {"Sent message larger than max", absl::StatusCode::kInvalidArgument, "ETCD_TOO_LARGE", kDidNotHappen, ""},
    {"Received message larger than max", absl::StatusCode::kResourceExhausted, "ETCD_TOO_LARGE", 0, "ask with a limit"},
    {"received message larger than max", absl::StatusCode::kInvalidArgument, "ETCD_TOO_LARGE", kDidNotHappen,
     "start etcd with a larger --max-request-bytes"},
};

absl::Status Say(absl::StatusCode code, std::string_view reason, const std::string& message) {
  if (code == absl::StatusCode::kUnavailable || reason == "ETCD_BUSY") {
    return RefuseForNow(code, reason, message, kRetryMs);
  }
  return Refuse(code, reason, message);
}

bool IsTls(const std::string& words) {
  return absl::StrContains(words, "andshake failed") || absl::StrContains(words, "ertificate") ||
         absl::StrContains(words, "is not in peer");
}

// In TLS 1.3 a member refuses our certificate only after the handshake, and all that is seen is that it hangs up.
bool ClosedAtOnce(const std::string& words) {
  return absl::StrContains(words, "Endpoint read failed") || absl::StrContains(words, "Socket closed") ||
         absl::StrContains(words, "Connection reset");
}

constexpr char kClosedAtOnce[] =
    "; it hangs up while the connection is made: does it want TLS, or a client certificate of another authority?";

}  // namespace

Verdict Judge(const Answer& answer, const std::string& address, const std::string& operation) {
  const std::string& words = answer.status.error_message();
  const std::string head = absl::StrCat("etcd ", address, ": ", operation, ": ");
  Verdict verdict;
  for (const Row& row : kRows) {
    if (!absl::StrContains(words, row.words)) continue;
    // A leader that was lost while a request waited is answered after etcd's own timeout, 5 s at the least. 3.4 has
    // other words for that; should another version have the same ones, it may have happened.
    const bool late = row.code == absl::StatusCode::kUnavailable && answer.after > absl::Seconds(4);
    const char* reason = late ? "ETCD_UNKNOWN" : row.reason;
    verdict.did_not_happen = (row.flags & (kDidNotHappen | kTokenEnded)) != 0 && !late;
    verdict.ask_again = (row.flags & kAskAgain) != 0;
    verdict.member_unwell = (row.flags & kUnwell) != 0;
    verdict.token_ended = (row.flags & kTokenEnded) != 0;
    verdict.status = Say(row.code, reason, absl::StrCat(head, words, *row.advice == 0 ? "" : "; ", row.advice));
    return verdict;
  }
  switch (answer.status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::CANCELLED:  // a connection that ends
    case grpc::StatusCode::DEADLINE_EXCEEDED: {
      const bool late = answer.status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED;
      verdict.did_not_happen = !answer.may_have_left;
      verdict.ask_again = true;
      // Who asks with a very short timeout learns nothing about the member.
      verdict.member_unwell = !late || answer.after > absl::Milliseconds(300);
      if (answer.may_have_left) {
        const std::string what = late ? absl::StrCat("no answer within ", absl::FormatDuration(answer.after))
                                      : absl::StrCat("the connection broke (", words, ")");
        verdict.status = Say(absl::StatusCode::kUnavailable, "ETCD_UNKNOWN",
                             absl::StrCat(head, what, "; it may or may not have happened"));
      } else if (IsTls(words)) {
        verdict.status =
            Say(absl::StatusCode::kUnavailable, "ETCD_TLS",
                absl::StrCat(head, words, "; its certificate must be of the configured authority and name ", address));
      } else {
        verdict.status = Say(absl::StatusCode::kUnavailable, "ETCD_UNAVAILABLE",
                             absl::StrCat(head, words, ClosedAtOnce(words) ? kClosedAtOnce : ""));
      }
      return verdict;
    }
    case grpc::StatusCode::INVALID_ARGUMENT:
    case grpc::StatusCode::FAILED_PRECONDITION:
      verdict.did_not_happen = true;
      verdict.status = Say(absl::StatusCode::kInvalidArgument, "ETCD_INVALID", head + words);
      return verdict;
    case grpc::StatusCode::UNIMPLEMENTED:
      verdict.did_not_happen = true;
      verdict.status = Say(absl::StatusCode::kInternal, "ETCD_FAILED",
                           absl::StrCat(head, words, "; is this an etcd of version 3.4 or later?"));
      return verdict;
    default:
      verdict.status = Say(absl::StatusCode::kInternal, "ETCD_FAILED",
                           absl::StrCat(head, words, " (gRPC code ", answer.status.error_code(), ")"));
      return verdict;
  }
}

Verdict JudgeCancelled(const std::string& reason, const std::string& address) {
  // Without a word it is as good as a broken stream.
  return Judge({grpc::Status(grpc::StatusCode::UNAVAILABLE, reason.empty() ? "watch cancelled" : reason), true, {}},
               address, "watch");
}

}  // namespace yizhan::cluster::etcd
