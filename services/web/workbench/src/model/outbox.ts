// What an agent has written and the server has not yet: in order, under one id each, kept over a reload.

import { backoff, Code, createStore, sleep, toCallError, type CallError } from '@yizhan/kit/core';

export interface OutItem {
  /** The client id: a retry with it never makes a second copy. */
  readonly id: string;
  readonly conversationId: string;
  readonly text: string;
  readonly internal: boolean;
  /** Milliseconds of Date.now(): when it was handed over, or tried again by hand. */
  readonly since: number;
  readonly state: 'sending' | 'failed';
  readonly problem?: string;
}

/** Sends one item; throws CallError. */
export type Send = (item: OutItem) => Promise<void>;

/** After this long with a link a line that the server does not take is shown as failed. */
export const failAfterMs = 15_000;

export class Outbox {
  readonly items = createStore<readonly OutItem[]>([]);
  private readonly busy = new Set<string>();
  private readonly key: string;

  /**
   * @param personId whose lines these are; nobody else on this browser sends them
   * @param online whether the link stands: without it lines wait instead of failing
   */
  constructor(personId: string, private readonly send: Send, private readonly online: () => boolean, private readonly storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> | undefined) {
    this.key = `yz:outbox:${personId}`;
    this.items.set(this.kept());
  }

  /** Takes a line over; it goes out behind those of the same reception. */
  add(item: { id: string; conversationId: string; text: string; internal: boolean }): void {
    this.change([...this.items.get(), { ...item, since: Date.now(), state: 'sending' }]);
    void this.pump(item.conversationId);
  }

  /** Tries a failed line again under its old id. */
  retry(id: string): void {
    this.replace(id, (item) => ({ ...item, state: 'sending', since: Date.now() }));
    this.resume();
  }

  discard(id: string): void {
    this.change(this.items.get().filter((item) => item.id !== id));
  }

  /** The line came back by the live stream: it has arrived, whatever became of the answer. */
  arrived(id: string): void {
    if (this.items.get().some((item) => item.id === id)) this.discard(id);
  }

  /** The link is back, or the page was opened with lines left over. */
  resume(): void {
    for (const id of new Set(this.items.get().map((item) => item.conversationId))) void this.pump(id);
  }

  private async pump(conversationId: string): Promise<void> {
    if (this.busy.has(conversationId)) return;
    this.busy.add(conversationId);
    try {
      for (let attempt = 0; ; ) {
        const item = this.items.get().find((each) => each.conversationId === conversationId && each.state === 'sending');
        if (!item) return;
        try {
          await this.send(item);
          this.discard(item.id);
          attempt = 0;
        } catch (error) {
          const known = toCallError(error);
          const late = this.online() && Date.now() - item.since > failAfterMs;
          if (!again(known) || late) {
            this.replace(item.id, (old) => ({ ...old, state: 'failed', problem: known.message }));
          } else {
            await sleep(Math.max(known.retryAfterMs, backoff(attempt, 500, 8_000)));
            attempt += 1;
          }
        }
      }
    } finally {
      this.busy.delete(conversationId);
    }
  }

  private replace(id: string, change: (item: OutItem) => OutItem): void {
    this.change(this.items.get().map((item) => (item.id === id ? change(item) : item)));
  }

  private change(items: readonly OutItem[]): void {
    this.items.set(items);
    try {
      if (items.length === 0) this.storage?.removeItem(this.key);
      else this.storage?.setItem(this.key, JSON.stringify(items));
    } catch {
      // A full or forbidden storage: the lines live as long as the page.
    }
  }

  private kept(): OutItem[] {
    try {
      const items: unknown = JSON.parse(this.storage?.getItem(this.key) ?? '[]');
      if (!Array.isArray(items)) return [];
      return items.filter((item: OutItem) => typeof item?.id === 'string' && typeof item.conversationId === 'string' && typeof item.text === 'string').map((item: OutItem) => ({ ...item, internal: item.internal === true, since: Date.now(), state: 'sending' }));
    } catch {
      return [];
    }
  }
}

function again(error: CallError): boolean {
  return error.temporary || error.code === Code.Internal || error.code === Code.Unknown;
}
