import { describe, expect, it } from 'vitest';
import { Timeline } from './timeline';

const line = (seq: number, more: object = {}) => ({
  conversationId: 'r:a', seq: String(seq), author: 'AUTHOR_AGENT' as const, text: 'line ' + seq, timeUs: String(seq * 1e6), ...more,
});

describe('Timeline', () => {
  it('keeps the order of seq, whatever order lines come in', () => {
    const timeline = new Timeline();
    for (const seq of [3, 1, 5, 2]) timeline.merge(line(seq));
    expect(timeline.rows().map((row) => row.seq)).toEqual([1, 2, 3, 5]);
  });

  it('takes a line once', () => {
    const timeline = new Timeline();
    expect(timeline.merge(line(1))).toBeDefined();
    expect(timeline.merge(line(1))).toBeUndefined();
    expect(timeline.rows()).toHaveLength(1);
  });

  it('turns a pending row into the confirmed one: the same object, never a second', () => {
    const timeline = new Timeline();
    const row = timeline.write('w1', 'hello', 5);
    timeline.merge(line(1));
    timeline.merge(line(2, { author: 'AUTHOR_CUSTOMER', clientId: 'w1', text: 'hello' }));
    expect(timeline.rows()[1]).toBe(row);
    expect(row.state).toBe('sent');
    expect(timeline.outbox()).toHaveLength(0);
  });

  it('gives the same row for the same id', () => {
    const timeline = new Timeline();
    expect(timeline.write('w1', 'a', 1)).toBe(timeline.write('w1', 'a', 2));
  });

  it('never shows an internal note', () => {
    const timeline = new Timeline();
    expect(timeline.merge(line(1, { internal: true }))).toBeUndefined();
    expect(timeline.rows()).toHaveLength(0);
  });

  it('puts a later reception behind', () => {
    const timeline = new Timeline();
    timeline.merge(line(7));
    timeline.reception = { conversationId: 'r:b' };
    timeline.merge(line(2, { conversationId: 'r:b', timeUs: '9000000' }));
    expect(timeline.rows().map((row) => row.reception)).toEqual(['r:a', 'r:b']);
  });

  it('discards only what is pending', () => {
    const timeline = new Timeline();
    timeline.discard(timeline.write('w1', 'a', 1));
    expect(timeline.rows()).toHaveLength(0);
  });
});
