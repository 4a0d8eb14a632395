import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { addStatistics, emptyStatistics } from './cluster-statistics.ts';
import { describeFailovers, measureFailovers } from './failover.ts';
import { runSeed } from './run-seed.ts';
import type { FailedSeed, JobOrder, JobReport } from './simulate-job.ts';
import { readSimulateOptions, type SimulateOptions, usage } from './simulate-options.ts';
import { describeFailure, describeSummary, type Summary } from './simulate-report.ts';

const JOB = fileURLToPath(new URL('./simulate-job.ts', import.meta.url));
const SEEDS_OF_AN_ORDER = 4;
const PROGRESS_EVERY_MS = 5000;
/** After so many failures more would only repeat them. */
const FAILURES_MAX = 50;

/** Hands seeds out to processes, one for each processor, until there are no more, time is up, or too many failed. */
class Campaign {
  readonly statistics = emptyStatistics();
  readonly failures: FailedSeed[] = [];
  seeds = 0;
  #next: number;
  readonly #options: SimulateOptions;
  readonly #startedMs = performance.now();

  constructor(options: SimulateOptions) {
    this.#options = options;
    this.#next = options.from;
  }

  async run(): Promise<Summary> {
    const progress = setInterval(() => this.#tellProgress(), PROGRESS_EVERY_MS);
    try {
      await Promise.all(Array.from({ length: this.#options.jobs }, () => this.#runJob()));
    } finally {
      clearInterval(progress);
    }
    const { seeds, statistics, failures } = this;
    failures.sort((left, right) => left.seed - right.seed);
    return { seeds, statistics, failures, wallSeconds: this.#seconds };
  }

  get #seconds(): number {
    return (performance.now() - this.#startedMs) / 1000;
  }

  #nextOrder(): JobOrder | null {
    const { from, seeds, minutes, profile } = this.#options;
    const left = from + seeds - this.#next;
    if (left <= 0 || this.#seconds >= minutes * 60 || this.failures.length >= FAILURES_MAX) return null;
    const order = { from: this.#next, count: Math.min(left, SEEDS_OF_AN_ORDER), profile };
    this.#next += order.count;
    return order;
  }

  #runJob(): Promise<void> {
    return new Promise((resolve, reject) => {
      // With a limit a leak fails a run, rather than the machine.
      const child = fork(JOB, { execArgv: [...process.execArgv, '--max-old-space-size=1024'] });
      const next = () => {
        const order = this.#nextOrder();
        if (order === null) child.disconnect();
        else child.send(order);
      };
      child.on('message', (report: JobReport) => {
        this.#take(report);
        next();
      });
      child.on('error', reject);
      child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(jobEnded(child, code)))));
      next();
    });
  }

  #take({ seeds, statistics, failures }: JobReport): void {
    this.seeds += seeds;
    addStatistics(this.statistics, statistics);
    this.failures.push(...failures);
    for (const failure of failures) console.error(describeFailure(failure));
  }

  #tellProgress(): void {
    const { failovers, acknowledged, simulatedMs } = this.statistics;
    console.error(
      `${this.#seconds.toFixed(0)} s: ${this.seeds} seeds, ${(simulatedMs / 3_600_000).toFixed(2)} hours simulated, ` +
        `${failovers} failovers, ${acknowledged} operations, ${this.failures.length} violations`,
    );
  }
}

function jobEnded(child: ChildProcess, code: number | null): string {
  return `a job ended with ${code === null ? `signal ${child.signalCode}` : `code ${code}`}`;
}

function replay(seed: number, options: SimulateOptions): number {
  const result = runSeed(seed, {
    ...(options.profile === null ? {} : { profile: options.profile }),
    ...(options.trace ? { print: (line: string) => console.log(line) } : {}),
  });
  const { profile, violation, statistics, traceHash } = result;
  if (options.json) console.log(JSON.stringify(result));
  else {
    console.log(`seed ${seed} (${profile}), trace hash ${traceHash}`);
    console.log(describeSummary({ seeds: 1, statistics, failures: [], wallSeconds: 1 }));
    if (violation !== null) console.log(`after ${violation.atMs.toFixed(3)} ms: ${violation.stack}`);
  }
  return violation === null ? 0 : 1;
}

async function main(args: readonly string[]): Promise<number> {
  const options = readSimulateOptions(args);
  if (options === null) {
    console.log(usage);
    return 0;
  }
  if (typeof options === 'string') {
    console.error(`${options}\n\n${usage}`);
    return 2;
  }
  if (options.failovers !== null) {
    const figures = measureFailovers(options.failovers, options.from);
    console.log(options.json ? JSON.stringify(figures) : describeFailovers(figures));
    return 0;
  }
  if (options.seed !== null) return replay(options.seed, options);
  const summary = await new Campaign(options).run();
  console.log(options.json ? JSON.stringify(summary) : describeSummary(summary));
  return summary.failures.length === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
