// What a live client says, turned into calls. Knows no socket.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/rpc/service.h"
#include "yizhan/live/v1/live_service.pb.h"

namespace yizhan::edge {

// A frame from its wire form: binary, or proto3 JSON. InvalidArgument.
absl::StatusOr<yizhan::live::v1::ClientFrame> ParseClientFrame(std::string_view bytes, bool json);

// A call that a frame stands for.
struct FrameCall {
  std::string method;
  std::string request;
};

class FrameTranslator {
 public:
  explicit FrameTranslator(const rpc::Principal& principal)
      : visitor_(principal.kind() == rpc::Principal::KIND_VISITOR) {}

  // Typing, SetPresence and WatchPresence become a call, or nothing where there is nothing to be said: typing more than
  // once a second. InvalidArgument for a conversation that is none, a preview that is too long, more people than may be
  // watched.
  absl::StatusOr<std::optional<FrameCall>> Translate(const yizhan::live::v1::ClientFrame& frame, absl::Time now);

 private:
  absl::StatusOr<std::optional<FrameCall>> Typing(const yizhan::live::v1::Typing& typing, absl::Time now);

  const bool visitor_;
  std::string typing_in_;
  absl::Time typed_at_ = absl::InfinitePast();
};

}  // namespace yizhan::edge
