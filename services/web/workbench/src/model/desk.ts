// The workbench behind the page: listens, asks, keeps the state true after every reconnect.

import { announce, backoff, createStore, LiveSocket, newId, probeSession, serviceClient, sleep, textStorage, toCallError, type CallError, type Store } from '@yizhan/kit';
import { AgentService, ListReceptionsRequest_Filter } from '@yizhan/kit/gen/desk/v1/agent_service_pb';
import type { DeskEvent } from '@yizhan/kit/gen/desk/v1/live_pb';
import { Line_Author, type Agent_State, type Reception } from '@yizhan/kit/gen/desk/v1/reception_pb';
import { emptyState, hasGap, isMine, lastLoaded, withEvent, withLines, withReception, withWorkbench, type DeskState } from './desk_state.ts';
import { Outbox } from './outbox.ts';

export type Phase = { at: 'loading' } | { at: 'ready' } | { at: 'failed'; error: CallError };

/** What the page says in the agent's language about what has just come in. */
export interface Arrivals {
  reception(reception: Reception): string;
  line(reception: Reception, text: string): string;
}

export class Desk {
  readonly state: Store<DeskState>;
  readonly phase = createStore<Phase>({ at: 'loading' });
  readonly live = new LiveSocket({ probe: probeSession });
  readonly outbox: Outbox;
  private readonly agents = serviceClient(AgentService);
  private readonly filling = new Map<string, Promise<void>>();
  private typingAt = 0;
  private refreshes = 0;

  /** serves: whether the caller takes receptions. */
  constructor(readonly myId: string, serves: boolean, private readonly say: Arrivals) {
    this.state = createStore(emptyState(myId, serves));
    this.outbox = new Outbox(
      myId,
      async (item) => {
        const { line } = await this.agents.sendReply({ conversationId: item.conversationId, text: item.text, internal: item.internal, clientId: item.id });
        if (line) this.take({ case: 'line', value: line });
      },
      () => this.live.state.get().phase === 'live',
      textStorage(),
    );
  }

  start(): void {
    this.live.listen((frame) => {
      if (frame.kind.case === 'ready') void this.refresh();
      else if (frame.kind.case === 'desk') this.take(frame.kind.value.kind);
    });
    this.live.start();
    void this.refresh();
  }

  stop(): void {
    this.live.stop();
  }

  /** Asks for everything anew; what is on the screen stays until the answer is here, which is asked for until it comes. */
  async refresh(): Promise<void> {
    this.refreshes += 1;
    const mine = this.refreshes;
    for (let attempt = 0; mine === this.refreshes; attempt += 1) {
      try {
        const bench = await this.agents.getWorkbench({});
        this.state.set((old) => withWorkbench(old, bench));
        this.phase.set({ at: 'ready' });
        this.outbox.resume();
        await Promise.all([...this.state.get().lines.keys()].map((id) => this.fill(id)));
        return;
      } catch (error) {
        const known = toCallError(error);
        if (this.phase.get().at !== 'ready') this.phase.set({ at: 'failed', error: known });
        // Without a link the next one asks anew; with one nobody else would.
        if (!known.temporary || this.phase.get().at !== 'ready') return;
        await sleep(backoff(attempt, 500, 8_000));
        if (this.live.state.get().phase !== 'live') return;
      }
    }
  }

  /** Loads the lines of a reception, or what is missing of them. Throws CallError. */
  async open(id: string): Promise<void> {
    if (!this.state.get().lines.has(id)) this.state.set((old) => withLines(old, id, [], false));
    await this.fill(id);
  }

  async setState(state: Agent_State, capacity = 0): Promise<void> {
    const requestId = newId();
    const { me } = await unlessRefused(() => this.agents.setState({ state, capacity, requestId }));
    if (me) this.take({ case: 'agent', value: me });
  }

  /** Takes a waiting reception; without an id the one that waits longest. Throws CallError with ALREADY_TAKEN when another was quicker. */
  async accept(conversationId = ''): Promise<Reception | undefined> {
    const requestId = newId();
    // A colleague who was quicker is told at once: only silence is tried again.
    const { reception } = await unlessRefused(() => this.agents.accept({ conversationId, requestId }));
    if (reception) this.take({ case: 'reception', value: reception });
    return reception;
  }

  async transfer(conversationId: string, to: { agentId?: string; groupId?: string }, note: string): Promise<void> {
    const requestId = newId();
    const { reception } = await unlessRefused(
      () => this.agents.transfer({ conversationId, toAgentId: to.agentId ?? '', toGroupId: to.groupId ?? '', note, requestId }));
    if (reception) this.take({ case: 'reception', value: reception });
  }

  async close(conversationId: string): Promise<void> {
    const requestId = newId();
    const { reception } = await unlessRefused(() => this.agents.close({ conversationId, requestId }));
    if (reception) this.take({ case: 'reception', value: reception });
  }

  /** A page of the receptions that the caller closed, or of one customer's, newest first. */
  async list(filter: { customerId: string } | 'done', pageToken = ''): Promise<{ receptions: Reception[]; nextPageToken: string }> {
    const answer = await this.agents.listReceptions(
      filter === 'done' ? { filter: ListReceptionsRequest_Filter.DONE, pageToken } : { filter: ListReceptionsRequest_Filter.CUSTOMER, customerId: filter.customerId, pageToken });
    return { receptions: answer.receptions, nextPageToken: answer.nextPageToken };
  }

  /** Tells the visitor that the agent types; at most one call in three seconds. */
  typing(conversationId: string, active: boolean): void {
    const now = Date.now();
    if (active && now - this.typingAt < 3_000) return;
    if (!active && this.typingAt === 0) return;
    this.typingAt = active ? now : 0;
    // Not worth a word when it fails.
    this.agents.setTyping({ conversationId, active }).catch(() => {});
  }

  private take(kind: DeskEvent['kind']): void {
    const before = this.state.get();
    const event = { $typeName: 'yizhan.desk.v1.DeskEvent', kind } as DeskEvent;
    const gap = kind.case === 'line' && hasGap(before, kind.value);
    this.state.set((old) => withEvent(old, event));
    if (kind.case === 'line') {
      this.outbox.arrived(kind.value.clientId);
      if (gap) void this.fill(kind.value.conversationId).catch(() => {});
      const reception = this.state.get().receptions.get(kind.value.conversationId);
      if (reception && isMine(reception, this.myId) && kind.value.author === Line_Author.CUSTOMER && kind.value.seq > (before.receptions.get(reception.conversationId)?.lastSeq ?? 0n)) {
        announce(this.say.line(reception, kind.value.text));
      }
      // A line of a reception that this page has not heard of: the list is stale.
      if (!reception) void this.refresh();
    } else if (kind.case === 'reception') {
      const old = before.receptions.get(kind.value.conversationId);
      const id = kind.value.conversationId;
      // Lines come to who has the reception; others who look at it are told that there are more, and fetch them.
      if (before.lines.get(id)?.loaded && kind.value.lastSeq > lastLoaded(before, id)) void this.fill(id).catch(() => {});
      if (isMine(kind.value, this.myId) && !(old && isMine(old, this.myId))) announce(this.say.reception(kind.value));
    }
  }

  private fill(id: string): Promise<void> {
    const running = this.filling.get(id);
    if (running) return running;
    const made = this.fetchLines(id).finally(() => this.filling.delete(id));
    this.filling.set(id, made);
    return made;
  }

  private async fetchLines(id: string): Promise<void> {
    for (let more = true; more; ) {
      const afterSeq = lastLoaded(this.state.get(), id);
      const page = await this.agents.listReceptionLines({ conversationId: id, afterSeq, pageSize: 500 });
      more = page.more && page.lines.length > 0;
      this.state.set((old) => withLines(page.reception ? withReception(old, page.reception) : old, id, page.lines, !more));
    }
  }
}

/** Three tries while nobody answers; the request id makes that harmless. A refusal is final. */
async function unlessRefused<T>(call: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      const known = toCallError(error);
      if (known.reason !== 'UNREACHABLE' || attempt === 2) throw known;
      await sleep(400 * (attempt + 1));
    }
  }
}
