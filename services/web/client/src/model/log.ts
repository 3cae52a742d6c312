// One conversation's messages as far as they are loaded: a contiguous window of seqs, and what is not sent yet behind it.

import type { Message } from '@yizhan/kit/gen/im/v1/conversation_pb';
import { num } from './numbers.ts';

export interface Entry {
  /** The row's key for life: a message sent from here keeps its client id, others have "s" + seq. */
  readonly key: string;
  readonly seq: number;
  readonly message: Message;
}

/** What became of a message that arrived. */
export type Arrival =
  /** It is at the end of the window, with what waited behind it. */
  | 'added'
  /** It was there. */
  | 'known'
  /** Something before it is missing: fetch after `hi`, then call `append`. It waits. */
  | 'gap'
  /** The window does not reach the end, or nothing is loaded: only the end moved. */
  | 'beyond';

/** More than this many waiting messages: the window is let go of the end instead. */
const MOST_HELD = 500;

export class Log {
  entries: readonly Entry[] = [];
  loaded = false;
  /** The window does not reach the newest message. */
  detached = false;
  moreAbove = false;
  lastSeq = 0;
  private held = new Map<number, Entry>();
  private readonly ownKey: (message: Message) => string | undefined;

  /** ownKey: the key of the row that shows this message while it was pending, if there is one. */
  constructor(ownKey: (message: Message) => string | undefined) {
    this.ownKey = ownKey;
  }

  get lo(): number {
    return this.entries[0]?.seq ?? 0;
  }

  get hi(): number {
    return this.entries[this.entries.length - 1]?.seq ?? 0;
  }

  /** A page that replaces whatever was loaded. Messages ascend by seq; moreBelow: it does not reach the newest. */
  reset(page: readonly Message[], moreAbove: boolean, moreBelow: boolean, lastSeq: number): void {
    const kept = new Map(this.entries.map((entry) => [entry.seq, entry]));
    this.entries = page.map((message) => kept.get(num(message.seq)) ?? this.entry(message));
    this.loaded = true;
    this.moreAbove = moreAbove;
    this.detached = moreBelow;
    this.lastSeq = Math.max(this.lastSeq, lastSeq, this.hi);
    if (moreBelow) this.held.clear();
    else this.drain();
  }

  /** Older messages, ascending, that end right before `lo`. */
  prepend(page: readonly Message[], more: boolean): void {
    const older = page.filter((message) => num(message.seq) < this.lo);
    this.entries = [...older.map((message) => this.entry(message)), ...this.entries];
    this.moreAbove = more;
  }

  /** Newer messages, ascending, that follow right after `hi`. more: there are others behind them. */
  append(page: readonly Message[], more: boolean, lastSeq = 0): void {
    const newer = page.filter((message) => num(message.seq) > this.hi);
    if (newer.length > 0) this.entries = [...this.entries, ...newer.map((message) => this.entry(message))];
    this.lastSeq = Math.max(this.lastSeq, lastSeq, this.hi);
    this.detached = more;
    if (more) this.held.clear();
    else this.drain();
  }

  arrive(message: Message): Arrival {
    const seq = num(message.seq);
    const fresh = seq > this.lastSeq;
    this.lastSeq = Math.max(this.lastSeq, seq);
    if (!this.loaded) return fresh ? 'beyond' : 'known';
    if (seq <= this.hi) return 'known';
    if (this.detached) return 'beyond';
    if (seq === this.hi + 1 || (this.entries.length === 0 && !this.moreAbove && seq === 1)) {
      this.entries = [...this.entries, this.entry(message)];
      this.drain();
      return 'added';
    }
    if (this.held.size >= MOST_HELD) {
      this.held.clear();
      this.detached = true;
      return 'beyond';
    }
    if (!this.held.has(seq)) this.held.set(seq, this.entry(message));
    return 'gap';
  }

  /** Of what waits, what was sent from this page, ascending: its rows have been on the screen all the time. */
  get sentAhead(): Entry[] {
    return [...this.held.values()].filter((entry) => this.ownKey(entry.message) !== undefined).sort((a, b) => a.seq - b.seq);
  }

  /** Whether messages wait for others before them. */
  get waiting(): boolean {
    return this.held.size > 0;
  }

  /** Others' messages after `seq`; null when the window does not cover that. */
  countOthers(meId: string, after: number): number | null {
    if (!this.loaded || this.detached || this.held.size > 0 || (this.lo > after + 1 && this.moreAbove)) return null;
    let count = 0;
    for (let i = this.entries.length - 1; i >= 0 && this.entries[i]!.seq > after; i -= 1) {
      const { message } = this.entries[i]!;
      if (message.content && message.senderId !== meId) count += 1;
    }
    return count;
  }

  private entry(message: Message): Entry {
    return { key: this.ownKey(message) ?? `s${message.seq}`, seq: num(message.seq), message };
  }

  private drain(): void {
    const added: Entry[] = [];
    for (const seq of [...this.held.keys()].sort((a, b) => a - b)) {
      const top = added[added.length - 1]?.seq ?? this.hi;
      if (seq > top + 1) break;
      if (seq === top + 1) added.push(this.held.get(seq)!);
      this.held.delete(seq);
    }
    if (added.length > 0) this.entries = [...this.entries, ...added];
  }
}
