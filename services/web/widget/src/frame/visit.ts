/** One visit: begins it, sends in order, takes in what the stream brings. Knows nothing of the page. */
import type { Keep } from './keep';
import type { Link } from './live';
import { Timeline, type Row } from './timeline';
import { CallError, type Call, type Line, type Reception, type ServerFrame, type Visit as Begun } from './wire';

/** The stream as the visit uses it. */
export interface Stream {
  start(token: string): void;
  hurry(): void;
  send(frame: object): void;
}

/** Who is told. */
export interface VisitListener {
  /** Something that shows has changed. */
  changed(): void;
  /** Rows that the visitor has not seen before came in while the link was live. */
  arrived(rows: Row[]): void;
}

/** What the server has refused and what to do about it. */
export interface Problem {
  code: string;
  message: string;
  requestId: string;
}

/** After this long a line that the server does not take is shown as failed. */
export const failAfterMs = 15_000;

export class Visit {
  readonly timeline = new Timeline();
  phase: 'idle' | 'starting' | 'ready' | 'failed' = 'idle';
  problem: Problem | undefined;
  greeting = '';
  staffed = true;
  /** Place in the queue; 0 when not waiting. */
  position = 0;
  link: Link = { state: 'idle' };
  /** Whether an agent writes at this moment. */
  agentTypes = false;
  /** Whether the visitor asked for no rating in this reception. */
  ratingSkipped = '';
  /** Server's clock less this device's, milliseconds. */
  clockSkew = 0;
  page = '';
  name = '';

  private token = '';
  private renewed = 0;
  private pumping = false;
  private filling: Promise<void> | undefined;
  /** Up to where nothing of the reception is missing. Not the last seq known: the visitor's own lines may be ahead of it. */
  private covered = { reception: '', seq: 0 };
  /** Counts the streams, so that a late answer does not speak for another stream. */
  private streams = 0;
  /** Whether the stream goes on where `covered` ends. */
  private following = false;
  private typingTimer: ReturnType<typeof setTimeout> | undefined;
  private typed = '';
  private typedAt = 0;

  constructor(
    private readonly channel: string,
    private readonly language: string,
    private readonly call: Call,
    private readonly keep: Keep,
    private readonly stream: Stream,
    private readonly listener: VisitListener,
    private readonly newId: () => string,
  ) {}

  get reception(): Reception | undefined {
    return this.timeline.reception;
  }

  /** Whether somebody has or waits for the visitor's lines. */
  get open(): boolean {
    return this.reception !== undefined && !this.closed;
  }

  get closed(): boolean {
    return this.reception !== undefined && Number(this.reception.closedAtUs ?? 0) > 0;
  }

  /** Whether the visitor is to be asked for a rating. */
  get ratable(): boolean {
    return this.closed && !this.reception!.rating && this.ratingSkipped != this.reception!.conversationId;
  }

  /** Begins the visit, or picks up the one that the token names. Called again after a failure. */
  async begin(): Promise<void> {
    if (this.phase == 'starting' || this.phase == 'ready') return;
    this.phase = 'starting';
    this.problem = undefined;
    this.listener.changed();
    try {
      // One tab at a time: two that open together would be two visitors.
      await oneTabAtATime(this.keep.key, async () => {
        const given = this.keep.token();
        const begun = await this.call<Begun>('StartVisit', {
          channelId: this.channel, token: given, language: this.language, pageUrl: this.page, name: this.name,
        });
        this.token = begun.token;
        if (begun.token != given || this.keep.where == 'memory') await this.keep.saveToken(begun.token);
        this.greeting = begun.greeting ?? '';
        this.staffed = begun.staffed ?? false;
        this.position = begun.position ?? 0;
        if (begun.reception) this.timeline.reception = begun.reception;
      });
      await this.fill();
      this.phase = 'ready';
      this.stream.start(this.token);
      void this.pump();
    } catch (error) {
      this.fail(error);
    }
    this.listener.changed();
  }

  /** Forgets a token that the server does not know any longer and begins anew; at most once a minute. */
  async renew(): Promise<void> {
    if (Date.now() - this.renewed < 60_000) {
      this.phase = 'failed';
      this.listener.changed();
      return;
    }
    this.renewed = Date.now();
    await this.keep.saveToken('');
    this.phase = 'idle';
    await this.begin();
  }

  /** Writes a line. It is shown at once and sent as soon as that is possible. */
  write(text: string): Row {
    const row = this.timeline.write(this.newId(), text, Date.now());
    void this.keep.addPending({ id: row.key, text });
    this.stopTyping();
    this.listener.changed();
    void this.pump();
    return row;
  }

  /** Puts back what was on its way when the page was left. */
  restore(pending: readonly { id: string; text: string }[]): void {
    for (const one of pending) this.timeline.write(one.id, one.text, Date.now());
    this.listener.changed();
    void this.pump();
  }

  /** Tries a failed line again, under the same id. */
  retry(row: Row): void {
    row.state = 'sending';
    row.since = Date.now();
    this.listener.changed();
    this.stream.hurry();
    void this.pump();
  }

  /** Throws a failed line away. */
  discard(row: Row): void {
    this.timeline.discard(row);
    void this.keep.removePending(row.key);
    this.listener.changed();
  }

  /** What stands in the box: the agent sees it while a conversation is open; at most one frame a second. */
  typing(text: string): void {
    if (!this.open) return;
    this.typed = text.slice(0, 500);
    if (this.typingTimer !== undefined) return;
    const pause = Math.max(0, this.typedAt + 1_000 - Date.now());
    this.typingTimer = setTimeout(() => {
      this.typingTimer = undefined;
      this.typedAt = Date.now();
      this.sendTyping(this.typed);
    }, pause);
  }

  /** Rates the closed reception, 1 to 5. Throws CallError. */
  async rate(rating: number, comment: string): Promise<void> {
    const { reception } = await this.call<{ reception?: Reception }>(
      'Rate', { conversationId: this.reception?.conversationId, rating, comment }, this.token);
    this.setReception({ ...this.reception, ...reception, rating });
    this.listener.changed();
  }

  /** Ends the conversation from the visitor's side. Throws CallError. */
  async end(): Promise<void> {
    const { reception } = await this.call<{ reception?: Reception }>('EndVisit', {}, this.token);
    if (reception) this.setReception(reception);
    await this.fill();
    this.listener.changed();
  }

  /** A frame of the live stream. */
  frame(frame: ServerFrame): void {
    const time = frame.ready?.serverTimeUs ?? frame.pong?.serverTimeUs;
    if (time) this.clockSkew = Number(time) / 1000 - Date.now();
    if (frame.ready) {
      this.following = false;
      this.streams++;
      void this.refill();
    }
    const desk = frame.desk;
    if (desk?.reception && this.follows(desk.reception)) this.setReception(desk.reception);
    if (desk?.position && this.concerns(desk.position.conversationId)) this.position = desk.position.position ?? 0;
    if (desk?.typing && this.concerns(desk.typing.conversationId)) this.agentTypes = desk.typing.active ?? false;
    if (desk?.line) this.line(desk.line);
    if (desk) this.listener.changed();
  }

  /** The link changed. */
  linked(link: Link): void {
    this.link = link;
    if (link.state != 'live') {
      this.agentTypes = false;
      this.following = false;
      this.streams++;
    }
    if (link.state == 'live') void this.pump();
    this.listener.changed();
  }

  /** While there is no live stream, or it began with a gap that could not be filled: asks for what is new. */
  async poll(): Promise<void> {
    if (this.phase == 'ready' && !this.following && (this.open || this.link.state == 'live')) await this.refill();
  }

  private line(line: Line): void {
    if (!this.concerns(line.conversationId)) {
      // A reception that this tab has not heard of: another tab began it.
      void this.refill();
      return;
    }
    const row = this.timeline.merge(line);
    if (this.following) this.cover(line.conversationId!, Number(line.seq ?? 0));
    if (line.author == 'AUTHOR_AGENT') this.agentTypes = false;
    if (line.event == 'EVENT_ASSIGNED') this.position = 0;
    if (row) this.listener.arrived([row]);
  }

  /** Whether it is the reception on the screen, or the one that takes its place: late news of an older one is not. */
  private follows(reception: Reception): boolean {
    return !this.reception || this.concerns(reception.conversationId) || (this.closed && reception.owner != 'OWNER_NONE');
  }

  private concerns(id: string | undefined): boolean {
    return id !== undefined && id == this.reception?.conversationId;
  }

  private setReception(reception: Reception): void {
    this.timeline.reception = reception;
    if (reception.owner != 'OWNER_QUEUE') this.position = 0;
    if (reception.owner != 'OWNER_AGENT') this.agentTypes = false;
  }

  private cover(reception: string, seq: number): void {
    this.covered = { reception, seq: Math.max(seq, this.coveredOf(reception)) };
  }

  private coveredOf(reception: string | undefined): number {
    return reception == this.covered.reception ? this.covered.seq : 0;
  }

  private async refill(): Promise<void> {
    const stream = this.streams;
    try {
      const rows = await this.fill();
      if (stream == this.streams && this.link.state == 'live') this.following = true;
      if (rows.length) this.listener.arrived(rows);
      void this.pump();
    } catch (error) {
      if (error instanceof CallError && error.code == 'unauthenticated') void this.renew();
      // Anything else: the next poll asks again.
    }
    this.listener.changed();
  }

  /** Fetches what is missing. One at a time. */
  private async fill(): Promise<Row[]> {
    while (this.filling) await this.filling;
    const rows: Row[] = [];
    let done = () => {};
    this.filling = new Promise((resolve) => (done = resolve));
    try {
      for (let more = true; more; ) {
        const before = this.reception?.conversationId;
        const afterSeq = this.coveredOf(before);
        const page = await this.call<import('./wire').Lines>('ListLines', { afterSeq: String(afterSeq), pageSize: 200 }, this.token);
        if (page.reception) this.setReception(page.reception);
        this.position = page.position ?? 0;
        more = page.more ?? false;
        // Another reception than the one asked about: from its beginning.
        if (before !== undefined && this.reception?.conversationId != before && afterSeq > 0) more = true;
        const joined = afterSeq == 0 || this.reception?.conversationId == before;
        for (const line of page.lines ?? []) {
          const row = this.timeline.merge(line);
          if (row) rows.push(row);
          if (joined && this.concerns(line.conversationId)) this.cover(line.conversationId!, Number(line.seq ?? 0));
        }
        if (more && !page.lines?.length && this.reception?.conversationId == before) break;
      }
    } finally {
      this.filling = undefined;
      done();
    }
    return rows;
  }

  /** Sends what is pending, one after another, each under its own id until the server has it. */
  private async pump(): Promise<void> {
    if (this.pumping || this.phase != 'ready') return;
    this.pumping = true;
    try {
      for (let pause = 1_000; ; ) {
        const row = this.timeline.outbox().find((one) => one.state == 'sending');
        if (!row) break;
        try {
          const sent = await this.call<{ line: Line; reception?: Reception }>(
            'SendLine', { text: row.text, clientId: row.key, pageUrl: this.page }, this.token);
          if (sent.reception) this.setReception(sent.reception);
          this.timeline.merge(sent.line);
          await this.keep.removePending(row.key);
          pause = 1_000;
        } catch (error) {
          if (!(error instanceof CallError)) throw error;
          if (error.code == 'unauthenticated') {
            void this.renew();
            break;
          }
          // Without a link the line waits for it, as the bar says; with one, 15 s are enough.
          const late = this.link.state == 'live' && Date.now() - row.since > failAfterMs;
          if (!error.transient || late) {
            row.state = 'failed';
            this.problem = error;
          } else {
            await new Promise((resolve) => setTimeout(resolve, error.retryAfterMs || pause));
            pause = Math.min(pause * 2, 8_000);
          }
        }
        this.listener.changed();
      }
    } finally {
      this.pumping = false;
    }
  }

  private stopTyping(): void {
    clearTimeout(this.typingTimer);
    this.typingTimer = undefined;
    if (this.typed) this.sendTyping('');
    this.typed = '';
  }

  private sendTyping(preview: string): void {
    const conversationId = this.reception?.conversationId;
    this.stream.send({ typing: { conversationId, active: preview != '', preview } });
  }

  private fail(error: unknown): void {
    this.phase = 'failed';
    this.problem =
      error instanceof CallError ? error : { code: 'internal', message: String(error), requestId: '' };
  }
}

async function oneTabAtATime(name: string, work: () => Promise<void>): Promise<void> {
  let began = false;
  const once = () => {
    began = true;
    return work();
  };
  try {
    if (navigator.locks) return await navigator.locks.request(name, once);
  } catch (error) {
    // Where storage is forbidden locks are too; an error of the work itself goes on.
    if (began) throw error;
  }
  return once();
}
