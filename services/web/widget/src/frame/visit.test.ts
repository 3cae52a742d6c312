import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Keep } from './keep';
import { Visit } from './visit';
import { CallError, type Line } from './wire';

/** A server of one visitor: takes a client id once, keeps lines. */
class Desk {
  lines: Line[] = [];
  reception: any;
  refuse: CallError[] = [];
  dropAnswers = 0;
  calls: string[] = [];
  call = async (method: string, request: any): Promise<any> => {
    this.calls.push(method);
    const error = this.refuse.shift();
    if (error) throw error;
    if (method == 'StartVisit') return { token: request.token || 'token', staffed: true, reception: this.reception };
    if (method == 'ListLines')
      return { lines: this.lines.filter((line) => Number(line.seq) > Number(request.afterSeq)), reception: this.reception };
    if (method == 'SendLine') {
      this.reception ??= { conversationId: 'r:a', owner: 'OWNER_QUEUE' };
      let line = this.lines.find((one) => one.clientId == request.clientId);
      if (!line) {
        line = { conversationId: 'r:a', seq: String(this.lines.length + 1), author: 'AUTHOR_CUSTOMER', clientId: request.clientId, text: request.text };
        this.lines.push(line);
      }
      if (this.dropAnswers-- > 0) throw new CallError('unavailable', '');
      return { line, reception: this.reception };
    }
    if (method == 'Rate') return { reception: { ...this.reception, rating: request.rating } };
    return {};
  };
  agent(text: string): Line {
    const line: Line = { conversationId: 'r:a', seq: String(this.lines.length + 1), author: 'AUTHOR_AGENT', text };
    this.lines.push(line);
    return line;
  }
}

let desk: Desk;
let visit: Visit;
let frames: any[];
let arrived: string[];
let ids: number;

beforeEach(() => {
  vi.useFakeTimers();
  desk = new Desk();
  frames = [];
  arrived = [];
  ids = 0;
  const box = new Map<string, string>();
  let cookie = '';
  const keep = new Keep(
    'w1',
    {
      cookie: { get: () => cookie, set: (text) => (cookie = text.split(';')[0]!) },
      storage: () => ({
        getItem: (key) => box.get(key) ?? null,
        setItem: (key, value) => void box.set(key, value),
        removeItem: (key) => void box.delete(key),
      }),
    },
    async () => false,
    '/',
  );
  const stream = { start: () => {}, hurry: () => {}, send: (frame: object) => frames.push(frame) };
  visit = new Visit('w1', 'en', desk.call, keep, stream, {
    changed: () => {},
    arrived: (rows) => arrived.push(...rows.map((row) => row.text)),
  }, () => 'id' + ++ids);
});
afterEach(() => vi.useRealTimers());

const begin = async () => {
  await visit.begin();
  visit.linked({ state: 'live' });
};
const settle = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

describe('Visit', () => {
  it('sends in order, one after another', async () => {
    await begin();
    visit.write('one');
    visit.write('two');
    visit.write('three');
    await settle();
    expect(desk.lines.map((line) => line.text)).toEqual(['one', 'two', 'three']);
    expect(visit.timeline.rows().map((row) => row.state)).toEqual(['sent', 'sent', 'sent']);
  });

  it('makes one copy when the server took a line and the answer was lost', async () => {
    await begin();
    desk.dropAnswers = 1;
    const row = visit.write('hello');
    await settle(2_000);
    expect(desk.lines).toHaveLength(1);
    expect(visit.timeline.rows()).toEqual([row]);
    expect(row.state).toBe('sent');
  });

  it('shows a line as failed after 15 s, and Retry sends it under the same id', async () => {
    await begin();
    desk.refuse = Array.from({ length: 9 }, () => new CallError('unavailable', ''));
    const row = visit.write('hello');
    await settle(14_000);
    expect(row.state).toBe('sending');
    await settle(10_000);
    expect(row.state).toBe('failed');
    desk.refuse = [];
    visit.retry(row);
    await settle();
    expect(row.state).toBe('sent');
    expect(desk.lines.map((line) => line.clientId)).toEqual(['id1']);
  });

  it('keeps lines while there is no link and sends them when it is back', async () => {
    await begin();
    visit.linked({ state: 'waiting', retryAt: 0 });
    desk.refuse = Array.from({ length: 8 }, () => new CallError('unavailable', ''));
    const row = visit.write('hello');
    await settle(40_000);
    expect(row.state).toBe('sending');
    desk.refuse = [];
    visit.linked({ state: 'live' });
    await settle(10_000);
    expect(row.state).toBe('sent');
  });

  it('fails at once what waiting cannot help', async () => {
    await begin();
    desk.refuse = [new CallError('invalid_argument', 'too long')];
    const row = visit.write('x');
    await settle();
    expect(row.state).toBe('failed');
  });

  it('fills the gap after a reconnect', async () => {
    await begin();
    visit.write('hi');
    await settle();
    desk.agent('while you were away');
    visit.frame({ ready: {} });
    await settle();
    expect(arrived).toEqual(['while you were away']);
  });

  it('fills the gap also when its own lines, written into the outage, were taken before it is live again', async () => {
    await begin();
    visit.frame({ ready: {} });
    visit.write('hi');
    await settle();
    visit.linked({ state: 'waiting', retryAt: 0 });
    desk.agent('one');
    desk.agent('two');
    visit.write('are you there?');
    await settle();
    expect(visit.timeline.rows().map((row) => row.text)).toEqual(['hi', 'are you there?']);
    visit.linked({ state: 'live' });
    visit.frame({ ready: {} });
    await settle();
    expect(visit.timeline.rows().map((row) => row.text)).toEqual(['hi', 'one', 'two', 'are you there?']);
  });

  it('fills the gap later when the call for it fails, and does not take a live line for the end of the gap', async () => {
    await begin();
    visit.frame({ ready: {} });
    visit.write('hi');
    await settle();
    visit.linked({ state: 'waiting', retryAt: 0 });
    desk.agent('missed');
    desk.refuse = [new CallError('unavailable', '')];
    visit.linked({ state: 'live' });
    visit.frame({ ready: {} });
    await settle();
    visit.frame({ desk: { line: desk.agent('live') } });
    expect(arrived).toEqual(['live']);
    await visit.poll();
    expect(visit.timeline.rows().map((row) => row.text)).toEqual(['hi', 'missed', 'live']);
    const calls = desk.calls.length;
    await visit.poll();
    expect(desk.calls).toHaveLength(calls);
  });

  it('begins anew when the server has forgotten the token, and loses nothing', async () => {
    await begin();
    desk.refuse = [new CallError('unauthenticated', '')];
    const row = visit.write('hello');
    await settle(2_000);
    expect(desk.calls.filter((method) => method == 'StartVisit')).toHaveLength(2);
    expect(row.state).toBe('sent');
  });

  it('follows a reception that another tab began', async () => {
    await begin();
    await desk.call('SendLine', { text: 'from the other tab', clientId: 'other' });
    visit.frame({ desk: { line: desk.lines[0]! } });
    await settle();
    expect(visit.timeline.rows().map((row) => row.text)).toEqual(['from the other tab']);
    expect(visit.open).toBe(true);
  });

  it('sends what is typed at most once a second, and only while a conversation is open', async () => {
    await begin();
    visit.typing('a');
    await settle(5_000);
    expect(frames).toEqual([]);
    visit.write('hi');
    await settle();
    for (const text of ['b', 'be', 'bef']) visit.typing(text);
    await settle(10);
    visit.typing('befo');
    await settle(500);
    expect(frames.map((frame) => frame.typing.preview)).toEqual(['bef']);
    await settle(600);
    expect(frames.map((frame) => frame.typing.preview)).toEqual(['bef', 'befo']);
  });

  it('asks for a rating once it is closed, and not again once rated or skipped', async () => {
    await begin();
    visit.write('hi');
    await settle();
    visit.frame({ desk: { reception: { conversationId: 'r:a', owner: 'OWNER_NONE', closedAtUs: '5' } } });
    expect(visit.ratable).toBe(true);
    await visit.rate(5, 'thanks');
    expect(visit.ratable).toBe(false);
    expect(visit.reception!.rating).toBe(5);
  });

  it('is not led back by late news of an older reception', async () => {
    await begin();
    visit.write('hi');
    await settle();
    visit.frame({ desk: { reception: { conversationId: 'r:a', owner: 'OWNER_NONE', closedAtUs: '5' } } });
    visit.frame({ desk: { reception: { conversationId: 'r:b', owner: 'OWNER_QUEUE' } } });
    expect(visit.reception!.conversationId).toBe('r:b');
    visit.frame({ desk: { reception: { conversationId: 'r:a', owner: 'OWNER_NONE', closedAtUs: '5', rating: 4 } } });
    expect(visit.reception!.conversationId).toBe('r:b');
    expect(visit.open).toBe(true);
  });

  it('shows the place in the queue and forgets it when an agent comes', async () => {
    await begin();
    visit.write('hi');
    await settle();
    visit.frame({ desk: { position: { conversationId: 'r:a', position: 3 } } });
    visit.frame({ desk: { position: { conversationId: 'r:other', position: 9 } } });
    expect(visit.position).toBe(3);
    visit.frame({ desk: { reception: { conversationId: 'r:a', owner: 'OWNER_AGENT' } } });
    expect(visit.position).toBe(0);
  });
});
