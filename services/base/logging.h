// One event, one line, as JSON on standard error (under systemd: the journal). Bodies, tokens and passwords never.
//
//   log::Info("ledger", "opened").With("partitions", 64).With("records", n);
//
// Levels: debug, what a developer follows one call with; info, what an operator would tell about a day (started,
// stopped, an administrator's call); warning, something was refused or slow and the system went on by itself; error,
// somebody must act.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace yizhan::log {

enum class Level { kDebug, kInfo, kWarning, kError, kOff };

// "debug", "info", "warning", "error", "off"; InvalidArgument otherwise.
absl::StatusOr<Level> ParseLevel(std::string_view name);

// What is written from now on; info at the start. Thread-safe.
void SetLevel(Level level);
bool Enabled(Level level);

// Lines of one thread's work carry the request's id while this lives.
class ScopedRequestId {
 public:
  explicit ScopedRequestId(std::string_view id);
  ~ScopedRequestId();
  ScopedRequestId(const ScopedRequestId&) = delete;
  ScopedRequestId& operator=(const ScopedRequestId&) = delete;

 private:
  std::string before_;
};

// A line that is written when it goes away. Text that is not UTF-8 is written with the bad bytes replaced.
class Line {
 public:
  Line(Level level, std::string_view component, std::string_view message);
  ~Line();
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  Line& With(std::string_view key, std::string_view value);
  Line& With(std::string_view key, const char* value) { return With(key, std::string_view(value)); }
  Line& With(std::string_view key, const std::string& value) { return With(key, std::string_view(value)); }
  Line& With(std::string_view key, bool value);
  Line& With(std::string_view key, double value);
  template <std::integral T>
  Line& With(std::string_view key, T value) {
    return WithNumber(key, std::to_string(value));
  }
  Line& With(std::string_view key, const absl::Status& status) { return With(key, std::string(status.ToString())); }

 private:
  Line& WithNumber(std::string_view key, std::string number);
  bool enabled_;
  Level level_;
  std::string text_;
};

inline Line Debug(std::string_view component, std::string_view message) {
  return Line(Level::kDebug, component, message);
}
inline Line Info(std::string_view component, std::string_view message) {
  return Line(Level::kInfo, component, message);
}
inline Line Warning(std::string_view component, std::string_view message) {
  return Line(Level::kWarning, component, message);
}
inline Line Error(std::string_view component, std::string_view message) {
  return Line(Level::kError, component, message);
}

// Sends lines elsewhere for a test; nullptr sends them to standard error again.
void CaptureForTest(std::string* lines);

}  // namespace yizhan::log
