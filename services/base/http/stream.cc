#include "base/http/stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>

#include "base/http/io_pool.h"
#include "base/http/stream_impl.h"
#include "base/http/sweep.h"
#include "base/status.h"

namespace yizhan::http {
namespace {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;

constexpr size_t kReadBytes = 64 << 10;
constexpr int kReadsInARow = 4;            // then other connections of the thread have a turn
constexpr int kMaxParts = 64;              // of one writev
constexpr size_t kRecordBytes = 16 << 10;  // a full TLS record
constexpr auto kCloseTime = std::chrono::seconds(5);
constexpr size_t kMaxDrainedBytes = 32 << 20;
constexpr auto kLingerTime = std::chrono::seconds(2);

struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

// What became of an attempt to read or write.
struct Moved {
  enum { kBytes, kWaitRead, kWaitWrite, kEnded, kBroken } what;
  size_t bytes = 0;
};

class SocketStream final : public Stream, public Sweep::Entry, public std::enable_shared_from_this<SocketStream> {
 public:
  SocketStream(IoPool* pool, size_t thread, int socket, bool ipv6, std::string remote_address,
               std::shared_ptr<void> alive)
      : Sweep::Entry(&pool->sweep(thread)),
        alive_(std::move(alive)),
        socket_(pool->context(thread)),
        remote_address_(std::move(remote_address)),
        thread_(thread) {
    socket_.assign(ipv6 ? Tcp::v6() : Tcp::v4(), socket);
    boost::system::error_code ignored;
    socket_.non_blocking(true, ignored);
    socket_.set_option(Tcp::no_delay(true), ignored);
  }

  void Start(StreamHandler* handler) override {
    handler_ = handler;
    if (!closed_) WaitToRead();
  }
  void Detach() override { handler_ = nullptr; }

  void Write(std::string bytes) override {
    if (bytes.empty()) return;
    queued_ += bytes.size();
    out_.push_back({std::move(bytes), nullptr});
  }
  void Write(std::shared_ptr<const std::string> bytes) override {
    if (bytes == nullptr || bytes->empty()) return;
    queued_ += bytes->size();
    out_.push_back({std::string(), std::move(bytes)});
  }
  size_t queued_bytes() const override { return queued_; }

  void Flush() override {
    if (closed_ || waiting_to_write_ || handshaking_) return;
    bool had_to_wait = std::exchange(had_to_wait_, false);
    while (queued_ > 0) {
      Moved moved = ssl_ != nullptr ? WriteTls() : WritePlain();
      switch (moved.what) {
        case Moved::kBytes:
          Sent(moved.bytes);
          break;
        case Moved::kWaitRead:
        case Moved::kWaitWrite:
          had_to_wait_ = true;
          // TLS that wants to read first is helped by the reader.
          if (moved.what == Moved::kWaitWrite) WaitToWrite();
          return;
        default:
          return Broken(absl::UnavailableError("the connection broke while it was written to"));
      }
    }
    out_ = {};
    if (closing_) return Shut();
    if (tls_next_ != nullptr) return BeginTls();
    if (had_to_wait && handler_ != nullptr) handler_->OnDrained();
  }

  void PauseReading(bool pause) override {
    paused_ = pause;
    if (pause || closed_) return;
    if (ssl_ != nullptr && SSL_pending(ssl_.get()) > 0) {
      ReadSoon();  // the socket shares nothing of what TLS already holds
    } else {
      WaitToRead();
    }
  }

  void StartTls(ssl_ctx_st* context, std::string_view early) override {
    if (closed_) return;
    if (!early.empty()) return Broken(absl::UnavailableError("bytes came between the plain part and TLS"));
    tls_next_ = context;
    handshaking_ = false;
    if (queued_ == 0) {
      BeginTls();
    } else {
      Flush();
    }
  }
  bool secure() const override { return ssl_ != nullptr; }

  void SetTimeout(absl::Duration timeout) override {
    deadline = timeout == absl::InfiniteDuration()
                   ? Sweep::TimePoint::max()
                   : std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(timeout);
  }

  void Close() override {
    handler_ = nullptr;
    if (closed_ || closing_) return;
    closing_ = true;
    deadline = std::chrono::steady_clock::now() + kCloseTime;
    self_ = shared_from_this();  // until it is sent
    auto keep = shared_from_this();
    if (handshaking_ || tls_next_ != nullptr) return Shut();
    Flush();
  }

  const std::string& remote_address() const override { return remote_address_; }
  size_t thread() const override { return thread_; }

 private:
  struct Segment {
    std::string own;
    std::shared_ptr<const std::string> shared;
    std::string_view view() const { return shared != nullptr ? std::string_view(*shared) : std::string_view(own); }
  };

  void OnDeadline() override {
    auto keep = shared_from_this();
    if (closing_) return lingering_ ? End() : Shut();
    Broken(absl::DeadlineExceededError("the connection was idle for too long"));
  }

  // --- reading

  void WaitToRead() {
    if (waiting_to_read_ || closed_ || (paused_ && !handshaking_)) return;
    waiting_to_read_ = true;
    socket_.async_wait(Tcp::socket::wait_read, [self = shared_from_this()](const boost::system::error_code& error) {
      self->waiting_to_read_ = false;
      if (error || self->closed_) return;
      self->Readable();
    });
  }

  void Readable() {
    if (lingering_) return Drain();
    if (handshaking_) return Handshake();
    if (had_to_wait_ && !waiting_to_write_) Flush();
    static thread_local std::array<char, kReadBytes> buffer;
    for (int i = 0; i < kReadsInARow; ++i) {
      if (closed_ || closing_ || paused_ || handler_ == nullptr) break;
      Moved moved = ssl_ != nullptr ? ReadTls(buffer.data()) : ReadPlain(buffer.data());
      switch (moved.what) {
        case Moved::kBytes:
          handler_->OnData(std::string_view(buffer.data(), moved.bytes));
          if (closed_) return;
          Flush();
          if (handshaking_ || tls_next_ != nullptr) return;
          if (ssl_ == nullptr && moved.bytes < kReadBytes) return Rearm();
          break;
        case Moved::kWaitRead:
          return Rearm();
        case Moved::kWaitWrite:
          return WaitToWrite();
        case Moved::kEnded:
          return Broken(absl::OkStatus());
        case Moved::kBroken:
          return Broken(absl::UnavailableError("the connection broke"));
      }
    }
    if (closed_ || paused_ || handler_ == nullptr) return;
    if (!closing_) ReadSoon();
  }

  // Comes again without waiting for the socket.
  void ReadSoon() {
    if (waiting_to_read_) return;
    waiting_to_read_ = true;
    asio::post(socket_.get_executor(), [self = shared_from_this()] {
      self->waiting_to_read_ = false;
      if (!self->closed_) self->Readable();
    });
  }

  void Rearm() {
    if (!closed_ && !closing_ && handler_ != nullptr) WaitToRead();
  }

  Moved ReadPlain(char* buffer) {
    ssize_t n = ::recv(socket_.native_handle(), buffer, kReadBytes, 0);
    if (n > 0) return {Moved::kBytes, static_cast<size_t>(n)};
    if (n == 0) return {Moved::kEnded};
    return {errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? Moved::kWaitRead : Moved::kBroken};
  }

  Moved ReadTls(char* buffer) {
    ERR_clear_error();
    int n = SSL_read(ssl_.get(), buffer, kReadBytes);
    return n > 0 ? Moved{Moved::kBytes, static_cast<size_t>(n)} : TlsOutcome(n);
  }

  Moved TlsOutcome(int n) {
    switch (SSL_get_error(ssl_.get(), n)) {
      case SSL_ERROR_WANT_READ:
        return {Moved::kWaitRead};
      case SSL_ERROR_WANT_WRITE:
        return {Moved::kWaitWrite};
      case SSL_ERROR_ZERO_RETURN:
        return {Moved::kEnded};
      default:
        tls_broken_ = true;
        return {Moved::kBroken};
    }
  }

  // --- writing

  void WaitToWrite() {
    if (waiting_to_write_) return;
    waiting_to_write_ = true;
    socket_.async_wait(Tcp::socket::wait_write, [self = shared_from_this()](const boost::system::error_code& error) {
      self->waiting_to_write_ = false;
      if (error || self->closed_) return;
      if (self->handshaking_) return self->Handshake();
      self->Flush();
      if (!self->closed_) self->WaitToRead();
    });
  }

  Moved WritePlain() {
    std::array<iovec, kMaxParts> parts;
    size_t count = 0;
    for (size_t i = first_; i < out_.size() && count < parts.size(); ++i, ++count) {
      std::string_view view = out_[i].view();
      if (i == first_) view.remove_prefix(offset_);
      parts[count] = {const_cast<char*>(view.data()), view.size()};
    }
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = count;
    ssize_t n = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL);
    if (n >= 0) return {Moved::kBytes, static_cast<size_t>(n)};
    return {errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? Moved::kWaitWrite : Moved::kBroken};
  }

  // A write that has to be repeated finds the same bytes in front: OpenSSL demands it.
  Moved WriteTls() {
    static thread_local std::array<char, kRecordBytes> record;
    std::string_view first = out_[first_].view().substr(offset_);
    const char* from = first.data();
    size_t size = std::min(first.size(), kRecordBytes);
    if (size < kRecordBytes && first_ + 1 < out_.size()) {
      size = 0;
      for (size_t i = first_; i < out_.size() && size < record.size(); ++i) {
        std::string_view view = out_[i].view();
        if (i == first_) view.remove_prefix(offset_);
        size_t part = std::min(view.size(), record.size() - size);
        std::memcpy(record.data() + size, view.data(), part);
        size += part;
      }
      from = record.data();
    }
    ERR_clear_error();
    int n = SSL_write(ssl_.get(), from, static_cast<int>(size));
    return n > 0 ? Moved{Moved::kBytes, static_cast<size_t>(n)} : TlsOutcome(n);
  }

  void Sent(size_t bytes) {
    queued_ -= bytes;
    while (bytes > 0) {
      size_t rest = out_[first_].view().size() - offset_;
      if (bytes < rest) {
        offset_ += bytes;
        return;
      }
      bytes -= rest;
      out_[first_] = {};
      ++first_;
      offset_ = 0;
    }
    if (first_ == out_.size()) {
      out_.clear();
      first_ = 0;
    } else if (first_ >= 1024) {
      out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(first_));
      first_ = 0;
    }
  }

  // --- TLS

  void BeginTls() {
    ssl_ctx_st* context = std::exchange(tls_next_, nullptr);
    ssl_.reset(SSL_new(context));
    if (ssl_ == nullptr || SSL_set_fd(ssl_.get(), socket_.native_handle()) != 1)
      return Broken(absl::UnavailableError("no memory for TLS"));
    SSL_set_accept_state(ssl_.get());
    handshaking_ = true;
    Handshake();
  }

  void Handshake() {
    ERR_clear_error();
    int n = SSL_do_handshake(ssl_.get());
    if (n == 1) {
      handshaking_ = false;
      if (handler_ != nullptr) handler_->OnTls();
      if (closed_) return;
      Flush();
      // Bytes that came with the handshake's last flight may be inside TLS already.
      if (!closed_ && !paused_ && !waiting_to_read_) Readable();
      return;
    }
    switch (TlsOutcome(n).what) {
      case Moved::kWaitRead:
        return WaitToRead();
      case Moved::kWaitWrite:
        return WaitToWrite();
      default:
        return Broken(absl::UnavailableError("the TLS handshake failed"));
    }
  }

  // --- ending

  // In order: the notice of TLS and of TCP go out, and what the other side still sends is thrown away until it has seen
  // them: a socket closed with bytes unread resets the connection, and takes with it the answer that was just sent.
  void Shut() {
    if (closed_ || lingering_) return;
    if (ssl_ != nullptr && !handshaking_ && !tls_broken_) SSL_shutdown(ssl_.get());
    ::shutdown(socket_.native_handle(), SHUT_WR);
    lingering_ = true;
    paused_ = handshaking_ = false;
    deadline = std::chrono::steady_clock::now() + kLingerTime;
    Drain();
  }

  void Drain() {
    static thread_local std::array<char, 4096> thrown_away;
    for (int i = 0; i < 64; ++i) {
      ssize_t n = ::recv(socket_.native_handle(), thrown_away.data(), thrown_away.size(), 0);
      if (n > 0) {
        drained_ += static_cast<size_t>(n);
        continue;
      }
      if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return WaitToRead();
      return End();
    }
    if (drained_ < kMaxDrainedBytes) return WaitToRead();  // a body that was too large is still on its way
    End();                                                 // more than a client in order would still send
  }

  void Broken(const absl::Status& why) {
    auto keep = shared_from_this();
    if (closed_) return;
    End();
    if (StreamHandler* handler = std::exchange(handler_, nullptr)) handler->OnClosed(why);
  }

  void End() {
    auto keep = shared_from_this();
    closed_ = true;
    deadline = Sweep::TimePoint::max();
    boost::system::error_code ignored;
    ssl_.reset();
    socket_.close(ignored);  // ends the waits
    out_ = {};
    queued_ = 0;
    self_.reset();
  }

  const std::shared_ptr<void> alive_;
  Tcp::socket socket_;
  std::unique_ptr<SSL, FreeSsl> ssl_;
  ssl_ctx_st* tls_next_ = nullptr;
  StreamHandler* handler_ = nullptr;
  std::shared_ptr<SocketStream> self_;
  std::vector<Segment> out_;
  size_t first_ = 0, offset_ = 0, queued_ = 0, drained_ = 0;
  std::string remote_address_;
  const size_t thread_;
  bool waiting_to_read_ = false, waiting_to_write_ = false, had_to_wait_ = false, paused_ = false, handshaking_ = false;
  bool closing_ = false, lingering_ = false, closed_ = false, tls_broken_ = false;
};

}  // namespace

std::shared_ptr<Stream> MakeStream(IoPool* pool, size_t thread, int socket, bool ipv6, std::string remote_address,
                                   std::shared_ptr<void> alive) {
  return std::make_shared<SocketStream>(pool, thread, socket, ipv6, std::move(remote_address), std::move(alive));
}

}  // namespace yizhan::http
