// A log-in over SASL: PLAIN, SCRAM-SHA-256, SCRAM-SHA-1, against the directory, which alone knows secrets.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "base/rpc/service.h"
#include "edge/xmpp/element.h"
#include "edge/xmpp/scram.h"
#include "yizhan/directory/v1/session_service.pb.h"

namespace yizhan::edge::xmpp {

class LogIn {
 public:
  // What to do next. `xml` is to be written first.
  struct Step {
    enum { kGoOn, kSuccess, kClose } next = kGoOn;
    std::string xml;
  };
  // Calls the directory; the answer comes on the connection's thread, and not at all once the connection is gone. `anonymous`: for
  // methods that anyone may call.
  using Ask = std::function<void(std::string_view method, std::string request, bool anonymous,
                                 absl::AnyInvocable<void(absl::StatusOr<std::string>)> done)>;

  // In the order of preference.
  static std::vector<std::string> Mechanisms() { return {"SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"}; }

  LogIn(std::string_view domain, std::string remote_address, Ask ask)
      : domain_(domain), remote_address_(std::move(remote_address)), ask_(std::move(ask)) {}

  // An element of the SASL namespace. `done` is called once, perhaps at once. Not again before that.
  void OnElement(const Element& element, absl::AnyInvocable<void(Step)> done);

  // After kSuccess.
  const directory::v1::LogInResponse& result() const { return result_; }
  directory::v1::LogInResponse TakeResult() { return std::move(result_); }

 private:
  using Done = absl::AnyInvocable<void(Step)>;
  absl::Status OnAuth(const Element& element, Done& done);
  absl::Status OnPlain(std::string_view message, Done& done);
  absl::Status OnScramFirst(std::string_view message, Done& done);
  absl::Status OnScramFinal(std::string_view message, Done& done);
  void Fail(const absl::Status& why, Done done);
  void Succeed(directory::v1::LogInResponse result, std::string additional, Done done);

  const std::string_view domain_;
  const std::string remote_address_;
  const Ask ask_;
  std::string mechanism_;
  std::unique_ptr<ScramServer> scram_;
  bool challenged_ = false;
  int failures_ = 0;
  directory::v1::LogInResponse result_;
};

}  // namespace yizhan::edge::xmpp
