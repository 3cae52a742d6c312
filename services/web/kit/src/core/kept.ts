// What a person has typed and nobody has got yet, as it lies in this browser: it survives a reload, never a log-out. Terminals are shared.
//
// Keys: yz:draft:PERSON:KEY (drafts.ts); yz:outbox:PERSON:ID, one message, or yz:outbox:PERSON, a list of them (the apps' outboxes).

const PREFIXES = ['yz:draft:', 'yz:outbox:'] as const;
/** Said to the other tabs of this browser: this person has signed out. */
const SIGNED_OUT = 'yz:signed-out';

/** Where typed text is kept. */
export type TextStorage = Pick<Storage, 'length' | 'key' | 'getItem' | 'setItem' | 'removeItem'>;

/** Signed out: what this page still has in memory is not written any more. */
let closed = false;

/** localStorage for typed text, or nothing where the browser forbids it. After a log-out writes do nothing. Throws as localStorage does. */
export function textStorage(): TextStorage | undefined {
  const storage = localOrNone();
  if (!storage) return undefined;
  return {
    get length() {
      return storage.length;
    },
    key: (index) => storage.key(index),
    getItem: (key) => storage.getItem(key),
    setItem: (key, value) => {
      if (!closed) storage.setItem(key, value);
    },
    removeItem: (key) => storage.removeItem(key),
  };
}

/** Of one person, in every app of this browser. */
export interface KeptText {
  /** Messages that were handed over and have not been sent. */
  unsent: number;
  /** Fields with something in them. */
  drafts: number;
}

function keys(storage: TextStorage): string[] {
  return Array.from({ length: storage.length }, (_, i) => storage.key(i)).filter((key): key is string => key !== null && PREFIXES.some((prefix) => key.startsWith(prefix)));
}

function ownerOf(key: string): string {
  return key.slice(PREFIXES.find((prefix) => key.startsWith(prefix))!.length).split(':')[0]!;
}

function size(value: string): number {
  try {
    const parsed: unknown = JSON.parse(value);
    return Array.isArray(parsed) ? parsed.length : 1;
  } catch {
    return 0;
  }
}

/** What signing out would lose. */
export function keptText(personId: string, storage = localOrNone()): KeptText {
  const found = { unsent: 0, drafts: 0 };
  if (!storage) return found;
  for (const key of keys(storage).filter((each) => ownerOf(each) === personId)) {
    const value = storage.getItem(key) ?? '';
    if (key.startsWith('yz:outbox:')) found.unsent += size(value);
    else if (value.trim() !== '') found.drafts += 1;
  }
  return found;
}

/** Removes what a person has typed; with null, what anybody has. */
export function forgetText(personId: string | null, storage = localOrNone()): void {
  if (!storage) return;
  for (const key of keys(storage)) if (personId === null || ownerOf(key) === personId) storage.removeItem(key);
}

/** Somebody is signed in: what others left behind, whose sessions ended without a log-out, is not theirs to find. */
export function forgetOthers(personId: string, storage = localOrNone()): void {
  if (!storage) return;
  for (const key of keys(storage)) if (ownerOf(key) !== personId) storage.removeItem(key);
}

/** After a log-out: removes what the person typed (null: what anybody typed) from the browser, for good, and tells the other tabs. */
export function forgetAndTell(personId: string | null): void {
  closed = true;
  forgetText(personId);
  try {
    sessionStorage.clear();
    localStorage.setItem(SIGNED_OUT, `${personId ?? ''} ${Date.now()}`);
    localStorage.removeItem(SIGNED_OUT);
  } catch {
    // Without storage there is nothing to remove, and the other tabs find out by the end of their session.
  }
}

/** Another tab signed out: what this one may have written meanwhile goes too; then fn, to leave the page. */
export function onSignedOutElsewhere(fn: () => void): void {
  addEventListener('storage', (event) => {
    if (event.key !== SIGNED_OUT || event.newValue === null) return;
    closed = true;
    forgetText(event.newValue.split(' ')[0] || null);
    sessionStorage.clear();
    fn();
  });
}

function localOrNone(): TextStorage | undefined {
  try {
    return localStorage;
  } catch {
    return undefined;
  }
}
