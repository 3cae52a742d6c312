#include "base/http/request_parser.h"

#include <algorithm>
#include <utility>

namespace yizhan::http {
namespace {

constexpr size_t kMaxMethodBytes = 32;
constexpr size_t kMaxChunkLineBytes = 1024;
constexpr size_t kReserveBytes = 64 << 10;

bool IsToken(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  return lower;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool ListHas(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    size_t end = std::min(list.find(','), list.size());
    if (Lower(Trim(list.substr(0, end))) == word) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

void RequestParser::Fail(int status, std::string text) {
  error_ = TextResponse(status, std::move(text));
  error_->close = true;
}

size_t RequestParser::Feed(std::string_view bytes) {
  size_t used = 0;
  while (used < bytes.size() && !error_ && state_ != State::kDone) {
    std::string_view rest = bytes.substr(used);
    used += state_ == State::kHead ? FeedHead(rest) : FeedBody(rest);
  }
  return used;
}

// Up to and with the line's end; the line without it is in head_, ending in '\n' only when it is whole.
size_t RequestParser::FeedLine(std::string_view bytes, size_t limit) {
  size_t end = bytes.find('\n');
  size_t part = end == std::string_view::npos ? bytes.size() : end + 1;
  head_.append(bytes.substr(0, part));
  if (head_.size() > limit) Fail(431, "a line of the request is too long\n");
  return part;
}

size_t RequestParser::FeedHead(std::string_view bytes) {
  size_t skipped = 0;
  if (head_.empty()) {
    // Empty lines before a request are allowed (RFC 9112 2.2) and nothing by themselves.
    while (skipped < bytes.size() && (bytes[skipped] == '\r' || bytes[skipped] == '\n')) ++skipped;
    bytes.remove_prefix(skipped);
  }
  if (bytes.empty()) return skipped;
  size_t before = head_.size();
  size_t room = limits_.header_bytes - std::min(before, limits_.header_bytes);
  head_.append(bytes.substr(0, room));
  size_t end = head_.find("\r\n\r\n", before > 3 ? before - 3 : 0);
  if (end == std::string::npos) {
    if (bytes.size() > room) {
      Fail(431, "the request's headers are larger than " + std::to_string(limits_.header_bytes) + " bytes\n");
    }
    return skipped + std::min(bytes.size(), room);
  }
  size_t used = end + 4 - before;
  head_.resize(end + 2);
  ReadHead();
  head_ = std::string();
  return skipped + used;
}

void RequestParser::ReadHead() {
  std::string_view rest = head_;
  bool first = true;
  while (!rest.empty() && !error_) {
    size_t end = rest.find("\r\n");
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    if (first ? !ReadRequestLine(line) : !ReadField(line)) {
      if (!error_) Fail(400, "this is not a request that can be understood\n");
      return;
    }
    first = false;
  }
  if (!error_) ReadFraming();
}

bool RequestParser::ReadRequestLine(std::string_view line) {
  size_t space = line.find(' '), last = line.rfind(' ');
  if (space == std::string_view::npos || last == space) return false;
  std::string_view method = line.substr(0, space), target = line.substr(space + 1, last - space - 1);
  std::string_view version = line.substr(last + 1);
  if (method.size() > kMaxMethodBytes || !IsToken(method) || target.empty()) return false;
  if (!std::all_of(target.begin(), target.end(), [](char c) { return c > ' ' && c < 0x7F; })) return false;
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    bool other = version.size() == 8 && version.substr(0, 5) == "HTTP/" && version[6] == '.';
    if (other) Fail(505, "only HTTP/1.1 and HTTP/1.0 are spoken here\n");
    return false;
  }
  version_1_0_ = version == "HTTP/1.0";
  request_ = Request();
  request_.method = std::string(method);
  if (size_t scheme = target.find("://"); target.front() != '/' && scheme != std::string_view::npos && scheme < 8) {
    size_t path = target.find('/', scheme + 3);  // the absolute form (RFC 9112 3.2.2)
    target = path == std::string_view::npos ? "/" : target.substr(path);
  }
  size_t question = std::min(target.find('?'), target.size());
  request_.path = std::string(target.substr(0, question));
  request_.query = std::string(target.substr(std::min(question + 1, target.size())));
  return true;
}

bool RequestParser::ReadField(std::string_view line) {
  size_t colon = line.find(':');
  if (colon == std::string_view::npos || !IsToken(line.substr(0, colon))) return false;
  std::string_view value = Trim(line.substr(colon + 1));
  bool clean = std::all_of(value.begin(), value.end(), [](char c) {
    unsigned char byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7F);
  });
  if (!clean) return false;
  if (request_.headers.size() >= limits_.headers) {
    Fail(431, "the request has more than " + std::to_string(limits_.headers) + " headers\n");
    return false;
  }
  request_.headers.emplace_back(Lower(line.substr(0, colon)), std::string(value));
  return true;
}

void RequestParser::ReadFraming() {
  size_t hosts = 0, lengths = 0, encodings = 0;
  std::string_view length, encoding;
  bool close = false, keep = false;
  expects_ = false;
  for (const auto& [name, value] : request_.headers) {
    if (name == "host") ++hosts;
    if (name == "content-length") ++lengths, length = value;
    if (name == "transfer-encoding") ++encodings, encoding = value;
    if (name == "connection") close = close || ListHas(value, "close"), keep = keep || ListHas(value, "keep-alive");
    if (name == "expect" && Lower(value) == "100-continue") expects_ = !version_1_0_;
  }
  keep_alive_ = version_1_0_ ? keep && !close : !close;
  if (hosts > 1 || (hosts == 0 && !version_1_0_)) return Fail(400, "a request names one Host\n");
  if (lengths > 1 || encodings > 1 || (lengths > 0 && encodings > 0) || (encodings > 0 && version_1_0_)) {
    return Fail(400, "the length of the request's body is given twice\n");
  }
  if (encodings > 0) {
    if (Lower(encoding) != "chunked") return Fail(501, "the only Transfer-Encoding is chunked\n");
    state_ = State::kChunkSize;
    return;
  }
  if (lengths == 0) {
    state_ = State::kDone;
    return;
  }
  bool digits = !length.empty() && length.size() <= 15 &&
                std::all_of(length.begin(), length.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits) return Fail(400, "the Content-Length is not a number\n");
  left_ = std::stoull(std::string(length));
  if (left_ > limits_.body_bytes) {
    return Fail(413, "the request's body is larger than " + std::to_string(limits_.body_bytes) + " bytes\n");
  }
  request_.body.reserve(std::min<size_t>(left_, kReserveBytes));
  state_ = left_ == 0 ? State::kDone : State::kBody;
}

size_t RequestParser::FeedBody(std::string_view bytes) {
  switch (state_) {
    case State::kBody:
    case State::kChunk: {
      size_t part = static_cast<size_t>(std::min<uint64_t>(left_, bytes.size()));
      request_.body.append(bytes.substr(0, part));
      left_ -= part;
      if (left_ == 0) state_ = state_ == State::kBody ? State::kDone : State::kChunkEnd;
      return part;
    }
    case State::kChunkSize: {
      size_t used = FeedLine(bytes, kMaxChunkLineBytes);
      if (!error_ && head_.back() == '\n') ReadChunkSize();
      return used;
    }
    case State::kChunkEnd: {
      size_t used = FeedLine(bytes.substr(0, 2 - std::min<size_t>(head_.size(), 1)), kMaxChunkLineBytes);
      if (head_ == "\r\n") {
        state_ = State::kChunkSize;
        head_.clear();
      } else if (head_ != "\r") {
        Fail(400, "a chunk is longer than it says\n");
      }
      return used;
    }
    default: {  // trailers, which nobody asks for
      size_t used = FeedLine(bytes, limits_.header_bytes);
      if (error_ || head_.back() != '\n') return used;
      trailers_ += head_.size();
      if (head_ == "\r\n") {
        state_ = State::kDone;
      } else if (trailers_ > limits_.header_bytes) {
        Fail(431, "the request's trailers are too large\n");
      } else if (head_.size() < 2 || head_[head_.size() - 2] != '\r') {
        Fail(400, "a line does not end in CRLF\n");
      }
      head_.clear();
      return used;
    }
  }
}

// "1a;name=value\r\n"
void RequestParser::ReadChunkSize() {
  std::string line = std::exchange(head_, {});
  size_t digits = 0;
  uint64_t size = 0;
  while (digits < line.size() && HexDigit(line[digits]) >= 0 && digits < 9) {
    size = size << 4 | static_cast<uint64_t>(HexDigit(line[digits++]));
  }
  bool ends = line.size() >= 2 && line[line.size() - 2] == '\r';
  if (digits == 0 || digits > 8 || !ends || (line[digits] != '\r' && line[digits] != ';') ||
      line.find('\r') != line.size() - 2) {
    return Fail(400, "this is not the size of a chunk\n");
  }
  if (size > limits_.body_bytes - request_.body.size()) {
    return Fail(413, "the request's body is larger than " + std::to_string(limits_.body_bytes) + " bytes\n");
  }
  left_ = size;
  trailers_ = 0;
  state_ = size == 0 ? State::kTrailers : State::kChunk;
}

bool RequestParser::WantsContinue() {
  return !error_ && (state_ == State::kBody || state_ == State::kChunkSize) && std::exchange(expects_, false);
}

Request RequestParser::Take() {
  state_ = State::kHead;
  head_ = std::string();
  expects_ = false;
  return std::exchange(request_, {});
}

}  // namespace yizhan::http
