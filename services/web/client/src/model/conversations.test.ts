import { create } from '@bufbuild/protobuf';
import { ConversationSchema } from '@yizhan/kit/gen/im/v1/conversation_pb';
import { describe, expect, it, vi } from 'vitest';
import { directId, fromProto, merge, peerOf } from './conversations.ts';
import { CursorSender } from './cursors.ts';

const conv = (lastSeq: number, readSeq: number, unread: number) => fromProto(create(ConversationSchema, { conversationId: 'g:x', kind: 2, lastSeq: BigInt(lastSeq), readSeq: BigInt(readSeq), unread }), 'p1');

describe('conversations', () => {
  it('names two people in one order', () => {
    expect(directId('p2', 'p1')).toBe('d:p1:p2');
    expect(peerOf('d:p1:p2', 'p1')).toBe('p2');
    expect(peerOf('d:p1:p2', 'p2')).toBe('p1');
    expect(peerOf('d:p1:p2', 'p3')).toBe('');
    expect(peerOf('g:x', 'p1')).toBe('');
  });

  it('never goes back: an answer that was overtaken by events changes neither end nor cursor', () => {
    const known = { ...conv(10, 8, 2), readSeq: 10, unread: 0 };
    expect(merge(known, conv(9, 5, 4))).toMatchObject({ lastSeq: 10, readSeq: 10, unread: 0 });
  });

  it('keeps a position that the server has not heard of', () => {
    const known = { ...conv(10, 5, 5), readSeq: 10, unread: 0 };
    expect(merge(known, conv(10, 5, 5))).toMatchObject({ readSeq: 10, unread: 0 });
    expect(merge(known, conv(13, 5, 8))).toMatchObject({ readSeq: 10, unread: 3 });
  });

  it('takes what was read on another device', () => {
    expect(merge(conv(10, 5, 5), conv(10, 10, 0))).toMatchObject({ readSeq: 10, unread: 0 });
  });
});

describe('CursorSender', () => {
  it('gathers moves into one call with the highest', async () => {
    const calls: unknown[] = [];
    const sender = new CursorSender((id, read, delivered) => { calls.push([id, read, delivered]); return Promise.resolve(); }, 20);
    for (const seq of [1, 2, 5, 4]) sender.read('g:x', seq, 0);
    sender.read('g:x', 0, 7);
    sender.read('g:y', 3, 3);
    await vi.waitFor(() => expect(calls).toEqual([['g:x', 5, 7], ['g:y', 3, 3]]));
  });

  it('tries again with what is highest by then', async () => {
    const calls: number[] = [];
    const { CallError, Code } = await import('@yizhan/kit/core');
    const sender = new CursorSender((_, read) => {
      calls.push(read);
      return calls.length === 1 ? Promise.reject(new CallError('x', Code.Unavailable, 'UNREACHABLE')) : Promise.resolve();
    }, 1);
    sender.read('g:x', 5, 0);
    await vi.waitFor(() => expect(calls).toEqual([5]));
    sender.read('g:x', 9, 0);
    sender.wake();
    await vi.waitFor(() => expect(calls).toEqual([5, 9]));
  });
});
