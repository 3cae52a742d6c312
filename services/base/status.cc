#include "base/status.h"

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace yizhan {
namespace {
constexpr char kReasonUrl[] = "yizhan/reason";
constexpr char kRetryUrl[] = "yizhan/retry-after-ms";

// Debian's Abseil has a string_view of its own, which does not take the standard one.
absl::string_view View(std::string_view text) { return absl::string_view(text.data(), text.size()); }

// A message that quotes what somebody sent stays readable, and fits a header: its middle goes.
constexpr size_t kMaxMessageBytes = 1000;
std::string Shortened(std::string_view text) {
  const auto inside = [&](size_t at) { return (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80; };
  size_t head = 600, tail = text.size() - 300;
  while (head > 0 && inside(head)) --head;
  while (tail < text.size() && inside(tail)) ++tail;
  return absl::StrCat(View(text.substr(0, head)), " … ", View(text.substr(tail)));
}
}  // namespace

absl::Status Refuse(absl::StatusCode code, std::string_view reason, std::string_view message) {
  absl::Status status(code, message.size() > kMaxMessageBytes ? Shortened(message) : std::string(message));
  status.SetPayload(kReasonUrl, absl::Cord(View(reason)));
  return status;
}

absl::Status RefuseForNow(absl::StatusCode code, std::string_view reason, std::string_view message,
                          int retry_after_ms) {
  absl::Status status = Refuse(code, reason, message);
  status.SetPayload(kRetryUrl, absl::Cord(absl::StrCat(retry_after_ms)));
  return status;
}

std::string ReasonOf(const absl::Status& status) {
  auto payload = status.GetPayload(kReasonUrl);
  return payload ? std::string(*payload) : std::string();
}

int RetryAfterMs(const absl::Status& status) {
  int ms = 0;
  if (auto payload = status.GetPayload(kRetryUrl)) (void)absl::SimpleAtoi(std::string(*payload), &ms);
  return ms;
}

absl::Status Annotate(const absl::Status& status, std::string_view context) {
  if (status.ok()) return status;
  absl::Status annotated(status.code(), absl::StrCat(View(context), ": ", status.message()));
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) { annotated.SetPayload(url, payload); });
  return annotated;
}

}  // namespace yizhan
