// Typed text is never lost: drafts by person, conversation and mode, in localStorage, shared by tabs, until the person signs out (kept.ts).

import { textStorage } from './kept.ts';

const PREFIX = 'yz:draft:';

export class Drafts {
  private watchers = new Set<(key: string) => void>();
  private readonly onStorage = (event: StorageEvent) => {
    if (event.key?.startsWith(this.prefix)) this.tell(event.key.slice(this.prefix.length));
  };
  private readonly prefix: string;
  private readonly storage = textStorage();

  /** personId: whose drafts; nobody else on this browser sees them in their page. */
  constructor(personId: string) {
    this.prefix = `${PREFIX}${personId}:`;
    addEventListener('storage', this.onStorage);
  }

  /** key: conversation id, with the mode where there is more than one ("r17/note"). */
  get(key: string): string {
    try {
      return this.storage?.getItem(this.prefix + key) ?? '';
    } catch {
      return '';
    }
  }

  set(key: string, text: string): void {
    if (this.get(key) === text) return;
    try {
      if (text === '') this.storage?.removeItem(this.prefix + key);
      else this.storage?.setItem(this.prefix + key, text);
    } catch {
      // A full or forbidden storage: the text is still in its field.
    }
    this.tell(key);
  }

  watch(fn: (key: string) => void): () => void {
    this.watchers.add(fn);
    return () => this.watchers.delete(fn);
  }

  close(): void {
    removeEventListener('storage', this.onStorage);
  }

  private tell(key: string): void {
    for (const fn of [...this.watchers]) fn(key);
  }
}
