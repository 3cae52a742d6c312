// Moves the caller's cursors on the server: the highest value of each conversation, gathered for a moment, one call at a time.

import { sleep, toCallError } from '@yizhan/kit/core';

interface Want {
  read: number;
  delivered: number;
}

export class CursorSender {
  private readonly wanted = new Map<string, Want>();
  private running = false;
  private stop = new AbortController();
  private readonly move: (conversationId: string, read: number, delivered: number) => Promise<void>;
  private readonly gatherMs: number;

  constructor(move: (conversationId: string, read: number, delivered: number) => Promise<void>, gatherMs = 400) {
    this.move = move;
    this.gatherMs = gatherMs;
  }

  /** 0 leaves a cursor where it is. */
  read(conversationId: string, read: number, delivered: number): void {
    const old = this.wanted.get(conversationId) ?? { read: 0, delivered: 0 };
    this.wanted.set(conversationId, { read: Math.max(old.read, read), delivered: Math.max(old.delivered, delivered) });
    if (!this.running) void this.run();
  }

  wake(): void {
    this.stop.abort();
  }

  private async run(): Promise<void> {
    this.running = true;
    await sleep(this.gatherMs);
    for (let failures = 0; this.wanted.size > 0; ) {
      const [id, want] = this.wanted.entries().next().value!;
      this.wanted.delete(id);
      try {
        await this.move(id, want.read, want.delivered);
        failures = 0;
      } catch (error) {
        const known = toCallError(error);
        if (known.signedOut) break;
        if (!known.temporary) continue;
        // Not lost: it goes behind whatever has been wanted since.
        const since = this.wanted.get(id) ?? { read: 0, delivered: 0 };
        this.wanted.set(id, { read: Math.max(since.read, want.read), delivered: Math.max(since.delivered, want.delivered) });
        failures += 1;
        this.stop = new AbortController();
        await sleep(Math.min(30_000, 1000 * 2 ** failures), this.stop.signal);
      }
    }
    this.running = false;
  }
}
