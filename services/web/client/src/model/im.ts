// The messenger's state, fed by the stream and refilled after every gap. Logs are in views.ts, what is unsent in outbox.ts.

import { create } from '@bufbuild/protobuf';
import { announce, backoff, createStore, cut, Drafts, endSessionHere, LiveSocket, PresenceWatch, probeSession, textStorage, toCallError, type CallError } from '@yizhan/kit';
import { MessageSchema, Presence_Show, type Message } from '@yizhan/kit/gen/im/v1/conversation_pb';
import type { ServerFrame } from '@yizhan/kit/gen/live/v1/live_service_pb';
import { fromProto, merge, peerOf, type Conv } from './conversations.ts';
import { CursorSender } from './cursors.ts';
import { num } from './numbers.ts';
import { Outbox, type Sent, type Unsent } from './outbox.ts';
import { People } from './people.ts';
import { MOST_READERS, Readers } from './readers.ts';
import { conversations, messages } from './services.ts';
import { TypingState } from './typing.ts';
import { Views } from './views.ts';

export class Im {
  readonly meId: string;
  readonly live = new LiveSocket({ probe: probeSession });
  readonly presence = new PresenceWatch(this.live);
  readonly people = new People();
  readonly readers = new Readers();
  readonly typing = new TypingState();
  readonly drafts: Drafts;
  readonly outbox: Outbox;
  readonly views: Views;
  readonly convs = createStore<ReadonlyMap<string, Conv>>(new Map());
  readonly phase = createStore<'loading' | 'ready' | CallError>('loading');
  /** Changes whenever somebody joined or left some conversation. */
  readonly memberChanges = createStore(0);
  private readonly cursorSender = new CursorSender(async (conversationId, read, delivered) => {
    await messages.moveCursor({ conversationId, readSeq: BigInt(read), deliveredSeq: BigInt(delivered) });
  });
  /** Client ids of what was pending on this page: those messages keep the row that they had. */
  private readonly ownKeys = new Set<string>();
  private readonly asking = new Set<string>();
  private refilling: 'no' | 'yes' | 'again' = 'no';
  private refillFailures = 0;

  constructor(meId: string) {
    this.meId = meId;
    this.drafts = new Drafts(meId);
    this.views = new Views(
      meId,
      (message) => (message.senderId === meId && this.ownKeys.has(message.clientId) ? message.clientId : undefined),
      // A page may be quicker than the acknowledgement and the event.
      (message) => this.outbox.drop(message.clientId),
    );
    this.outbox = new Outbox({
      personId: meId,
      storage: textStorage() ?? null,
      online: () => !['waiting', 'ended'].includes(this.live.state.get().phase),
      send: (item, timeoutMs) => this.deliver(item, timeoutMs),
      onSent: (item, sent) => this.sent(item, sent),
    });
    this.live.listen((frame) => this.onFrame(frame));
    this.live.state.watch(() => {
      const state = this.live.state.get();
      if (state.phase === 'ended' && state.reason === 'SESSION_ENDED') endSessionHere();
    });
  }

  start(): void {
    this.live.start();
    this.typing.start();
    void this.refill();
    this.outbox.restore();
    for (const item of this.outbox.items.get()) this.ownKeys.add(item.clientId);
    document.addEventListener('visibilitychange', this.tellPresence);
  }

  stop(): void {
    this.live.stop();
    this.typing.stop();
    this.drafts.close();
    document.removeEventListener('visibilitychange', this.tellPresence);
  }

  /** After a failed start: tries again. */
  retry(): void {
    this.phase.set('loading');
    void this.refill();
  }

  /** The conversation is on the screen: its line is drawn at once, its log loaded around the first unread message, or at the end. */
  async open(id: string): Promise<void> {
    const conv = this.convs.get().get(id);
    const newAfter = conv && conv.unread > 0 && conv.readSeq < conv.lastSeq ? conv.readSeq : null;
    this.views.open(id, newAfter);
    if (!conv || conv.memberCount <= MOST_READERS) void this.readers.load(id);
    const { log } = this.views.of(id).get();
    if (log.loaded) return;
    try {
      if (!conv && peerOf(id, this.meId) && !(await this.fetchConversation(id))) {
        // Two people who never wrote: nothing to load until the first message.
        log.reset([], false, false, 0);
        this.views.touch(id);
      } else {
        await this.views.loadAround(id, newAfter);
      }
    } catch (error) {
      this.views.failed(id, error);
    }
  }

  /** The lowest row that the person has really seen. */
  seen(id: string, seq: number): void {
    const conv = this.convs.get().get(id);
    if (!conv || seq <= conv.readSeq) return;
    this.cursorSender.read(id, seq, conv.group ? 0 : seq);
    this.readTo(id, seq);
  }

  send(id: string, text: string, mentions: readonly string[], replyToSeq: number): Unsent {
    const item = this.outbox.add(id, text, mentions, replyToSeq);
    this.ownKeys.add(item.clientId);
    return item;
  }

  tellTyping(id: string, active: boolean): void {
    this.live.send({ case: 'typing', value: { conversationId: id, active } });
  }

  /** The conversation as the server has it; null when the caller is not in it. Throws when the server cannot be asked. */
  async fetchConversation(id: string): Promise<Conv | null> {
    try {
      const { conversation } = await conversations.getConversation({ conversationId: id });
      if (!conversation) return null;
      const conv = this.put(fromProto(conversation, this.meId));
      this.tellDelivered(conv);
      return conv;
    } catch (error) {
      const known = toCallError(error);
      if (known.temporary || known.signedOut) throw known;
      return null;
    }
  }

  put(conv: Conv): Conv {
    const merged = merge(this.convs.get().get(conv.id), conv);
    this.convs.set((old) => new Map(old).set(conv.id, merged));
    return merged;
  }

  forget(id: string): void {
    this.views.forget(id);
    this.readers.forget(id);
    this.convs.set((old) => {
      const next = new Map(old);
      next.delete(id);
      return next;
    });
  }

  /** Everything that happened while there was no stream. One at a time; asked for again meanwhile, it runs once more. */
  private async refill(): Promise<void> {
    if (this.refilling !== 'no') {
      this.refilling = 'again';
      return;
    }
    try {
      do {
        this.refilling = 'yes';
        await Promise.all([this.syncConversations(), this.people.sync()]);
        await this.refillLogs();
      } while ((this.refilling as string) === 'again');
      this.phase.set('ready');
      this.refillFailures = 0;
    } catch (error) {
      const known = toCallError(error);
      if (this.phase.get() !== 'ready') this.phase.set(known);
      // The stream is there but a call failed: the gap would stay until the next Ready.
      if (known.temporary) setTimeout(() => this.live.state.get().phase === 'live' && void this.refill(), backoff((this.refillFailures += 1), 500, 30_000));
    } finally {
      this.refilling = 'no';
    }
  }

  private async syncConversations(): Promise<void> {
    // Conversations with unread messages are asked for anew: they may have been read on another device.
    const lastSeqs: Record<string, bigint> = {};
    const asked = new Set<string>();
    for (const conv of this.convs.get().values()) {
      if (conv.unread > 0) asked.add(conv.id);
      else lastSeqs[conv.id] = BigInt(conv.lastSeq);
    }
    for (let pageToken = ''; ; ) {
      const page = await conversations.sync({ lastSeqs, pageSize: 200, pageToken });
      for (const id of page.leftIds) this.forget(id);
      const news = page.conversations.map((made) => fromProto(made, this.meId));
      this.convs.set((old) => {
        const next = new Map(old);
        for (const conv of news) next.set(conv.id, merge(old.get(conv.id), conv));
        return next;
      });
      for (const conv of news) {
        asked.delete(conv.id);
        this.tellDelivered(this.convs.get().get(conv.id) ?? conv);
      }
      pageToken = page.nextPageToken;
      if (pageToken === '') break;
      // The first page is enough to begin with.
      this.phase.set('ready');
    }
    for (const id of asked) this.forget(id);
  }

  private async refillLogs(): Promise<void> {
    for (const id of this.views.ids()) {
      const open = id === this.views.openId;
      const view = this.views.known(id);
      if (!view) continue;
      if (!view.log.loaded) {
        if (view.error && open) void this.open(id);
      } else if (!open) {
        this.views.forget(id);
      } else {
        const conv = this.convs.get().get(id);
        if (!conv) continue;
        if (conv.memberCount <= MOST_READERS) void this.readers.load(id);
        await this.views.catchUp(id, conv.lastSeq, conv.readSeq);
      }
    }
  }

  private onFrame(frame: ServerFrame): void {
    if (frame.kind.case === 'ready') {
      void this.refill();
      this.outbox.wake();
      this.cursorSender.wake();
      this.tellPresence();
      return;
    }
    if (frame.kind.case !== 'im') return;
    const { kind } = frame.kind.value;
    switch (kind.case) {
      case 'message':
        this.arrived(kind.value);
        break;
      case 'cursor': {
        const { conversationId, personId, readSeq, deliveredSeq } = kind.value;
        if (personId === this.meId) this.readTo(conversationId, num(readSeq));
        this.readers.moved(conversationId, personId, num(readSeq), num(deliveredSeq));
        break;
      }
      case 'typing':
        this.typing.set(kind.value.conversationId, kind.value.personId, kind.value.active);
        break;
      case 'joined':
        this.put(fromProto(kind.value, this.meId));
        this.memberChanges.set((n) => n + 1);
        break;
      case 'left':
        this.forget(kind.value.conversationId);
        break;
    }
  }

  /** A message of the stream, or our own as its acknowledgement told. */
  private arrived(message: Message): void {
    const id = message.conversationId;
    const seq = num(message.seq);
    const own = message.senderId === this.meId;
    if (own) this.outbox.drop(message.clientId);
    const conv = this.convs.get().get(id);
    if (!conv) {
      this.askConversation(id);
    } else if (seq > conv.lastSeq) {
      const unread = conv.unread + (!own && message.content && seq > conv.readSeq ? 1 : 0);
      const title = message.notice?.title || conv.title;
      this.convs.set((old) => new Map(old).set(id, { ...conv, lastSeq: seq, lastTimeUs: num(message.timeUs), last: message, unread, title }));
      if (!own && !conv.group) this.cursorSender.read(id, 0, seq);
      // Something in between was lost: the count is the server's.
      if (seq > conv.lastSeq + 1) this.askConversation(id);
    }
    if (message.notice) {
      this.memberChanges.set((n) => n + 1);
      if (message.notice.personIds.length > 0) {
        this.askConversation(id);
        if (id === this.views.openId && (conv?.memberCount ?? 0) <= MOST_READERS) void this.readers.load(id);
      }
    }
    if (!own) {
      this.typing.set(id, message.senderId, false);
      if (id === this.views.openId && message.content?.kind.case === 'text') announce(`${this.people.get(message.senderId)?.name ?? ''}: ${cut(message.content.kind.value, 200)}`);
    }
    this.views.arrived(id, message, conv !== undefined && conv.readSeq >= seq - 1);
  }

  private async deliver(item: Unsent, timeoutMs: number): Promise<Sent> {
    const peer = this.convs.get().has(item.conversationId) ? '' : peerOf(item.conversationId, this.meId);
    const content = contentOf(item);
    const made = await messages.sendMessage({ conversationId: peer ? '' : item.conversationId, toPersonId: peer, clientId: item.clientId, content }, { timeoutMs });
    return { conversationId: made.conversationId, seq: num(made.seq), timeUs: num(made.timeUs) };
  }

  private sent(item: Unsent, sent: Sent): void {
    const { conversationId, seq, timeUs } = sent;
    this.arrived(create(MessageSchema, { conversationId, seq: BigInt(seq), clientId: item.clientId, senderId: this.meId, timeUs: BigInt(timeUs), content: contentOf(item) }));
  }

  /** The caller's read position, moved here or on another device. */
  private readTo(id: string, read: number): void {
    const conv = this.convs.get().get(id);
    if (!conv || read <= conv.readSeq) return;
    const counted = read >= conv.lastSeq ? 0 : (this.views.known(id)?.log.countOthers(this.meId, read) ?? null);
    this.convs.set((old) => new Map(old).set(id, { ...conv, readSeq: read, unread: counted ?? conv.unread }));
    if (counted === null) this.askConversation(id);
  }

  /** Two people tell each other what has arrived; in groups that would be a call of everybody for every message. */
  private tellDelivered(conv: Conv): void {
    if (!conv.group && conv.unread > 0) this.cursorSender.read(conv.id, 0, conv.lastSeq);
  }

  /** Asks for a conversation once events have settled. */
  private askConversation(id: string): void {
    if (this.asking.has(id)) return;
    this.asking.add(id);
    setTimeout(() => {
      this.asking.delete(id);
      void this.fetchConversation(id).catch(() => undefined);
    }, 250);
  }

  private readonly tellPresence = (): void => {
    this.live.send({ case: 'setPresence', value: { show: document.visibilityState === 'visible' ? Presence_Show.ONLINE : Presence_Show.AWAY, status: '' } });
  };
}

function contentOf(item: Unsent) {
  return { kind: { case: 'text' as const, value: item.text }, replyToSeq: BigInt(item.replyToSeq), mentions: [...item.mentions] };
}
