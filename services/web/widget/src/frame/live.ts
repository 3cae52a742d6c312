/** The live stream: one WebSocket that comes back by itself and says honestly whether it is there. */
import type { ServerFrame } from './wire';

/** How the link is. `retryAt` (milliseconds, Date.now's clock) only while waiting. */
export type Link = { state: 'idle' | 'connecting' | 'live' | 'ended' } | { state: 'waiting'; retryAt: number };

/** Who listens. */
export interface LiveListener {
  /** An event, in the order of the stream; also the first frame, `ready`. */
  frame(frame: ServerFrame): void;
  /** The link changed. */
  link(link: Link): void;
  /** The server does not want this token any longer. */
  refused(): void;
}

const pingMs = 8_000; // With the answer's bound a dead socket is found within 13 s.
const answerMs = 5_000;
const connectMs = 8_000;

/** One stream. start() again with another token replaces it. */
export class Live {
  private socket: WebSocket | undefined;
  private token = '';
  private failures = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private deadline: ReturnType<typeof setTimeout> | undefined;
  private pinger: ReturnType<typeof setTimeout> | undefined;
  private link: Link = { state: 'idle' };

  /** `url` is the ws(s) address of /live; `random` spreads the retries of many clients. */
  constructor(
    private readonly url: string,
    private readonly listener: LiveListener,
    private readonly random: () => number = Math.random,
  ) {}

  /** Opens the stream, or leaves it alone when it is open with this token. */
  start(token: string): void {
    if (token == this.token && this.socket) return;
    this.token = token;
    this.failures = 0;
    this.connect();
  }

  /** Closes the stream for good. */
  stop(): void {
    this.drop();
    this.set({ state: 'idle' });
  }

  /** Tries now instead of later: the network came back, or the visitor asked. */
  hurry(): void {
    if (this.link.state == 'waiting') this.connect();
  }

  /** The network is gone: says so at once instead of waiting for a timeout. */
  offline(): void {
    if (this.link.state == 'live' || this.link.state == 'connecting') this.lost();
  }

  /** Sends a frame if the stream is live; typing needs no more. */
  send(frame: object): void {
    if (this.link.state == 'live') this.socket?.send(JSON.stringify(frame));
  }

  private connect(): void {
    this.drop();
    this.set({ state: 'connecting' });
    const socket = new WebSocket(this.url);
    this.socket = socket;
    this.deadline = setTimeout(() => this.lost(), connectMs);
    socket.onopen = () => socket.send(JSON.stringify({ hello: { token: this.token } }));
    socket.onclose = () => this.lost();
    socket.onmessage = ({ data }) => {
      let frame: ServerFrame;
      try {
        frame = JSON.parse(String(data));
      } catch {
        return this.lost();
      }
      // Whatever comes shows that the link is alive.
      clearTimeout(this.deadline);
      if (frame.bye) return this.ended(frame.bye.reason ?? '', frame.bye.reconnect ?? false);
      if (frame.ready) {
        this.failures = 0;
        this.set({ state: 'live' });
      }
      this.planPing();
      this.listener.frame(frame);
    };
  }

  private planPing(): void {
    clearTimeout(this.pinger);
    this.pinger = setTimeout(() => {
      this.send({ ping: { nonce: String(Date.now()) } });
      this.deadline = setTimeout(() => this.lost(), answerMs);
    }, pingMs);
  }

  private ended(reason: string, reconnect: boolean): void {
    if (reason == 'SESSION_ENDED') {
      this.drop();
      this.set({ state: 'ended' });
      this.listener.refused();
    } else if (reconnect || reason == 'SHUTTING_DOWN' || reason == 'SLOW_CONSUMER') {
      this.lost();
    } else {
      this.drop();
      this.set({ state: 'ended' });
    }
  }

  private lost(): void {
    this.drop();
    const pause = Math.min(30_000, 1_000 * 2 ** this.failures++) * (0.75 + this.random() / 2);
    this.set({ state: 'waiting', retryAt: Date.now() + pause });
    this.retry = setTimeout(() => this.connect(), pause);
  }

  private drop(): void {
    clearTimeout(this.retry);
    clearTimeout(this.deadline);
    clearTimeout(this.pinger);
    const socket = this.socket;
    this.socket = undefined;
    if (!socket) return;
    socket.onopen = socket.onclose = socket.onmessage = null;
    socket.close();
  }

  private set(link: Link): void {
    this.link = link;
    this.listener.link(link);
  }
}
