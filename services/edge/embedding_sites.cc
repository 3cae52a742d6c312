#include "edge/embedding_sites.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "base/status.h"
#include "yizhan/desk/v1/visitor_service.pb.h"

namespace yizhan::edge {
namespace {

constexpr char kMethod[] = "/yizhan.desk.v1.VisitorService/ListEmbeddingSites";
constexpr absl::Duration kRemembered = absl::Seconds(10);
constexpr size_t kMaxAnswers = 1'000;
constexpr size_t kMaxChannelId = 40;

bool IsChannelId(std::string_view id) {
  return !id.empty() && id.size() <= kMaxChannelId &&
         std::all_of(id.begin(), id.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
}

// Desk checks origins when they are set. What could end a directive all the same never gets into a header.
bool IsSource(std::string_view source) {
  return !source.empty() && std::all_of(source.begin(), source.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == ':' || c == '/' || c == '.' || c == '-' || c == '*';
  });
}

}  // namespace

EmbeddingSites::EmbeddingSites(Channels channels)
    : channels_(std::move(channels)), memory_(std::make_shared<Memory>()) {}

std::optional<std::string> EmbeddingSites::Known(std::string_view channel_id, absl::Time now) const {
  if (!IsChannelId(channel_id)) return "";
  absl::MutexLock lock(&memory_->mutex);
  auto found = memory_->answers.find(channel_id);
  if (found == memory_->answers.end() || found->second.until <= now) return std::nullopt;
  return found->second.sources;
}

void EmbeddingSites::Ask(const std::string& channel_id, absl::AnyInvocable<void(absl::StatusOr<std::string>)> done) {
  if (!IsChannelId(channel_id)) return done("");
  rpc::Channel* channel = channels_(kMethod);
  if (channel == nullptr) return done("");  // without customer service there is nothing to embed
  desk::v1::ListEmbeddingSitesRequest request;
  request.set_channel_id(channel_id);
  channel->Call(kMethod, request.SerializeAsString(), {},
                [memory = memory_, channel_id, done = std::move(done)](absl::StatusOr<std::string> bytes) mutable {
                  if (!bytes.ok()) return done(bytes.status());
                  desk::v1::ListEmbeddingSitesResponse response;
                  if (!response.ParseFromString(*bytes)) return done(absl::InternalError("unreadable answer"));
                  Answer answer;
                  for (const std::string& origin : response.origins()) {
                    if (IsSource(origin)) answer.sources += " " + origin;
                  }
                  const absl::Time now = absl::Now();
                  answer.until = now + kRemembered;
                  std::string sources = answer.sources;
                  {
                    absl::MutexLock lock(&memory->mutex);
                    if (memory->answers.size() >= kMaxAnswers) {
                      for (auto it = memory->answers.begin(); it != memory->answers.end();) {
                        it = it->second.until <= now ? memory->answers.erase(it) : std::next(it);
                      }
                      if (memory->answers.size() >= kMaxAnswers) memory->answers.clear();
                    }
                    memory->answers[channel_id] = std::move(answer);
                  }
                  done(std::move(sources));
                });
}

}  // namespace yizhan::edge
