import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CallError, Code } from '@yizhan/kit/core';
import { Outbox, type OutItem } from './outbox.ts';

class Box {
  items = new Map<string, string>();
  getItem = (key: string) => this.items.get(key) ?? null;
  setItem = (key: string, value: string) => void this.items.set(key, value);
  removeItem = (key: string) => void this.items.delete(key);
}

let sent: string[];
let refuse: CallError[];
let box: Box;
let online: boolean;
const send = async (item: OutItem) => {
  const error = refuse.shift();
  if (error) throw error;
  sent.push(item.id);
};
const down = () => new CallError('gone', Code.Unavailable, 'UNREACHABLE');
const make = () => new Outbox('p1', send, () => online, box);
const put = (outbox: Outbox, id: string, conversationId = 'r:a') => outbox.add({ id, conversationId, text: id, internal: false });

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  refuse = [];
  box = new Box();
  online = true;
});
afterEach(() => vi.useRealTimers());

describe('Outbox', () => {
  it('keeps the order of one reception, also over failures', async () => {
    const outbox = make();
    refuse = [down()];
    for (const id of ['1', '2', '3']) put(outbox, id);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(sent).toEqual(['1', '2', '3']);
    expect(outbox.items.get()).toEqual([]);
  });

  it('does not let one reception wait for another', async () => {
    const outbox = make();
    refuse = [down()];
    put(outbox, '1', 'r:a');
    put(outbox, '2', 'r:b');
    await vi.advanceTimersByTimeAsync(0);
    expect(sent).toEqual(['2']);
  });

  it('fails after 15 s with a link, waits without one', async () => {
    refuse = Array.from({ length: 99 }, down);
    const outbox = make();
    put(outbox, '1');
    online = false;
    await vi.advanceTimersByTimeAsync(40_000);
    expect(outbox.items.get()[0]!.state).toBe('sending');
    online = true;
    await vi.advanceTimersByTimeAsync(20_000);
    expect(outbox.items.get()[0]!.state).toBe('failed');
    refuse = [];
    outbox.retry('1');
    await vi.advanceTimersByTimeAsync(0);
    expect(sent).toEqual(['1']);
  });

  it('fails at once what was refused, and lets the next one go', async () => {
    const outbox = make();
    refuse = [new CallError('no', Code.PermissionDenied, 'NOT_YOURS')];
    put(outbox, '1');
    put(outbox, '2');
    await vi.advanceTimersByTimeAsync(0);
    expect(outbox.items.get().map((item) => [item.id, item.state])).toEqual([['1', 'failed']]);
    expect(sent).toEqual(['2']);
  });

  it('keeps what is unsent over a reload, under the same id', async () => {
    refuse = Array.from({ length: 9 }, down);
    put(make(), '1');
    await vi.advanceTimersByTimeAsync(10);
    refuse = [];
    const again = make();
    expect(again.items.get().map((item) => item.id)).toEqual(['1']);
    again.resume();
    await vi.advanceTimersByTimeAsync(0);
    expect(sent).toEqual(['1']);
  });

  it('forgets a line that came back by the stream', () => {
    const outbox = make();
    refuse = [down()];
    put(outbox, '1');
    outbox.arrived('1');
    expect(outbox.items.get()).toEqual([]);
    expect(box.items.size).toBe(0);
  });

  it('survives whatever stands in the storage', () => {
    for (const text of ['{', 'null', '7', '[1,{"id":4}]']) {
      box.setItem('yz:outbox:p1', text);
      expect(make().items.get()).toEqual([]);
    }
  });
});
