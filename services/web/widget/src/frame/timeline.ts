/** The conversation as the visitor sees it: confirmed lines in the order of seq, then what is on its way. Pure. */
import type { Line, Reception } from './wire';

/** One row. The object, and so the element that shows it, stays the same from "sending" to "sent". */
export interface Row {
  /** Never changes and never occurs twice. */
  key: string;
  who: 'me' | 'agent' | 'system';
  text: string;
  /** Milliseconds since the epoch; of this device's clock until the server has confirmed. */
  time: number;
  event: Line['event'] | undefined;
  state: 'sending' | 'sent' | 'failed';
  /** When it was handed over, for the clock that appears after 2 s. */
  since: number;
  /** Position in its reception; 0 before it is confirmed. */
  seq: number;
  reception: string;
}

/** The rows of a visit. */
export class Timeline {
  private readonly confirmed: Row[] = [];
  private readonly pending: Row[] = [];
  private readonly byKey = new Map<string, Row>();
  private readonly bySeat = new Map<string, Row>();
  /** The reception that the rows belong to now; absent before the first line. */
  reception: Reception | undefined;

  /** Every row, in order. */
  rows(): readonly Row[] {
    return [...this.confirmed, ...this.pending];
  }

  /** What has been written and not confirmed. */
  outbox(): readonly Row[] {
    return this.pending;
  }

  /** Adds a line that the visitor has just written. The same id again gives the same row. */
  write(id: string, text: string, now: number): Row {
    const known = this.byKey.get(id);
    if (known) return known;
    const row: Row = {
      key: id, who: 'me', text, time: now, event: undefined, state: 'sending', since: now, seq: 0, reception: '',
    };
    this.byKey.set(id, row);
    this.pending.push(row);
    return row;
  }

  /** Takes a written line back; only one that failed. */
  discard(row: Row): void {
    const at = this.pending.indexOf(row);
    if (at >= 0) this.pending.splice(at, 1);
    this.byKey.delete(row.key);
  }

  /** Takes in a line of the server. Gives the row when the visitor has not seen it before, else undefined. */
  merge(line: Line): Row | undefined {
    const seq = Number(line.seq ?? 0);
    const reception = line.conversationId ?? '';
    // The server keeps internal lines to itself; one that came all the same is not shown.
    if (!seq || line.internal) return undefined;
    const seat = `${reception}/${seq}`;
    if (this.bySeat.has(seat)) return undefined;
    const mine = line.author == 'AUTHOR_CUSTOMER';
    let row = mine && line.clientId ? this.byKey.get(line.clientId) : undefined;
    const known = row !== undefined;
    row ??= {
      key: (mine && line.clientId) || seat,
      who: mine ? 'me' : line.author == 'AUTHOR_AGENT' ? 'agent' : 'system',
      text: '', time: 0, event: undefined, state: 'sent', since: 0, seq: 0, reception: '',
    };
    const at = this.pending.indexOf(row);
    if (at >= 0) this.pending.splice(at, 1);
    row.text = line.text ?? '';
    row.time = Math.floor(Number(line.timeUs ?? 0) / 1000);
    row.event = line.event;
    row.state = 'sent';
    row.seq = seq;
    row.reception = reception;
    this.byKey.set(row.key, row);
    this.bySeat.set(seat, row);
    this.insert(row);
    return known ? undefined : row;
  }

  private insert(row: Row): void {
    let at = this.confirmed.length;
    // Receptions follow one another; within one, seq decides.
    while (at > 0) {
      const before = this.confirmed[at - 1]!;
      if (before.reception == row.reception ? before.seq < row.seq : before.time <= row.time) break;
      at--;
    }
    this.confirmed.splice(at, 0, row);
  }
}
