// A small installation for tests of the edge: just enough of directory, im and desk behind one real server.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "base/http/io_pool.h"
#include "base/rpc/server.h"
#include "edge/session_router.h"

namespace yizhan::edge::testing {

// Tokens: "yzp_NAME" is the person "p-NAME" (an agent when NAME begins with "agent"), "yzv_NAME" the visitor "v-NAME";
// "yzp_ended…" is unknown. Everybody hears "all"; each person "person:ID"; desk sessions "desk:ID".
class Station {
 public:
  Station();
  ~Station();

  rpc::Principal Principal(const std::string& token) const;
  // Ends a token from now on.
  void EndToken(const std::string& token);
  // The last call of a method: context and request bytes.
  struct Seen {
    rpc::Context context;
    std::string request;
  };
  Seen Last(const std::string& method) const;
  // How often it was called.
  int Count(const std::string& method) const;
  // Waits until it was called so often; false after 10 s.
  bool WaitForCount(const std::string& method, int count) const;

  // Sends the text as a message event to a topic of im.
  void Say(const std::string& topic, const std::string& text);
  SessionRouter::Channels channels();
  // Ends the server and starts it anew, as if the owners had been restarted.
  void Restart();

  http::IoPool pool{2};
  rpc::Hub* im = nullptr;
  rpc::Hub* desk = nullptr;
  rpc::Channel* channel() { return channel_.get(); }
  rpc::Authenticator* authenticator() { return authenticator_.get(); }
  std::atomic<bool> refuse_desk{false};
  std::atomic<int> opened{0}, closed{0};

 private:
  class Handler;
  void Register();
  void StartServer();
  void See(const rpc::Context& context, const std::string& method, const std::string& request);

  mutable absl::Mutex mutex_;
  std::vector<std::string> ended_;
  std::vector<std::pair<std::string, Seen>> seen_;
  rpc::ServiceTable table_;
  std::unique_ptr<Handler> im_handler_, desk_handler_;
  std::unique_ptr<rpc::Server> server_;
  // Outlives restarts: passes calls to the server that runs now.
  std::unique_ptr<rpc::Channel> channel_;
  std::unique_ptr<rpc::Authenticator> authenticator_;
};

}  // namespace yizhan::edge::testing
