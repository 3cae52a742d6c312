#include "base/http/server.h"

#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "base/http/listener.h"
#include "base/metrics.h"
#include "base/status.h"

namespace yizhan::http {
namespace {

// A request that holds no more than this is never refused for what others hold.
constexpr size_t kSmallRequestBytes = 16 << 10;

class Connection;

// What the connections of one server share. Lives as long as the last of them.
struct Shared {
  explicit Shared(IoPool* io, ServerOptions o, Handler h)
      : pool(io),
        options(std::move(o)),
        handler(std::move(h)),
        connections(io->size()),
        requests(metrics::GetCounter("yizhan_http_requests_total", "Requests taken, by server.",
                                     {{"server", options.name}})),
        rejected(metrics::GetCounter("yizhan_http_malformed_total", "Requests that could not be understood.",
                                     {{"server", options.name}})) {}
  IoPool* const pool;
  const ServerOptions options;
  const Handler handler;
  // By thread; touched on that thread alone.
  std::vector<std::unordered_map<Connection*, std::shared_ptr<Connection>>> connections;
  std::atomic<bool> stopping{false};
  std::atomic<size_t> unfinished_bytes{0};
  metrics::Counter& requests;
  metrics::Counter& rejected;
};

class Connection final : public StreamHandler, public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<Shared> shared, std::shared_ptr<Stream> stream)
      : shared_(std::move(shared)),
        stream_(std::move(stream)),
        parser_(shared_->options.limits),
        thread_(stream_->thread()) {}

  void Begin() {
    stream_->SetTimeout(shared_->options.request_timeout);
    stream_->Start(this);
    if (shared_->options.tls != nullptr) stream_->StartTls(shared_->options.tls, "");
  }

  void OnData(std::string_view bytes) override {
    auto keep = shared_from_this();
    if (answering_) {
      // Reading is paused; what TLS had decrypted already waits here.
      rest_.append(bytes);
    } else {
      Take(bytes);
    }
  }

  void OnDrained() override {
    auto keep = shared_from_this();
    if (std::exchange(draining_, false)) Next();
  }

  void OnClosed(const absl::Status& why) override {
    if (absl::IsDeadlineExceeded(why) && !parser_.idle() && !answering_) shared_->rejected.Add();
    Forget();
  }

  // The server stops: once the answer is out, or at once.
  void Stop(bool at_once) {
    if (!answering_ || draining_ || at_once) End();
  }

 private:
  void Take(std::string_view bytes) {
    bool was_idle = parser_.idle();
    bytes.remove_prefix(parser_.Feed(bytes));
    if (parser_.error()) return Reject(TextResponse(parser_.error()->status, parser_.error()->body));
    if (Count() > shared_->options.max_unfinished_bytes && counted_ > kSmallRequestBytes && !parser_.done()) {
      Response busy = TextResponse(503, "too many large requests are coming in: try again shortly\n");
      busy.headers.emplace_back("Retry-After", "2");
      return Reject(std::move(busy));
    }
    rest_.assign(bytes);
    if (parser_.done()) return Handle();
    if (parser_.WantsContinue()) stream_->Write(std::string("HTTP/1.1 100 Continue\r\n\r\n"));
    if (was_idle && !parser_.idle()) stream_->SetTimeout(shared_->options.request_timeout);
  }

  // Holds nothing of the request any more, and ends the connection after this answer.
  void Reject(Response error) {
    shared_->rejected.Add();
    answering_ = true;
    error.close = true;
    Answer(std::move(error));
  }

  // What all connections hold of unfinished requests, with what this one holds now.
  size_t Count() {
    const size_t now = stream_ == nullptr ? 0 : parser_.held_bytes();
    const size_t change = now - std::exchange(counted_, now);  // modulo 2^64, as the sum is
    return shared_->unfinished_bytes.fetch_add(change, std::memory_order_relaxed) + change;
  }

  void Handle() {
    Request request = parser_.Take();
    Count();
    request.remote_address = stream_->remote_address();
    request.secure = stream_->secure();
    request.thread = stream_->thread();
    keep_alive_ = parser_.keep_alive();
    head_ = request.method == "HEAD";
    answering_ = true;
    shared_->requests.Add();
    stream_->PauseReading(true);
    stream_->SetTimeout(shared_->options.answer_timeout);
    shared_->handler(std::move(request), Responder(shared_->pool, stream_->thread(), weak_from_this()));
  }

  // The way back, from any thread.
  class Responder {
   public:
    Responder(IoPool* pool, size_t thread, std::weak_ptr<Connection> connection)
        : pool_(pool), thread_(thread), connection_(std::move(connection)) {}
    Responder(Responder&& other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)),
          thread_(other.thread_),
          connection_(std::move(other.connection_)) {}
    ~Responder() {
      if (pool_ != nullptr) (*this)(TextResponse(500, "the request was not answered\n"));
    }
    void operator()(Response response) {
      IoPool* pool = std::exchange(pool_, nullptr);
      if (pool == nullptr) return;
      auto answer = [connection = std::move(connection_), response = std::move(response)]() mutable {
        if (auto held = connection.lock()) held->Answer(std::move(response));
      };
      // Through the queue even on the thread itself: the handler may still be running.
      pool->Post(thread_, std::move(answer));
    }

   private:
    IoPool* pool_;
    size_t thread_;
    std::weak_ptr<Connection> connection_;
  };

  void Answer(Response response) {
    if (stream_ == nullptr || !answering_) return;
    auto keep = shared_from_this();
    bool close = response.close || !keep_alive_ || shared_->stopping.load(std::memory_order_relaxed);
    if (response.status == 101) return SwitchProtocols(std::move(response));
    size_t length = response.shared_body != nullptr ? response.shared_body->size() : response.body.size();
    bool no_body = response.status == 204 || response.status == 304;
    std::string head = Head(response);
    if (!no_body) absl::StrAppend(&head, "Content-Length: ", length, "\r\n");
    absl::StrAppend(&head, close ? "Connection: close\r\n\r\n" : "\r\n");
    if (!head_ && !no_body && response.shared_body == nullptr) head.append(response.body);
    stream_->Write(std::move(head));
    if (!head_ && !no_body && response.shared_body != nullptr) stream_->Write(std::move(response.shared_body));
    stream_->SetTimeout(shared_->options.write_timeout);
    if (close) return End();
    stream_->Flush();
    if (stream_ == nullptr) return;
    // The next request's turn comes when the client has taken this answer: whoever asks and never reads waits, and is
    // let go after write_timeout.
    draining_ = stream_->queued_bytes() > 0;
    if (!draining_) Next();
  }

  void Next() {
    answering_ = false;
    stream_->SetTimeout(shared_->options.idle_timeout);
    if (!rest_.empty()) {
      std::string rest = std::exchange(rest_, {});
      Take(rest);
      if (answering_ || stream_ == nullptr) return;
    }
    stream_->PauseReading(false);
  }

  void SwitchProtocols(Response response) {
    stream_->Write(Head(std::move(response)) + "\r\n");
    stream_->Flush();
    if (stream_ == nullptr) return;
    stream_->Detach();
    stream_->PauseReading(false);
    std::shared_ptr<Stream> stream = std::exchange(stream_, nullptr);
    std::string rest = std::move(rest_);
    Upgrade upgrade = std::move(response.upgrade);
    Forget();
    upgrade(std::move(stream), std::move(rest));
  }

  static std::string Head(const Response& response) {
    std::string head =
        absl::StrCat("HTTP/1.1 ", response.status, " ", std::string(ReasonPhrase(response.status)), "\r\n");
    for (const auto& [name, value] : response.headers) absl::StrAppend(&head, name, ": ", value, "\r\n");
    absl::StrAppend(&head, "Date: ", Date(), "\r\n");
    return head;
  }

  // Once a second for each thread.
  static const std::string& Date() {
    thread_local int64_t second = 0;
    thread_local std::string text;
    int64_t now = absl::ToUnixSeconds(absl::Now());
    if (now != second) {
      second = now;
      text = absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", absl::FromUnixSeconds(now), absl::UTCTimeZone());
    }
    return text;
  }

  void End() {
    if (stream_ != nullptr) stream_->Close();
    Forget();
  }

  // Last: nobody else may hold this.
  void Forget() {
    auto keep = shared_from_this();
    stream_ = nullptr;
    Count();
    shared_->connections[thread_].erase(this);
  }

  const std::shared_ptr<Shared> shared_;
  std::shared_ptr<Stream> stream_;
  RequestParser parser_;
  std::string rest_;
  const size_t thread_;
  size_t counted_ = 0;  // held_bytes() as the others know it
  bool answering_ = false, draining_ = false, keep_alive_ = false, head_ = false;
};

class HttpServer final : public Server {
 public:
  HttpServer(IoPool* pool, ServerOptions options, Handler handler)
      : shared_(std::make_shared<Shared>(pool, std::move(options), std::move(handler))) {}
  ~HttpServer() override { Stop(); }

  absl::Status Listen() {
    ListenerOptions options{shared_->options.address, shared_->options.max_connections, shared_->options.name};
    YZ_ASSIGN_OR_RETURN(listener_,
                        Listener::Open(shared_->pool, options, [shared = shared_](std::shared_ptr<Stream> stream) {
                          if (shared->stopping.load(std::memory_order_relaxed)) return stream->Close();
                          size_t thread = stream->thread();
                          auto connection = std::make_shared<Connection>(shared, std::move(stream));
                          shared->connections[thread].emplace(connection.get(), connection);
                          connection->Begin();
                        }));
    return absl::OkStatus();
  }

  int port() const override { return listener_->port(); }

  void Stop() override {
    if (listener_ == nullptr || shared_->stopping.exchange(true)) return;
    listener_->Stop();
    absl::Time give_up = absl::Now() + absl::Seconds(3);
    for (bool last = false;; last = absl::Now() >= give_up) {
      size_t left = 0;
      for (size_t i = 0; i < shared_->pool->size(); ++i) {
        shared_->pool->RunAndWait(i, [&] {
          auto connections = shared_->connections[i];
          for (auto& [key, connection] : connections) connection->Stop(last);
          left += shared_->connections[i].size();
        });
      }
      if (left == 0 || last) return;
      absl::SleepFor(absl::Milliseconds(20));
    }
  }

 private:
  const std::shared_ptr<Shared> shared_;
  std::unique_ptr<Listener> listener_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(IoPool* pool, ServerOptions options, Handler handler) {
  auto server = std::make_unique<HttpServer>(pool, std::move(options), std::move(handler));
  YZ_RETURN_IF_ERROR(server->Listen());
  return server;
}

}  // namespace yizhan::http
