// Where a session's stanzas go: one stream, on the session's thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace yizhan::edge::xmpp {

using Stanza = std::shared_ptr<const std::string>;

class StanzaSink {
 public:
  virtual ~StanzaSink() = default;

  // Adds to what is to be sent, in one write with everything else until the flush. Copies nothing of the shared form.
  virtual void Write(Stanza xml) = 0;
  virtual void Write(std::string xml) = 0;
  // Sends it now, or with whatever else the thread is about to write.
  virtual void Flush() = 0;
  virtual void FlushSoon() = 0;
  // Bytes that the network has not taken yet.
  virtual size_t queued_bytes() const = 0;
  // Reads no more from the client, or goes on.
  virtual void Hold(bool hold) = 0;
  // The session lets go of the sink: it sends these last words (a stream error, the stream's end; may be empty) and closes. Calls the
  // session no more.
  virtual void End(std::string last_words) = 0;
};

}  // namespace yizhan::edge::xmpp
