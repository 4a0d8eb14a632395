import type { RunStatistics } from './cluster-statistics.ts';
import { faultKinds } from './fault-kinds.ts';
import type { RunResult } from './run-seed.ts';
import type { FailedSeed } from './simulate-job.ts';

/** What came of many seeds. */
export interface Summary {
  readonly seeds: number;
  /** Null: as many as the minutes allow. */
  readonly seedsAsked: number | null;
  /** Why not all of them were run; null: they were. */
  readonly stopped: string | null;
  readonly statistics: RunStatistics;
  readonly failures: readonly FailedSeed[];
  readonly wallSeconds: number;
}

/** What the summary's words mean. */
export const summaryWords = {
  simulated: 'virtual time in all runs',
  events: 'messages, timers, syncs, operations and faults that the worlds went through',
  elections: 'terms that somebody led',
  failovers: 'partitions that got another primary without the old one giving it up',
  'hand-overs': 'partitions whose primary gave them to another in-sync copy',
  'losses begun anew': 'partitions whose last copy was gone and that began empty again',
  'snapshot pieces': 'pieces of a partition that were copied to a node that had not its writes any more',
  'damaged frames': 'frames that arrived with wrong bytes and were dropped',
  acknowledged: 'operations that were answered; each is checked',
  indeterminate: 'writes of which the client heard nothing: they may have happened or not',
  refused: 'operations that clients gave up, which certainly had no effect',
  'longest recovery': 'from the end of all faults until the cluster was whole again',
  violations: 'seeds on which a promise was broken',
} as const;

type Row = readonly [name: string, value: string];

export function describeSummary({ seeds, seedsAsked, stopped, statistics, failures, wallSeconds }: Summary): string {
  const of = seedsAsked === null || seedsAsked === seeds ? '' : ` of ${figure(seedsAsked)}`;
  const early = stopped === null ? '' : ` (stopped: ${stopped})`;
  const rate = `${wallSeconds.toFixed(0)} s, ${(seeds / wallSeconds).toFixed(2)} a second`;
  return table([
    ['seeds', `${figure(seeds)}${of}${early} in ${rate}`],
    ['simulated', duration(statistics.simulatedMs)],
    ...rowsOf(statistics),
    ['longest recovery', duration(statistics.convergenceMs)],
    ['violations', figure(failures.length)],
  ]);
}

/** What came of one seed. */
export function describeSeed({ seed, profile, traceHash, violation, statistics }: RunResult): string {
  const recovery: Row[] = violation === null ? [['recovery', duration(statistics.convergenceMs)]] : [];
  const text = table([
    ['seed', `${seed} (${profile}), trace hash ${traceHash}`],
    ['simulated', duration(statistics.simulatedMs)],
    ...rowsOf(statistics),
    ...recovery,
    ['violations', violation === null ? '0' : '1'],
  ]);
  return violation === null ? text : `${text}\n\nafter ${violation.atMs.toFixed(3)} ms: ${violation.stack}`;
}

/** Rows of what did not happen are left out, but for what a run is there for. */
function rowsOf(statistics: RunStatistics): Row[] {
  const faults = Object.keys(faultKinds)
    .map((kind) => ({ kind, count: statistics.faults[kind as keyof typeof faultKinds] ?? 0 }))
    .filter(({ count }) => count > 0);
  const counted: [string, number][] = [
    ['starts of nodes', statistics.starts],
    ['elections', statistics.elections],
    ['failovers', statistics.failovers],
    ['hand-overs', statistics.handOvers],
    ['losses begun anew', statistics.resets],
    ['snapshot pieces', statistics.snapshotPieces],
    ['damaged frames', statistics.damagedFrames],
  ];
  return [
    ['events', `${figure(statistics.events)}, of them ${figure(statistics.frames)} frames received`],
    ['faults', figure(faults.reduce((sum, { count }) => sum + count, 0))],
    ...faults.map(({ kind, count }): Row => [`  ${kind}`, figure(count)]),
    ...counted.filter(([, count]) => count > 0).map(([name, count]): Row => [name, figure(count)]),
    ['operations', ''],
    ['  acknowledged', figure(statistics.acknowledged)],
    ['  indeterminate', figure(statistics.indeterminate)],
    ['  refused', figure(statistics.refused)],
  ];
}

/** One line while seeds are run. `minutes` is how long they may. */
export function describeProgress(summary: Summary, minutes: number): string {
  const { seeds, seedsAsked, wallSeconds, statistics, failures } = summary;
  const bySeeds = seedsAsked === null ? Number.POSITIVE_INFINITY : ((seedsAsked - seeds) * wallSeconds) / seeds;
  const leftSeconds = Math.max(0, Math.min(bySeeds, minutes * 60 - wallSeconds));
  const of = seedsAsked === null ? '' : ` of ${figure(seedsAsked)}`;
  return (
    `${wallSeconds.toFixed(0)} s: ${figure(seeds)}${of} seeds, about ${duration(leftSeconds * 1000)} left; ` +
    `${figure(statistics.failovers)} failovers, ${figure(statistics.acknowledged)} operations, ` +
    `${figure(failures.length)} violations`
  );
}

export function describeFailure({ seed, profile, message, atMs }: FailedSeed): string {
  const when = atMs === null ? '' : ` after ${atMs.toFixed(0)} ms`;
  return (
    `seed ${seed} (${profile})${when}: ${message}\n` +
    `  replay: npm run -s simulate -- --seed ${seed} --profile ${profile} --trace`
  );
}

export function figure(count: number): string {
  return count.toLocaleString('en-US').replaceAll(',', ' ');
}

/** In whatever unit is easy to read. */
export function duration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 120) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  if (seconds < 7200) return `${(seconds / 60).toFixed(0)} min`;
  return `${(seconds / 3600).toFixed(1)} hours`;
}

function table(rows: readonly Row[]): string {
  return rows.map(([name, value]) => `${name.padEnd(20)} ${value}`.trimEnd()).join('\n');
}
