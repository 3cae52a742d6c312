// A client for tests: blocking, byte by byte where need be, plain or under TLS.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace yizhan::http::testing {

class Client {
 public:
  // Connects to 127.0.0.1; under TLS when `ca` (PEM file) is given, checking the name "localhost".
  explicit Client(int port, const std::string& ca = "");
  ~Client();
  bool ok() const;
  void Send(std::string_view bytes);
  // Exactly so many bytes; fewer when the connection ended or 10 s passed.
  std::string Read(size_t bytes);
  // Up to and with the mark.
  std::string ReadUntil(std::string_view mark);
  // Everything until the other side ends.
  std::string ReadAll();
  // One response: the head up to the empty line in `head` when given, and the body by its Content-Length.
  std::string ReadResponse(std::string* head = nullptr, bool no_body = false);
  // Says that nothing more will be sent.
  void HalfClose();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace yizhan::http::testing
