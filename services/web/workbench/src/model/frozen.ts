// A list must not move under the pointer: while somebody is in it, its order stands still.

/** One row of a frozen list; `gone` when it has left the list meanwhile. */
export interface FrozenRow<T> {
  readonly id: string;
  readonly item: T;
  readonly gone: boolean;
}

/**
 * The rows to show: `wanted` as it is when nobody is in the list; else the rows of before in their old order, those that left marked
 * gone, and what is new behind them.
 */
export function freeze<T>(before: readonly FrozenRow<T>[], wanted: readonly T[], idOf: (item: T) => string, frozen: boolean): FrozenRow<T>[] {
  if (!frozen) return wanted.map((item) => ({ id: idOf(item), item, gone: false }));
  const now = new Map(wanted.map((item) => [idOf(item), item]));
  const rows: FrozenRow<T>[] = before.map((row) => {
    const item = now.get(row.id);
    now.delete(row.id);
    return item === undefined ? { ...row, gone: true } : { id: row.id, item, gone: false };
  });
  for (const [id, item] of now) rows.push({ id, item, gone: false });
  return rows;
}
