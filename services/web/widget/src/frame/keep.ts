/**
 * What survives a reload: the visitor's token, the draft, and what has been written but not yet taken by the server. The
 * token lives in a partitioned cookie of ours, the rest in our own storage; where the browser refuses either, the bank's
 * page keeps both for us; where that fails too, they live as long as the page. Nothing is written before save().
 */

/** A line on its way. */
export interface Pending {
  /** The id that makes a second copy impossible. */
  id: string;
  /** What it says. */
  text: string;
}

/** What is kept. */
export interface Kept {
  token: string;
  draft: string;
  outbox: Pending[];
  /** "RECEPTION/SEQ" of the last row that the visitor saw. */
  seen: string;
  /** The reception that the visitor did not want to rate. */
  unrated: string;
}

/** Gives the bank's page something to keep; false when it cannot. */
export type HostKeep = (blob: string) => Promise<boolean>;

/** The browser's own places, as far as it lets us. */
export interface Places {
  /** Reads and writes document.cookie; may throw. */
  cookie: { get(): string; set(value: string): void };
  /** localStorage; may throw on any use. */
  storage: () => Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
}

/** Keeps one channel's things. */
export class Keep {
  private memory: Kept = { token: '', draft: '', outbox: [], seen: '', unrated: '' };
  private readonly name: string;
  /** Where the token is; "memory" has to be told to the visitor. */
  where: 'cookie' | 'host' | 'memory' = 'memory';

  constructor(
    channel: string,
    private readonly places: Places,
    private readonly host: HostKeep,
    /** The folder of the frame, so that the cookie does not travel with calls. */
    private readonly path: string,
  ) {
    this.name = 'yizhan_' + channel;
  }

  /** The key in our own storage: changes of it in another tab come as storage events. */
  get key(): string {
    return this.name;
  }

  /** Reads what was kept; `blob` is what the bank's page had. Writes nothing. */
  load(blob: string): Kept {
    const host = parse(blob);
    this.memory = { ...this.memory, ...host, ...this.readStorage() };
    const own = this.readCookie();
    this.memory.token = own || host.token || '';
    this.where = own ? 'cookie' : host.token ? 'host' : 'memory';
    return this.memory;
  }

  /** The token as it is now: another tab may have begun the visit meanwhile. */
  token(): string {
    return this.readCookie() || this.memory.token;
  }

  /** The work as another tab left it; undefined where storage is not ours. */
  shared(): Partial<Kept> | undefined {
    return this.readStorage();
  }

  /** Keeps the token; "" forgets it. */
  async saveToken(token: string): Promise<void> {
    this.memory.token = token;
    try {
      this.places.cookie.set(
        `${this.name}=${encodeURIComponent(token)};path=${this.path};max-age=${token ? 31_536_000 : 0};secure;samesite=none;partitioned`,
      );
    } catch {
      // Read back below.
    }
    if (this.readCookie() == token) this.where = 'cookie';
    else this.where = (await this.host(JSON.stringify(this.memory))) ? 'host' : 'memory';
  }

  /** Keeps the draft. */
  saveDraft(draft: string): Promise<void> {
    return this.saveWork({ draft });
  }

  /** Keeps how far the visitor has read. */
  saveSeen(seen: string): Promise<void> {
    return this.saveWork({ seen });
  }

  /** Keeps that a reception's rating was declined. */
  saveUnrated(unrated: string): Promise<void> {
    return this.saveWork({ unrated });
  }

  /** Keeps a line that is on its way. */
  addPending(one: Pending): Promise<void> {
    return this.saveWork({ outbox: [...this.work().outbox.filter((other) => other.id != one.id), one] });
  }

  /** Forgets a line that has arrived or was discarded. Other tabs' lines stay. */
  async removePending(id: string): Promise<void> {
    const { outbox } = this.work();
    if (outbox.some((one) => one.id == id)) await this.saveWork({ outbox: outbox.filter((one) => one.id != id) });
  }

  /** As it is now, with what other tabs wrote. */
  private work(): Kept {
    return { ...this.memory, ...this.readStorage() };
  }

  private async saveWork(change: Partial<Kept>): Promise<void> {
    this.memory = { ...this.work(), ...change, token: this.memory.token };
    const { draft, outbox, seen, unrated } = this.memory;
    try {
      this.places.storage().setItem(this.name, JSON.stringify({ draft, outbox, seen, unrated }));
    } catch {
      await this.host(JSON.stringify(this.where == 'cookie' ? { draft, outbox, seen, unrated } : this.memory));
    }
  }

  private readCookie(): string {
    try {
      const found = this.places.cookie
        .get()
        .split('; ')
        .find((part) => part.startsWith(this.name + '='));
      return found ? decodeURIComponent(found.slice(this.name.length + 1)) : '';
    } catch {
      return '';
    }
  }

  private readStorage(): Partial<Kept> | undefined {
    try {
      return parse(this.places.storage().getItem(this.name) ?? '');
    } catch {
      return undefined;
    }
  }
}

/** Reads kept work; whatever is not of our making is left out. */
export function parse(text: string): Partial<Kept> {
  let value: any;
  try {
    value = JSON.parse(text);
  } catch {
    return {};
  }
  const kept: Partial<Kept> = {};
  if (typeof value?.token == 'string') kept.token = value.token;
  if (typeof value?.draft == 'string') kept.draft = value.draft;
  if (typeof value?.seen == 'string') kept.seen = value.seen;
  if (typeof value?.unrated == 'string') kept.unrated = value.unrated;
  if (Array.isArray(value?.outbox))
    kept.outbox = value.outbox.filter((one: any) => typeof one?.id == 'string' && typeof one?.text == 'string');
  return kept;
}
