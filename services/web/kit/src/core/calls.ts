// Calls to the services: Connect's unary calls to the origin that the page came from.

import { Code, ConnectError, createClient, type Client } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-web';
import type { DescService } from '@bufbuild/protobuf';
import { ErrorInfoSchema } from '../../gen/yizhan/common/v1/errors_pb';

export { Code };

/** What a failed call means to a page. */
export class CallError extends Error {
  /** UPPER_SNAKE word of the contract; UNREACHABLE when no answer came. */
  readonly reason: string;
  readonly code: Code;
  readonly retryAfterMs: number;
  /** For the person to copy; may be empty. */
  readonly requestId: string;

  constructor(message: string, code: Code, reason: string, retryAfterMs = 0, requestId = '') {
    super(message);
    this.name = 'CallError';
    this.code = code;
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
    this.requestId = requestId;
  }

  /** Whether the same call may succeed later: nothing was refused. */
  get temporary(): boolean {
    return [Code.Unavailable, Code.DeadlineExceeded, Code.ResourceExhausted, Code.Aborted].includes(this.code) || this.reason === 'UNREACHABLE';
  }

  get signedOut(): boolean {
    return this.code === Code.Unauthenticated;
  }
}

export function toCallError(error: unknown): CallError {
  if (error instanceof CallError) return error;
  const made = ConnectError.from(error);
  // What the interceptor below threw comes out of the transport wrapped.
  if (made.cause instanceof CallError) return made.cause;
  // Connect wraps what an interceptor throws.
  if (made.cause instanceof CallError) return made.cause;
  const info = made.findDetails(ErrorInfoSchema)[0];
  if (info) return new CallError(made.rawMessage, made.code, info.reason, info.retryAfterMs, info.requestId);
  // fetch() fails with a TypeError when nothing answered.
  const unreachable = made.cause instanceof TypeError || made.code === Code.Unavailable || made.code === Code.DeadlineExceeded;
  return new CallError(made.rawMessage, made.code, unreachable ? 'UNREACHABLE' : 'UNKNOWN');
}

const signedOutWatchers = new Set<() => void>();

/** Told whenever a call is refused because the session is gone. */
export function onSignedOut(fn: () => void): () => void {
  signedOutWatchers.add(fn);
  return () => signedOutWatchers.delete(fn);
}

const transport = createConnectTransport({
  baseUrl: typeof location === 'undefined' ? 'http://localhost' : location.origin,
  useBinaryFormat: true,
  defaultTimeoutMs: 15_000,
  fetch: (input, init) => fetch(input, { ...init, credentials: 'same-origin', redirect: 'error' }),
  interceptors: [
    (next) => async (request) => {
      try {
        return await next(request);
      } catch (error) {
        const known = toCallError(error);
        if (known.signedOut && request.method.name !== 'LogIn') for (const fn of [...signedOutWatchers]) fn();
        throw known;
      }
    },
  ],
});

/** A client of one service of the contract: `const messages = serviceClient(MessageService)`. Pass what its calls throw to toCallError. */
export function serviceClient<S extends DescService>(service: S): Client<S> {
  return createClient(service, transport);
}

/** Waits; ends early, without an error, when the signal is aborted. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done);
  });
}

/** Milliseconds before try number `attempt` (0, 1, …): doubling from `first` to `cap`, half of it by chance. */
export function backoff(attempt: number, first = 1000, cap = 30_000, chance: () => number = Math.random): number {
  const full = Math.min(cap, first * 2 ** Math.min(attempt, 16));
  return full / 2 + (full / 2) * chance();
}

/**
 * Calls until it succeeds, is refused, or the signal is aborted. The caller keeps the same client_id or request_id in every try: that is
 * what makes a second try harmless.
 */
export async function withRetry<T>(call: () => Promise<T>, options: { signal?: AbortSignal; tries?: number } = {}): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      const known = toCallError(error);
      if (!known.temporary || options.signal?.aborted || attempt + 1 >= (options.tries ?? Infinity)) throw known;
      await sleep(Math.max(known.retryAfterMs, backoff(attempt, 500, 8000)), options.signal);
    }
  }
}
