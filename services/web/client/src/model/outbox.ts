// What was written and is not on the record yet. One honest state each; a retry cannot duplicate, because the id is made here.

import { createStore, sleep, backoff, toCallError, type CallError, newId, type TextStorage } from '@yizhan/kit/core';

export interface Unsent {
  readonly clientId: string;
  readonly conversationId: string;
  readonly text: string;
  readonly mentions: readonly string[];
  readonly replyToSeq: number;
  /** Milliseconds of Date.now(). */
  readonly createdAt: number;
  /** going: on its way, or waiting for the link. failed: a person decides, Retry or Delete. */
  readonly state: 'going' | 'failed';
  readonly error: CallError | null;
}

export interface Sent {
  conversationId: string;
  seq: number;
  timeUs: number;
}

export interface OutboxOptions {
  personId: string;
  send: (item: Unsent, timeoutMs: number) => Promise<Sent>;
  onSent: (item: Unsent, sent: Sent) => void;
  /** Whether the link is believed to be up. */
  online: () => boolean;
  /** Kept across reloads; null: not at all. */
  storage: TextStorage | null;
  /** With the link up, an item that is not acknowledged for this long has failed. */
  failAfterMs?: number;
  tryMs?: number;
}

const PREFIX = 'yz:outbox:';

export class Outbox {
  /** In the order in which they were written. */
  readonly items = createStore<readonly Unsent[]>([]);
  private readonly running = new Set<string>();
  private readonly options: Required<OutboxOptions>;
  private wakers = new Set<() => void>();

  constructor(options: OutboxOptions) {
    this.options = { failAfterMs: 15_000, tryMs: 5_000, ...options };
  }

  /** Takes up what an earlier page left. */
  restore(): void {
    const { storage, personId } = this.options;
    if (!storage) return;
    const found: Unsent[] = [];
    for (let i = 0; i < storage.length; i += 1) {
      const key = storage.key(i)!;
      if (!key.startsWith(`${PREFIX}${personId}:`)) continue;
      try {
        const kept = JSON.parse(storage.getItem(key)!) as Unsent;
        if (kept.clientId && kept.conversationId && kept.text) found.push({ ...kept, state: 'going', error: null });
      } catch {
        storage.removeItem(key);
      }
    }
    found.sort((a, b) => a.createdAt - b.createdAt);
    const known = new Set(this.items.get().map((item) => item.clientId));
    this.items.set((old) => [...found.filter((item) => !known.has(item.clientId)), ...old]);
    for (const id of new Set(found.map((item) => item.conversationId))) void this.run(id);
  }

  add(conversationId: string, text: string, mentions: readonly string[], replyToSeq: number): Unsent {
    const item: Unsent = { clientId: newId(), conversationId, text, mentions, replyToSeq, createdAt: Date.now(), state: 'going', error: null };
    this.keep(item);
    this.items.set((old) => [...old, item]);
    void this.run(conversationId);
    return item;
  }

  /** Again, with the same id, behind what is already going. */
  retry(clientId: string): void {
    const item = this.items.get().find((each) => each.clientId === clientId);
    if (item?.state !== 'failed') return;
    this.change(clientId, { state: 'going', error: null });
    void this.run(item.conversationId);
  }

  /** Gone: deleted by hand, or seen on the stream. */
  drop(clientId: string): Unsent | undefined {
    const item = this.items.get().find((each) => each.clientId === clientId);
    if (!item) return undefined;
    this.options.storage?.removeItem(this.key(clientId));
    this.items.set((old) => old.filter((each) => each.clientId !== clientId));
    this.wake();
    return item;
  }

  /** The link is back: what waits is tried at once. */
  wake(): void {
    for (const fn of [...this.wakers]) fn();
  }

  private async run(conversationId: string): Promise<void> {
    if (this.running.has(conversationId)) return;
    this.running.add(conversationId);
    try {
      for (;;) {
        const item = this.items.get().find((each) => each.conversationId === conversationId && each.state === 'going');
        if (!item) return;
        await this.deliver(item);
      }
    } finally {
      this.running.delete(conversationId);
    }
  }

  /** Until it is sent, refused, gone, or has failed for failAfterMs with the link up. */
  private async deliver(item: Unsent): Promise<void> {
    const here = () => this.items.get().some((each) => each.clientId === item.clientId && each.state === 'going');
    let upSince = 0;
    for (let attempt = 0; here(); attempt += 1) {
      if (!this.options.online()) {
        upSince = 0;
        await this.pause(1000);
        continue;
      }
      upSince ||= Date.now();
      const left = this.options.failAfterMs - (Date.now() - upSince);
      try {
        const sent = await this.options.send(item, Math.max(500, Math.min(this.options.tryMs, left)));
        if (this.drop(item.clientId)) this.options.onSent(item, sent);
        return;
      } catch (error) {
        const known = toCallError(error);
        const over = Date.now() - upSince >= this.options.failAfterMs && this.options.online();
        if (known.signedOut) await this.pause(5000);
        else if (!known.temporary || over) {
          this.change(item.clientId, { state: 'failed', error: known });
          return;
        } else await this.pause(Math.min(Math.max(known.retryAfterMs, backoff(attempt, 300, 3000)), Math.max(0, left)));
      }
    }
  }

  private async pause(ms: number): Promise<void> {
    const stop = new AbortController();
    const fn = () => stop.abort();
    this.wakers.add(fn);
    await sleep(ms, stop.signal);
    this.wakers.delete(fn);
  }

  private change(clientId: string, change: Partial<Unsent>): void {
    this.items.set((old) => old.map((each) => (each.clientId === clientId ? { ...each, ...change } : each)));
  }

  private key(clientId: string): string {
    return `${PREFIX}${this.options.personId}:${clientId}`;
  }

  private keep(item: Unsent): void {
    try {
      this.options.storage?.setItem(this.key(item.clientId), JSON.stringify(item));
    } catch {
      // Storage is full: the item lives as long as the page.
    }
  }
}
