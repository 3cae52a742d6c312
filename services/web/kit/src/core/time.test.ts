import { describe, expect, it } from 'vitest';
import { clockSkewMs, dayHeading, fullTime, listTime, otherDay, serverNow, setServerTime, span } from './time.ts';

// Saturday, in the zone that the configuration sets (+08:00).
const now = Date.parse('2025-03-08T14:05:09+08:00');
const us = (text: string) => Date.parse(text) * 1000;

describe('listTime', () => {
  it.each([
    ['2025-03-08T09:07:00+08:00', '09:07', '09:07'],
    ['2025-03-07T14:05:00+08:00', '昨天 14:05', 'Yesterday 14:05'],
    ['2025-03-07T23:59:59+08:00', '昨天 23:59', 'Yesterday 23:59'],
    ['2025-03-05T14:05:00+08:00', '周三', 'Wed'],
    ['2025-03-02T00:00:00+08:00', '周日', 'Sun'],
    ['2025-03-01T23:00:00+08:00', '3月1日', '1 Mar'],
    ['2024-03-08T14:05:00+08:00', '2024-03-08', '2024-03-08'],
    ['2024-12-31T23:59:00+08:00', '2024-12-31', '2024-12-31'],
    // A clock that runs ahead shows the time, not "tomorrow".
    ['2025-03-08T14:06:00+08:00', '14:06', '14:06'],
  ])('%s', (time, zh, en) => {
    expect(listTime(us(time), 'zh', now)).toBe(zh);
    expect(listTime(us(time), 'en', now)).toBe(en);
  });
});

describe('dayHeading', () => {
  it('names today, yesterday, a day of this year, a day of another', () => {
    expect(dayHeading(us('2025-03-08T00:00:00+08:00'), 'zh', now)).toBe('今天');
    expect(dayHeading(us('2025-03-07T23:00:00+08:00'), 'zh', now)).toBe('昨天');
    expect(dayHeading(us('2025-03-05T23:00:00+08:00'), 'zh', now)).toBe('3月5日 周三');
    expect(dayHeading(us('2025-03-05T23:00:00+08:00'), 'en', now)).toBe('Wed 5 Mar');
    expect(dayHeading(us('2024-03-05T23:00:00+08:00'), 'zh', now)).toBe('2024-03-05');
  });
});

it('writes the whole time with its zone', () => {
  expect(fullTime(us('2025-03-08T14:05:09+08:00'))).toBe('2025-03-08 14:05:09 +08:00');
});

it('tells days apart by the local zone', () => {
  expect(otherDay(us('2025-03-08T23:59:59+08:00'), us('2025-03-09T00:00:00+08:00'))).toBe(true);
  expect(otherDay(us('2025-03-08T00:00:00+08:00'), us('2025-03-08T23:59:59+08:00'))).toBe(false);
});

it('follows the server clock', () => {
  setServerTime((Date.now() + 90_000) * 1000);
  expect(Math.round(clockSkewMs() / 1000)).toBe(90);
  expect(Math.abs(serverNow() - Date.now() - 90_000)).toBeLessThan(50);
  setServerTime(Date.now() * 1000);
});

it('writes spans', () => {
  expect([span(-5), span(5_000), span(134_000), span(3_734_000)]).toEqual(['0:00', '0:05', '2:14', '1:02:14']);
});
