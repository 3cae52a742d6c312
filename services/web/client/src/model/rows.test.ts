import { create } from '@bufbuild/protobuf';
import { MessageSchema, type Message } from '@yizhan/kit/gen/im/v1/conversation_pb';
import { describe, expect, it } from 'vitest';
import { Log } from './log.ts';
import { Rows } from './rows.ts';
import type { Unsent } from './outbox.ts';

const day = Date.parse('2025-03-08T00:00:00+08:00') * 1000;
const minute = 60 * 1_000_000;
function message(seq: number, senderId: string, atMinutes: number): Message {
  return create(MessageSchema, { conversationId: 'g:x', seq: BigInt(seq), senderId, timeUs: BigInt(day + atMinutes * minute), content: { kind: { case: 'text', value: `m${seq}` } } });
}
const unsent = (clientId: string): Unsent => ({ clientId, conversationId: 'g:x', text: 'x', mentions: [], replyToSeq: 0, createdAt: 0, state: 'going', error: null });
const show = (rows: ReturnType<Rows['make']>) => rows.map((row) => (row.type === 'message' ? `${row.head ? '*' : ''}${row.entry.seq}` : row.type === 'unsent' ? `?${row.key}` : row.type));

describe('Rows', () => {
  it('groups by sender and time, and begins days', () => {
    const log = new Log(() => undefined);
    log.reset([message(1, 'a', 0), message(2, 'a', 2), message(3, 'b', 3), message(4, 'b', 9), message(5, 'b', 24 * 60)], false, false, 5);
    expect(show(new Rows().make(log, 'me', null, []))).toEqual(['day', '*1', '2', '*3', '*4', 'day', '*5']);
  });

  it('changes no row when older ones come', () => {
    const log = new Log(() => undefined);
    log.reset([message(10, 'a', 0), message(11, 'a', 1), message(12, 'b', 2)], true, false, 12);
    const rows = new Rows();
    const before = rows.make(log, 'me', null, []);
    expect(show(before)).toEqual(['11', '*12']);
    log.prepend([message(8, 'a', -1), message(9, 'a', -1)], true);
    const after = rows.make(log, 'me', null, []);
    expect(after.slice(-2)).toEqual(before);
    expect(after[after.length - 1]).toBe(before[1]);
    expect(after[after.length - 2]).toBe(before[0]);
  });

  it('draws the line before the first message of others that is new, and counts them', () => {
    const log = new Log(() => undefined);
    log.reset([message(1, 'a', 0), message(2, 'me', 1), message(3, 'a', 2), message(4, 'a', 3)], false, false, 4);
    const rows = new Rows().make(log, 'me', 1, []);
    expect(show(rows)).toEqual(['day', '*1', '*2', 'new', '*3', '4']);
    expect(rows[3]).toMatchObject({ count: 2 });
    expect(show(new Rows().make(log, 'me', 0, []))[1]).toBe('new');
    expect(show(new Rows().make(log, 'me', null, []))).not.toContain('new');
  });

  it('puts what is unsent last, and not behind a window that ends early', () => {
    const log = new Log(() => undefined);
    log.reset([message(1, 'a', 0)], false, false, 1);
    expect(show(new Rows().make(log, 'me', null, [unsent('c1'), unsent('c2')])).slice(-2)).toEqual(['?c1', '?c2']);
    log.reset([message(1, 'a', 0)], false, true, 50);
    expect(show(new Rows().make(log, 'me', null, [unsent('c1')]))).toEqual(['day', '*1']);
  });

  it('shows what is on the record once, though the outbox has it still, and before its gap is filled', () => {
    const own = (seq: number, clientId: string) => ({ ...message(seq, 'me', seq), clientId });
    const log = new Log((each) => each.clientId || undefined);
    log.reset([message(1, 'a', 0), own(2, 'c1')], false, false, 2);
    const rows = new Rows();
    expect(rows.make(log, 'me', null, [unsent('c1')]).map((row) => row.key)).toEqual(['day-1', 's1', 'c1']);
    log.arrive(own(6, 'c2'));
    log.arrive(message(7, 'a', 7));
    expect(rows.make(log, 'me', null, [unsent('c3')]).map((row) => row.key)).toEqual(['day-1', 's1', 'c1', 'c2', 'c3']);
    log.append([message(3, 'a', 3), message(4, 'a', 4), message(5, 'a', 5)], false);
    expect(rows.make(log, 'me', null, [unsent('c3')]).map((row) => row.key)).toEqual(['day-1', 's1', 'c1', 's3', 's4', 's5', 'c2', 's7', 'c3']);
  });
});
