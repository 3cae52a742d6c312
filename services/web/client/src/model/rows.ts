// What the message list shows, made of a log: days, the line of the new, notices, messages, what is unsent.

import { otherDay } from '@yizhan/kit/core';
import { num } from './numbers.ts';
import type { Entry, Log } from './log.ts';
import type { Unsent } from './outbox.ts';

export type Row =
  | { readonly type: 'day'; readonly key: string; readonly timeUs: number }
  | { readonly type: 'new'; readonly key: string; readonly count: number }
  | { readonly type: 'notice'; readonly key: string; readonly entry: Entry }
  /** head: the first of several by one person: with picture and name. */
  | { readonly type: 'message'; readonly key: string; readonly entry: Entry; readonly own: boolean; readonly head: boolean }
  | { readonly type: 'unsent'; readonly key: string; readonly item: Unsent };

/** Messages of one person this close together share a head. */
const TOGETHER_US = 5 * 60 * 1_000_000;

/**
 * Rows keep their identity from one call to the next as long as they say the same. While there is more above, the first loaded message
 * is not shown: it only tells whether the second one begins a day or a group, so that no row changes when older ones come.
 */
export class Rows {
  private known = new Map<string, Row>();

  make(log: Log, meId: string, newAfter: number | null, unsent: readonly Unsent[]): Row[] {
    const rows: Row[] = [];
    const next = new Map<string, Row>();
    const put = (row: Row) => {
      const old = this.known.get(row.key);
      const kept = old && same(old, row) ? old : row;
      next.set(row.key, kept);
      rows.push(kept);
    };
    const { entries } = log;
    let lineDrawn = newAfter === null;
    for (let i = log.moreAbove && entries.length > 1 ? 1 : 0; i < entries.length; i += 1) {
      const entry = entries[i]!;
      const { message } = entry;
      const above = entries[i - 1]?.message;
      const timeUs = num(message.timeUs);
      const newDay = above ? otherDay(num(above.timeUs), timeUs) : !log.moreAbove;
      if (newDay) put({ type: 'day', key: `day-${entry.seq}`, timeUs });
      const own = message.senderId === meId;
      let line = false;
      if (!lineDrawn && entry.seq > newAfter! && !own && message.content) {
        lineDrawn = line = true;
        let count = 0;
        for (let j = i; j < entries.length; j += 1) if (entries[j]!.message.content && entries[j]!.message.senderId !== meId) count += 1;
        put({ type: 'new', key: 'new', count });
      }
      if (message.notice || !message.content) {
        put({ type: 'notice', key: entry.key, entry });
        continue;
      }
      const head = newDay || line || !above?.content || above.senderId !== message.senderId || timeUs - num(above.timeUs) > TOGETHER_US || message.content.replyToSeq > 0n;
      put({ type: 'message', key: entry.key, entry, own, head });
    }
    for (const entry of log.sentAhead) put({ type: 'message', key: entry.key, entry, own: true, head: true });
    // The log may know of a message before the outbox does. A key that stands twice would tear its row from the list for good.
    if (!log.detached) for (const item of unsent) if (!next.has(item.clientId)) put({ type: 'unsent', key: item.clientId, item });
    this.known = next;
    return rows;
  }
}

function same(a: Row, b: Row): boolean {
  if (a.type !== b.type) return false;
  switch (a.type) {
    case 'day':
      return a.timeUs === (b as typeof a).timeUs;
    case 'new':
      return a.count === (b as typeof a).count;
    case 'notice':
      return a.entry === (b as typeof a).entry;
    case 'message':
      return a.entry === (b as typeof a).entry && a.own === (b as typeof a).own && a.head === (b as typeof a).head;
    case 'unsent':
      return a.item === (b as typeof a).item;
  }
}
