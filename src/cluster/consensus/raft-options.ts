import type { Random } from '../../base/ports.ts';
import { isNodeId, type NodeId } from '../identity.ts';

/** How a {@link Raft} behaves. Times are milliseconds; see {@link defaultRaftOptions} for what suits most. */
export interface RaftOptions {
  readonly id: NodeId;
  readonly random: Random;
  /**
   * Shortest and longest time without a leader until a voter asks for an election; each wait is drawn anew. Within the
   * shortest no voter helps to replace a leader it heard from; a leader that no majority answers for the longest
   * steps down.
   */
  readonly electionTimeoutMs: readonly [number, number];
  /** A leader speaks to everybody at least so often: well below the shortest election timeout. */
  readonly heartbeatMs: number;
  /** Of one append. */
  readonly appendEntriesMax: number;
  /** Payload bytes of one append; an entry that is larger goes alone. */
  readonly appendBytesMax: number;
  /** Appends with entries sent to a follower ahead of its answers. */
  readonly appendsInFlightMax: number;
  /** Payload bytes proposed and not committed yet; beyond them proposals are refused, save a first one. */
  readonly unfinishedBytesMax: number;
  /** Reads that wait at once; beyond them reads are refused. */
  readonly readsMax: number;
  /** After this a snapshot that a follower does not confirm is sent to it again. */
  readonly snapshotResendMs: number;
  /** A transfer of leadership that takes longer is given up. */
  readonly transferTimeoutMs: number;
}

export const defaultRaftOptions: Omit<RaftOptions, 'id' | 'random'> = {
  electionTimeoutMs: [300, 600],
  heartbeatMs: 75,
  appendEntriesMax: 256,
  appendBytesMax: 256 * 1024,
  appendsInFlightMax: 16,
  unfinishedBytesMax: 4 * 1024 * 1024,
  readsMax: 4096,
  snapshotResendMs: 1000,
  transferTimeoutMs: 1000,
};

/** What cannot work about the options, for whoever has set them; null if they can. */
export function validateRaftOptions(options: RaftOptions): string | null {
  const [shortest, longest] = options.electionTimeoutMs;
  if (!isNodeId(options.id)) return `id is not the name of a node: ${options.id}`;
  if (!(shortest > 0 && shortest < longest && longest < Number.POSITIVE_INFINITY)) {
    return 'electionTimeoutMs must be two times above 0, the first below the second, for waits to differ';
  }
  if (!(options.heartbeatMs > 0 && options.heartbeatMs * 2 <= shortest)) {
    return 'heartbeatMs must be above 0 and at most half of the shortest election timeout, so that one may get lost';
  }
  for (const name of [
    'appendEntriesMax',
    'appendBytesMax',
    'appendsInFlightMax',
    'unfinishedBytesMax',
    'readsMax',
  ] as const) {
    if (!(Number.isSafeInteger(options[name]) && options[name] > 0)) return `${name} must be an integer above 0`;
  }
  for (const name of ['snapshotResendMs', 'transferTimeoutMs'] as const) {
    if (!(options[name] > 0 && options[name] < Number.POSITIVE_INFINITY)) return `${name} must be above 0`;
  }
  return null;
}
