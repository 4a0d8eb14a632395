import type { FileReport, FolderReport } from './inspect-folder-file.ts';

/** What must be agreed to: that a log ends earlier, or that a snapshot has less than it had. */
export type RepairConsent = 'truncate' | 'salvage';

interface Step {
  /** Null: nothing that was acknowledged is lost by it. */
  readonly needs: RepairConsent | null;
  /** What is done, and what is lost by it: for people. Null: the step before has said it. */
  readonly says: string | null;
}

/** One thing to do to a folder. Each file is named by its name. */
export type RepairStep = Step &
  (
    | { readonly kind: 'make-folder' }
    /** The file is taken out of the folder. */
    | { readonly kind: 'aside'; readonly name: string }
    /** The log ends there. */
    | { readonly kind: 'cut'; readonly name: string; readonly length: number }
    /** A log begins that has nothing yet. */
    | { readonly kind: 'begin'; readonly sequence: number }
    /** What can be read of the snapshot takes its place. */
    | { readonly kind: 'salvage'; readonly name: string; readonly sequence: number }
    /** A snapshot without entries. */
    | { readonly kind: 'empty'; readonly sequence: number }
    /** The snapshot is to be read without what the log had up to its end. */
    | { readonly kind: 'detach'; readonly name: string; readonly sequence: number; readonly reaches: number }
  );

/** What a log is read on top of. */
interface Base {
  /** Number of the first record that is needed. */
  readonly from: number;
  /** Number that the log has to come to. */
  readonly reaches: number;
  readonly snapshot: FileReport | null;
  readonly steps: readonly RepairStep[];
}

const FIRST = 1;
const LOG_MISSING = 'the log that goes on from the snapshot is missing';

/** What has to be done to a shard's folder so that a node starts with it; empty: nothing, or it cannot be helped. */
export function planRepair({ files, isThere, refusal }: FolderReport): RepairStep[] {
  if (refusal === null) return [];
  const steps: RepairStep[] = [];
  if (!isThere) {
    const says =
      'its folder is missing, and is made anew: the log begins anew in it, and the keys of this shard are lost';
    const begin = { kind: 'begin', sequence: FIRST, needs: 'truncate', says: null } as const;
    return [{ kind: 'make-folder', needs: 'truncate', says }, begin];
  }
  const logs = files.filter(({ kind, header }) => kind === 'log' && header !== null);
  for (const { name, kind, header, headerFault } of files) {
    // A log that was being begun when the node ended is of no matter to a start.
    if (header !== null || kind === 'snapshot' || headerFault?.kind === 'too-short') continue;
    steps.push({ kind: 'aside', name, needs: 'truncate', says: `${name} cannot be read at all, and is put aside` });
  }
  const base = baseOf(files, logs);
  return [...steps, ...base.steps, ...logSteps(base, logs)];
}

/** The newest whole snapshot, or the log alone, or what can be had of a snapshot. */
function baseOf(files: readonly FileReport[], logs: readonly FileReport[]): Base {
  const snapshots = files.filter(({ kind }) => kind === 'snapshot');
  const whole = snapshots.findLast(isWhole);
  const newer = snapshots.slice(whole === undefined ? 0 : snapshots.indexOf(whole) + 1);
  if (whole !== undefined) {
    const isCovered = newer.length === 0 || logs.some(({ sequence }) => sequence <= whole.sequence);
    const steps = newer.map(({ name }): RepairStep => {
      const says = `${name} is damaged, and is put aside: ${whole.name} takes its place, with the log behind it`;
      return { kind: 'aside', name, needs: isCovered ? null : 'salvage', says };
    });
    return { from: whole.sequence, reaches: whole.reaches ?? whole.sequence, snapshot: whole, steps };
  }
  if (logs.some(({ sequence }) => sequence <= FIRST)) {
    const steps = newer.map(({ name }): RepairStep => {
      const says = `${name} is damaged, and is put aside: the log is there from its beginning`;
      return { kind: 'aside', name, needs: null, says };
    });
    return { from: FIRST, reaches: FIRST, snapshot: null, steps };
  }
  const damaged = newer.at(-1);
  if (damaged?.header != null) {
    const { name, sequence, count, end } = damaged;
    const where = end.kind === 'whole' ? 'it ends too early' : `it is damaged at byte ${end.offset}`;
    const says = `${name}: ${where}, behind ${count} entries; what can be read of it is kept, and its other keys are lost unless they were written later`;
    const steps: RepairStep[] = [{ kind: 'salvage', name, sequence, needs: 'salvage', says }];
    return { from: sequence, reaches: sequence, snapshot: { ...damaged, reaches: sequence }, steps };
  }
  const steps = newer.map(({ name }): RepairStep => {
    return { kind: 'aside', name, needs: 'salvage', says: `${name} cannot be read at all, and is put aside` };
  });
  const [oldest] = logs;
  // Without a log either, it begins anew.
  if (oldest === undefined) return { from: FIRST, reaches: FIRST, snapshot: null, steps };
  const { sequence } = oldest;
  const says = `no snapshot has what was before number ${sequence}: an empty one takes its place, and keys that were not written later are lost`;
  steps.push({ kind: 'empty', sequence, needs: 'salvage', says });
  return { from: sequence, reaches: sequence, snapshot: null, steps };
}

/** Has the log end before the first place where it is not whole. */
function logSteps({ from, reaches, snapshot, steps }: Base, logs: readonly FileReport[]): RepairStep[] {
  const firstAt = logs.findLastIndex(({ sequence }) => sequence <= from);
  let fault: { readonly log: FileReport; readonly length: number; readonly next: number; readonly why: string } | null =
    null;
  let behind: readonly FileReport[] = logs;
  let reached = from;
  for (let at = Math.max(firstAt, 0); firstAt >= 0 && at < logs.length && fault === null; at++) {
    const log = logs[at] as FileReport;
    if (at > firstAt && log.header?.isAnew === true) break;
    const { end, next, bytes, name, followedAt } = log;
    const follower = logs[at + 1];
    reached = next;
    behind = logs.slice(at + 1);
    if (end.kind === 'damaged') fault = { log, length: end.offset, next, why: `damaged at byte ${end.offset}` };
    else if (follower !== undefined && follower.header?.isAnew !== true && follower.sequence !== next) {
      const length = followedAt ?? (end.kind === 'torn' ? end.offset : bytes);
      const why =
        end.kind === 'torn' ? `damaged at byte ${end.offset}` : `${follower.name} does not go on where it ends`;
      fault = { log, length, next, why };
    } else if (follower === undefined && followedAt !== null) {
      fault = { log, length: followedAt, next, why: `the file that follows ${name} is missing` };
    }
  }
  if (firstAt >= 0 && reached >= reaches) return fault === null ? [] : cutSteps(fault, behind);
  const why =
    fault?.why ?? (firstAt >= 0 ? 'the log ends too early' : snapshot === null ? 'there is no log' : LOG_MISSING);
  return anewSteps({ from, reaches, snapshot, steps }, logs, why);
}

function cutSteps(
  { log, length, next, why }: { log: FileReport; length: number; next: number; why: string },
  behind: readonly FileReport[],
): RepairStep[] {
  const known = behind.reduce((sum, { count }) => sum + count, 0);
  const files = behind.length === 0 ? '' : `, of which ${known} in ${behind.length} files behind it can be read`;
  const says = `${log.name}: ${why}; the log ends there, and changes from number ${next} on are lost${files}`;
  return [
    { kind: 'cut', name: log.name, length, needs: 'truncate', says },
    ...behind.map(({ name }): RepairStep => {
      return { kind: 'aside', name, needs: 'truncate', says: `${name} is put aside: it goes on from what is lost` };
    }),
  ];
}

/** The log is no use: what there is of a snapshot is all there is. */
function anewSteps({ reaches, snapshot }: Base, logs: readonly FileReport[], why: string): RepairStep[] {
  const steps = logs.map(({ name }): RepairStep => {
    return {
      kind: 'aside',
      name,
      needs: 'truncate',
      says: `${name} is put aside: it cannot be joined to the snapshot`,
    };
  });
  if (snapshot === null) {
    const says = `${why}: the log begins anew, and the keys of this shard are lost`;
    return [...steps, { kind: 'begin', sequence: reaches, needs: 'truncate', says }];
  }
  const { name, sequence } = snapshot;
  const says = `${why}: a new one begins behind ${name}, and changes from number ${reaches} on are lost`;
  if (reaches > sequence) {
    const detached = `${name} is taken as it is, without what the log has from number ${sequence} to ${reaches - 1}: keys changed then are as they were when it was made`;
    steps.push({ kind: 'detach', name, sequence, reaches, needs: 'truncate', says: detached });
  }
  return [...steps, { kind: 'begin', sequence: reaches, needs: 'truncate', says }];
}

function isWhole({ header, reaches, end }: FileReport): boolean {
  return header !== null && reaches !== null && end.kind === 'whole';
}
