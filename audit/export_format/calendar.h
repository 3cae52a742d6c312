// Microseconds since the epoch as a date of the proleptic Gregorian calendar, in UTC.
#pragma once

#include <cstdint>

namespace yizhan::audit {

struct CalendarTime {
  uint64_t year = 1970;
  uint32_t month = 1, day = 1;  // from 1
  uint32_t hour = 0, minute = 0, second = 0, micros = 0;
  uint32_t weekday = 4;  // 0 is Sunday
};

// For times from 1970 on; earlier ones count as 1970-01-01T00:00:00Z.
inline CalendarTime ToCalendar(int64_t time_us) {
  const uint64_t us = time_us > 0 ? static_cast<uint64_t>(time_us) : 0;
  const uint64_t seconds = us / 1000000, days = seconds / 86400;
  CalendarTime t;
  t.micros = static_cast<uint32_t>(us % 1000000);
  t.second = static_cast<uint32_t>(seconds % 60);
  t.minute = static_cast<uint32_t>(seconds / 60 % 60);
  t.hour = static_cast<uint32_t>(seconds / 3600 % 24);
  t.weekday = static_cast<uint32_t>((days + 4) % 7);
  // Years are counted from March, so that the leap day is a year's last; eras of 400 years have 146,097 days.
  const uint64_t from_0000_03_01 = days + 719468;
  const uint64_t era = from_0000_03_01 / 146097, day_of_era = from_0000_03_01 % 146097;
  const uint64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const uint64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const uint64_t month_from_march = (5 * day_of_year + 2) / 153;
  t.day = static_cast<uint32_t>(day_of_year - (153 * month_from_march + 2) / 5 + 1);
  t.month = static_cast<uint32_t>(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
  t.year = year_of_era + era * 400 + (t.month <= 2 ? 1 : 0);
  return t;
}

}  // namespace yizhan::audit
