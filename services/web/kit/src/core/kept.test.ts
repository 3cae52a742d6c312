import { describe, expect, it } from 'vitest';
import { forgetOthers, forgetText, keptText, type TextStorage } from './kept.ts';

function storage(items: Record<string, string>): TextStorage & { map: Map<string, string> } {
  const map = new Map(Object.entries(items));
  return {
    map,
    get length() {
      return map.size;
    },
    key: (index) => [...map.keys()][index] ?? null,
    getItem: (key) => map.get(key) ?? null,
    setItem: (key, value) => void map.set(key, value),
    removeItem: (key) => void map.delete(key),
  };
}

const items = {
  'yz:settings': '{"theme":"dark"}',
  'yz:draft:pa:d:pa:pb': 'half',
  'yz:draft:pa:r17/note': ' \n',
  'yz:draft:pab:d:1': 'not hers',
  'yz:outbox:pa:c1': '{"clientId":"c1"}',
  'yz:outbox:pa:c2': 'broken',
  'yz:outbox:pa': '[{"id":"1"},{"id":"2"}]',
  'yz:outbox:pab': '[{"id":"3"}]',
};

describe('what a person has typed', () => {
  it('is counted over every app, and nobody else’s with it', () => {
    expect(keptText('pa', storage(items))).toEqual({ unsent: 3, drafts: 1 });
    expect(keptText('p', storage(items))).toEqual({ unsent: 0, drafts: 0 });
  });

  it('is removed as a whole, and the settings of the browser stay', () => {
    const kept = storage(items);
    forgetText('pa', kept);
    expect([...kept.map.keys()]).toEqual(['yz:settings', 'yz:draft:pab:d:1', 'yz:outbox:pab']);
    forgetText(null, kept);
    expect([...kept.map.keys()]).toEqual(['yz:settings']);
  });

  it('does not wait for the next person', () => {
    const kept = storage(items);
    forgetOthers('pab', kept);
    expect([...kept.map.keys()]).toEqual(['yz:settings', 'yz:draft:pab:d:1', 'yz:outbox:pab']);
  });
});
