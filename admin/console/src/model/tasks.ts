// What was changed from this page, with its outcome: the strip at the foot.

import { createStore, toCallError } from '@yizhan/kit/core';

export interface Task {
  readonly id: number;
  readonly title: string;
  readonly at: number;
  readonly state: 'running' | 'done' | 'failed';
  readonly problem: string;
  readonly requestId: string;
}

export const tasks = createStore<readonly Task[]>([]);
let last = 0;
const kept = 50;

/** Runs a change and notes it. Throws what the call throws. */
export async function runTask<T>(title: string, call: () => Promise<T>): Promise<T> {
  const id = ++last;
  const put = (change: Partial<Task>) => tasks.set((old) => old.map((task) => (task.id === id ? { ...task, ...change } : task)));
  tasks.set((old) => [{ id, title, at: Date.now(), state: 'running' as const, problem: '', requestId: '' }, ...old].slice(0, kept));
  try {
    const answer = await call();
    put({ state: 'done' });
    return answer;
  } catch (error) {
    const known = toCallError(error);
    put({ state: 'failed', problem: known.message, requestId: known.requestId });
    throw known;
  }
}
