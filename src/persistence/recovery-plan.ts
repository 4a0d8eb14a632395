import { DataError, REPAIR } from './data-error.ts';
import type { FileKind } from './file-header.ts';

/** A file of one shard's data, as far as its name and header tell. */
export interface DataFile {
  readonly path: string;
  readonly kind: FileKind;
  /** A log's: of its first record; a snapshot's: of the first record that is not in it. */
  readonly sequence: number;
  readonly isAnew: boolean;
}

/** What is to be read, in this order. */
export interface RecoveryPlan {
  readonly snapshot: DataFile | null;
  /** Those that go on from the snapshot, or from the beginning. */
  readonly segments: readonly DataFile[];
  /** What the others make superfluous, left by a crash in between: to be removed. */
  readonly superfluous: readonly DataFile[];
}

const FIRST_SEQUENCE = 1;

/**
 * Which of a shard's files are read: the newest snapshot, and the log from there on. `folder` is named where a file is
 * missing. Throws a {@link DataError} when what is there does not begin where it has to.
 */
export function planRecovery(folder: string, files: readonly DataFile[]): RecoveryPlan {
  const bySequence = (a: DataFile, b: DataFile) => a.sequence - b.sequence;
  const snapshots = files.filter(({ kind }) => kind === 'snapshot').sort(bySequence);
  const logs = files.filter(({ kind }) => kind === 'log').sort(bySequence);
  const snapshot = snapshots.at(-1) ?? null;
  const from = snapshot?.sequence ?? FIRST_SEQUENCE;
  const firstAt = logs.findLastIndex(({ sequence }) => sequence <= from);
  const first = logs[firstAt];
  if (first === undefined) {
    const [oldest] = logs;
    const what =
      oldest === undefined
        ? 'there is no log'
        : `the log begins with number ${oldest.sequence}, and nothing has what is before: ` +
          `${snapshot === null ? 'a snapshot' : `the log from ${from} on`} is missing`;
    throw new DataError(oldest?.path ?? folder, null, `${what}. ${REPAIR}`);
  }
  const segments = logs.slice(firstAt);
  const superfluous = [...snapshots.slice(0, -1), ...logs.slice(0, firstAt)];
  // A segment that does not go on where the one before ended is there for a snapshot that was never finished.
  const anewAt = segments.findIndex(({ isAnew }, index) => index > 0 && isAnew);
  if (anewAt < 0) return { snapshot, segments, superfluous };
  return {
    snapshot,
    segments: segments.slice(0, anewAt),
    superfluous: [...superfluous, ...segments.slice(anewAt)],
  };
}
