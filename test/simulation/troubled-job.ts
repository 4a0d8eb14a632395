import { emptyStatistics } from './cluster-statistics.ts';
import type { JobMessage, JobOrder } from './simulate-job.ts';

/** A job for the test of campaigns, to which everything happens: seed 2 hangs, seed 3 kills it, seed 4 is violated. */
process.on('message', ({ seed }: JobOrder) => {
  if (seed === 2) for (;;);
  if (seed === 3) process.kill(process.pid, 'SIGABRT');
  else {
    const failure = seed === 4 ? { seed, profile: 'calm' as const, message: 'wrong', atMs: 7 } : null;
    process.send?.({ statistics: emptyStatistics(), failure } satisfies JobMessage);
  }
});
process.on('disconnect', () => process.exit());
process.send?.('ready' satisfies JobMessage);
