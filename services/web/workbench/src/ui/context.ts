import { createContext, useContext } from 'react';
import { createStore, serverNow, useStore } from '@yizhan/kit';
import type { Desk } from '../model/desk.ts';

export const DeskContext = createContext<Desk | null>(null);

/** The workbench's model; only inside Workbench. */
export function useDesk(): Desk {
  const desk = useContext(DeskContext);
  if (!desk) throw new Error('no desk around this part');
  return desk;
}

const second = createStore(serverNow());
setInterval(() => second.set(serverNow()), 1000);

/** The server's time in milliseconds, once a second. */
export function useSecond(): number {
  return useStore(second);
}
