#include "base/logging.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/status.h"
#include "base/utf8.h"

namespace yizhan::log {
namespace {

std::atomic<Level> g_level{Level::kInfo};
absl::Mutex g_capture_mutex(absl::kConstInit);
std::string* g_capture = nullptr;
std::atomic<bool> g_capturing{false};
thread_local std::string t_request_id;

spdlog::logger& Sink() {
  static spdlog::logger* logger = [] {
    auto* made = new spdlog::logger("yizhan", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->set_level(spdlog::level::trace);
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *logger;
}

void AppendString(std::string* out, std::string_view text) {
  out->push_back('"');
  for (size_t i = 0; i < text.size();) {
    size_t length = Utf8SequenceLength(text, i);
    char c = text[i];
    if (length == 0) {
      out->append("\\ufffd");
      ++i;
    } else if (length > 1) {
      out->append(text.substr(i, length));
      i += length;
    } else {
      if (c == '"' || c == '\\') {
        out->push_back('\\');
        out->push_back(c);
      } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
        char escaped[8];
        std::snprintf(escaped, sizeof(escaped), "\\u%04x", static_cast<unsigned char>(c));
        out->append(escaped);
      } else {
        out->push_back(c);
      }
      ++i;
    }
  }
  out->push_back('"');
}

const char* Name(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarning:
      return "warning";
    default:
      return "error";
  }
}

// The prefix by which the journal learns a line's priority (sd-daemon(3)).
const char* JournalPrefix(Level level) {
  static const bool journal = std::getenv("JOURNAL_STREAM") != nullptr;
  if (!journal) return "";
  switch (level) {
    case Level::kDebug:
      return "<7>";
    case Level::kInfo:
      return "<6>";
    case Level::kWarning:
      return "<4>";
    default:
      return "<3>";
  }
}

}  // namespace

absl::StatusOr<Level> ParseLevel(std::string_view name) {
  for (Level level : {Level::kDebug, Level::kInfo, Level::kWarning, Level::kError}) {
    if (name == Name(level)) return level;
  }
  if (name == "off") return Level::kOff;
  return Refuse(absl::StatusCode::kInvalidArgument, "LOG_LEVEL",
                "log level \"" + std::string(name) + "\" is not known: use debug, info, warning, error or off");
}

void SetLevel(Level level) { g_level.store(level, std::memory_order_relaxed); }
bool Enabled(Level level) { return level >= g_level.load(std::memory_order_relaxed); }

ScopedRequestId::ScopedRequestId(std::string_view id) : before_(std::move(t_request_id)) {
  t_request_id = std::string(id);
}
ScopedRequestId::~ScopedRequestId() { t_request_id = std::move(before_); }

Line::Line(Level level, std::string_view component, std::string_view message)
    : enabled_(Enabled(level)), level_(level) {
  if (!enabled_) return;
  text_ = JournalPrefix(level);
  text_.append("{\"time\":\"");
  text_.append(absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", absl::Now(), absl::UTCTimeZone()));
  text_.append("\",\"level\":\"").append(Name(level)).append("\",\"component\":");
  AppendString(&text_, component);
  text_.append(",\"message\":");
  AppendString(&text_, message);
  if (!t_request_id.empty()) With("request_id", t_request_id);
}

Line::~Line() {
  if (!enabled_) return;
  text_.push_back('}');
  if (g_capturing.load(std::memory_order_acquire)) {
    absl::MutexLock lock(&g_capture_mutex);
    if (g_capture != nullptr) {
      g_capture->append(text_).push_back('\n');
      return;
    }
  }
  Sink().log(spdlog::level::info, spdlog::string_view_t(text_.data(), text_.size()));
}

Line& Line::With(std::string_view key, std::string_view value) {
  if (!enabled_) return *this;
  text_.push_back(',');
  AppendString(&text_, key);
  text_.push_back(':');
  AppendString(&text_, value);
  return *this;
}

Line& Line::With(std::string_view key, bool value) { return WithNumber(key, value ? "true" : "false"); }

Line& Line::With(std::string_view key, double value) {
  if (!std::isfinite(value)) return With(key, std::string_view("not a number"));
  char text[32];
  std::snprintf(text, sizeof(text), "%.6g", value);
  return WithNumber(key, text);
}

Line& Line::WithNumber(std::string_view key, std::string number) {
  if (!enabled_) return *this;
  text_.push_back(',');
  AppendString(&text_, key);
  text_.push_back(':');
  text_.append(number);
  return *this;
}

void CaptureForTest(std::string* lines) {
  absl::MutexLock lock(&g_capture_mutex);
  g_capture = lines;
  g_capturing.store(lines != nullptr, std::memory_order_release);
}

}  // namespace yizhan::log
