import { fileURLToPath } from 'node:url';
import { describeFailovers, measureFailovers } from './failover.ts';
import { huntMutants } from './mutations/hunt-mutants.ts';
import { runSeed } from './run-seed.ts';
import { Campaign } from './simulate-campaign.ts';
import { readSimulateOptions, type SimulateOptions, usage } from './simulate-options.ts';
import { print } from './simulate-output.ts';
import { describeSeed, describeSummary, figure } from './simulate-report.ts';

const JOB = fileURLToPath(new URL('./simulate-job.ts', import.meta.url));
/** Seeds take about a second, on a busy machine ten. */
const SEED_LIMIT_MS = 60_000;
const PROGRESS_EVERY_MS = 5000;
const FAILURES_MAX = 50;
const signalStatus = { SIGINT: 130, SIGTERM: 143 } as const;

function replay(seed: number, options: SimulateOptions): number {
  const result = runSeed(seed, {
    ...(options.profile === null ? {} : { profile: options.profile }),
    ...(options.trace === null ? {} : { print, printsMessages: options.trace === 'messages' }),
  });
  print(options.json ? JSON.stringify(result) : describeSeed(result));
  return result.violation === null ? 0 : 1;
}

async function runMany(options: SimulateOptions): Promise<number> {
  const campaign = new Campaign({
    ...options,
    jobFile: JOB,
    seedLimitMs: SEED_LIMIT_MS,
    failuresMax: FAILURES_MAX,
    say: (text) => console.error(text),
  });
  let status = 0;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (status !== 0) process.exit(status);
      status = signalStatus[signal];
      campaign.stop(signal === 'SIGINT' ? 'interrupted' : 'terminated');
    });
  }
  process.on('exit', () => campaign.end());
  const summary = await campaign.run();
  print(options.json ? JSON.stringify(summary) : describeSummary(summary));
  return summary.failures.length === 0 ? status : 1;
}

/** Told of each failover, prints now and then. */
function tellProgress(): (done: number, of: number) => void {
  let toldMs = performance.now();
  return (done, of) => {
    const nowMs = performance.now();
    if (nowMs - toldMs < PROGRESS_EVERY_MS || done === of) return;
    toldMs = nowMs;
    console.error(`${figure(done)} of ${figure(of)} failovers`);
  };
}

async function main(args: readonly string[]): Promise<number> {
  const options = readSimulateOptions(args);
  if (options === null) {
    print(usage);
    return 0;
  }
  if (typeof options === 'string') {
    console.error(`${options}\n--help shows all options`);
    return 2;
  }
  if (options.failovers !== null) {
    const report = measureFailovers(options.failovers, options.from, tellProgress());
    print(options.json ? JSON.stringify(report) : describeFailovers(report));
    return report.isKept ? 0 : 1;
  }
  if (options.mutations) {
    const survivors = await huntMutants({ seeds: options.seeds, only: null, isUpdate: false }, print);
    return survivors === 0 ? 0 : 1;
  }
  return options.seed === null ? runMany(options) : replay(options.seed, options);
}

process.exit(await main(process.argv.slice(2)));
