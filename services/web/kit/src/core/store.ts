// The smallest store that React can watch.

import { useRef, useSyncExternalStore } from 'react';

export interface Store<T> {
  get(): T;
  set(next: T | ((old: T) => T)): void;
  watch(fn: () => void): () => void;
}

/** A value and those who watch it. Watchers are told once per set, after the value is in place; equal values tell nobody. */
export function createStore<T>(initial: T): Store<T> {
  let value = initial;
  const watchers = new Set<() => void>();
  return {
    get: () => value,
    set(next) {
      const made = typeof next === 'function' ? (next as (old: T) => T)(value) : next;
      if (Object.is(made, value)) return;
      value = made;
      for (const fn of [...watchers]) fn();
    },
    watch(fn) {
      watchers.add(fn);
      return () => watchers.delete(fn);
    },
  };
}

export function useStore<T>(store: Store<T>): T;
export function useStore<T, S>(store: Store<T>, select: (value: T) => S): S;
/** The store's value, or a selection of it; renders again when that changes by Object.is (so select no fresh objects). */
export function useStore<T, S>(store: Store<T>, select?: (value: T) => S): T | S {
  const selectRef = useRef(select);
  selectRef.current = select;
  const read = () => (selectRef.current ? selectRef.current(store.get()) : store.get());
  return useSyncExternalStore(store.watch, read, read);
}
