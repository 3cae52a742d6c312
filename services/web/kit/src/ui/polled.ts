// For pages that ask again and again, and say how old their answer is.

import { useCallback, useEffect, useRef, useState } from 'react';
import { toCallError, type CallError } from '../core/calls.ts';

export interface Polled<T> {
  data: T | undefined;
  /** The last try failed: `data` is as old as `at`. */
  error: CallError | undefined;
  /** When `data` came, milliseconds of Date.now(). */
  at: number;
  again: () => void;
}

/** Asks now and then every `ms` while the page is visible; `ask` must be stable. */
export function usePolled<T>(ask: () => Promise<T>, ms: number): Polled<T> {
  const [state, setState] = useState<Omit<Polled<T>, 'again'>>({ data: undefined, error: undefined, at: 0 });
  const run = useRef(0);
  const again = useCallback(() => {
    const mine = ++run.current;
    ask().then(
      (data) => mine === run.current && setState({ data, error: undefined, at: Date.now() }),
      (error) => mine === run.current && setState((old) => ({ ...old, error: toCallError(error) })),
    );
  }, [ask]);
  useEffect(() => {
    again();
    const timer = setInterval(() => document.visibilityState === 'visible' && again(), ms);
    return () => {
      clearInterval(timer);
      run.current += 1;
    };
  }, [again, ms]);
  return { ...state, again };
}
