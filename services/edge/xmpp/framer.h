// Cuts a byte stream into an XMPP stream's pieces without understanding them.
//
// The framer counts tags and quotes only; expat (element.h) decides whether a piece is well-formed. What XMPP forbids
// outright (RFC 6120 section 11.1: comments, processing instructions, document type declarations) and what breaks a
// bound is refused here, before anything is built of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "edge/xmpp/errors.h"

namespace yizhan::edge::xmpp {

// Bounds for one element or stream header, in bytes from '<' to '>'.
inline constexpr uint32_t kElementBytesBeforeLogin = 10 * 1024;
inline constexpr uint32_t kElementBytesAfterLogin = 256 * 1024;
// A stanza is at depth 1. Fixed: deeper is refused with policy-violation.
inline constexpr int kElementDepth = 32;

struct Frame {
  enum class Kind : uint8_t {
    kNeedMore,     // everything fed was used, or kept as the beginning of an element
    kStreamOpen,   // text: the XML declaration if there was one, and the header's start tag
    kElement,      // text: one whole top-level element
    kStreamClose,  // the header's end tag; what follows it is not looked at
    kError,        // StreamFramer::error() says why; stays so
  };
  Kind kind = Kind::kNeedMore;
  std::string_view text;
};

// One per stream, ~150 bytes when nothing is half received. Not thread-safe.
//
//   framer.Feed(bytes);
//   for (Frame f = framer.Next(); f.kind != Frame::Kind::kNeedMore; f = framer.Next()) ...
//
// The result does not depend on how the bytes were cut by Feed().
class StreamFramer {
 public:
  explicit StreamFramer(uint32_t element_bytes = kElementBytesBeforeLogin) : element_bytes_(element_bytes) {}
  StreamFramer(const StreamFramer&) = delete;
  StreamFramer& operator=(const StreamFramer&) = delete;

  // After log-in the bound widens; counts from the next element.
  void set_element_bytes(uint32_t bytes) { element_bytes_ = bytes; }

  // `data` must stay as it is until Next() returned kNeedMore, or Stash() was called. Does not copy unless an element
  // is incomplete or frames of an earlier Feed() are still unread.
  void Feed(std::string_view data);

  // The next piece. Its text is valid until the next call of Next(), Feed(), Stash() or a Restart.
  Frame Next();

  // Copies what is unread, so that the caller's buffer can be reused while frames wait (for instance for a log-in's
  // answer). Bounded by what was fed.
  void Stash();

  // Bytes fed and not yet returned, the beginning of an incomplete element included.
  size_t unread() const { return buffer_.size() - start_; }

  // Heap bytes held for an incomplete element or stashed frames; 0 for an idle stream.
  size_t held_bytes() const { return carry_.capacity() > 15 ? carry_.capacity() : 0; }

  // A new header is expected, in place of the stream so far: after SASL's success.
  void Restart();
  // As Restart(), and forgets what was received in advance: after STARTTLS, where bytes received before the handshake
  // must not be taken as protected ones. Says whether there were any but white space, which some clients write behind
  // <starttls/> (go-xmpp does).
  bool RestartAndDiscard();

  // Why Next() returned kError; OK before that.
  const absl::Status& error() const { return error_; }

 private:
  enum class Lex : uint8_t {
    kBetween,      // at stream level, between elements
    kOpen,         // behind '<'
    kDeclaration,  // in the XML declaration
    kTag,          // in a start tag, outside of quotes
    kSlash,        // behind a '/' of a start tag
    kQuote,        // in an attribute's value
    kEndTag,
    kStreamEnd,  // in the stream's end tag
    kText,       // in an element, outside of tags
    kBang,       // behind "<!", matching "[CDATA["
    kCdata,
  };

  // True when a whole piece ended at `at`; frame_ is set.
  bool Step(size_t& at);
  bool OnOpen(size_t& at);
  bool OnTagEnd(size_t at, bool empty);
  bool OnStreamEnd(size_t at);
  bool Emit(Frame::Kind kind, size_t end);
  bool Fail(size_t at, StreamCondition condition, std::string_view text);
  void ReleaseCarry();

  std::string_view buffer_;  // the caller's bytes, or carry_
  std::string carry_;
  std::string stream_name_;  // the header's name as written: "stream:stream"
  size_t start_ = 0;         // where the current piece begins in buffer_
  size_t scanned_ = 0;       // how far behind start_ the scan has come
  Frame frame_;
  uint32_t element_bytes_;
  Lex lex_ = Lex::kBetween;
  bool opened_ = false;    // the header was seen
  bool declared_ = false;  // the XML declaration was seen
  bool closed_ = false;    // the stream's end tag was seen
  uint8_t depth_ = 0;      // open elements of the current piece
  char quote_ = 0;         // which quote ends kQuote
  uint8_t matched_ = 0;    // how much of "[CDATA[", "]]>" or "?>" was seen
  absl::Status error_;
};

}  // namespace yizhan::edge::xmpp
