import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { GetWorkbenchResponseSchema } from '@yizhan/kit/gen/desk/v1/agent_service_pb';
import { DeskEventSchema } from '@yizhan/kit/gen/desk/v1/live_pb';
import { Agent_State, Line_Author, Line_Event, LineSchema, Owner, ReceptionSchema, type Line, type Reception } from '@yizhan/kit/gen/desk/v1/reception_pb';
import { emptyState, hasGap, lastLoaded, mineOf, waitingOf, waitingSummary, waitReason, withEvent, withLine, withLines, withReception, withWorkbench, type DeskState } from './desk_state.ts';

const reception = (id: string, more: Partial<Reception> = {}) =>
  create(ReceptionSchema, { conversationId: id, groupId: 's1', owner: Owner.AGENT, agentId: 'p1', lastSeq: 5n, ...more } as never);
const line = (seq: number, more: Partial<Line> = {}) =>
  create(LineSchema, { conversationId: 'r:a', seq: BigInt(seq), author: Line_Author.CUSTOMER, timeUs: BigInt(seq * 1000), text: `line ${seq}`, ...more } as never);
const bench = (more: object): DeskState =>
  withWorkbench(emptyState('p1'), create(GetWorkbenchResponseSchema, { groups: [{ groupId: 's1', name: 'Loans' }], ...more } as never));

describe('lists', () => {
  it('puts the longest unanswered first and the answered behind them', () => {
    const state = bench({ mine: [
      reception('r:a', { unansweredSinceUs: 0n, assignedAtUs: 1n }),
      reception('r:b', { unansweredSinceUs: 900n }),
      reception('r:c', { unansweredSinceUs: 100n }),
    ] });
    expect(mineOf(state).map((each) => each.conversationId)).toEqual(['r:c', 'r:b', 'r:a']);
  });

  it('shows what waits, oldest first, and not what waits elsewhere', () => {
    const state = bench({ waiting: [reception('r:b', { owner: Owner.QUEUE, queuedAtUs: 9n }), reception('r:a', { owner: Owner.QUEUE, queuedAtUs: 3n })] });
    const other = withReception(state, reception('r:x', { owner: Owner.QUEUE, groupId: 's9' }));
    expect(waitingOf(other).map((each) => each.conversationId)).toEqual(['r:a', 'r:b']);
  });

  it('lets go of what left while nobody listened', () => {
    const before = bench({ mine: [reception('r:a')], waiting: [reception('r:b', { owner: Owner.QUEUE })] });
    const after = withWorkbench(before, create(GetWorkbenchResponseSchema, { groups: [{ groupId: 's1' }] } as never));
    expect([...mineOf(after), ...waitingOf(after)]).toEqual([]);
  });

  it('moves a reception from the queue to its agent by one event', () => {
    const before = bench({ waiting: [reception('r:a', { owner: Owner.QUEUE, agentId: '' })] });
    const after = withEvent(before, create(DeskEventSchema, { kind: { case: 'reception', value: reception('r:a', { lastSeq: 6n }) } }));
    expect(waitingOf(after)).toEqual([]);
    expect(mineOf(after)).toHaveLength(1);
  });

  it('does not let an overtaken answer undo a later event', () => {
    const now = bench({ mine: [reception('r:a', { lastSeq: 9n })] });
    expect(withReception(now, reception('r:a', { owner: Owner.QUEUE, lastSeq: 7n }))).toBe(now);
  });

  it('counts what the caller closes', () => {
    const before = bench({ mine: [reception('r:a')], closedToday: 2 });
    expect(withReception(before, reception('r:a', { owner: Owner.NONE, lastSeq: 6n })).closedToday).toBe(3);
  });
});

describe('lines', () => {
  it('keeps them contiguous and tells of a gap', () => {
    const open = withLines(bench({ mine: [reception('r:a')] }), 'r:a', [line(1), line(2)], true);
    expect(hasGap(open, line(3))).toBe(false);
    expect(hasGap(open, line(4))).toBe(true);
    expect(lastLoaded(withLine(open, line(4)), 'r:a')).toBe(2n);
    expect(lastLoaded(withLines(open, 'r:a', [line(2), line(3), line(4)], true), 'r:a')).toBe(4n);
  });

  it('lets the reception follow: unanswered since the first line, answered by a reply, not by a note', () => {
    let state = bench({ mine: [reception('r:a', { lastSeq: 1n })] });
    state = withLine(state, line(2));
    state = withLine(state, line(3));
    expect(state.receptions.get('r:a')!.unansweredSinceUs).toBe(2000n);
    state = withLine(state, line(4, { author: Line_Author.AGENT, internal: true }));
    expect(state.receptions.get('r:a')!.unansweredSinceUs).toBe(2000n);
    state = withLine(state, line(5, { author: Line_Author.AGENT }));
    expect(state.receptions.get('r:a')!.unansweredSinceUs).toBe(0n);
  });

  it('shows in the list what somebody said, not the note of the system behind it', () => {
    const said = withLine(bench({ mine: [reception('r:a', { lastSeq: 1n })] }), line(2));
    const state = withLine(said, line(3, { author: Line_Author.SYSTEM, event: Line_Event.ASSIGNED, text: '' }));
    expect(state.receptions.get('r:a')!.lastLine!.text).toBe('line 2');
    expect(state.receptions.get('r:a')!.lastSeq).toBe(3n);
  });

  it('shows what the visitor types until they send or stop, and not what the caller types', () => {
    const typing = (active: boolean, preview: string, principalId = 'c1') =>
      create(DeskEventSchema, { kind: { case: 'typing', value: { conversationId: 'r:a', principalId, active, preview } } } as never);
    let state = withEvent(bench({ mine: [reception('r:a')] }), typing(true, 'I want'));
    expect(state.previews.get('r:a')).toBe('I want');
    expect(withEvent(state, typing(true, 'mine', 'p1'))).toBe(state);
    expect(withEvent(state, typing(false, '')).previews.size).toBe(0);
    state = withLine(state, line(6));
    expect(state.previews.size).toBe(0);
  });
});

describe('a supervisor who is no agent', () => {
  it('has no state of their own to set', () => {
    const answer = create(GetWorkbenchResponseSchema, { me: { agentId: 'p1' }, groups: [{ groupId: 's1' }] } as never);
    expect(withWorkbench(emptyState('p1', false), answer).me).toBeUndefined();
    expect(withWorkbench(emptyState('p1'), answer).me).toBeDefined();
  });
});

describe('queues', () => {
  it('sums up and names the longest wait', () => {
    const state = bench({ queues: [{ groupId: 's1', waiting: 2, oldestUs: 500n }, { groupId: 's2', waiting: 1, oldestUs: 200n }, { groupId: 's3', waiting: 0, oldestUs: 0n }] });
    expect(waitingSummary(state)).toEqual({ count: 3, oldestUs: 200 });
  });

  it('says why somebody waits', () => {
    const agent = (load: number) => ({ agentId: 'p2', state: Agent_State.ONLINE, capacity: 2, load, groupIds: ['s1'] });
    const waits = reception('r:a', { owner: Owner.QUEUE });
    expect(waitReason(bench({ queues: [{ groupId: 's1', agentsOnline: 0 }] }), waits)).toBe('nobody-online');
    expect(waitReason(bench({ queues: [{ groupId: 's1', agentsOnline: 1 }], colleagues: [agent(2)] }), waits)).toBe('all-busy');
    expect(waitReason(bench({ queues: [{ groupId: 's1', agentsOnline: 1 }], colleagues: [agent(1)] }), waits)).toBe('next');
    expect(waitReason(bench({}), reception('r:a', { owner: Owner.QUEUE, assignedAtUs: 4n }))).toBe('transferred');
  });
});
