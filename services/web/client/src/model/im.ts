// The messenger's state: conversations, their logs, cursors, typing; fed by the stream, refilled after every gap.

import { announce, Drafts, LiveSocket, PresenceWatch, createStore, endSessionHere, probeSession, serviceClient, toCallError, withRetry, type CallError, type Store } from '@yizhan/kit';
import { ConversationService } from '@yizhan/kit/gen/im/v1/conversation_service_pb';
import { MessageService } from '@yizhan/kit/gen/im/v1/message_service_pb';
import { MessageSchema, Presence_Show, type Message } from '@yizhan/kit/gen/im/v1/conversation_pb';
import type { ServerFrame } from '@yizhan/kit/gen/live/v1/live_service_pb';
import { create } from '@bufbuild/protobuf';
import { fromProto, merge, peerOf, type Conv } from './conversations.ts';
import { CursorSender } from './cursors.ts';
import { Log } from './log.ts';
import { num } from './numbers.ts';
import { Outbox, type Sent, type Unsent } from './outbox.ts';
import { People } from './people.ts';

export const conversations = serviceClient(ConversationService);
export const messages = serviceClient(MessageService);

const PAGE = 50;
const NEWEST = 0xffff_ffff_ffff_ffffn;

export interface Cursor {
  read: number;
  delivered: number;
}

/** What a chat shows. A new object whenever something in it changed. */
export interface View {
  readonly log: Log;
  /** Changes with every change of the log. */
  readonly version: number;
  readonly error: CallError | null;
  /** The line "new" stands behind this seq while the conversation is open; null: no line. */
  readonly newAfter: number | null;
}

export interface Typing {
  readonly personId: string;
  readonly until: number;
}

export class Im {
  readonly meId: string;
  readonly live: LiveSocket;
  readonly presence: PresenceWatch;
  readonly people = new People();
  readonly drafts: Drafts;
  readonly outbox: Outbox;
  readonly convs = createStore<ReadonlyMap<string, Conv>>(new Map());
  readonly phase = createStore<'loading' | 'ready' | CallError>('loading');
  readonly typing = createStore<ReadonlyMap<string, Typing>>(new Map());
  private readonly views = new Map<string, Store<View>>();
  private readonly cursors = new Map<string, Store<ReadonlyMap<string, Cursor>>>();
  private readonly membersChanged = createStore(0);
  private readonly cursorSender: CursorSender;
  /** Keys of messages that were pending on this page, by client id. */
  private readonly ownKeys = new Set<string>();
  private readonly filling = new Set<string>();
  private readonly asking = new Map<string, ReturnType<typeof setTimeout>>();
  private openId: string | null = null;
  private sweeper: ReturnType<typeof setInterval> | undefined;

  constructor(meId: string) {
    this.meId = meId;
    this.live = new LiveSocket({ probe: probeSession });
    this.presence = new PresenceWatch(this.live);
    this.drafts = new Drafts(meId);
    this.cursorSender = new CursorSender((conversationId, read, delivered) => messages.moveCursor({ conversationId, readSeq: BigInt(read), deliveredSeq: BigInt(delivered) }).then(() => undefined));
    this.outbox = new Outbox({
      personId: meId,
      storage: localStorage,
      online: () => this.live.state.get().phase !== 'waiting',
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
    void this.refill();
    this.outbox.restore();
    for (const item of this.outbox.items.get()) this.ownKeys.add(item.clientId);
    this.sweeper = setInterval(() => this.sweepTyping(), 1000);
    document.addEventListener('visibilitychange', this.tellPresence);
  }

  stop(): void {
    this.live.stop();
    this.drafts.close();
    clearInterval(this.sweeper);
    document.removeEventListener('visibilitychange', this.tellPresence);
  }

  /** A conversation's chat; loading begins with `open`. */
  view(id: string): Store<View> {
    let store = this.views.get(id);
    if (!store) {
      const log = new Log((message) => (message.senderId === this.meId && this.ownKeys.has(message.clientId) ? message.clientId : undefined));
      store = createStore<View>({ log, version: 0, error: null, newAfter: null });
      this.views.set(id, store);
    }
    return store;
  }

  cursorsOf(id: string): Store<ReadonlyMap<string, Cursor>> {
    let store = this.cursors.get(id);
    if (!store) {
      store = createStore<ReadonlyMap<string, Cursor>>(new Map());
      this.cursors.set(id, store);
    }
    return store;
  }

  /** Changes whenever somebody joined or left some conversation. */
  get memberChanges(): Store<number> {
    return this.membersChanged;
  }

  /** The conversation is on the screen: loads around the first unread message, or at the end. */
  async open(id: string): Promise<void> {
    this.openId = id;
    const view = this.view(id);
    const conv = this.convs.get().get(id);
    const unread = conv && conv.unread > 0 && conv.readSeq < conv.lastSeq;
    view.set((old) => ({ ...old, newAfter: unread ? conv.readSeq : null, error: null }));
    void this.loadCursors(id);
    if (view.get().log.loaded) return;
    try {
      if (!conv && peerOf(id, this.meId)) {
        // Two people who never wrote: nothing to load until the first message.
        const known = await this.fetchConversation(id);
        if (!known) {
          view.get().log.reset([], false, false, 0);
          this.touch(id);
          return;
        }
      }
      await this.loadAround(id, unread ? conv.readSeq : null);
    } catch (error) {
      view.set((old) => ({ ...old, error: toCallError(error) }));
    }
  }

  close(id: string): void {
    if (this.openId === id) this.openId = null;
    const view = this.views.get(id);
    if (!view) return;
    view.set((old) => ({ ...old, newAfter: null }));
    // Long windows are not kept: opening again loads a page.
    if (view.get().log.detached || view.get().log.entries.length > 400) this.views.delete(id);
  }

  /** A page on both sides of `seq`, or the newest one. */
  private async loadAround(id: string, seq: number | null): Promise<void> {
    const { log } = this.view(id).get();
    if (seq === null) {
      const page = await messages.listMessages({ conversationId: id, beforeSeq: NEWEST, pageSize: PAGE });
      log.reset(page.messages, page.more, false, num(page.lastSeq));
    } else {
      const [older, newer] = await Promise.all([
        messages.listMessages({ conversationId: id, beforeSeq: BigInt(seq + 1), pageSize: 30 }),
        messages.listMessages({ conversationId: id, afterSeq: BigInt(seq), pageSize: PAGE }),
      ]);
      log.reset([...older.messages, ...newer.messages], older.more, newer.more, num(newer.lastSeq));
    }
    this.touch(id);
  }

  async loadAbove(id: string): Promise<void> {
    const { log } = this.view(id).get();
    if (!log.moreAbove || !this.begin(id, 'above')) return;
    try {
      const page = await messages.listMessages({ conversationId: id, beforeSeq: BigInt(log.lo), pageSize: PAGE });
      log.prepend(page.messages, page.more && page.messages.length > 0);
      this.touch(id);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 2000));
    } finally {
      this.filling.delete(`${id}/above`);
    }
  }

  async loadBelow(id: string): Promise<void> {
    const { log } = this.view(id).get();
    if (!log.detached || !this.begin(id, 'below')) return;
    try {
      const page = await messages.listMessages({ conversationId: id, afterSeq: BigInt(log.hi), pageSize: PAGE });
      log.append(page.messages, page.more, num(page.lastSeq));
      this.touch(id);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 2000));
    } finally {
      this.filling.delete(`${id}/below`);
    }
  }

  /** Loads a page with `seq` in it; false when there is no such message to see. */
  async jumpTo(id: string, seq: number): Promise<boolean> {
    const { log } = this.view(id).get();
    if (log.entries.some((entry) => entry.seq === seq)) return true;
    await this.loadAround(id, seq);
    return log.entries.some((entry) => entry.seq === seq);
  }

  /** The newest page. */
  async loadEnd(id: string): Promise<void> {
    await this.loadAround(id, null);
  }

  /** Fills what is missing before messages that wait, page by page. */
  private async fillGap(id: string): Promise<void> {
    if (!this.begin(id, 'gap')) return;
    try {
      const { log } = this.view(id).get();
      for (let pages = 0; log.waiting && pages < 4; pages += 1) {
        const page = await withRetry(() => messages.listMessages({ conversationId: id, afterSeq: BigInt(log.hi), pageSize: 200 }), { tries: 4 });
        // More than a few pages: let go of the end rather than load it all.
        log.append(page.messages, page.more && pages === 3, num(page.lastSeq));
        this.touch(id);
        if (page.messages.length === 0) break;
      }
    } catch {
      // The next Ready fills it.
    } finally {
      this.filling.delete(`${id}/gap`);
    }
  }

  /** The lowest row that the person has really seen. */
  seen(id: string, seq: number): void {
    const conv = this.convs.get().get(id);
    if (!conv || seq <= conv.readSeq) return;
    this.cursorSender.read(id, seq, conv.group ? 0 : seq);
    this.moved(id, seq);
  }

  send(id: string, text: string, mentions: readonly string[], replyToSeq: number): Unsent {
    const item = this.outbox.add(id, text, mentions, replyToSeq);
    this.ownKeys.add(item.clientId);
    return item;
  }

  tellTyping(id: string, active: boolean): void {
    this.live.send({ case: 'typing', value: { conversationId: id, active } });
  }

  /** The conversation as the server has it; null when the caller is not in it. */
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

  /** Two people tell each other what has arrived; in groups that would be a call of everybody for every message. */
  private tellDelivered(conv: Conv): void {
    if (!conv.group && conv.unread > 0) this.cursorSender.read(conv.id, 0, conv.lastSeq);
  }

  forget(id: string): void {
    this.views.delete(id);
    this.cursors.delete(id);
    this.convs.set((old) => {
      const next = new Map(old);
      next.delete(id);
      return next;
    });
  }

  /** Everything that happened while there was no stream. */
  private async refill(): Promise<void> {
    if (this.refilling) {
      this.refillAgain = true;
      return;
    }
    this.refilling = true;
    try {
      do {
        this.refillAgain = false;
        await Promise.all([this.syncConversations(), this.people.sync()]);
        await this.refillLogs();
      } while (this.refillAgain);
      this.phase.set('ready');
    } catch (error) {
      const known = toCallError(error);
      if (this.phase.get() !== 'ready') this.phase.set(known);
    } finally {
      this.refilling = false;
    }
  }
  private refilling = false;
  private refillAgain = false;

  retry(): void {
    this.phase.set('loading');
    void this.refill();
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
      this.convs.set((old) => {
        const next = new Map(old);
        for (const made of page.conversations) {
          const conv = fromProto(made, this.meId);
          next.set(conv.id, merge(old.get(conv.id), conv));
          asked.delete(conv.id);
        }
        return next;
      });
      for (const made of page.conversations) {
        const conv = this.convs.get().get(made.conversationId);
        if (conv) this.tellDelivered(conv);
      }
      pageToken = page.nextPageToken;
      if (pageToken === '') break;
      // The first page is enough to begin with.
      this.phase.set('ready');
    }
    for (const id of asked) this.forget(id);
  }

  private async refillLogs(): Promise<void> {
    for (const [id, store] of [...this.views]) {
      const { log, error } = store.get();
      const conv = this.convs.get().get(id);
      if (!log.loaded) {
        if (error && id === this.openId) void this.open(id);
        continue;
      }
      if (id !== this.openId) {
        this.views.delete(id);
        continue;
      }
      void this.loadCursors(id);
      if (!conv || log.detached) {
        if (conv) {
          log.lastSeq = Math.max(log.lastSeq, conv.lastSeq);
          this.touch(id);
        }
        continue;
      }
      const page = await messages.listMessages({ conversationId: id, afterSeq: BigInt(log.hi), pageSize: 200 });
      if (page.messages.length > 0) this.lineWhenAway(id, page.messages);
      log.append(page.messages, page.more, num(page.lastSeq));
      this.touch(id);
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
      case 'cursor':
        this.cursorMoved(kind.value.conversationId, kind.value.personId, num(kind.value.readSeq), num(kind.value.deliveredSeq));
        break;
      case 'typing':
        this.setTyping(kind.value.conversationId, kind.value.personId, kind.value.active);
        break;
      case 'joined':
        this.put(fromProto(kind.value, this.meId));
        this.membersChanged.set((n) => n + 1);
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
      if (seq > conv.lastSeq + 1 && !this.views.has(id)) this.askConversation(id);
    }
    if (message.notice) {
      this.membersChanged.set((n) => n + 1);
      if (conv && message.notice.personIds.length > 0) this.askConversation(id);
    }
    if (!own) {
      this.setTyping(id, message.senderId, false);
      if (message.content && id === this.openId) this.announceArrival(message);
    }
    const view = this.views.get(id);
    if (!view) return;
    if (!own) this.lineWhenAway(id, [message]);
    switch (view.get().log.arrive(message)) {
      case 'gap':
        void this.fillGap(id);
        break;
      case 'known':
        return;
    }
    this.touch(id);
  }

  /** Messages that come while nobody looks get the line, so that the reader finds where they stopped. */
  private lineWhenAway(id: string, news: readonly Message[]): void {
    if (id !== this.openId || document.hasFocus()) return;
    const first = news.find((message) => message.senderId !== this.meId && message.content);
    if (first) this.view(id).set((old) => (old.newAfter !== null ? old : { ...old, newAfter: num(first.seq) - 1 }));
  }

  private announceArrival(message: Message): void {
    const sender = this.people.get(message.senderId);
    if (message.content?.kind.case === 'text') announce(`${sender?.name ?? ''}: ${message.content.kind.value.slice(0, 200)}`);
  }

  private async deliver(item: Unsent, timeoutMs: number): Promise<Sent> {
    const peer = peerOf(item.conversationId, this.meId);
    const known = this.convs.get().has(item.conversationId);
    const made = await messages.sendMessage(
      {
        conversationId: peer && !known ? '' : item.conversationId,
        toPersonId: peer && !known ? peer : '',
        clientId: item.clientId,
        content: { kind: { case: 'text', value: item.text }, replyToSeq: BigInt(item.replyToSeq), mentions: [...item.mentions] },
      },
      { timeoutMs },
    );
    return { conversationId: made.conversationId, seq: num(made.seq), timeUs: num(made.timeUs) };
  }

  private sent(item: Unsent, sent: Sent): void {
    this.arrived(create(MessageSchema, {
      conversationId: sent.conversationId, seq: BigInt(sent.seq), clientId: item.clientId, senderId: this.meId, timeUs: BigInt(sent.timeUs),
      content: { kind: { case: 'text', value: item.text }, replyToSeq: BigInt(item.replyToSeq), mentions: [...item.mentions] },
    }));
  }

  private cursorMoved(id: string, personId: string, read: number, delivered: number): void {
    if (personId === this.meId) this.moved(id, read);
    const store = this.cursors.get(id);
    if (!store) return;
    const old = store.get().get(personId) ?? { read: 0, delivered: 0 };
    const next = { read: Math.max(old.read, read), delivered: Math.max(old.delivered, delivered, read) };
    if (next.read !== old.read || next.delivered !== old.delivered) store.set((all) => new Map(all).set(personId, next));
  }

  /** The caller's read position, moved here or on another device. */
  private moved(id: string, read: number): void {
    const conv = this.convs.get().get(id);
    if (!conv || read <= conv.readSeq) return;
    const counted = read >= conv.lastSeq ? 0 : (this.views.get(id)?.get().log.countOthers(this.meId, read) ?? null);
    this.convs.set((old) => new Map(old).set(id, { ...conv, readSeq: read, unread: counted ?? conv.unread }));
    if (counted === null) this.askConversation(id);
  }

  private async loadCursors(id: string): Promise<void> {
    const conv = this.convs.get().get(id);
    // Readers by name are for small groups; a large one would be a page of cursors for every message.
    if (conv && conv.memberCount > 200) return;
    try {
      const page = await conversations.listMembers({ conversationId: id, pageSize: 200 });
      this.cursorsOf(id).set((old) => {
        const next = new Map<string, Cursor>();
        for (const member of page.members) {
          const known = old.get(member.personId) ?? { read: 0, delivered: 0 };
          const read = Math.max(known.read, num(member.readSeq));
          next.set(member.personId, { read, delivered: Math.max(known.delivered, num(member.deliveredSeq), read) });
        }
        return next;
      });
    } catch {
      // Two people who never wrote have no members yet; anything else is asked again at the next opening.
    }
  }

  private askConversation(id: string): void {
    if (this.asking.has(id)) return;
    this.asking.set(id, setTimeout(() => {
      this.asking.delete(id);
      void this.fetchConversation(id).catch(() => undefined);
    }, 250));
  }

  private setTyping(id: string, personId: string, active: boolean): void {
    const known = this.typing.get().get(id);
    if (!active && known?.personId !== personId) return;
    this.typing.set((old) => {
      const next = new Map(old);
      if (active) next.set(id, { personId, until: Date.now() + 6000 });
      else next.delete(id);
      return next;
    });
  }

  private sweepTyping(): void {
    const now = Date.now();
    const over = [...this.typing.get()].filter(([, typing]) => typing.until < now);
    if (over.length > 0) this.typing.set((old) => new Map([...old].filter(([, typing]) => typing.until >= now)));
  }

  private readonly tellPresence = (): void => {
    this.live.send({ case: 'setPresence', value: { show: document.visibilityState === 'visible' ? Presence_Show.ONLINE : Presence_Show.AWAY, status: '' } });
  };

  private begin(id: string, what: string): boolean {
    const key = `${id}/${what}`;
    if (this.filling.has(key)) return false;
    this.filling.add(key);
    return true;
  }

  private touch(id: string): void {
    this.view(id).set((old) => ({ ...old, version: old.version + 1, error: null }));
  }
}
