import { addStatistics, emptyStatistics, type RunStatistics } from './cluster-statistics.ts';
import type { ProfileName } from './profiles.ts';
import { type RunResult, runSeed } from './run-seed.ts';

/** What a job's process is told: run these. */
export interface JobOrder {
  readonly from: number;
  readonly count: number;
  readonly profile: ProfileName | null;
}

export interface JobReport {
  readonly seeds: number;
  readonly statistics: RunStatistics;
  readonly failures: readonly FailedSeed[];
}

export type FailedSeed = Pick<RunResult, 'seed' | 'profile'> & { readonly message: string; readonly atMs: number };

function runOrder({ from, count, profile }: JobOrder): JobReport {
  const statistics = emptyStatistics();
  const failures: FailedSeed[] = [];
  for (let seed = from; seed < from + count; seed++) {
    const result = runSeed(seed, profile === null ? {} : { profile });
    addStatistics(statistics, result.statistics);
    const { violation } = result;
    if (violation !== null) {
      failures.push({ seed, profile: result.profile, message: violation.message, atMs: violation.atMs });
    }
  }
  return { seeds: count, statistics, failures };
}

process.on('message', (order: JobOrder) => process.send?.(runOrder(order)));
process.on('disconnect', () => process.exit());
