#include "edge/xmpp/timestamp.h"

#include <algorithm>

namespace yizhan::edge::xmpp {
namespace {

constexpr int64_t kDayMicros = 86'400'000'000;
constexpr int64_t kMinDays = -719'528;   // 0000-01-01
constexpr int64_t kMaxDays = 2'932'896;  // 9999-12-31

// Days since 1970-01-01 of the proleptic Gregorian calendar, and back (H. Hinnant, "chrono-compatible low-level date
// algorithms").
int64_t DaysOf(int64_t year, int64_t month, int64_t day) {
  year -= month <= 2;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const int64_t of_era = year - era * 400;
  const int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

struct Date {
  int64_t year, month, day;
};
Date DateOf(int64_t days) {
  days += 719468;
  const int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const int64_t of_era = days - era * 146097;
  const int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  const int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t month_index = (5 * of_year + 2) / 153;
  const int64_t month = month_index < 10 ? month_index + 3 : month_index - 9;
  return {year_of_era + era * 400 + (month <= 2), month, of_year - (153 * month_index + 2) / 5 + 1};
}

void AppendDigits(int64_t value, int digits, std::string* out) {
  char text[8];
  for (int i = digits - 1; i >= 0; --i, value /= 10) text[i] = static_cast<char>('0' + value % 10);
  out->append(text, static_cast<size_t>(digits));
}

// Exactly `digits` digits off the front of `text`; -1 if they are not there.
int64_t TakeDigits(std::string_view& text, size_t digits) {
  if (text.size() < digits) return -1;
  int64_t value = 0;
  for (size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool Take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

void AppendTimestamp(int64_t micros, std::string* out) {
  micros = std::clamp(micros, kMinDays * kDayMicros, (kMaxDays + 1) * kDayMicros - 1);
  int64_t days = micros / kDayMicros;
  int64_t rest = micros % kDayMicros;
  if (rest < 0) {
    --days;
    rest += kDayMicros;
  }
  const Date date = DateOf(days);
  AppendDigits(date.year, 4, out);
  out->push_back('-');
  AppendDigits(date.month, 2, out);
  out->push_back('-');
  AppendDigits(date.day, 2, out);
  out->push_back('T');
  AppendDigits(rest / 3'600'000'000, 2, out);
  out->push_back(':');
  AppendDigits(rest / 60'000'000 % 60, 2, out);
  out->push_back(':');
  AppendDigits(rest / 1'000'000 % 60, 2, out);
  out->push_back('.');
  AppendDigits(rest % 1'000'000, 6, out);
  out->push_back('Z');
}

std::string Timestamp(int64_t micros) {
  std::string text;
  AppendTimestamp(micros, &text);
  return text;
}

absl::StatusOr<int64_t> ParseTimestamp(std::string_view text) {
  const auto bad = [] {
    return Refuse(absl::StatusCode::kInvalidArgument, "BAD_TIMESTAMP", "it is not a time like 2024-02-29T23:59:59Z");
  };
  const int64_t year = TakeDigits(text, 4);
  if (year < 0 || !Take(text, '-')) return bad();
  const int64_t month = TakeDigits(text, 2);
  if (month < 1 || month > 12 || !Take(text, '-')) return bad();
  const int64_t day = TakeDigits(text, 2);
  if (day < 1 || day > 31 || !Take(text, 'T')) return bad();
  const int64_t days = DaysOf(year, month, day);
  if (DateOf(days).day != day) return bad();
  const int64_t hour = TakeDigits(text, 2);
  if (hour < 0 || hour > 23 || !Take(text, ':')) return bad();
  const int64_t minute = TakeDigits(text, 2);
  if (minute < 0 || minute > 59 || !Take(text, ':')) return bad();
  const int64_t second = TakeDigits(text, 2);
  if (second < 0 || second > 60) return bad();
  int64_t fraction = 0;
  if (Take(text, '.')) {
    int64_t scale = 1'000'000;
    if (text.empty() || text.front() < '0' || text.front() > '9') return bad();
    for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1)) {
      scale /= 10;
      fraction += (text.front() - '0') * scale;
    }
  }
  int64_t offset = 0;
  if (!Take(text, 'Z')) {
    const int sign = Take(text, '+') ? 1 : Take(text, '-') ? -1 : 0;
    const int64_t hours = TakeDigits(text, 2);
    if (sign == 0 || hours < 0 || hours > 23 || !Take(text, ':')) return bad();
    const int64_t minutes = TakeDigits(text, 2);
    if (minutes < 0 || minutes > 59) return bad();
    offset = sign * (hours * 60 + minutes);
  }
  if (!text.empty()) return bad();
  return (((days * 24 + hour) * 60 + minute - offset) * 60 + second) * 1'000'000 + fraction;
}

}  // namespace yizhan::edge::xmpp
