// How far the others have received and read, in conversations that are small enough to show it by name.

import { createStore, type Store } from '@yizhan/kit';
import { num } from './numbers.ts';
import { conversations } from './services.ts';

export interface Cursor {
  readonly read: number;
  readonly delivered: number;
}
type Cursors = ReadonlyMap<string, Cursor>;

/** Larger groups would mean a page of cursors for every message. */
export const MOST_READERS = 200;

export class Readers {
  private readonly stores = new Map<string, Store<Cursors>>();

  /** By person id. */
  of(conversationId: string): Store<Cursors> {
    let store = this.stores.get(conversationId);
    if (!store) {
      store = createStore<Cursors>(new Map());
      this.stores.set(conversationId, store);
    }
    return store;
  }

  /** What the server knows; cursors that events have moved further stay. */
  async load(conversationId: string): Promise<void> {
    try {
      const page = await conversations.listMembers({ conversationId, pageSize: MOST_READERS });
      this.of(conversationId).set((old) => {
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

  moved(conversationId: string, personId: string, read: number, delivered: number): void {
    const store = this.stores.get(conversationId);
    if (!store) return;
    const old = store.get().get(personId) ?? { read: 0, delivered: 0 };
    const next = { read: Math.max(old.read, read), delivered: Math.max(old.delivered, delivered, read) };
    if (next.read !== old.read || next.delivered !== old.delivered) store.set((all) => new Map(all).set(personId, next));
  }

  forget(conversationId: string): void {
    this.stores.delete(conversationId);
  }
}
