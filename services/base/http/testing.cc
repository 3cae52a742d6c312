#include "base/http/testing.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

namespace yizhan::http::testing {

struct Client::Impl {
  int fd = -1;
  SSL_CTX* context = nullptr;
  SSL* ssl = nullptr;
  bool ok = false;
  std::string buffer;

  bool Fill() {
    char bytes[16384];
    long n = ssl != nullptr ? SSL_read(ssl, bytes, sizeof(bytes)) : ::recv(fd, bytes, sizeof(bytes), 0);
    if (n <= 0) return false;
    buffer.append(bytes, static_cast<size_t>(n));
    return true;
  }
};

Client::Client(int port, const std::string& ca) : impl_(std::make_unique<Impl>()) {
  std::signal(SIGPIPE, SIG_IGN);
  impl_->fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  timeval timeout{10, 0};
  ::setsockopt(impl_->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
  ::setsockopt(impl_->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(impl_->fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) return;
  if (!ca.empty()) {
    impl_->context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(impl_->context, SSL_VERIFY_PEER, nullptr);
    if (SSL_CTX_load_verify_locations(impl_->context, ca.c_str(), nullptr) != 1) return;
    impl_->ssl = SSL_new(impl_->context);
    SSL_set1_host(impl_->ssl, "localhost");
    SSL_set_fd(impl_->ssl, impl_->fd);
    if (SSL_connect(impl_->ssl) != 1) return;
  }
  impl_->ok = true;
}

Client::~Client() {
  if (impl_->ssl != nullptr) SSL_free(impl_->ssl);
  if (impl_->context != nullptr) SSL_CTX_free(impl_->context);
  if (impl_->fd >= 0) ::close(impl_->fd);
}

bool Client::ok() const { return impl_->ok; }

void Client::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    long n = impl_->ssl != nullptr ? SSL_write(impl_->ssl, bytes.data(), static_cast<int>(bytes.size()))
                                   : ::send(impl_->fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
}

std::string Client::Read(size_t bytes) {
  while (impl_->buffer.size() < bytes && impl_->Fill()) {
  }
  std::string out = impl_->buffer.substr(0, bytes);
  impl_->buffer.erase(0, out.size());
  return out;
}

std::string Client::ReadUntil(std::string_view mark) {
  size_t at;
  while ((at = impl_->buffer.find(mark)) == std::string::npos && impl_->Fill()) {
  }
  return at == std::string::npos ? Read(impl_->buffer.size()) : Read(at + mark.size());
}

std::string Client::ReadAll() {
  while (impl_->Fill()) {
  }
  return std::move(impl_->buffer);
}

std::string Client::ReadResponse(std::string* head, bool no_body) {
  std::string text = ReadUntil("\r\n\r\n");
  if (head != nullptr) *head = text;
  size_t at = text.find("Content-Length: ");
  if (no_body || at == std::string::npos) return "";
  return Read(std::strtoul(text.c_str() + at + 16, nullptr, 10));
}

void Client::HalfClose() { ::shutdown(impl_->fd, SHUT_WR); }

}  // namespace yizhan::http::testing
