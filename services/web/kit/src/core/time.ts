// Times as people read them. 24 hours; the server's clock decides what "today" is.

import type { Locale } from './settings.ts';

let skewMs = 0;

/** Tells the server's time at this moment (microseconds since the epoch). */
export function setServerTime(us: number, receivedAtMs: number = Date.now()): void {
  skewMs = us / 1000 - receivedAtMs;
}

/** The server's clock as well as it is known, milliseconds. */
export function serverNow(): number {
  return Date.now() + skewMs;
}

/** How far this machine's clock is off, milliseconds; positive when it is behind. */
export function clockSkewMs(): number {
  return skewMs;
}

const two = (n: number) => String(n).padStart(2, '0');
const clock = (d: Date) => `${two(d.getHours())}:${two(d.getMinutes())}`;
const startOfDay = (d: Date) => new Date(d.getFullYear(), d.getMonth(), d.getDate()).getTime();
const weekdays = { zh: ['周日', '周一', '周二', '周三', '周四', '周五', '周六'], en: ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] };
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** 14:05 · 昨天 14:05 · 周三 · 3月8日 · 2024-03-08 */
export function listTime(us: number, locale: Locale, nowMs: number = serverNow()): string {
  const d = new Date(us / 1000);
  const now = new Date(nowMs);
  const days = Math.round((startOfDay(now) - startOfDay(d)) / 86_400_000);
  if (days <= 0 && d.getTime() - nowMs < 86_400_000) return clock(d);
  if (days === 1) return `${locale === 'zh' ? '昨天' : 'Yesterday'} ${clock(d)}`;
  if (days > 1 && days < 7) return weekdays[locale][d.getDay()]!;
  if (d.getFullYear() === now.getFullYear()) return locale === 'zh' ? `${d.getMonth() + 1}月${d.getDate()}日` : `${d.getDate()} ${months[d.getMonth()]}`;
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
}

/** 14:05, beside a message. */
export function clockTime(us: number): string {
  return clock(new Date(us / 1000));
}

/** The heading of a day in a conversation: 今天 · 昨天 · 周三 3月8日 · 2024-03-08. */
export function dayHeading(us: number, locale: Locale, nowMs: number = serverNow()): string {
  const d = new Date(us / 1000);
  const now = new Date(nowMs);
  const days = Math.round((startOfDay(now) - startOfDay(d)) / 86_400_000);
  if (days === 0) return locale === 'zh' ? '今天' : 'Today';
  if (days === 1) return locale === 'zh' ? '昨天' : 'Yesterday';
  if (d.getFullYear() !== now.getFullYear()) return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
  const weekday = weekdays[locale][d.getDay()]!;
  return locale === 'zh' ? `${d.getMonth() + 1}月${d.getDate()}日 ${weekday}` : `${weekday} ${d.getDate()} ${months[d.getMonth()]}`;
}

/** Whether two times fall on different days of this machine's zone. */
export function otherDay(aUs: number, bUs: number): boolean {
  return startOfDay(new Date(aUs / 1000)) !== startOfDay(new Date(bUs / 1000));
}

/** 2025-03-08 14:05:09 +08:00: never relative; for auditors, consoles and titles. */
export function fullTime(us: number): string {
  const d = new Date(us / 1000);
  const zone = -d.getTimezoneOffset();
  const sign = zone < 0 ? '-' : '+';
  const offset = `${sign}${two(Math.floor(Math.abs(zone) / 60))}:${two(Math.abs(zone) % 60)}`;
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${clock(d)}:${two(d.getSeconds())} ${offset}`;
}

/** 2:14 or 1:02:14, for timers. */
export function span(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  const h = Math.floor(s / 3600);
  const m = Math.floor((s % 3600) / 60);
  return h > 0 ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
}
