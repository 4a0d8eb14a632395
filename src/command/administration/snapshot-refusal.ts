import type { ErrorCode } from '../../base/errors.ts';
import type { SnapshotsPort } from '../control.ts';

/** What whoever asks for something of the disk is told by a node that keeps nothing on it. */
export const NOTHING_KEPT = 'nothing is kept on the disk: start the node with --persistence';

/** In Redis's words, for which its clients wait. */
export const LOADING = 'FluxCache is loading the dataset in memory';

export interface SnapshotRefusal {
  readonly code: ErrorCode;
  readonly message: string;
}

/** What makes snapshots, or why none can be made just now: the same whichever way one is asked for. */
export function snapshotsOrRefusal(snapshots: SnapshotsPort | null): SnapshotsPort | SnapshotRefusal {
  if (snapshots === null) return { code: 'conflict', message: `No snapshot can be made, since ${NOTHING_KEPT}.` };
  return snapshots.isReady ? snapshots : { code: 'not-ready', message: LOADING };
}

/** What came of one that failed. */
export function snapshotFailure(reason: string): SnapshotRefusal {
  return { code: 'disk-failed', message: `The snapshot could not be made: ${reason}.` };
}
