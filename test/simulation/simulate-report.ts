import { faultKinds } from './fault-kinds.ts';
import type { FailedSeed, JobReport } from './simulate-job.ts';

export interface Summary extends JobReport {
  readonly wallSeconds: number;
}

/** What came of many seeds, for people. */
export function describeSummary({ seeds, statistics, failures, wallSeconds }: Summary): string {
  const hours = statistics.simulatedMs / 3_600_000;
  const faults = Object.keys(faultKinds)
    .map((kind) => ({ kind, count: statistics.faults[kind as keyof typeof faultKinds] ?? 0 }))
    .filter(({ count }) => count > 0);
  const rows: [string, string][] = [
    ['seeds', `${figure(seeds)} in ${wallSeconds.toFixed(0)} s, ${(seeds / wallSeconds).toFixed(2)} a second`],
    ['simulated', `${hours.toFixed(2)} hours`],
    ['events', `${figure(statistics.events)}, of them ${figure(statistics.frames)} frames received`],
    ['faults', figure(faults.reduce((sum, { count }) => sum + count, 0))],
    ...faults.map(({ kind, count }): [string, string] => [`  ${kind}`, figure(count)]),
    ['starts of nodes', figure(statistics.starts)],
    ['elections', figure(statistics.elections)],
    ['failovers', figure(statistics.failovers)],
    ['hand-overs', figure(statistics.handOvers)],
    ['losses begun anew', figure(statistics.resets)],
    ['snapshot pieces', figure(statistics.snapshotPieces)],
    ['damaged frames', figure(statistics.damagedFrames)],
    ['operations', ''],
    ['  acknowledged', figure(statistics.acknowledged)],
    ['  indeterminate', figure(statistics.indeterminate)],
    ['  refused', figure(statistics.refused)],
    ['longest recovery', `${(statistics.convergenceMs / 1000).toFixed(1)} s of simulated time`],
    ['violations', figure(failures.length)],
  ];
  return rows.map(([name, value]) => `${name.padEnd(20)} ${value}`.trimEnd()).join('\n');
}

export function describeFailure({ seed, profile, message, atMs }: FailedSeed): string {
  return (
    `seed ${seed} (${profile}) after ${atMs.toFixed(0)} ms: ${message}\n` +
    `  replay: npm run simulate -- --seed ${seed} --profile ${profile} --trace`
  );
}

function figure(count: number): string {
  return count.toLocaleString('en-US').replaceAll(',', ' ');
}
