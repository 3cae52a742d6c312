// The chats that are or were on the screen: their logs, and fetching what is missing in them.

import { createStore, sleep, toCallError, withRetry, type CallError, type Store } from '@yizhan/kit';
import type { Message } from '@yizhan/kit/gen/im/v1/conversation_pb';
import { Log } from './log.ts';
import { num } from './numbers.ts';
import { messages } from './services.ts';

const PAGE = 50;
const LARGE_PAGE = 200;
/** A gap of more pages than this is not filled: the window lets go of the end. */
const GAP_PAGES = 4;
const NEWEST = 0xffff_ffff_ffff_ffffn;
/** Longer windows are not kept when their chat is left: opening it again loads a page. */
const MOST_KEPT = 400;

/** What a chat shows. A new object whenever something in it changed. */
export interface View {
  readonly log: Log;
  /** Changes with every change of the log. */
  readonly version: number;
  readonly error: CallError | null;
  /** The line "new" stands behind this seq while the conversation is open; null: no line. */
  readonly newAfter: number | null;
}

export class Views {
  /** The conversation on the screen. */
  openId: string | null = null;
  private readonly stores = new Map<string, Store<View>>();
  private readonly busy = new Set<string>();
  private readonly meId: string;
  private readonly ownKey: (message: Message) => string | undefined;
  private readonly onRecord: (message: Message) => void;

  /**
   * ownKey: the key of the row that shows this message while it was pending on this page, if there is one.
   * onRecord: told of each of the caller's own messages that a page brings, before those who watch are told of the page.
   */
  constructor(meId: string, ownKey: (message: Message) => string | undefined, onRecord: (message: Message) => void) {
    this.meId = meId;
    this.ownKey = ownKey;
    this.onRecord = onRecord;
  }

  of(id: string): Store<View> {
    let store = this.stores.get(id);
    if (!store) {
      store = createStore<View>({ log: new Log(this.ownKey), version: 0, error: null, newAfter: null });
      this.stores.set(id, store);
    }
    return store;
  }

  known(id: string): View | undefined {
    return this.stores.get(id)?.get();
  }

  ids(): string[] {
    return [...this.stores.keys()];
  }

  forget(id: string): void {
    this.stores.delete(id);
  }

  /** The conversation is on the screen. newAfter: where the line "new" stands, or null. */
  open(id: string, newAfter: number | null): void {
    this.openId = id;
    this.of(id).set((old) => ({ ...old, newAfter, error: null }));
  }

  close(id: string): void {
    if (this.openId === id) this.openId = null;
    const view = this.known(id);
    if (!view) return;
    this.of(id).set((old) => ({ ...old, newAfter: null }));
    if (view.log.detached || view.log.entries.length > MOST_KEPT) this.forget(id);
  }

  failed(id: string, error: unknown): void {
    this.of(id).set((old) => ({ ...old, error: toCallError(error) }));
  }

  /** Tells those who watch that the log has changed. */
  touch(id: string): void {
    this.of(id).set((old) => ({ ...old, version: old.version + 1, error: null }));
  }

  /** A page on both sides of `seq`, or the newest one when it is null. Throws what the calls throw. */
  async loadAround(id: string, seq: number | null): Promise<void> {
    const { log } = this.of(id).get();
    if (seq === null) {
      const page = await messages.listMessages({ conversationId: id, beforeSeq: NEWEST, pageSize: PAGE });
      log.reset(page.messages, page.more, false, num(page.lastSeq));
      this.took(id, page.messages);
    } else {
      const [older, newer] = await Promise.all([
        messages.listMessages({ conversationId: id, beforeSeq: BigInt(seq + 1), pageSize: 30 }),
        messages.listMessages({ conversationId: id, afterSeq: BigInt(seq), pageSize: PAGE }),
      ]);
      const both = [...older.messages, ...newer.messages];
      log.reset(both, older.more, newer.more, num(newer.lastSeq));
      this.took(id, both);
    }
  }

  loadAbove(id: string): Promise<void> {
    const { log } = this.of(id).get();
    if (!log.moreAbove) return Promise.resolve();
    return this.once(`${id}/above`, async () => {
      const page = await messages.listMessages({ conversationId: id, beforeSeq: BigInt(log.lo), pageSize: PAGE });
      log.prepend(page.messages, page.more && page.messages.length > 0);
      this.took(id, page.messages);
    });
  }

  loadBelow(id: string): Promise<void> {
    const { log } = this.of(id).get();
    if (!log.detached) return Promise.resolve();
    return this.once(`${id}/below`, async () => {
      const page = await messages.listMessages({ conversationId: id, afterSeq: BigInt(log.hi), pageSize: PAGE });
      log.append(page.messages, page.more, num(page.lastSeq));
      this.took(id, page.messages);
    });
  }

  /** Fills what is missing before messages that wait. What fails here is filled after the next Ready. */
  fillGap(id: string): Promise<void> {
    return this.once(`${id}/gap`, async () => {
      const { log } = this.of(id).get();
      for (let pages = 1; log.waiting && pages <= GAP_PAGES; pages += 1) {
        const page = await withRetry(() => messages.listMessages({ conversationId: id, afterSeq: BigInt(log.hi), pageSize: LARGE_PAGE }), { tries: 4 });
        if (page.messages.length === 0) break;
        log.append(page.messages, page.more && pages === GAP_PAGES, num(page.lastSeq));
        this.took(id, page.messages);
      }
    });
  }

  /** What came after the window's end while there was no stream. */
  async catchUp(id: string, lastSeq: number, readSeq: number): Promise<void> {
    const { log } = this.of(id).get();
    if (log.detached) {
      log.lastSeq = Math.max(log.lastSeq, lastSeq);
      this.touch(id);
    } else {
      const page = await messages.listMessages({ conversationId: id, afterSeq: BigInt(log.hi), pageSize: LARGE_PAGE });
      this.lineWhenAway(id, page.messages, readSeq >= log.hi);
      log.append(page.messages, page.more, num(page.lastSeq));
      this.took(id, page.messages);
    }
  }

  /** Loads a page with `seq` in it; false when there is no such message to see. */
  async jumpTo(id: string, seq: number): Promise<boolean> {
    const { log } = this.of(id).get();
    const here = () => log.entries.some((entry) => entry.seq === seq);
    if (!here()) await this.loadAround(id, seq);
    return here();
  }

  /** A message of the stream. allRead: everything before it was. */
  arrived(id: string, message: Message, allRead: boolean): void {
    if (!this.stores.has(id)) return;
    if (message.senderId !== this.meId) this.lineWhenAway(id, [message], allRead);
    const what = this.of(id).get().log.arrive(message);
    if (what === 'gap') void this.fillGap(id);
    if (what !== 'known') this.touch(id);
  }

  /** Messages that come while nobody looks get the line, so that the reader finds where they stopped; an older line has served. */
  private lineWhenAway(id: string, news: readonly Message[], allRead: boolean): void {
    if (id !== this.openId || document.hasFocus()) return;
    const first = news.find((message) => message.senderId !== this.meId && message.content);
    if (first) this.of(id).set((old) => (old.newAfter !== null && !allRead ? old : { ...old, newAfter: num(first.seq) - 1 }));
  }

  /** The log has taken in a page. */
  private took(id: string, page: readonly Message[]): void {
    // In the same breath: drawn in between, a message of the caller's would stand there twice, or not at all.
    for (const message of page) if (message.senderId === this.meId) this.onRecord(message);
    this.touch(id);
  }

  /** One of a kind at a time; after a failure not again for a moment, because scrolling asks often. */
  private async once(key: string, work: () => Promise<void>): Promise<void> {
    if (this.busy.has(key)) return;
    this.busy.add(key);
    try {
      await work();
    } catch {
      await sleep(2000);
    } finally {
      this.busy.delete(key);
    }
  }
}
