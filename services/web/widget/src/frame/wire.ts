/**
 * The proto3 JSON forms of what the widget uses of yizhan.desk.v1 and yizhan.live.v1 (64-bit numbers are decimal strings,
 * absent fields have their defaults), and the unary calls. Written by hand: a generated client would outweigh the widget.
 */

/** yizhan.desk.v1.Line. */
export interface Line {
  conversationId?: string;
  seq?: string;
  clientId?: string;
  author?: 'AUTHOR_CUSTOMER' | 'AUTHOR_AGENT' | 'AUTHOR_SYSTEM';
  authorId?: string;
  timeUs?: string;
  text?: string;
  internal?: boolean;
  event?:
    | 'EVENT_STARTED'
    | 'EVENT_QUEUED'
    | 'EVENT_ASSIGNED'
    | 'EVENT_TRANSFERRED'
    | 'EVENT_CLOSED'
    | 'EVENT_RATED'
    | 'EVENT_REOPENED';
}

/** yizhan.desk.v1.Reception. */
export interface Reception {
  conversationId?: string;
  owner?: 'OWNER_QUEUE' | 'OWNER_AGENT' | 'OWNER_NONE';
  closedAtUs?: string;
  rating?: number;
}

/** yizhan.desk.v1.StartVisitResponse. */
export interface Visit {
  token: string;
  customer?: { customerId?: string };
  greeting?: string;
  reception?: Reception;
  position?: number;
  staffed?: boolean;
}

/** yizhan.desk.v1.ListLinesResponse. */
export interface Lines {
  lines?: Line[];
  reception?: Reception;
  more?: boolean;
  position?: number;
}

/** yizhan.live.v1.ServerFrame. */
export interface ServerFrame {
  ready?: { serverTimeUs?: string };
  pong?: { nonce?: string; serverTimeUs?: string };
  bye?: { reason?: string; reconnect?: boolean };
  desk?: {
    line?: Line;
    reception?: Reception;
    position?: { conversationId?: string; position?: number };
    typing?: { conversationId?: string; principalId?: string; active?: boolean };
  };
}

/** A refused call. */
export class CallError extends Error {
  constructor(
    /** The Connect code, such as "unauthenticated"; "unavailable" where no answer came. */
    readonly code: string,
    message: string,
    /** The reason of ErrorInfo, an UPPER_SNAKE word; empty where there is none. */
    readonly reason = '',
    /** When to try again, in milliseconds; 0 where the server did not say. */
    readonly retryAfterMs = 0,
    /** Names the request in the server's logs; empty where no answer came. */
    readonly requestId = '',
  ) {
    super(message);
  }

  /** Whether the same call may succeed later without anybody changing it. */
  get transient(): boolean {
    return ['unavailable', 'deadline_exceeded', 'resource_exhausted', 'aborted', 'internal', 'unknown'].includes(this.code);
  }
}

/** Makes one unary call of VisitorService. */
export type Call = <T>(method: string, request: object, token?: string) => Promise<T>;

/** Calls the server at `base` (its origin). Every call ends within 15 seconds. */
export function caller(base: string): Call {
  return async <T>(method: string, request: object, token?: string): Promise<T> => {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), 15_000);
    let response: Response;
    let body: any;
    try {
      response = await fetch(`${base}/yizhan.desk.v1.VisitorService/${method}`, {
        method: 'POST',
        headers: {
          'Content-Type': 'application/json',
          'Connect-Protocol-Version': '1',
          ...(token ? { Authorization: 'Bearer ' + token } : {}),
        },
        body: JSON.stringify(request),
        credentials: 'omit',
        signal: abort.signal,
      });
      body = await response.json();
    } catch {
      throw new CallError('unavailable', '');
    } finally {
      clearTimeout(timer);
    }
    if (response.ok) return body as T;
    const info = readErrorInfo(body?.details);
    throw new CallError(
      body?.code || 'unknown',
      body?.message || '',
      info.reason,
      info.retryAfterMs,
      info.requestId || response.headers.get('x-request-id') || '',
    );
  };
}

/** Reads yizhan.common.v1.ErrorInfo {1: reason, 2: retry_after_ms, 3: request_id} out of a Connect error's details. */
export function readErrorInfo(details: unknown): { reason: string; retryAfterMs: number; requestId: string } {
  const info = { reason: '', retryAfterMs: 0, requestId: '' };
  if (!Array.isArray(details)) return info;
  const detail = details.find((one) => one?.type == 'yizhan.common.v1.ErrorInfo');
  let bytes: Uint8Array;
  try {
    bytes = Uint8Array.from(atob(String(detail?.value ?? '')), (char) => char.charCodeAt(0));
  } catch {
    return info;
  }
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 0; at < bytes.length && shift < 35; shift += 7) {
      const byte = bytes[at++]!;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) break;
    }
    return value;
  };
  while (at < bytes.length) {
    const tag = varint();
    if ((tag & 7) == 0) {
      const value = varint();
      if (tag >> 3 == 2) info.retryAfterMs = value;
    } else if ((tag & 7) == 2) {
      const length = varint();
      const text = new TextDecoder().decode(bytes.subarray(at, at + length));
      at += length;
      if (tag >> 3 == 1) info.reason = text;
      if (tag >> 3 == 3) info.requestId = text;
    } else {
      break;
    }
  }
  return info;
}
