// The live stream: one WebSocket that comes back by itself, and says when it is not there.

import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { ClientFrameSchema, ServerFrameSchema, type ServerFrame } from '../../gen/yizhan/live/v1/live_service_pb';
import { backoff } from './calls.ts';
import { createStore } from './store.ts';
import { setServerTime } from './time.ts';

export type LinkState =
  /** Before the first Ready. */
  | { phase: 'connecting' }
  /** Everything that happens comes. */
  | { phase: 'live' }
  /** Lost; the next try is at retryAt (milliseconds of Date.now()), or as soon as the network is back (0). */
  | { phase: 'waiting'; retryAt: number; since: number }
  /** Ended for good: the session is gone, or the server said not to come back. */
  | { phase: 'ended'; reason: string };

export interface LiveOptions {
  url?: string;
  /** Asked after a stream could not be opened: whether the session still stands. */
  probe?: () => Promise<'ok' | 'signed-out' | 'unreachable'>;
  /** A sign of life is asked for after this much silence. */
  pingAfterMs?: number;
  /** Without any frame for this long after a ping the link is dead. pingAfterMs + pongWithinMs, and a second for each, is the bound on not noticing. */
  pongWithinMs?: number;
  openWithinMs?: number;
  firstBackoffMs?: number;
}

/**
 * What comes in quick succession is handed over together, this many milliseconds apart: a page draws once for all of it. One drawing for each
 * frame keeps a page so busy at some hundred messages a second that nothing else has its turn.
 */
const handOverMs = 32;

export type ClientFrameInit = NonNullable<MessageInitShape<typeof ClientFrameSchema>['kind']>;

export class LiveSocket {
  readonly state = createStore<LinkState>({ phase: 'connecting' });
  private readonly listeners = new Set<(frame: ServerFrame) => void>();
  private readonly options: Required<LiveOptions>;
  private socket: WebSocket | null = null;
  private attempt = 0;
  private lostAt = 0;
  private heardAt = 0;
  private pingedAt = 0;
  private nonce = 0n;
  /** Frames that came within handOverMs of the last ones: handed over together. */
  private readonly queue: ServerFrame[] = [];
  private handedOverAt = 0;
  private handOverTimer: ReturnType<typeof setTimeout> | undefined;
  private ticker: ReturnType<typeof setInterval> | undefined;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private running = false;

  constructor(options: LiveOptions = {}) {
    this.options = {
      url: options.url ?? `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/live`,
      probe: options.probe ?? (() => Promise.resolve('ok')),
      pingAfterMs: options.pingAfterMs ?? 8_000,
      pongWithinMs: options.pongWithinMs ?? 4_000,
      openWithinMs: options.openWithinMs ?? 8_000,
      firstBackoffMs: options.firstBackoffMs ?? 700,
    };
  }

  /** Each frame after Ready and Ready itself, in order. On Ready, fetch what was missed: events from then on come here. */
  listen(fn: (frame: ServerFrame) => void): () => void {
    this.listeners.add(fn);
    return () => this.listeners.delete(fn);
  }

  start(): void {
    if (this.running) return;
    this.running = true;
    if (typeof window !== 'undefined') {
      addEventListener('online', this.wake);
      addEventListener('offline', this.onOffline);
      document.addEventListener('visibilitychange', this.wake);
    }
    this.ticker = setInterval(this.tick, 1000);
    this.open();
  }

  stop(): void {
    this.running = false;
    clearInterval(this.ticker);
    clearTimeout(this.retryTimer);
    if (typeof window !== 'undefined') {
      removeEventListener('online', this.wake);
      removeEventListener('offline', this.onOffline);
      document.removeEventListener('visibilitychange', this.wake);
    }
    this.drop();
  }

  /** Sends when live; false when the frame was not sent, which for typing and presence is nothing lost. */
  send(kind: ClientFrameInit): boolean {
    if (this.state.get().phase !== 'live' || this.socket?.readyState !== 1) return false;
    this.socket.send(toBinary(ClientFrameSchema, create(ClientFrameSchema, { kind })));
    return true;
  }

  /** Tries at once when waiting: a person pressed "now", the network or the window came back. */
  readonly wake = (): void => {
    if (!this.running) return;
    if (this.state.get().phase === 'waiting' && (typeof document === 'undefined' || document.visibilityState === 'visible')) this.open();
  };

  private readonly onOffline = (): void => {
    if (this.state.get().phase !== 'ended') this.lost(true);
  };

  private open(): void {
    clearTimeout(this.retryTimer);
    this.drop();
    const socket = new WebSocket(this.options.url);
    socket.binaryType = 'arraybuffer';
    this.socket = socket;
    this.heardAt = Date.now();
    this.pingedAt = 0;
    let ready = false;
    socket.onmessage = (event: MessageEvent) => {
      if (socket !== this.socket || !(event.data instanceof ArrayBuffer)) return;
      this.heardAt = Date.now();
      this.pingedAt = 0;
      let frame: ServerFrame;
      try {
        frame = fromBinary(ServerFrameSchema, new Uint8Array(event.data));
      } catch {
        this.lost(false);
        return;
      }
      switch (frame.kind.case) {
        case 'ready':
          ready = true;
          this.attempt = 0;
          this.lostAt = 0;
          setServerTime(Number(frame.kind.value.serverTimeUs));
          this.state.set({ phase: 'live' });
          break;
        case 'pong':
          setServerTime(Number(frame.kind.value.serverTimeUs));
          return;
        case 'bye':
          if (!frame.kind.value.reconnect) this.end(frame.kind.value.reason);
          else this.lost(false);
          return;
      }
      this.queue.push(frame);
      const wait = this.handedOverAt + handOverMs - Date.now();
      if (frame.kind.case === 'ready' || wait <= 0) this.handOver();
      else this.handOverTimer ??= setTimeout(this.handOver, wait);
    };
    // Not every engine says "close" after "error"; the first of them counts.
    socket.onclose = socket.onerror = () => {
      if (socket !== this.socket) return;
      if (ready) this.lost(false);
      else void this.openFailed();
    };
  }

  private readonly handOver = (): void => {
    clearTimeout(this.handOverTimer);
    this.handOverTimer = undefined;
    for (const frame of this.queue.splice(0)) for (const fn of [...this.listeners]) fn(frame);
    this.handedOverAt = Date.now();
  };

  private async openFailed(): Promise<void> {
    this.lost(false);
    const answer = await this.options.probe().catch(() => 'unreachable' as const);
    if (this.running && answer === 'signed-out' && this.state.get().phase !== 'live') this.end('SESSION_ENDED');
  }

  private readonly tick = (): void => {
    const socket = this.socket;
    if (!socket) return;
    const now = Date.now();
    if (this.state.get().phase !== 'live') {
      if (now - this.heardAt > this.options.openWithinMs) this.lost(false);
    } else if (this.pingedAt) {
      if (now - this.pingedAt >= this.options.pongWithinMs) this.lost(false);
    } else if (now - this.heardAt >= this.options.pingAfterMs) {
      this.pingedAt = now;
      this.send({ case: 'ping', value: { nonce: (this.nonce += 1n) } });
    }
  };

  private lost(offline: boolean): void {
    this.drop();
    if (!this.running) return;
    clearTimeout(this.retryTimer);
    const wait = backoff(this.attempt, this.options.firstBackoffMs);
    this.attempt += 1;
    this.lostAt ||= Date.now();
    // Even without the "online" event a try is made now and then: the event is not to be relied on.
    const delay = offline ? Math.max(wait, 5_000) : wait;
    this.state.set({ phase: 'waiting', retryAt: offline ? 0 : Date.now() + delay, since: this.lostAt });
    this.retryTimer = setTimeout(() => this.open(), delay);
  }

  private end(reason: string): void {
    this.drop();
    clearTimeout(this.retryTimer);
    this.state.set({ phase: 'ended', reason });
  }

  private drop(): void {
    const socket = this.socket;
    this.socket = null;
    if (!socket) return;
    socket.onmessage = socket.onclose = socket.onerror = null;
    socket.close();
    // It has happened, though nothing comes behind it.
    this.handOver();
  }
}
