/** What has become of a write whose reply waits. */
export const WaitState = { waiting: 0, acknowledged: 1, abandoned: 2 } as const;
export type WaitState = (typeof WaitState)[keyof typeof WaitState];

/** Tells what has become of writes, from shared memory. */
export interface WaitSource {
  /** Of the write of this number, of which the low 32 bits are given, in a reign that took writes. */
  waitState(partition: number, reign: number, sequence: number): WaitState;
}
