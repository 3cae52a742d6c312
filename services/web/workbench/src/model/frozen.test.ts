import { describe, expect, it } from 'vitest';
import { freeze } from './frozen.ts';

const id = (text: string) => text;
const ids = (rows: readonly { id: string; gone: boolean }[]) => rows.map((row) => row.id + (row.gone ? '!' : ''));

describe('freeze', () => {
  it('follows the order while nobody is in the list', () => {
    expect(ids(freeze(freeze([], ['a', 'b'], id, false), ['b', 'a'], id, false))).toEqual(['b', 'a']);
  });
  it('keeps rows where they are while somebody is', () => {
    const before = freeze([], ['a', 'b', 'c'], id, false);
    expect(ids(freeze(before, ['c', 'd', 'a'], id, true))).toEqual(['a', 'b!', 'c', 'd']);
  });
  it('brings a row back that returns', () => {
    const gone = freeze(freeze([], ['a', 'b'], id, false), ['a'], id, true);
    expect(ids(freeze(gone, ['a', 'b'], id, true))).toEqual(['a', 'b']);
  });
});
