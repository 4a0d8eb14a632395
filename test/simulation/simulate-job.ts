import { Worker } from 'node:worker_threads';
import type { RunStatistics } from './cluster-statistics.ts';
import type { ProfileName } from './profiles.ts';
import { type RunResult, runSeed } from './run-seed.ts';

/** What a job's process is told: run this seed. */
export interface JobOrder {
  readonly seed: number;
  readonly profile: ProfileName | null;
}

/** What it says: first that it is there, then what came of each order. */
export type JobMessage = 'ready' | JobReport;

export interface JobReport {
  readonly statistics: RunStatistics;
  readonly failure: FailedSeed | null;
}

export type FailedSeed = Pick<RunResult, 'seed' | 'profile'> & {
  readonly message: string;
  /** Simulated time; null: the run did not end by itself. */
  readonly atMs: number | null;
};

function runOrder({ seed, profile }: JobOrder): JobReport {
  const { statistics, violation, ...result } = runSeed(seed, profile === null ? {} : { profile });
  if (violation === null) return { statistics, failure: null };
  const { message, atMs } = violation;
  return { statistics, failure: { seed, profile: result.profile, message, atMs } };
}

/** Ends this process once its parent is gone, however that went and however busy this thread is. */
const watchParent = `
  const parent = process.ppid;
  setInterval(() => { if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL'); }, 500);
`;
new Worker(watchParent, { eval: true, execArgv: [] }).unref();

// The parent is who ends a job: what a terminal sends to all of them must not look like a death.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
process.on('message', (order: JobOrder) => process.send?.(runOrder(order)));
process.on('disconnect', () => process.exit());
process.send?.('ready' satisfies JobMessage);
