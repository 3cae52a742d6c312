#include "base/http/request_parser.h"

#include <utility>

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

namespace yizhan::http {

namespace beast = boost::beast;
namespace bhttp = boost::beast::http;

struct RequestParser::Impl {
  bhttp::request_parser<bhttp::string_body> parser;
};

RequestParser::RequestParser(const RequestLimits& limits) : limits_(limits) {}
RequestParser::~RequestParser() = default;

bool RequestParser::idle() const { return impl_ == nullptr; }
bool RequestParser::done() const { return impl_ != nullptr && !error_ && impl_->parser.is_done(); }
bool RequestParser::keep_alive() const { return keep_alive_; }

void RequestParser::Fail(int status, std::string text) {
  error_ = TextResponse(status, std::move(text));
  error_->close = true;
}

size_t RequestParser::Feed(std::string_view bytes) {
  if (error_ || done()) return 0;
  size_t skipped = 0;
  if (impl_ == nullptr) {
    // Empty lines before a request are allowed (RFC 9112 2.2) and nothing by themselves.
    while (skipped < bytes.size() && (bytes[skipped] == '\r' || bytes[skipped] == '\n')) ++skipped;
    bytes.remove_prefix(skipped);
    if (bytes.empty()) return skipped;
    impl_ = std::make_unique<Impl>();
    impl_->parser.eager(true);
    impl_->parser.header_limit(static_cast<std::uint32_t>(limits_.header_bytes));
    impl_->parser.body_limit(limits_.body_bytes);
  }
  boost::system::error_code error;
  size_t used = impl_->parser.put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
  if (error == bhttp::error::need_more) {
    if (!impl_->parser.is_header_done() && bytes.size() - used > limits_.header_bytes) error = bhttp::error::header_limit;
  }
  if (!error || error == bhttp::error::need_more) {
    if (impl_->parser.is_header_done() && impl_->parser.get().version() != 11 && impl_->parser.get().version() != 10) {
      Fail(505, "only HTTP/1.1 and HTTP/1.0 are spoken here\n");
    }
    return skipped + used;
  }
  if (error == bhttp::error::header_limit || error == bhttp::error::buffer_overflow) {
    Fail(431, "the request's headers are larger than " + std::to_string(limits_.header_bytes) + " bytes\n");
  } else if (error == bhttp::error::body_limit) {
    Fail(413, "the request's body is larger than " + std::to_string(limits_.body_bytes) + " bytes\n");
  } else if (error == bhttp::error::bad_version) {
    Fail(505, "only HTTP/1.1 and HTTP/1.0 are spoken here\n");
  } else {
    Fail(400, "this is not a request that can be understood: " + error.message() + "\n");
  }
  return skipped + used;
}

bool RequestParser::WantsContinue() {
  if (impl_ == nullptr || error_ || continued_ || !impl_->parser.is_header_done() || impl_->parser.is_done()) return false;
  continued_ = true;
  return beast::iequals(impl_->parser.get()[bhttp::field::expect], "100-continue");
}

Request RequestParser::Take() {
  keep_alive_ = impl_->parser.keep_alive();
  bhttp::request<bhttp::string_body> message = impl_->parser.release();
  impl_.reset();
  continued_ = false;
  Request request;
  request.method = std::string(message.method_string());
  std::string_view target(message.target().data(), message.target().size());
  if (size_t scheme = target.find("://"); scheme != std::string_view::npos && target.front() != '/' && scheme < 8) {
    size_t path = target.find('/', scheme + 3);  // the absolute form (RFC 9112 3.2.2)
    target = path == std::string_view::npos ? "/" : target.substr(path);
  }
  size_t question = std::min(target.find('?'), target.size());
  request.path = std::string(target.substr(0, question));
  request.query = std::string(target.substr(std::min(question + 1, target.size())));
  for (const auto& field : message) {
    std::string name(field.name_string());
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
    request.headers.emplace_back(std::move(name), std::string(field.value()));
  }
  request.body = std::move(message.body());
  return request;
}

}  // namespace yizhan::http
