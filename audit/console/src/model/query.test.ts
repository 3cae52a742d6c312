import { describe, expect, it } from 'vitest';
import { Source } from '@yizhan/kit/gen/audit/v1/archive_service_pb';
import { dayUs, emptyQuery, queryProblem, toRequest, whyProblem } from './query.ts';

const why = { caseId: '2025-014', reason: 'review' };

describe('toRequest', () => {
  it('covers both days whole, in this machine’s zone', () => {
    const request = toRequest({ ...emptyQuery, text: ' 理财 ', from: '2025-03-08', to: '2025-03-08' }, why);
    expect(request.endUs - request.startUs).toBe(86_400_000_000n);
    expect(Number(request.startUs) / 1000).toBe(new Date(2025, 2, 8).getTime());
    expect(request.text).toBe('理财');
    expect(request.purpose).toMatchObject(why);
  });
  it('leaves a bound out that was not given', () => {
    expect(toRequest(emptyQuery, why)).toMatchObject({ startUs: 0n, endUs: 0n, sources: [Source.IM, Source.DESK] });
  });
  it('goes over the end of a month', () => {
    expect(dayUs('2025-01-31', 1)).toBe(dayUs('2025-02-01', 0));
  });
});

describe('queryProblem', () => {
  it('names what is wrong', () => {
    expect(queryProblem(emptyQuery)).toBeNull();
    expect(queryProblem({ ...emptyQuery, text: '"a b' })).toBe('quote');
    expect(queryProblem({ ...emptyQuery, sources: [] })).toBe('sources');
    expect(queryProblem({ ...emptyQuery, from: '2025-03-09', to: '2025-03-08' })).toBe('dates');
  });
});

describe('whyProblem', () => {
  it('wants both, within bounds, counted in characters', () => {
    expect(whyProblem(why)).toBeNull();
    expect(whyProblem({ caseId: ' ', reason: 'x' })).toBe('case');
    expect(whyProblem({ caseId: 'x'.repeat(101), reason: 'x' })).toBe('case');
    expect(whyProblem({ caseId: 'x', reason: '' })).toBe('reason');
    expect(whyProblem({ caseId: 'x', reason: '𠮷'.repeat(500) })).toBeNull();
    expect(whyProblem({ caseId: 'x', reason: '𠮷'.repeat(501) })).toBe('reason');
  });
});
