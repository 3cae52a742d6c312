// What an auditor looks for, as the form holds it, and what becomes of it in the contract.

import { create } from '@bufbuild/protobuf';
import { PurposeSchema, SearchRequestSchema, Source, type SearchRequest } from '@yizhan/kit/gen/audit/v1/archive_service_pb';

/** Why an auditor looks. */
export interface Why {
  readonly caseId: string;
  readonly reason: string;
}

export interface Named {
  readonly id: string;
  readonly name: string;
}

export interface Query {
  readonly text: string;
  readonly sources: readonly Source[];
  readonly people: readonly Named[];
  readonly conversations: readonly Named[];
  readonly customers: readonly Named[];
  /** Days of this machine's zone, "2025-03-08"; empty for no bound. Both are included. */
  readonly from: string;
  readonly to: string;
}

export const emptyQuery: Query = { text: '', sources: [Source.IM, Source.DESK], people: [], conversations: [], customers: [], from: '', to: '' };

/** What is wrong with a query, or null. The server judges again. */
export function queryProblem(query: Query): 'quote' | 'sources' | 'dates' | null {
  if ((query.text.match(/"/g) ?? []).length % 2 === 1) return 'quote';
  if (query.sources.length === 0) return 'sources';
  if (query.from !== '' && query.to !== '' && query.from > query.to) return 'dates';
  return null;
}

export function toRequest(query: Query, why: Why, pageToken = '', pageSize = 50): SearchRequest {
  return create(SearchRequestSchema, {
    purpose: create(PurposeSchema, why),
    text: query.text.trim(),
    personIds: query.people.map((each) => each.id),
    conversationIds: query.conversations.map((each) => each.id),
    customerIds: query.customers.map((each) => each.id),
    sources: [...query.sources],
    startUs: query.from === '' ? 0n : dayUs(query.from, 0),
    endUs: query.to === '' ? 0n : dayUs(query.to, 1),
    pageSize,
    pageToken,
  });
}

/** The beginning of a day, or of the day `add` days later, in microseconds since the epoch. */
export function dayUs(day: string, add: number): bigint {
  const [year, month, date] = day.split('-').map(Number);
  return BigInt(new Date(year!, month! - 1, date! + add).getTime()) * 1000n;
}

/** "2025-03-08" of a time. */
export function dayOf(ms: number): string {
  const at = new Date(ms);
  return `${at.getFullYear()}-${String(at.getMonth() + 1).padStart(2, '0')}-${String(at.getDate()).padStart(2, '0')}`;
}

/** A purpose is complete: nothing is searched or read without one. */
export function whyProblem(why: Why): 'case' | 'reason' | null {
  const length = (text: string) => Array.from(text.trim()).length;
  if (length(why.caseId) < 1 || length(why.caseId) > 100) return 'case';
  if (length(why.reason) < 1 || length(why.reason) > 500) return 'reason';
  return null;
}
