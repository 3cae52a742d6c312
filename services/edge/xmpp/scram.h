// The server's half of SCRAM (RFC 5802, RFC 7677) without its secrets: keys stay with the directory service, which
// gives salt and iterations, verifies the proof and returns the server's signature.
//
//   ScramServer scram;                                        // state: nothing received
//   scram.OnClientFirst(message)                              // -> scram.login(), scram.authzid()
//   challenge = scram.ServerFirst({salt, iterations})         // from the directory, for a login it does not know as
//   well proof = scram.OnClientFinal(message)                      // -> {auth_message, client_proof} for the directory
//   success = scram.ServerFinal(server_signature)
//
// Channel binding is not offered: "n" and "y" are accepted, "p" refused. A refusal is a SaslRefusal; after one, and
// when called out of order (FailedPrecondition), the exchange is over.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace yizhan::edge::xmpp {

struct ScramParameters {
  std::string salt;  // raw bytes
  uint32_t iterations = 0;
};

struct ScramProof {
  std::string auth_message;  // client-first-bare "," server-first "," client-final-without-proof
  std::string client_proof;  // raw bytes: 20 for SHA-1, 32 for SHA-256
};

class ScramServer {
 public:
  // `hash_bytes`: the proof's length, 20 or 32. `nonce_part` is ours to add to the client's nonce: printable ASCII
  // without comma; empty means 18 random bytes in base64.
  explicit ScramServer(size_t hash_bytes, std::string_view nonce_part = {});

  absl::Status OnClientFirst(std::string_view message);
  // Valid UTF-8, escapes undone.
  const std::string& login() const { return login_; }
  const std::string& authzid() const { return authzid_; }

  absl::StatusOr<std::string> ServerFirst(const ScramParameters& parameters);
  absl::StatusOr<ScramProof> OnClientFinal(std::string_view message);
  absl::StatusOr<std::string> ServerFinal(std::string_view server_signature);

 private:
  enum class State : uint8_t { kStart, kNamed, kChallenged, kProved, kDone };
  absl::Status Expect(State state);

  State state_ = State::kStart;
  size_t hash_bytes_;
  std::string nonce_;  // the client's, then both
  std::string nonce_part_;
  std::string gs2_header_;
  std::string login_;
  std::string authzid_;
  std::string client_first_bare_;
  std::string server_first_;
};

}  // namespace yizhan::edge::xmpp
