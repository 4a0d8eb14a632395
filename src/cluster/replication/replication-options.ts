/** How the copies of a partition deal with each other. All times in milliseconds. */
export interface ReplicationOptions {
  /** A primary lets each follower hear of it that often, whether there are writes or not. */
  readonly keepaliveMs: number;
  /** What was not acknowledged for so long is sent again. */
  readonly resendMs: number;
  /** A member that was behind, or silent, for so long is proposed out of the in-sync set. */
  readonly shrinkAfterMs: number;
  /** A proposal is repeated that often until the entry's version moves. */
  readonly proposeAgainMs: number;
  /** A primary that hands over stops writes for at most so long before it gives up. */
  readonly handOverMs: number;
  /** After it gave up it tries again no sooner than that. */
  readonly handOverBackOffMs: number;
  /** A hand-over that was proposed and neither came nor was refused is called off after that. */
  readonly handOverCancelMs: number;
  /** A snapshot of which nothing was heard for so long is begun anew. */
  readonly snapshotStallMs: number;
  /** Effects in one message; one larger record travels alone. */
  readonly appendBytesMax: number;
  /** Messages with records to one follower that wait for its acknowledgement. */
  readonly inFlightMax: number;
  /** Writes are refused while as much waits for acknowledgement, in bytes or records. */
  readonly uncommittedBytesMax: number;
  readonly uncommittedRecordsMax: number;
  /** Committed records kept so that a copy that was away for a moment needs no snapshot. */
  readonly retainedBytesMax: number;
  /** The same while a copy is being filled by a snapshot: what is written meanwhile waits for it. */
  readonly catchUpBytesMax: number;
}

export const defaultReplicationOptions: ReplicationOptions = {
  keepaliveMs: 100,
  resendMs: 150,
  shrinkAfterMs: 500,
  proposeAgainMs: 200,
  handOverMs: 300,
  handOverBackOffMs: 2000,
  handOverCancelMs: 1000,
  snapshotStallMs: 2000,
  appendBytesMax: 256 * 1024,
  inFlightMax: 8,
  uncommittedBytesMax: 8 * 1024 * 1024,
  uncommittedRecordsMax: 65_536,
  retainedBytesMax: 1024 * 1024,
  catchUpBytesMax: 32 * 1024 * 1024,
};

/** What is wrong with them, with what would be right; null when nothing is. */
export function replicationOptionsFault(options: ReplicationOptions): string | null {
  for (const [name, value] of Object.entries(options)) {
    if (!(value > 0) || !Number.isFinite(value)) return `${name} is ${value}; it must be a number above 0`;
  }
  const { keepaliveMs, shrinkAfterMs, inFlightMax, uncommittedRecordsMax, retainedBytesMax, catchUpBytesMax } = options;
  // With fewer chances to be heard, a single lost message would cost a copy its place.
  if (shrinkAfterMs < 3 * keepaliveMs) {
    return `shrinkAfterMs is ${shrinkAfterMs}; it must be at least three times keepaliveMs, which is ${keepaliveMs}`;
  }
  if (!Number.isInteger(inFlightMax)) return `inFlightMax is ${inFlightMax}; it must be a whole number`;
  if (!Number.isInteger(uncommittedRecordsMax)) {
    return `uncommittedRecordsMax is ${uncommittedRecordsMax}; it must be a whole number`;
  }
  if (catchUpBytesMax < retainedBytesMax) {
    return `catchUpBytesMax is ${catchUpBytesMax}; it must be at least retainedBytesMax, which is ${retainedBytesMax}`;
  }
  return null;
}
