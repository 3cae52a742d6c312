#include "edge/client_frames.h"

#include <algorithm>

#include "base/status.h"
#include "base/utf8.h"
#include "edge/transcode.h"
#include "yizhan/desk/v1/agent_service.pb.h"
#include "yizhan/desk/v1/visitor_service.pb.h"
#include "yizhan/im/v1/conversation_service.pb.h"
#include "yizhan/im/v1/message_service.pb.h"

namespace yizhan::edge {
namespace {

using yizhan::live::v1::ClientFrame;

constexpr int kMaxWatched = 500;
constexpr size_t kMaxPreviewCharacters = 500, kMaxStatusCharacters = 200, kMaxIdBytes = 128;
constexpr absl::Duration kTypingEvery = absl::Seconds(1);

size_t Characters(std::string_view text) {
  size_t count = 0;
  for (size_t i = 0; i < text.size(); ++count) i += std::max<size_t>(1, Utf8SequenceLength(text, i));
  return count;
}

absl::Status Bad(std::string_view why) { return Refuse(absl::StatusCode::kInvalidArgument, "PROTOCOL_ERROR", why); }

bool StartsWith(std::string_view text, std::string_view prefix) { return text.substr(0, prefix.size()) == prefix; }

}  // namespace

absl::StatusOr<ClientFrame> ParseClientFrame(std::string_view bytes, bool json) {
  ClientFrame frame;
  if (json) {
    YZ_ASSIGN_OR_RETURN(auto message, FromJson(ClientFrame::descriptor(), bytes));
    frame = static_cast<ClientFrame&>(*message);
  } else if (!frame.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Bad("this is not a ClientFrame");
  }
  return frame;
}

absl::StatusOr<std::optional<FrameCall>> FrameTranslator::Translate(const ClientFrame& frame, absl::Time now) {
  switch (frame.kind_case()) {
    case ClientFrame::kTyping:
      return Typing(frame.typing(), now);
    case ClientFrame::kSetPresence: {
      if (visitor_) return Bad("a visitor has no presence");
      if (Characters(frame.set_presence().status()) > kMaxStatusCharacters)
        return Bad("a presence's status has at most 200 characters");
      im::v1::SetPresenceRequest request;
      request.mutable_presence()->set_show(frame.set_presence().show());
      request.mutable_presence()->set_status(frame.set_presence().status());
      return FrameCall{"/yizhan.im.v1.ConversationService/SetPresence", request.SerializeAsString()};
    }
    case ClientFrame::kWatchPresence: {
      if (visitor_) return Bad("a visitor watches nobody");
      if (frame.watch_presence().person_ids_size() > kMaxWatched) return Bad("at most 500 people can be watched");
      im::v1::WatchPresenceRequest request;
      for (const std::string& id : frame.watch_presence().person_ids()) {
        if (id.size() > kMaxIdBytes) return Bad("this is not a person's id");
        request.add_person_ids(id);
      }
      return FrameCall{"/yizhan.im.v1.ConversationService/WatchPresence", request.SerializeAsString()};
    }
    default:
      return std::optional<FrameCall>();  // a newer client's
  }
}

absl::StatusOr<std::optional<FrameCall>> FrameTranslator::Typing(const yizhan::live::v1::Typing& typing,
                                                                 absl::Time now) {
  const std::string& id = typing.conversation_id();
  if (id.size() > kMaxIdBytes) return Bad("this is not a conversation's id");
  if (Characters(typing.preview()) > kMaxPreviewCharacters) return Bad("a preview has at most 500 characters");
  // What was typed last counts; that somebody stopped is always told.
  if (typing.active()) {
    if (id == typing_in_ && now - typed_at_ < kTypingEvery) return std::optional<FrameCall>();
    typing_in_ = id;
    typed_at_ = now;
  } else {
    if (id == typing_in_) typing_in_.clear();
    typed_at_ = absl::InfinitePast();
  }
  if (visitor_) {
    desk::v1::VisitorSetTypingRequest request;
    request.set_active(typing.active());
    request.set_preview(typing.preview());
    return FrameCall{"/yizhan.desk.v1.VisitorService/SetTyping", request.SerializeAsString()};
  }
  if (StartsWith(id, "r:")) {
    desk::v1::AgentSetTypingRequest request;
    request.set_conversation_id(id);
    request.set_active(typing.active());
    return FrameCall{"/yizhan.desk.v1.AgentService/SetTyping", request.SerializeAsString()};
  }
  if (!StartsWith(id, "d:") && !StartsWith(id, "g:")) return Bad("typing names no conversation");
  im::v1::SetTypingRequest request;
  request.set_conversation_id(id);
  request.set_active(typing.active());
  return FrameCall{"/yizhan.im.v1.MessageService/SetTyping", request.SerializeAsString()};
}

}  // namespace yizhan::edge
