import { CallError, Code } from '@yizhan/kit/core';
import { describe, expect, it, vi } from 'vitest';
import { Outbox, type Sent, type Unsent } from './outbox.ts';

class Memory implements Storage {
  private readonly map = new Map<string, string>();
  get length() { return this.map.size; }
  key(i: number) { return [...this.map.keys()][i] ?? null; }
  getItem(key: string) { return this.map.get(key) ?? null; }
  setItem(key: string, value: string) { this.map.set(key, value); }
  removeItem(key: string) { this.map.delete(key); }
  clear() { this.map.clear(); }
}
const lost = () => new CallError('no answer', Code.Unavailable, 'UNREACHABLE');
const refused = () => new CallError('muted', Code.FailedPrecondition, 'MUTED');

function setup(send: (item: Unsent) => Promise<Sent>, more: Partial<{ online: () => boolean; failAfterMs: number; storage: Storage }> = {}) {
  const sent: string[] = [];
  const outbox = new Outbox({ personId: 'p1', send, onSent: (item) => sent.push(item.text), online: () => true, storage: new Memory(), failAfterMs: 15_000, ...more });
  return { outbox, sent };
}
const ok = (item: Unsent): Promise<Sent> => Promise.resolve({ conversationId: item.conversationId, seq: 1, timeUs: 1 });

describe('Outbox', () => {
  it('sends in order, one at a time in a conversation', async () => {
    let running = 0;
    let most = 0;
    const { outbox, sent } = setup(async (item) => {
      most = Math.max(most, (running += 1));
      await new Promise((resolve) => setTimeout(resolve, item.text === 'a' ? 30 : 1));
      running -= 1;
      return ok(item);
    });
    for (const text of ['a', 'b', 'c']) outbox.add('g:x', text, [], 0);
    await vi.waitFor(() => expect(sent).toEqual(['a', 'b', 'c']));
    expect(most).toBe(1);
    expect(outbox.items.get()).toEqual([]);
  });

  it('keeps the client id through retries', async () => {
    const ids = new Set<string>();
    let calls = 0;
    const { outbox, sent } = setup((item) => {
      ids.add(item.clientId);
      calls += 1;
      return calls < 3 ? Promise.reject(lost()) : ok(item);
    });
    outbox.add('g:x', 'a', [], 0);
    await vi.waitFor(() => expect(sent).toEqual(['a']), 5000);
    expect(calls).toBe(3);
    expect(ids.size).toBe(1);
  });

  it('fails at once when refused, goes on with the next, and retries by hand with the same id', async () => {
    let muted = true;
    const ids: string[] = [];
    const { outbox, sent } = setup((item) => {
      ids.push(item.clientId);
      return muted && item.text === 'a' ? Promise.reject(refused()) : ok(item);
    });
    const item = outbox.add('g:x', 'a', [], 0);
    outbox.add('g:x', 'b', [], 0);
    await vi.waitFor(() => expect(sent).toEqual(['b']));
    expect(outbox.items.get()[0]).toMatchObject({ clientId: item.clientId, state: 'failed', error: { reason: 'MUTED' } });
    muted = false;
    outbox.retry(item.clientId);
    await vi.waitFor(() => expect(sent).toEqual(['b', 'a']));
    expect(ids[0]).toBe(ids[2]);
  });

  it('fails when there is no acknowledgement for long enough with the link up', async () => {
    const { outbox } = setup(() => Promise.reject(lost()), { failAfterMs: 700 });
    outbox.add('g:x', 'a', [], 0);
    await vi.waitFor(() => expect(outbox.items.get()[0]?.state).toBe('failed'), 5000);
  });

  it('waits while the link is down, however long, and goes out in order when it is back', async () => {
    let up = false;
    let calls = 0;
    const { outbox, sent } = setup((item) => { calls += 1; return ok(item); }, { online: () => up, failAfterMs: 100 });
    outbox.add('g:x', 'a', [], 0);
    outbox.add('g:x', 'b', [], 0);
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(calls).toBe(0);
    expect(outbox.items.get().map((item) => item.state)).toEqual(['going', 'going']);
    up = true;
    outbox.wake();
    await vi.waitFor(() => expect(sent).toEqual(['a', 'b']));
  });

  it('takes up what a reload left, in order, with the same ids; a sent one is not left', async () => {
    const storage = new Memory();
    const first = setup((item) => (item.text === 'done' ? ok(item) : new Promise(() => undefined)), { storage });
    first.outbox.add('g:y', 'done', [], 0);
    const a = first.outbox.add('g:x', 'a', ['p2'], 7);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const b = first.outbox.add('g:x', 'b', [], 0);
    await vi.waitFor(() => expect(first.sent).toEqual(['done']));
    const seen: Unsent[] = [];
    const second = setup((item) => { seen.push(item); return ok(item); }, { storage });
    second.outbox.restore();
    await vi.waitFor(() => expect(second.sent).toEqual(['a', 'b']));
    expect(seen.map((item) => item.clientId)).toEqual([a.clientId, b.clientId]);
    expect(seen[0]).toMatchObject({ mentions: ['p2'], replyToSeq: 7 });
    expect(storage.length).toBe(0);
  });

  it('says nothing twice when the stream was faster than the acknowledgement', async () => {
    let answer: (sent: Sent) => void = () => undefined;
    const { outbox, sent } = setup(() => new Promise((resolve) => { answer = resolve; }));
    const item = outbox.add('g:x', 'a', [], 0);
    outbox.drop(item.clientId);
    answer({ conversationId: 'g:x', seq: 1, timeUs: 1 });
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(sent).toEqual([]);
  });
});
