#include "edge/xmpp/framer.h"

#include <array>
#include <cstring>
#include <utility>

namespace yizhan::edge::xmpp {
namespace {

constexpr std::string_view kCdataOpen = "[CDATA[";

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// Roughly NameStartChar; expat knows exactly.
bool StartsName(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' || static_cast<uint8_t>(c) >= 0x80;
}

// The bytes that end a run of dull ones inside of a start tag.
constexpr std::array<bool, 256> MakeTagStops() {
  std::array<bool, 256> stops{};
  for (unsigned char c : {'>', '<', '/', '\'', '"', '\0'}) stops[c] = true;
  return stops;
}
constexpr std::array<bool, 256> kTagStops = MakeTagStops();

size_t FindByte(std::string_view buffer, size_t from, char c) {
  const void* found = std::memchr(buffer.data() + from, c, buffer.size() - from);
  return found == nullptr ? buffer.size() : static_cast<const char*>(found) - buffer.data();
}

// The name at the front of a tag's inside: "a:b c='d'" -> "a:b".
std::string_view NameIn(std::string_view inside) {
  size_t end = 0;
  while (end < inside.size() && !IsSpace(inside[end]) && inside[end] != '>' && inside[end] != '/') ++end;
  return inside.substr(0, end);
}

}  // namespace

void StreamFramer::Feed(std::string_view data) {
  if (!error_.ok() || closed_) return;
  if (start_ < buffer_.size()) {
    Stash();
    carry_.append(data);
    buffer_ = carry_;
    return;
  }
  ReleaseCarry();
  start_ = scanned_ = 0;
  buffer_ = data;
}

void StreamFramer::Stash() {
  if (start_ >= buffer_.size()) {
    ReleaseCarry();
    buffer_ = {};
    start_ = 0;
    return;
  }
  if (!carry_.empty() && buffer_.data() == carry_.data()) {
    carry_.erase(0, start_);
  } else {
    carry_.assign(buffer_.substr(start_));
  }
  buffer_ = carry_;
  start_ = 0;
}

void StreamFramer::ReleaseCarry() {
  if (carry_.capacity() > 15) std::string().swap(carry_);
  carry_.clear();
}

void StreamFramer::Restart() {
  lex_ = Lex::kBetween;
  opened_ = declared_ = closed_ = false;
  depth_ = 0;
  scanned_ = 0;
  stream_name_.clear();
}

bool StreamFramer::RestartAndDiscard() {
  const bool any = buffer_.substr(start_).find_first_not_of(" \t\r\n") != std::string_view::npos;
  Restart();
  ReleaseCarry();
  buffer_ = {};
  start_ = 0;
  return any;
}

Frame StreamFramer::Next() {
  if (!error_.ok()) return {Frame::Kind::kError, {}};
  if (closed_) return {};
  size_t at = start_ + scanned_;
  while (at < buffer_.size()) {
    if (Step(at)) return std::exchange(frame_, {});
  }
  scanned_ = buffer_.size() - start_;
  if (scanned_ > element_bytes_) {
    Fail(at, StreamCondition::kPolicyViolation, "");
    return {Frame::Kind::kError, {}};
  }
  Stash();
  return {};
}

bool StreamFramer::Emit(Frame::Kind kind, size_t end) {
  if (end - start_ > element_bytes_) return Fail(end, StreamCondition::kPolicyViolation, "");
  frame_ = {kind, buffer_.substr(start_, end - start_)};
  start_ = end;
  scanned_ = 0;
  lex_ = Lex::kBetween;
  return true;
}

bool StreamFramer::Fail(size_t at, StreamCondition condition, std::string_view text) {
  // An element beyond the bound is that, whatever else is wrong with it: else the cut of the bytes would show.
  if (at - start_ > element_bytes_) {
    error_ = StreamRefusal(StreamCondition::kPolicyViolation,
                           "one element may have " + std::to_string(element_bytes_) + " bytes at most here");
  } else {
    error_ = StreamRefusal(condition, text);
  }
  ReleaseCarry();
  buffer_ = {};
  start_ = scanned_ = 0;
  frame_ = {Frame::Kind::kError, {}};
  return true;
}

bool StreamFramer::Step(size_t& at) {
  const char c = buffer_[at];
  switch (lex_) {
    case Lex::kBetween:
      if (c == '<') {
        lex_ = Lex::kOpen;
      } else if (IsSpace(c)) {
        // A keep-alive, or space before the header. It may stand between declaration and header, as part of that frame.
        if (!declared_ || opened_) start_ = at + 1;
      } else if (!opened_) {
        return Fail(at, StreamCondition::kNotWellFormed, "a stream begins with <stream:stream>");
      } else {
        return Fail(at, StreamCondition::kBadFormat, "there is text between stanzas");
      }
      ++at;
      return false;
    case Lex::kOpen:
      return OnOpen(at);
    case Lex::kDeclaration:
      if (c == '<' || c == '\0') return Fail(at, StreamCondition::kNotWellFormed, "the XML declaration has no end");
      if (matched_ == 1 && c == '>') {
        declared_ = true;
        lex_ = Lex::kBetween;
      }
      matched_ = c == '?' ? 1 : 0;
      ++at;
      return false;
    case Lex::kTag: {
      const char* p = buffer_.data();
      while (at < buffer_.size() && !kTagStops[static_cast<uint8_t>(p[at])]) ++at;
      if (at == buffer_.size()) return false;
      const char stop = p[at];
      if (stop == '>') return OnTagEnd(++at, false);
      if (stop == '/') {
        lex_ = Lex::kSlash;
      } else if (stop == '<' || stop == '\0') {
        return Fail(at, StreamCondition::kNotWellFormed, "a tag has no end");
      } else {
        quote_ = stop;
        lex_ = Lex::kQuote;
      }
      ++at;
      return false;
    }
    case Lex::kSlash:
      if (c != '>') return Fail(at, StreamCondition::kNotWellFormed, "a '/' stands inside of a tag");
      return OnTagEnd(++at, true);
    case Lex::kQuote:
      at = FindByte(buffer_, at, quote_);
      if (at < buffer_.size()) {
        lex_ = Lex::kTag;
        ++at;
      }
      return false;
    case Lex::kEndTag:
      at = FindByte(buffer_, at, '>');
      if (at == buffer_.size()) return false;
      ++at;
      if (--depth_ == 0) return Emit(Frame::Kind::kElement, at);
      lex_ = Lex::kText;
      return false;
    case Lex::kStreamEnd:
      at = FindByte(buffer_, at, '>');
      return at == buffer_.size() ? false : OnStreamEnd(++at);
    case Lex::kText:
      at = FindByte(buffer_, at, '<');
      if (at < buffer_.size()) {
        lex_ = Lex::kOpen;
        ++at;
      }
      return false;
    case Lex::kBang:
      if (c != kCdataOpen[matched_]) {
        return Fail(at, StreamCondition::kRestrictedXml, "comments and declarations have no place in a stream");
      }
      if (++matched_ == kCdataOpen.size()) {
        lex_ = Lex::kCdata;
        matched_ = 0;
      }
      ++at;
      return false;
    case Lex::kCdata:
      if (matched_ == 0) {
        at = FindByte(buffer_, at, ']');
        if (at == buffer_.size()) return false;
        matched_ = 1;
      } else if (c == ']') {
        matched_ = 2;  // "]]]>" ends it too
      } else if (c == '>' && matched_ == 2) {
        matched_ = 0;
        lex_ = Lex::kText;
      } else {
        matched_ = 0;
      }
      ++at;
      return false;
  }
  return false;
}

bool StreamFramer::OnOpen(size_t& at) {
  const char c = buffer_[at];
  if (c == '/') {
    if (depth_ > 0) {
      lex_ = Lex::kEndTag;
    } else if (opened_) {
      lex_ = Lex::kStreamEnd;
    } else {
      return Fail(at, StreamCondition::kNotWellFormed, "a stream begins with <stream:stream>");
    }
  } else if (c == '!') {
    if (depth_ == 0) {
      return Fail(at, StreamCondition::kRestrictedXml, "comments and declarations have no place in a stream");
    }
    lex_ = Lex::kBang;
    matched_ = 0;
  } else if (c == '?') {
    if (opened_ || declared_ || depth_ > 0) {
      return Fail(at, StreamCondition::kRestrictedXml, "processing instructions have no place in a stream");
    }
    lex_ = Lex::kDeclaration;
    matched_ = 0;
  } else if (StartsName(c)) {
    if (depth_ == kElementDepth) {
      return Fail(at, StreamCondition::kPolicyViolation,
                  "elements may be nested " + std::to_string(kElementDepth) + " deep at most");
    }
    lex_ = Lex::kTag;
  } else {
    return Fail(at, StreamCondition::kNotWellFormed, "a tag has no name");
  }
  ++at;
  return false;
}

bool StreamFramer::OnTagEnd(size_t at, bool empty) {
  if (!opened_) {
    if (empty) return Fail(at, StreamCondition::kBadFormat, "the stream header is an empty element");
    const size_t tag = buffer_.substr(0, at).rfind('<');
    stream_name_ = NameIn(buffer_.substr(tag + 1, at - tag - 1));
    opened_ = true;
    return Emit(Frame::Kind::kStreamOpen, at);
  }
  if (!empty) ++depth_;
  if (depth_ == 0) return Emit(Frame::Kind::kElement, at);
  lex_ = Lex::kText;
  return false;
}

bool StreamFramer::OnStreamEnd(size_t at) {
  std::string_view inside = buffer_.substr(start_ + 2, at - start_ - 3);
  while (!inside.empty() && IsSpace(inside.back())) inside.remove_suffix(1);
  if (inside != stream_name_) {
    return Fail(at, StreamCondition::kNotWellFormed, "an end tag closes what was not opened");
  }
  if (!Emit(Frame::Kind::kStreamClose, at)) return false;
  if (error_.ok()) closed_ = true;
  return true;
}

}  // namespace yizhan::edge::xmpp
