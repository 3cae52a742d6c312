import { describe, expect, it } from 'vitest';
import { linkParts, shortTime } from './text';
import { readErrorInfo } from './wire';

describe('linkParts', () => {
  it('finds addresses and leaves the punctuation behind them, Chinese and not', () => {
    expect(linkParts('见https://bank.example/a?b=1。谢谢')).toEqual([
      { text: '见' },
      { text: 'https://bank.example/a?b=1', href: 'https://bank.example/a?b=1' },
      { text: '。谢谢' },
    ]);
    expect(linkParts('(http://a.example/).')[1]!.href).toBe('http://a.example/');
  });
  it('never makes a link of another scheme', () => {
    expect(linkParts('javascript:alert(1) data:text/html,x')).toEqual([{ text: 'javascript:alert(1) data:text/html,x' }]);
  });
});

describe('shortTime', () => {
  const now = new Date(2025, 2, 8, 14, 5).getTime();
  it('says what is needed and no more', () => {
    expect(shortTime(now, now, 'zh-CN')).toBe('14:05');
    expect(shortTime(now - 24 * 3600e3, now, 'zh-CN')).toBe('昨天 14:05');
    expect(shortTime(new Date(2025, 0, 3, 9, 7).getTime(), now, 'zh-CN')).toBe('1月3日 09:07');
    expect(shortTime(new Date(2024, 2, 8, 9, 7).getTime(), now, 'en')).toBe('2024-03-08 09:07');
  });
});

describe('readErrorInfo', () => {
  it('reads reason, pause and request id', () => {
    const value = btoa('\x0a\x04FULL\x10\xe8\x07\x1a\x02r1');
    expect(readErrorInfo([{ type: 'yizhan.common.v1.ErrorInfo', value }])).toEqual({ reason: 'FULL', retryAfterMs: 1000, requestId: 'r1' });
  });
  it('survives anything else', () => {
    for (const details of [undefined, null, 7, [null], [{ type: 'yizhan.common.v1.ErrorInfo', value: '!!' }], [{ type: 'yizhan.common.v1.ErrorInfo', value: 'CgAA//8=' }]])
      expect(() => readErrorInfo(details)).not.toThrow();
  });
});
