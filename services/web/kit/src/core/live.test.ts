import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocketServer, type WebSocket as Peer } from 'ws';
import { ClientFrameSchema, ServerFrameSchema, type ClientFrame } from '../../gen/yizhan/live/v1/live_service_pb';
import { LiveSocket, type LiveOptions, type LinkState } from './live.ts';

type Kind = NonNullable<MessageInitShape<typeof ServerFrameSchema>['kind']>;

/** The other end of the contract, as much of it as a socket needs. */
class Station {
  readonly peers: Peer[] = [];
  readonly heard: ClientFrame[] = [];
  refuse = false;
  silent = false;
  readonly server: WebSocketServer;

  constructor() {
    this.server = new WebSocketServer({ port: 0, host: '127.0.0.1', verifyClient: () => !this.refuse });
    this.server.on('connection', (peer) => {
      this.peers.push(peer);
      peer.on('message', (data: Buffer) => {
        const frame = fromBinary(ClientFrameSchema, new Uint8Array(data));
        this.heard.push(frame);
        if (frame.kind.case === 'ping') this.send({ case: 'pong', value: { nonce: frame.kind.value.nonce, serverTimeUs: BigInt(Date.now()) * 1000n } });
      });
      this.send({ case: 'ready', value: { principalId: 'p1', serverTimeUs: BigInt(Date.now()) * 1000n, streamId: 's' } });
    });
  }

  get url(): string {
    const address = this.server.address();
    return `ws://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/live`;
  }

  send(kind: Kind): void {
    if (!this.silent) this.peers[this.peers.length - 1]?.send(toBinary(ServerFrameSchema, create(ServerFrameSchema, { kind })));
  }

  cut(): void {
    for (const peer of this.peers) peer.terminate();
  }
}

describe('LiveSocket', () => {
  const open: { close: () => void }[] = [];
  afterEach(() => { for (const each of open.splice(0)) each.close(); });

  async function setup(options: LiveOptions = {}) {
    const station = new Station();
    await new Promise((resolve) => station.server.once('listening', resolve));
    const live = new LiveSocket({ url: station.url, firstBackoffMs: 20, ...options });
    const frames: string[] = [];
    const phases: LinkState['phase'][] = [];
    live.listen((frame) => frames.push(frame.kind.case ?? ''));
    live.state.watch(() => phases.push(live.state.get().phase));
    open.push({ close: () => { live.stop(); station.cut(); station.server.close(); } });
    live.start();
    return { station, live, frames, phases };
  }
  const phase = (live: LiveSocket, wanted: LinkState['phase'], ms = 3000) => vi.waitFor(() => expect(live.state.get().phase).toBe(wanted), ms);

  it('hands over what comes in quick succession together, in order', async () => {
    const { station, live } = await setup();
    const seen: string[] = [];
    let batches = 0;
    let within = false;
    live.listen((frame) => {
      if (frame.kind.case !== 'im' || frame.kind.value.kind.case !== 'presence') return;
      seen.push(frame.kind.value.kind.value.personId);
      if (within) return;
      within = true;
      batches += 1;
      setTimeout(() => { within = false; }, 0);
    });
    await phase(live, 'live');
    const wanted = Array.from({ length: 200 }, (_, i) => `p${i}`);
    for (const personId of wanted) {
      station.send({ case: 'im', value: { kind: { case: 'presence', value: { personId } } } });
      if (personId.endsWith('0')) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await vi.waitFor(() => expect(seen).toEqual(wanted));
    expect(batches).toBeLessThan(20);
  });

  it('hands over what came before the link broke', async () => {
    const { station, live, frames } = await setup();
    await phase(live, 'live');
    station.send({ case: 'im', value: { kind: { case: 'presence', value: { personId: 'a' } } } });
    station.send({ case: 'im', value: { kind: { case: 'presence', value: { personId: 'b' } } } });
    station.send({ case: 'bye', value: { reason: 'SHUTTING_DOWN', reconnect: true } });
    await phase(live, 'live');
    await vi.waitFor(() => expect(frames).toEqual(['ready', 'im', 'im', 'ready']));
  });

  it('is live once the server says so, and hands on what comes', async () => {
    const { station, live, frames } = await setup();
    await phase(live, 'live');
    station.send({ case: 'im', value: { kind: { case: 'left', value: { conversationId: 'g:x', lastSeq: 3n } } } });
    await vi.waitFor(() => expect(frames).toEqual(['ready', 'im']));
  });

  it('comes back by itself, and says Ready again so that the gap is filled', async () => {
    const { station, live, frames, phases } = await setup();
    await phase(live, 'live');
    station.cut();
    await vi.waitFor(() => expect(frames).toEqual(['ready', 'ready']));
    expect(phases).toEqual(['live', 'waiting', 'live']);
  });

  it('says when it will try again, later each time', async () => {
    const { station, live } = await setup({ firstBackoffMs: 60 });
    await phase(live, 'live');
    station.refuse = true;
    station.cut();
    const waits: number[] = [];
    live.state.watch(() => {
      const state = live.state.get();
      if (state.phase === 'waiting') waits.push(state.retryAt - Date.now());
    });
    await vi.waitFor(() => expect(waits.length).toBeGreaterThanOrEqual(5), 8000);
    expect(waits[0]).toBeLessThanOrEqual(60);
    expect(waits[4]).toBeGreaterThan(waits[0]!);
    station.refuse = false;
    live.wake();
    await phase(live, 'live', 500);
  });

  it('finds out that a link swallows', async () => {
    const { station, live } = await setup({ pingAfterMs: 1000, pongWithinMs: 1000, openWithinMs: 1000 });
    await phase(live, 'live');
    station.silent = true;
    const since = Date.now();
    await phase(live, 'waiting', 6000);
    expect(Date.now() - since).toBeLessThan(5000);
    station.silent = false;
    await phase(live, 'live', 8000);
  });

  it('by default notices within 15 s', () => {
    const live = new LiveSocket({ url: 'ws://127.0.0.1:1/live' }) as unknown as { options: Required<LiveOptions> };
    // A tick of a second comes on top of each.
    expect(live.options.pingAfterMs + live.options.pongWithinMs + 2000).toBeLessThanOrEqual(15_000);
  });

  it('keeps an idle link alive', async () => {
    const { station, live, phases } = await setup({ pingAfterMs: 500, pongWithinMs: 1500 });
    await phase(live, 'live');
    await vi.waitFor(() => expect(station.heard.filter((frame) => frame.kind.case === 'ping').length).toBeGreaterThanOrEqual(2), 5000);
    expect(phases).toEqual(['live']);
  });

  it('does not come back when the server says so', async () => {
    const { station, live } = await setup();
    await phase(live, 'live');
    station.send({ case: 'bye', value: { reason: 'SESSION_ENDED', message: '', reconnect: false } });
    await phase(live, 'ended');
    expect(live.state.get()).toEqual({ phase: 'ended', reason: 'SESSION_ENDED' });
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(station.peers.length).toBe(1);
  });

  it('comes back after a restart of the server', async () => {
    const { station, live, frames } = await setup();
    await phase(live, 'live');
    station.send({ case: 'bye', value: { reason: 'SHUTTING_DOWN', message: '', reconnect: true } });
    await vi.waitFor(() => expect(frames.filter((each) => each === 'ready').length).toBe(2));
  });

  it('stops trying when the session is gone', async () => {
    const { station, live } = await setup({ probe: () => Promise.resolve('signed-out') });
    await phase(live, 'live');
    station.refuse = true;
    station.cut();
    await phase(live, 'ended');
  });

  it('takes frames that are no frames for a broken link, not for an exception', async () => {
    const { station, live, phases } = await setup();
    await phase(live, 'live');
    station.peers[0]!.send(Buffer.from([0xff, 0xff, 0xff]));
    await vi.waitFor(() => expect(phases).toEqual(['live', 'waiting', 'live']));
  });

  it('sends only while live', async () => {
    const { station, live } = await setup();
    expect(live.send({ case: 'watchPresence', value: { personIds: ['p2'] } })).toBe(false);
    await phase(live, 'live');
    expect(live.send({ case: 'watchPresence', value: { personIds: ['p2'] } })).toBe(true);
    await vi.waitFor(() => expect(station.heard.length).toBe(1));
  });
});
