import { describe, expect, it } from 'vitest';
import { excerpt, highlightParts } from './highlight.ts';

const show = (parts: readonly { text: string; hit: boolean }[]) => parts.map((part) => (part.hit ? `[${part.text}]` : part.text)).join('');

describe('highlightParts', () => {
  it('counts bytes of UTF-8, not characters', () => {
    expect(show(highlightParts('这款理财产品', [{ start: 6, end: 12 }]))).toBe('这款[理财]产品');
    expect(show(highlightParts('𠮷a😀b', [{ start: 4, end: 5 }, { start: 5, end: 9 }]))).toBe('𠮷[a][😀]b');
  });
  it('loses no text whatever the offsets are', () => {
    for (const marks of [[{ start: 1, end: 4 }], [{ start: 3, end: 1 }], [{ start: 0, end: 99 }], [{ start: 5, end: 8 }, { start: 2, end: 6 }], [{ start: 99, end: 3 }]])
      expect(highlightParts('银行 ab', marks).map((part) => part.text).join('')).toBe('银行 ab');
  });
  it('is empty for nothing', () => {
    expect(highlightParts('', [])).toEqual([]);
  });
});

describe('excerpt', () => {
  it('keeps the hit in sight', () => {
    const text = 'x'.repeat(300) + '理财' + 'y'.repeat(300);
    const cut = show(excerpt(highlightParts(text, [{ start: 300, end: 306 }]), 60));
    expect(cut).toMatch(/^…x+\[理财\]y+…$/);
    expect(cut.length).toBeLessThan(70);
  });
  it('leaves a short text alone', () => {
    expect(show(excerpt(highlightParts('短 text', []), 60))).toBe('短 text');
  });
});
