#include "edge/xmpp/scram.h"

#include <openssl/rand.h>

#include <optional>

#include "edge/xmpp/base64.h"
#include "edge/xmpp/precis.h"
#include "edge/xmpp/sasl.h"

namespace yizhan::edge::xmpp {
namespace {

constexpr size_t kMaxMessage = 4096;
constexpr size_t kMaxName = 1023;
constexpr size_t kMaxNonce = 512;

absl::Status Malformed(std::string_view text) { return SaslRefusal(SaslCondition::kMalformedRequest, text); }

// Takes what precedes the next comma off the front of `rest`; the comma goes too.
std::string_view TakeField(std::string_view& rest) {
  const size_t comma = rest.find(',');
  const std::string_view field = rest.substr(0, comma);
  rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
  return field;
}

// RFC 5802 saslname: "=2C" is a comma, "=3D" an equals sign, any other "=" an error.
std::optional<std::string> UnescapeName(std::string_view text) {
  std::string name;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '=') {
      name.push_back(text[i]);
      continue;
    }
    const std::string_view code = text.substr(i, 3);
    if (code != "=2C" && code != "=3D") return std::nullopt;
    name.push_back(code == "=2C" ? ',' : '=');
    i += 2;
  }
  if (name.empty() || name.size() > kMaxName || !IsUtf8(name) || name.find('\0') != std::string::npos)
    return std::nullopt;
  return name;
}

bool IsNonce(std::string_view text) {
  if (text.empty() || text.size() > kMaxNonce) return false;
  for (char c : text) {
    if (c < '!' || c > '~' || c == ',') return false;
  }
  return true;
}

}  // namespace

ScramServer::ScramServer(size_t hash_bytes, std::string_view nonce_part)
    : hash_bytes_(hash_bytes), nonce_part_(nonce_part) {}

absl::Status ScramServer::Expect(State state) {
  const bool expected = state_ == state;
  state_ = State::kDone;  // until the step has succeeded
  return expected ? absl::OkStatus() : absl::FailedPreconditionError("a SCRAM step came out of order");
}

absl::Status ScramServer::OnClientFirst(std::string_view message) {
  YZ_RETURN_IF_ERROR(Expect(State::kStart));
  if (message.size() > kMaxMessage) return Malformed("the SCRAM message is too long");
  std::string_view rest = message;
  const std::string_view binding = TakeField(rest);
  if (!binding.empty() && binding[0] == 'p') {
    return Malformed("channel binding is not offered here");
  }
  if (binding != "n" && binding != "y") return Malformed("the SCRAM message has no channel binding flag");
  if (message.size() == binding.size()) return Malformed("the SCRAM message is cut short");
  const std::string_view authzid = TakeField(rest);
  if (!authzid.empty()) {
    auto name = authzid.substr(0, 2) == "a=" ? UnescapeName(authzid.substr(2)) : std::nullopt;
    if (!name) return Malformed("the SCRAM message's authorization identity is malformed");
    authzid_ = *std::move(name);
  }
  // Both commas of the header are its own, also when no identity stands between them.
  const size_t header = binding.size() + authzid.size() + 2;
  if (header > message.size()) return Malformed("the SCRAM message is cut short");
  gs2_header_ = message.substr(0, header);
  client_first_bare_ = rest;

  const std::string_view user = TakeField(rest);
  if (user.substr(0, 2) == "m=") return Malformed("the SCRAM message asks for an extension that is not known here");
  auto name = user.substr(0, 2) == "n=" ? UnescapeName(user.substr(2)) : std::nullopt;
  if (!name) return Malformed("the SCRAM message's name is malformed");
  login_ = *std::move(name);
  const std::string_view nonce = TakeField(rest);
  if (nonce.substr(0, 2) != "r=" || !IsNonce(nonce.substr(2)))
    return Malformed("the SCRAM message's nonce is malformed");
  nonce_ = nonce.substr(2);
  state_ = State::kNamed;
  return absl::OkStatus();
}

absl::StatusOr<std::string> ScramServer::ServerFirst(const ScramParameters& parameters) {
  YZ_RETURN_IF_ERROR(Expect(State::kNamed));
  if (parameters.salt.empty() || parameters.iterations == 0) {
    return absl::InternalError("the SCRAM parameters lack salt or iterations");
  }
  if (nonce_part_.empty()) {
    unsigned char random[18];
    if (RAND_bytes(random, sizeof random) != 1) return absl::InternalError("there is no randomness");
    nonce_part_ = Base64Encode(std::string_view(reinterpret_cast<char*>(random), sizeof random));
  }
  nonce_ += nonce_part_;
  server_first_ = "r=" + nonce_ + ",s=" + Base64Encode(parameters.salt) + ",i=" + std::to_string(parameters.iterations);
  state_ = State::kChallenged;
  return server_first_;
}

absl::StatusOr<ScramProof> ScramServer::OnClientFinal(std::string_view message) {
  YZ_RETURN_IF_ERROR(Expect(State::kChallenged));
  if (message.size() > kMaxMessage) return Malformed("the SCRAM message is too long");
  // The proof is the last field; what precedes it is signed.
  const size_t proof = message.rfind(",p=");
  if (proof == std::string_view::npos) return Malformed("the SCRAM message has no proof");
  const std::string_view without_proof = message.substr(0, proof);
  std::string_view rest = without_proof;
  const std::string_view binding = TakeField(rest);
  if (binding.substr(0, 2) != "c=") return Malformed("the SCRAM message has no channel binding");
  if (binding.substr(2) != Base64Encode(gs2_header_)) {
    return SaslRefusal(SaslCondition::kNotAuthorized, "the channel binding differs from the first message's");
  }
  const std::string_view nonce = TakeField(rest);
  if (nonce.substr(0, 2) != "r=") return Malformed("the SCRAM message has no nonce");
  if (nonce.substr(2) != nonce_) return SaslRefusal(SaslCondition::kNotAuthorized, "the nonce differs from ours");
  auto decoded = Base64Decode(message.substr(proof + 3));
  if (!decoded.ok() || decoded->size() != hash_bytes_) return Malformed("the SCRAM proof is malformed");
  ScramProof result;
  result.auth_message = client_first_bare_ + "," + server_first_ + "," + std::string(without_proof);
  result.client_proof = *std::move(decoded);
  state_ = State::kProved;
  return result;
}

absl::StatusOr<std::string> ScramServer::ServerFinal(std::string_view server_signature) {
  YZ_RETURN_IF_ERROR(Expect(State::kProved));
  return "v=" + Base64Encode(server_signature);
}

}  // namespace yizhan::edge::xmpp
