import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Live, type Link } from './live';
import type { ServerFrame } from './wire';

class Socket {
  static all: Socket[] = [];
  sent: any[] = [];
  closed = false;
  onopen: (() => void) | null = null;
  onclose: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  constructor(readonly url: string) {
    Socket.all.push(this);
  }
  send(text: string) {
    this.sent.push(JSON.parse(text));
  }
  close() {
    this.closed = true;
  }
  receive(frame: ServerFrame) {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
}

const last = () => Socket.all[Socket.all.length - 1]!;
let links: Link[];
let refused: number;
let live: Live;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('WebSocket', Socket);
  Socket.all = [];
  links = [];
  refused = 0;
  live = new Live('ws://x/live', { frame: () => {}, link: (link) => links.push(link), refused: () => refused++ }, () => 0.5);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const open = () => {
  last().onopen?.();
  last().receive({ ready: {} });
};

describe('Live', () => {
  it('says hello first and is live only after ready', () => {
    live.start('t');
    last().onopen!();
    expect(last().sent).toEqual([{ hello: { token: 't' } }]);
    expect(links.at(-1)!.state).toBe('connecting');
    last().receive({ ready: {} });
    expect(links.at(-1)!.state).toBe('live');
  });

  it('finds a socket that swallows within 15 s', () => {
    live.start('t');
    open();
    vi.advanceTimersByTime(13_100);
    expect(links.at(-1)!.state).toBe('waiting');
  });

  it('stays while pongs come', () => {
    live.start('t');
    open();
    for (let i = 0; i < 5; i++) {
      vi.advanceTimersByTime(8_000);
      expect(last().sent.at(-1)).toHaveProperty('ping');
      last().receive({ pong: {} });
    }
    expect(Socket.all).toHaveLength(1);
    expect(links.at(-1)!.state).toBe('live');
  });

  it('comes back by itself, slower each time, at once when asked', () => {
    live.start('t');
    open();
    last().onclose!();
    vi.advanceTimersByTime(1_001);
    expect(Socket.all).toHaveLength(2);
    last().onclose!();
    vi.advanceTimersByTime(1_500);
    expect(Socket.all).toHaveLength(2);
    live.hurry();
    expect(Socket.all).toHaveLength(3);
  });

  it('does not retry for ever where the server says no', () => {
    live.start('t');
    open();
    last().receive({ bye: { reason: 'TOO_MANY_STREAMS' } });
    vi.advanceTimersByTime(100_000);
    expect(Socket.all).toHaveLength(1);
    expect(links.at(-1)!.state).toBe('ended');
  });

  it('asks for a new visit when the token has ended', () => {
    live.start('t');
    open();
    last().receive({ bye: { reason: 'SESSION_ENDED' } });
    expect(refused).toBe(1);
  });

  it('ignores a socket that it has left', () => {
    live.start('t');
    const old = last();
    old.onclose!();
    live.hurry();
    expect(old.onmessage).toBeNull();
  });
});
