// Who is who: the directory as far as the page needs it. A small installation is held whole, a large one by need.

import { createStore, personScore, serviceClient, shownName, useStore, withRetry } from '@yizhan/kit';
import { DirectoryService } from '@yizhan/kit/gen/directory/v1/directory_service_pb';
import type { Person } from '@yizhan/kit/gen/directory/v1/people_pb';
import { useEffect } from 'react';

export const directory = serviceClient(DirectoryService);

/** A directory of at most this many changes since version 0 is held whole. */
const WHOLE = 2000;

export class People {
  readonly byId = createStore<ReadonlyMap<string, Person>>(new Map());
  /** Whether everybody is here: then names are found without asking. */
  whole = false;
  private version = 0n;
  private readonly asked = new Set<string>();
  private readonly waiting: string[] = [];
  private running = 0;
  private synced = false;
  private held: Person[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** Fetches what changed since the last time; called at the start and whenever the stream is back. */
  async sync(): Promise<void> {
    try {
      await this.fetchChanges();
    } finally {
      this.synced = true;
      this.pump();
    }
  }

  private async fetchChanges(): Promise<void> {
    if (this.version === 0n) {
      const first = await directory.syncDirectory({ sinceVersion: 0n, pageSize: WHOLE });
      this.take(first.people);
      this.whole = !first.more;
      this.version = first.version;
      return;
    }
    if (!this.whole) {
      // Ask again for names as they come into view.
      this.asked.clear();
      return;
    }
    for (let more = true; more; ) {
      const page = await directory.syncDirectory({ sinceVersion: this.version, pageSize: WHOLE });
      this.take(page.people);
      this.version = page.version;
      more = page.more;
    }
  }

  take(people: readonly Person[]): void {
    if (people.length === 0) return;
    this.byId.set((old) => {
      const next = new Map(old);
      for (const person of people) next.set(person.personId, person);
      return next;
    });
  }

  get(id: string): Person | undefined {
    return this.byId.get().get(id);
  }

  /** Asks for a person unless known or asked already; six calls at a time. */
  need(id: string): void {
    if (id === '' || id === 'all' || this.byId.get().has(id) || this.asked.has(id)) return;
    this.asked.add(id);
    this.waiting.push(id);
    this.pump();
  }

  private pump(): void {
    // Most names come with the first sync: nobody is asked for one by one before it.
    if (!this.synced) return;
    while (this.running < 6 && this.waiting.length > 0) {
      const id = this.waiting.shift()!;
      if (this.byId.get().has(id)) continue;
      this.running += 1;
      void withRetry(() => directory.getPerson({ personId: id }), { tries: 3 })
        .then(({ person }) => person && this.hold(person))
        .catch(() => this.asked.delete(id))
        .finally(() => {
          this.running -= 1;
          this.pump();
        });
    }
  }

  /** Names that come one by one are shown ten times a second. */
  private hold(person: Person): void {
    this.held.push(person);
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.take(this.held);
      this.held = [];
    }, 100);
  }

  /** Known people who answer to the words, best first. */
  find(query: string, most = 20): Person[] {
    const found: { person: Person; score: number }[] = [];
    for (const person of this.byId.get().values()) {
      const score = person.active ? personScore(person, query) : 0;
      if (score > 0) found.push({ person, score });
    }
    found.sort((a, b) => b.score - a.score || a.person.login.localeCompare(b.person.login));
    return found.slice(0, most).map((each) => each.person);
  }

  /** The server's answer to the words, and it remembers whom it saw. */
  async search(query: string, signal?: AbortSignal): Promise<Person[]> {
    const { people } = await directory.listPeople({ query, pageSize: 30 }, signal ? { signal } : {});
    this.take(people);
    return people;
  }
}

/** A person's name in the reader's language, the id's tail while it is not known. */
export function nameOf(person: Person | undefined, locale: 'zh' | 'en'): string {
  if (!person) return '…';
  return shownName(person, locale);
}

export function usePerson(people: People, id: string): Person | undefined {
  useEffect(() => people.need(id), [people, id]);
  return useStore(people.byId, (all) => all.get(id));
}
