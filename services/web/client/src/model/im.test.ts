import { create } from '@bufbuild/protobuf';
import { createStore, type LinkState } from '@yizhan/kit/core';
import { ConversationSchema, Conversation_Kind, MessageSchema, type Message } from '@yizhan/kit/gen/im/v1/conversation_pb';
import { ServerFrameSchema, type ServerFrame } from '@yizhan/kit/gen/live/v1/live_service_pb';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Rows } from './rows.ts';
import { conversations, messages } from './services.ts';

/** The stream: a test says what comes. */
class Stream {
  readonly state = createStore<LinkState>({ phase: 'connecting' });
  private readonly listeners: ((frame: ServerFrame) => void)[] = [];
  listen(fn: (frame: ServerFrame) => void) {
    this.listeners.push(fn);
    return () => undefined;
  }
  start() {}
  stop() {}
  send() { return false; }
  ready() {
    this.state.set({ phase: 'live' });
    this.come(create(ServerFrameSchema, { kind: { case: 'ready', value: {} } }));
  }
  message(value: Message) {
    this.come(create(ServerFrameSchema, { kind: { case: 'im', value: { kind: { case: 'message', value } } } }));
  }
  private come(frame: ServerFrame) {
    for (const fn of this.listeners) fn(frame);
  }
}

vi.mock('@yizhan/kit', async () => ({ ...(await import('@yizhan/kit/core')), announce: () => undefined, LiveSocket: Stream }));
vi.mock('./people.ts', () => ({ People: class { sync() { return Promise.resolve(); } get() { return undefined; } } }));
vi.mock('./services.ts', () => ({ conversations: {}, messages: {} }));
// After the stream that it is to have.
const { Im } = await import('./im.ts');

const ID = 'g:x';
/** Lets everything run that waits for nothing but answers that are there. */
const settle = () => new Promise((resolve) => setTimeout(resolve));

/** A server with one conversation: what is on the record, and answers that a test lets go. */
class Server {
  readonly record: Message[] = [];
  /** Answers that have been made and not let go, by call. */
  private readonly answers = new Map<string, (() => void)[]>();

  add(senderId: string, text: string, clientId = ''): Message {
    const message = create(MessageSchema, { conversationId: ID, seq: BigInt(this.record.length + 1), senderId, clientId, timeUs: BigInt(this.record.length + 1) * 1_000_000n, content: { kind: { case: 'text', value: text } } });
    this.record.push(message);
    return message;
  }

  /** Stands in for the services. Every answer is made when it is asked for, and let go by `answer` from then on. */
  serve() {
    Object.assign(messages, {
      listMessages: ({ beforeSeq = 0n, afterSeq = 0n, pageSize }: { beforeSeq?: bigint; afterSeq?: bigint; pageSize: number }) => {
        const all = this.record.filter((each) => (beforeSeq > 0n ? each.seq < beforeSeq : each.seq > afterSeq));
        const page = beforeSeq > 0n ? all.slice(-pageSize) : all.slice(0, pageSize);
        return this.later('page', { messages: page, more: page.length < all.length, lastSeq: BigInt(this.record.length) });
      },
      sendMessage: ({ clientId, content }: { clientId: string; content: { kind: { value: string } } }) => this.later('acknowledgement', this.record.find((each) => each.clientId === clientId) ?? this.add('me', content.kind.value, clientId)),
      moveCursor: () => Promise.resolve({}),
    });
    Object.assign(conversations, {
      sync: () => Promise.resolve({ leftIds: [], conversations: [this.conversation()], nextPageToken: '' }),
      getConversation: () => Promise.resolve({ conversation: this.conversation() }),
      listMembers: () => Promise.resolve({ members: [] }),
    });
  }

  answer(call: string) {
    for (const fn of this.answers.get(call)?.splice(0) ?? []) fn();
  }

  private conversation() {
    return create(ConversationSchema, { conversationId: ID, kind: Conversation_Kind.GROUP, lastSeq: BigInt(this.record.length), readSeq: BigInt(this.record.length), memberCount: 2 });
  }

  private later<T>(call: string, value: T): Promise<T> {
    return new Promise((resolve) => this.answers.set(call, [...(this.answers.get(call) ?? []), () => resolve(value)]));
  }
}

/** Every order of these. */
function orders<T>(items: readonly T[]): T[][] {
  return items.length < 2 ? [[...items]] : items.flatMap((first, i) => orders(items.filter((_, j) => j !== i)).map((rest) => [first, ...rest]));
}

describe('Im', () => {
  let storage: Map<string, string>;
  beforeEach(() => {
    storage = new Map();
    vi.stubGlobal('addEventListener', () => undefined);
    vi.stubGlobal('removeEventListener', () => undefined);
    vi.stubGlobal('document', { hasFocus: () => true, visibilityState: 'visible', addEventListener: () => undefined, removeEventListener: () => undefined });
    vi.stubGlobal('localStorage', { get length() { return storage.size; }, key: (i: number) => [...storage.keys()][i] ?? null, getItem: (key: string) => storage.get(key) ?? null, setItem: (key: string, value: string) => storage.set(key, value), removeItem: (key: string) => storage.delete(key) });
  });
  afterEach(() => vi.unstubAllGlobals());

  /** A page with the conversation open, and what its list has shown: each list of rows, whenever something changed. */
  async function opened(server: Server) {
    server.serve();
    const im = new Im('me');
    const stream = im.live as unknown as Stream;
    const maker = new Rows();
    const shown: string[][] = [];
    const draw = () => {
      const { log, newAfter } = im.views.of(ID).get();
      const rows = maker.make(log, 'me', newAfter, im.outbox.items.get());
      shown.push(rows.filter((row) => row.type === 'message' || row.type === 'unsent').map((row) => row.key));
    };
    im.start();
    stream.ready();
    await settle();
    void im.open(ID);
    await settle();
    server.answer('page');
    await settle();
    // Drawn as React draws: not between two changes of one breath.
    let due = false;
    const soon = () => {
      if (due) return;
      due = true;
      queueMicrotask(() => {
        due = false;
        draw();
      });
    };
    im.views.of(ID).watch(soon);
    im.outbox.items.watch(soon);
    return { im, stream, shown };
  }

  // The list of the messenger lost track of a row whose key stood in it twice, and left it where it was: above what had come meanwhile.
  for (const before of [true, false]) {
    for (const order of orders(['page', 'event', 'acknowledgement'])) {
      it(`shows what was sent after an outage once and last: ${order.join(', ')}; the page is from ${before ? 'before' : 'after'} the sending`, async () => {
        const server = new Server();
        for (let i = 0; i < 3; i += 1) server.add('p2', `old ${i}`);
        const { im, stream, shown } = await opened(server);
        stream.state.set({ phase: 'waiting', retryAt: 0, since: 0 });
        const { clientId } = im.send(ID, 'own', [], 0);
        for (let i = 0; i < 5; i += 1) server.add('p2', `missed ${i}`);
        await settle();

        if (before) {
          // Whoever reads is quicker than who writes.
          const send = messages.sendMessage.bind(messages);
          let go: () => void = () => undefined;
          const asked = new Promise<void>((resolve) => { go = resolve; });
          Object.assign(messages, { sendMessage: (request: never) => asked.then(() => send(request)) });
          stream.ready();
          await settle();
          go();
        } else {
          // Whoever writes is quicker: the page that fills the gap has the message.
          const list = messages.listMessages.bind(messages);
          Object.assign(messages, { listMessages: (request: never) => settle().then(() => list(request)) });
          stream.ready();
        }
        await settle();
        await settle();
        const own = server.record[8]!;
        expect(own?.clientId).toBe(clientId);
        for (const step of order) {
          if (step === 'event') stream.message(own);
          else server.answer(step);
          await settle();
        }
        // What the event made the page ask for.
        for (let i = 0; i < 3; i += 1) {
          server.answer('page');
          await settle();
        }

        expect(shown[shown.length - 1]).toEqual(['s1', 's2', 's3', 's4', 's5', 's6', 's7', 's8', clientId]);
        for (const keys of shown) {
          expect(new Set(keys).size, `a key twice in ${keys}`).toBe(keys.length);
          expect(keys[keys.length - 1], 'last, and there all the time').toBe(clientId);
        }
        expect(im.outbox.items.get()).toEqual([]);
        expect([...storage.keys()]).toEqual([]);
        im.stop();
      });
    }
  }

  it('takes what the record has for sent, though its acknowledgement never came', async () => {
    const server = new Server();
    server.add('p2', 'old');
    const own = server.add('me', 'own', 'c1');
    storage.set('yz:outbox:me:c1', JSON.stringify({ clientId: 'c1', conversationId: ID, text: 'own', mentions: [], replyToSeq: 0, createdAt: 1, state: 'failed', error: null }));
    const { im, shown } = await opened(server);
    await settle();
    expect(im.outbox.items.get()).toEqual([]);
    expect(storage.size).toBe(0);
    expect(im.views.of(ID).get().log.entries.map((entry) => entry.key)).toEqual(['s1', own.clientId]);
    for (const keys of shown) expect(new Set(keys).size).toBe(keys.length);
    im.stop();
  });
});
