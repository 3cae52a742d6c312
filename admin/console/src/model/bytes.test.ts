import { expect, it } from 'vitest';
import { bytes } from './bytes.ts';

it('says sizes for people', () => {
  expect(bytes(0)).toBe('0 B');
  expect(bytes(999)).toBe('999 B');
  expect(bytes(1_000)).toBe('1.0 KB');
  expect(bytes(123_456_789)).toBe('123 MB');
});
