import { describe, expect, it } from 'vitest';
import { avatarText, cut, graphemes } from './grapheme.ts';
import { defineMessages, translate } from './i18n.ts';
import { newId } from './ids.ts';
import { personScore } from './names.ts';

const family = '👨‍👩‍👧‍👦';

describe('graphemes', () => {
  it('keeps rare characters and joined emoji whole', () => {
    expect(graphemes(`𠮷䶮${family}é`)).toEqual(['𠮷', '䶮', family, 'é']);
    expect(cut(`𠮷𠮷𠮷𠮷`, 3)).toBe('𠮷𠮷…');
    expect(cut(`${family}${family}${family}`, 2)).toBe(`${family}…`);
    expect(cut('短', 3)).toBe('短');
    expect(cut('四个汉字', 4)).toBe('四个汉字');
    expect(cut('x'.repeat(1_000_000), 10)).toBe('xxxxxxxxx…');
  });

  it('makes avatars of given names, groups and initials', () => {
    expect(avatarText('曾小贤')).toBe('小贤');
    expect(avatarText('王芳')).toBe('王芳');
    expect(avatarText('𠮷田䶮')).toBe('田䶮');
    expect(avatarText('信贷部', true)).toBe('信贷');
    expect(avatarText('曾小贤', false, true)).toBe('贤');
    expect(avatarText('zhang wei')).toBe('ZW');
    expect(avatarText('')).toBe('?');
    expect(avatarText(family)).toBe(family);
  });
});

describe('personScore', () => {
  const zeng = { name: '曾小贤', englishName: 'Zeng Xiaoxian', login: 'zengxx', searchKeys: ['zengxiaoxian', 'zxx'] };
  it('finds by name, pinyin, initials, log-in and the English name', () => {
    for (const word of ['曾', '小贤', 'zeng', 'ZENG', 'zxx', 'zeng xiao', 'xiaoxian', 'zengxx']) expect(personScore(zeng, word), word).toBeGreaterThan(0);
  });
  it('does not find inside a spelling', () => {
    for (const word of ['eng', 'xian', '单', 'q']) expect(personScore(zeng, word), word).toBe(0);
  });
  it('puts the exact before the near', () => {
    expect(personScore(zeng, '曾小贤')).toBeGreaterThan(personScore(zeng, '曾'));
    expect(personScore(zeng, '曾')).toBeGreaterThan(personScore(zeng, '贤'));
  });
});

it('fills and chooses texts', () => {
  const texts = defineMessages({ zh: { n: '{n} 条', who: '{a}与{b}' }, en: { n: '{n} message|{n} messages', who: '{a} and {b}' } });
  expect(translate(texts, 'en')('n', { n: 1 })).toBe('1 message');
  expect(translate(texts, 'en')('n', { n: 2 })).toBe('2 messages');
  expect(translate(texts, 'zh')('n', { n: 2 })).toBe('2 条');
  expect(translate(texts, 'zh')('who', { a: '甲', b: '{a}' })).toBe('甲与{a}');
});

it('makes ids that do not repeat', () => {
  const ids = new Set(Array.from({ length: 1000 }, newId));
  expect(ids.size).toBe(1000);
  for (const id of ids) expect(id).toMatch(/^[0-9a-zA-Z_-]{22}$/);
});
