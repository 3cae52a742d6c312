// What the workbench knows, as plain data, and how events change it. Pure: no calls, no clock.

import type { DeskEvent, QueueState } from '@yizhan/kit/gen/desk/v1/live_pb';
import type { GetWorkbenchResponse } from '@yizhan/kit/gen/desk/v1/agent_service_pb';
import { Line_Author, Line_Event, Owner, type Agent, type Channel, type Line, type Reception, type ServiceGroup } from '@yizhan/kit/gen/desk/v1/reception_pb';

/** The lines of one reception as far as they are loaded: contiguous from the first. */
export interface Lines {
  readonly lines: readonly Line[];
  /** Whether the end has been reached at least once. */
  readonly loaded: boolean;
}

export interface DeskState {
  readonly myId: string;
  /** Whether the caller takes receptions; a supervisor alone does not. */
  readonly serves: boolean;
  /** Absent for who does not serve. */
  readonly me: Agent | undefined;
  readonly groups: ReadonlyMap<string, ServiceGroup>;
  readonly channels: ReadonlyMap<string, Channel>;
  readonly agents: ReadonlyMap<string, Agent>;
  readonly queues: ReadonlyMap<string, QueueState>;
  /** Every reception that has been heard of, by id. */
  readonly receptions: ReadonlyMap<string, Reception>;
  readonly lines: ReadonlyMap<string, Lines>;
  /** What visitors are typing, by reception; gone when they stop. */
  readonly previews: ReadonlyMap<string, string>;
  /** How many the caller closed today. */
  readonly closedToday: number;
}

export function emptyState(myId: string, serves = true): DeskState {
  const none = new Map<string, never>();
  return { myId, serves, me: undefined, groups: none, channels: none, agents: none, queues: none, receptions: none, lines: none, previews: none, closedToday: 0 };
}

/** Takes over the whole workbench: after log-in and after each reconnect. What is no longer there has left the lists. */
export function withWorkbench(state: DeskState, bench: GetWorkbenchResponse): DeskState {
  const receptions = new Map(state.receptions);
  const present = new Set<string>();
  for (const reception of [...bench.mine, ...bench.waiting]) {
    present.add(reception.conversationId);
    receptions.set(reception.conversationId, newer(receptions.get(reception.conversationId), reception));
  }
  // What was mine or waiting and is not any longer went elsewhere while nobody listened.
  for (const [id, reception] of state.receptions) {
    const listed = isMine(reception, state.myId) || isWaiting(reception, state);
    if (listed && !present.has(id) && !(isWaiting(reception, state) && bench.waiting.length >= 200)) receptions.delete(id);
  }
  return {
    ...state,
    me: state.serves ? bench.me : undefined,
    groups: byId(bench.groups, (group) => group.groupId),
    channels: byId(bench.channels, (channel) => channel.channelId),
    agents: byId(bench.me ? [...bench.colleagues, bench.me] : bench.colleagues, (agent) => agent.agentId),
    queues: byId(bench.queues, (queue) => queue.groupId),
    receptions,
    previews: new Map(),
    closedToday: bench.closedToday,
  };
}

/** Takes in one event of the live stream. The same state when nothing has changed. */
export function withEvent(state: DeskState, event: DeskEvent): DeskState {
  switch (event.kind.case) {
    case 'line':
      return withLine(state, event.kind.value);
    case 'reception':
      return withReception(state, event.kind.value);
    case 'typing': {
      const { conversationId, active, preview, principalId } = event.kind.value;
      if (principalId === state.myId) return state;
      const previews = new Map(state.previews);
      if (active && preview !== '') previews.set(conversationId, preview);
      else if (!previews.delete(conversationId)) return state;
      return { ...state, previews };
    }
    case 'agent': {
      const agent = event.kind.value;
      const agents = new Map(state.agents).set(agent.agentId, agent);
      return { ...state, agents, me: agent.agentId === state.myId && state.serves ? agent : state.me };
    }
    case 'queue':
      return { ...state, queues: new Map(state.queues).set(event.kind.value.groupId, event.kind.value) };
    default:
      return state;
  }
}

/** A reception as the server has it now. */
export function withReception(state: DeskState, reception: Reception): DeskState {
  const old = state.receptions.get(reception.conversationId);
  const made = newer(old, reception);
  if (made === old) return state;
  const closedByMe = old !== undefined && isMine(old, state.myId) && made.owner === Owner.NONE;
  const previews = new Map(state.previews);
  if (made.owner === Owner.NONE) previews.delete(made.conversationId);
  return {
    ...state,
    receptions: new Map(state.receptions).set(made.conversationId, made),
    previews,
    closedToday: state.closedToday + (closedByMe ? 1 : 0),
  };
}

/** A line that came live: the reception's summary follows it, and its lines if they are loaded that far. */
export function withLine(state: DeskState, line: Line): DeskState {
  const id = line.conversationId;
  const old = state.receptions.get(id);
  let next = state;
  if (old && line.seq > old.lastSeq) {
    const fromCustomer = line.author === Line_Author.CUSTOMER;
    const answers = line.author === Line_Author.AGENT && !line.internal;
    const unansweredSinceUs = answers ? 0n : fromCustomer && old.unansweredSinceUs === 0n ? line.timeUs : old.unansweredSinceUs;
    const receptions = new Map(state.receptions).set(id, { ...old, lastSeq: line.seq, lastLine: said(line, old.lastLine), unansweredSinceUs });
    next = { ...next, receptions };
  }
  if (line.author === Line_Author.CUSTOMER && next.previews.has(id)) {
    const previews = new Map(next.previews);
    previews.delete(id);
    next = { ...next, previews };
  }
  const loaded = state.lines.get(id);
  if (loaded) next = withLines(next, id, [line], loaded.loaded);
  return next;
}

/** Adds lines to what is loaded. Lines beyond a gap are left out: see hasGap. */
export function withLines(state: DeskState, id: string, more: readonly Line[], loaded: boolean): DeskState {
  const old = state.lines.get(id) ?? { lines: [], loaded: false };
  const lines = [...old.lines];
  for (const line of more) if (line.seq === nextSeq(lines)) lines.push(line);
  if (lines.length === old.lines.length && loaded === old.loaded && state.lines.has(id)) return state;
  return { ...state, lines: new Map(state.lines).set(id, { lines, loaded }) };
}

/** Whether a line shows that others are missing before it, in a reception whose lines are on the screen. */
export function hasGap(state: DeskState, line: Line): boolean {
  const loaded = state.lines.get(line.conversationId);
  return loaded !== undefined && loaded.loaded && line.seq > nextSeq(loaded.lines);
}

/** The last seq loaded; 0 for none. */
export function lastLoaded(state: DeskState, id: string): bigint {
  return nextSeq(state.lines.get(id)?.lines ?? []) - 1n;
}

export function isMine(reception: Reception, myId: string): boolean {
  return reception.owner === Owner.AGENT && reception.agentId === myId;
}

export function isWaiting(reception: Reception, state: DeskState): boolean {
  return reception.owner === Owner.QUEUE && state.groups.has(reception.groupId);
}

/** Mine: longest since the customer's unanswered line first, then the answered ones, oldest first. */
export function mineOf(state: DeskState): Reception[] {
  const far = 1n << 62n;
  const since = (reception: Reception) => reception.unansweredSinceUs || far;
  return [...state.receptions.values()]
    .filter((reception) => isMine(reception, state.myId))
    .sort((a, b) => compare(since(a), since(b)) || compare(a.assignedAtUs, b.assignedAtUs) || (a.conversationId < b.conversationId ? -1 : 1));
}

/** What waits in the caller's groups, longest first. */
export function waitingOf(state: DeskState): Reception[] {
  return [...state.receptions.values()]
    .filter((reception) => isWaiting(reception, state))
    .sort((a, b) => compare(a.queuedAtUs, b.queuedAtUs) || (a.conversationId < b.conversationId ? -1 : 1));
}

/** How many wait in all the caller's queues, and since when the oldest. */
export function waitingSummary(state: DeskState): { count: number; oldestUs: number } {
  let count = 0;
  let oldest = 0n;
  for (const queue of state.queues.values()) {
    count += queue.waiting;
    if (queue.waiting > 0 && queue.oldestUs > 0n && (oldest === 0n || queue.oldestUs < oldest)) oldest = queue.oldestUs;
  }
  return { count, oldestUs: Number(oldest) };
}

/** Why a reception waits, for the queue's rows. */
export type WaitReason = 'transferred' | 'nobody-online' | 'all-busy' | 'next';

export function waitReason(state: DeskState, reception: Reception): WaitReason {
  if (reception.lastLine?.event === Line_Event.TRANSFERRED || reception.assignedAtUs > 0n) return 'transferred';
  const online = state.queues.get(reception.groupId)?.agentsOnline ?? 0;
  if (online === 0) return 'nobody-online';
  const free = [...state.agents.values()].some((agent) => agent.groupIds.includes(reception.groupId) && agent.state === 2 && agent.load < agent.capacity);
  return free ? 'next' : 'all-busy';
}

/** Events may overtake answers: what has the later seq, and of equal ones the later state, is kept. */
function newer(old: Reception | undefined, reception: Reception): Reception {
  if (!old) return reception;
  if (reception.lastSeq < old.lastSeq) return old;
  const lastLine = said(reception.lastLine, old.lastLine);
  return lastLine === reception.lastLine || !lastLine ? reception : { ...reception, lastLine };
}

/** For lists: what somebody said tells more than what the system noted behind it. */
function said<L extends Line | undefined>(line: L, old: Line | undefined): L | Line {
  return old && old.author !== Line_Author.SYSTEM && (!line || line.author === Line_Author.SYSTEM) ? old : line;
}

function nextSeq(lines: readonly Line[]): bigint {
  return (lines.length > 0 ? lines[lines.length - 1]!.seq : 0n) + 1n;
}

function byId<T>(items: readonly T[], id: (item: T) => string): Map<string, T> {
  return new Map(items.map((item) => [id(item), item]));
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
