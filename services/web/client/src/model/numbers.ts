/** Seqs and microseconds travel as 64 bits; both stay far below 2^53 for centuries. */
export const num = (value: bigint): number => Number(value);
