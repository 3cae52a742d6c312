import { create } from '@bufbuild/protobuf';
import { MessageSchema, type Message } from '@yizhan/kit/gen/im/v1/conversation_pb';
import { describe, expect, it } from 'vitest';
import { Log } from './log.ts';

function message(seq: number, senderId = 'p2', clientId = '', notice = false): Message {
  const base = { conversationId: 'g:x', seq: BigInt(seq), senderId, clientId, timeUs: BigInt(seq) * 1_000_000n };
  return create(MessageSchema, notice ? { ...base, notice: { kind: 2, personIds: ['p3'] } } : { ...base, content: { kind: { case: 'text', value: `m${seq}` } } });
}
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => message(from + i));
const seqs = (log: Log) => log.entries.map((entry) => entry.seq);
function loaded(from = 11, to = 20): Log {
  const log = new Log((m) => (m.clientId.startsWith('mine') ? m.clientId : undefined));
  log.reset(range(from, to), from > 1, false, to);
  return log;
}

describe('Log', () => {
  it('adds what follows, once', () => {
    const log = loaded();
    expect(log.arrive(message(21))).toBe('added');
    expect(log.arrive(message(21))).toBe('known');
    expect(log.arrive(message(15))).toBe('known');
    expect(seqs(log)).toEqual([11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21]);
  });

  it('holds what comes behind a gap until the gap is filled, in any order', () => {
    const log = loaded();
    expect(log.arrive(message(24))).toBe('gap');
    expect(log.arrive(message(23))).toBe('gap');
    expect(log.waiting).toBe(true);
    expect(log.hi).toBe(20);
    log.append(range(21, 22), false, 24);
    expect(seqs(log).slice(-4)).toEqual([21, 22, 23, 24]);
    expect(log.waiting).toBe(false);
    expect(log.detached).toBe(false);
  });

  it('fills a gap by events alone', () => {
    const log = loaded();
    log.arrive(message(22));
    expect(log.arrive(message(21))).toBe('added');
    expect(log.hi).toBe(22);
    expect(log.waiting).toBe(false);
  });

  it('takes a page that overlaps what waits only once', () => {
    const log = loaded();
    log.arrive(message(23));
    log.append(range(21, 23), false, 23);
    expect(seqs(log).slice(-3)).toEqual([21, 22, 23]);
    expect(new Set(seqs(log)).size).toBe(log.entries.length);
  });

  it('does not grow at its end while it does not reach the end', () => {
    const log = loaded();
    log.reset(range(11, 20), true, true, 90);
    expect(log.arrive(message(91))).toBe('beyond');
    expect(log.hi).toBe(20);
    expect(log.lastSeq).toBe(91);
    log.append(range(21, 91), false, 91);
    expect(log.detached).toBe(false);
    expect(log.arrive(message(92))).toBe('added');
  });

  it('lets go of the end when too much waits', () => {
    const log = loaded();
    let last = '';
    for (let seq = 22; seq < 22 + 501; seq += 1) last = log.arrive(message(seq));
    expect(last).toBe('beyond');
    expect(log.detached).toBe(true);
    expect(log.waiting).toBe(false);
  });

  it('keeps the key of a message that was pending here', () => {
    const log = loaded();
    log.arrive(message(21, 'p1', 'mine-1'));
    log.arrive(message(22, 'p1', 'elsewhere'));
    expect(log.entries.slice(-2).map((entry) => entry.key)).toEqual(['mine-1', 's22']);
  });

  it('keeps the identity of entries through prepends and resets', () => {
    const log = loaded();
    const kept = log.entries[3];
    log.prepend(range(1, 10), false);
    expect(log.entries[13]).toBe(kept);
    log.reset(range(5, 30), true, false, 30);
    expect(log.entries[9]).toBe(kept);
  });

  it('counts what others wrote beyond a position, or says that it cannot', () => {
    const log = loaded();
    log.arrive(message(21, 'p1'));
    log.arrive(message(22, 'p2', '', true));
    log.arrive(message(23));
    expect(log.countOthers('p1', 20)).toBe(1);
    expect(log.countOthers('p1', 18)).toBe(3);
    expect(log.countOthers('p1', 5)).toBeNull();
    log.arrive(message(30));
    expect(log.countOthers('p1', 20)).toBeNull();
  });

  it('begins with the first message of an empty conversation', () => {
    const log = new Log(() => undefined);
    expect(log.arrive(message(1))).toBe('beyond');
    const empty = new Log(() => undefined);
    empty.reset([], false, false, 0);
    expect(empty.arrive(message(1))).toBe('added');
  });
});
