// The other processes of the house, by their inner faces.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "appliance/options.h"
#include "base/rpc/channel.h"

namespace yizhan::appliance {

// A channel to all of them: each call goes to the process that answers the method, each link to its service.
class Neighbours final : public rpc::Channel {
 public:
  Neighbours();
  // As the process of `service`. Connects at the first call. As rpc::ConnectInside() where certificates are wrong.
  static absl::StatusOr<std::unique_ptr<Neighbours>> Make(const RunOptions& options, const std::string& service);

  ~Neighbours() override;

  // One of them.
  rpc::Channel* To(std::string_view service) const;
  // The same, for a caller who does not mind an answer behind Stop(): one who asks and waits for long.
  rpc::Channel* Raw(std::string_view service) const;

  // Refuses calls from now on, and waits for the answers of those that are under way: none comes afterwards.
  void Stop();

  void Call(std::string_view method, std::string request, rpc::CallOptions options, rpc::RawReply done) override;
  std::unique_ptr<rpc::Link> OpenLink(std::string service, std::string edge_id,
                                      std::function<void(yizhan::live::v1::LinkDown)> on_frames,
                                      std::function<void(absl::Status)> on_broken) override;

 private:
  class Counted;
  struct InFlight;
  struct Neighbour {
    std::unique_ptr<rpc::Channel> raw, counted;
  };
  const std::shared_ptr<InFlight> in_flight_;
  std::map<std::string, Neighbour, std::less<>> neighbours_;
};

}  // namespace yizhan::appliance
