// One client's stream: negotiation (TLS, log-in, resource) and then the pipe between a socket and its XmppSession. Small: an idle one
// holds no buffers, and what negotiation needs is gone after it. Everything on its thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/http/stream.h"
#include "edge/xmpp/element.h"
#include "edge/xmpp/framer.h"
#include "edge/xmpp_server/registry.h"
#include "edge/xmpp_server/stanza_sink.h"

namespace yizhan::edge::xmpp {

class LogIn;
class RemoteSession;
class XmppSession;
class XmppShard;

class Connection final : public http::StreamHandler, public StanzaSink {
 public:
  enum class Kind : uint8_t { kStartTls, kTls, kPlain };

  // `id` is unique in the shard, which owns the connection.
  Connection(XmppShard* shard, uint64_t id, std::shared_ptr<http::Stream> stream, Kind kind);
  ~Connection() override;

  void Start();
  uint64_t id() const { return id_; }
  // What FlushSoon() and Hold(false) put off.
  void OnSoon();
  // The server stops.
  void Shutdown();

  // http::StreamHandler.
  void OnData(std::string_view bytes) override;
  void OnTls() override;
  void OnClosed(const absl::Status& why) override;

  // StanzaSink.
  void Write(Stanza xml) override;
  void Write(std::string xml) override;
  void Flush() override;
  void FlushSoon() override;
  size_t queued_bytes() const override;
  void Hold(bool hold) override;
  void End(std::string last_words) override;

 private:
  enum class State : uint8_t { kHeader, kStartTls, kSasl, kBind, kSession };
  // Until the resource is bound.
  struct Negotiation;

  void Pump();
  void OnFrame(const Frame& frame);
  void OnHeader(std::string_view text);
  void OnElementText(std::string_view text);
  void OnNegotiation(const Element& element);
  void OnLogIn(const Element& element);
  void Ask(std::string_view method, std::string request, bool anonymous, absl::AnyInvocable<void(absl::StatusOr<std::string>)> done);
  void Bind(const Element& iq);
  void Bound(const absl::Status& status);
  void Resume(const Element& resume);
  void ResumeRemote(SessionPlace place, std::string previd, uint32_t h);
  void Negotiated();
  // Ends the stream with an error.
  void Fail(const absl::Status& why);
  void Close();
  // Reads no more until Go(): an answer is awaited.
  void Wait();
  void Go();

  XmppShard* const shard_;
  const uint64_t id_;
  std::shared_ptr<http::Stream> stream_;
  StreamFramer framer_;
  std::shared_ptr<const StreamNamespaces> namespaces_;
  std::unique_ptr<Negotiation> negotiation_;
  XmppSession* session_ = nullptr;
  std::unique_ptr<RemoteSession> remote_;  // the session lives on another thread
  const Kind kind_;
  State state_ = State::kHeader;
  bool header_sent_ = false;
  bool logged_in_ = false;
  bool waiting_ = false;
  bool held_ = false;
  bool soon_ = false;
  bool closed_ = false;
  bool pumping_ = false;
};

}  // namespace yizhan::edge::xmpp
