// Who types right now. Nothing of it is kept.

import { createStore } from '@yizhan/kit';

export interface Typing {
  readonly personId: string;
  readonly until: number;
}

/** Somebody who stopped without saying so is taken to have stopped after this long. */
const LASTS_MS = 6000;

export class TypingState {
  /** By conversation. */
  readonly now = createStore<ReadonlyMap<string, Typing>>(new Map());
  private sweeper: ReturnType<typeof setInterval> | undefined;

  start(): void {
    this.sweeper = setInterval(() => {
      const time = Date.now();
      if ([...this.now.get().values()].some((typing) => typing.until < time)) this.now.set((old) => new Map([...old].filter(([, typing]) => typing.until >= time)));
    }, 1000);
  }

  stop(): void {
    clearInterval(this.sweeper);
  }

  set(conversationId: string, personId: string, active: boolean): void {
    const known = this.now.get().get(conversationId);
    if (!active && known?.personId !== personId) return;
    this.now.set((old) => {
      const next = new Map(old);
      if (active) next.set(conversationId, { personId, until: Date.now() + LASTS_MS });
      else next.delete(conversationId);
      return next;
    });
  }
}
