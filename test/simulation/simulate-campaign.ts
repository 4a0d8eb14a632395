import { addStatistics, emptyStatistics } from './cluster-statistics.ts';
import { type ProfileName, profileOf } from './profiles.ts';
import type { FailedSeed } from './simulate-job.ts';
import { SimulateProcess } from './simulate-process.ts';
import { describeFailure, describeProgress, type Summary } from './simulate-report.ts';

const PROGRESS_EVERY_MS = 5000;

export interface CampaignOptions {
  readonly from: number;
  /** Infinity: as many as the minutes allow. */
  readonly seeds: number;
  readonly minutes: number;
  /** Processes side by side. */
  readonly jobs: number;
  readonly profile: ProfileName | null;
  /** What the processes run, see `simulate-job.ts`. */
  readonly jobFile: string;
  /** A seed that takes longer, in milliseconds of this machine's time, hangs. */
  readonly seedLimitMs: number;
  /** After so many failures more would only repeat them. */
  readonly failuresMax: number;
  /** Told of progress and of each failure as it comes. */
  readonly say: (text: string) => void;
}

/** Hands seeds out to processes until there are no more, time is up, too many failed, or somebody stops it. */
export class Campaign {
  readonly #statistics = emptyStatistics();
  readonly #failures: FailedSeed[] = [];
  readonly #options: CampaignOptions;
  readonly #startedMs = performance.now();
  readonly #processes = new Set<SimulateProcess>();
  #seeds = 0;
  #next: number;
  #stopped: string | null = null;
  #stopNow: () => void = () => {};
  /** What processes say from now on is only that they were ended. */
  #isOver = false;

  constructor(options: CampaignOptions) {
    this.#options = options;
    this.#next = options.from;
  }

  async run(): Promise<Summary> {
    const progress = setInterval(() => this.#tellProgress(), PROGRESS_EVERY_MS);
    const stopped = new Promise<void>((resolve) => {
      this.#stopNow = resolve;
    });
    const { jobs, seeds } = this.#options;
    try {
      const lanes = Array.from({ length: Math.min(jobs, seeds) }, () => this.#runLane());
      await Promise.race([stopped, Promise.all(lanes)]);
    } finally {
      clearInterval(progress);
      this.end();
    }
    return this.#summary();
  }

  /** Ends all processes, and `run` with what there is. */
  stop(why: string): void {
    this.#stopped ??= why;
    this.#stopNow();
  }

  /** Ends all processes. */
  end(): void {
    this.#isOver = true;
    for (const process of this.#processes) process.kill();
    this.#processes.clear();
  }

  async #runLane(): Promise<void> {
    let process: SimulateProcess | null = null;
    for (let seed = this.#take(); seed !== null; seed = this.#take()) {
      process ??= await this.#start();
      const { profile, seedLimitMs } = this.#options;
      const outcome = await process.run({ seed, profile }, seedLimitMs);
      if (this.#isOver) return;
      this.#seeds++;
      if (typeof outcome === 'string') {
        this.#processes.delete(process);
        process = null;
        this.#fail({ seed, profile: profile ?? profileOf(seed), message: outcome, atMs: null });
      } else {
        addStatistics(this.#statistics, outcome.statistics);
        if (outcome.failure !== null) this.#fail(outcome.failure);
      }
    }
    process?.kill();
  }

  async #start(): Promise<SimulateProcess> {
    const process = await SimulateProcess.start(this.#options.jobFile);
    this.#processes.add(process);
    if (this.#isOver) process.kill();
    return process;
  }

  #take(): number | null {
    const { from, seeds, minutes, failuresMax } = this.#options;
    if (this.#next - from >= seeds || this.#stopped !== null) return null;
    if (this.#seconds >= minutes * 60) {
      // Where only minutes were asked for they are no early end.
      if (Number.isFinite(seeds)) this.#stopped = `${minutes} minutes are over`;
      return null;
    }
    if (this.#failures.length >= failuresMax) {
      this.#stopped = `${failuresMax} violations`;
      return null;
    }
    return this.#next++;
  }

  #fail(failure: FailedSeed): void {
    this.#failures.push(failure);
    this.#options.say(describeFailure(failure));
  }

  get #seconds(): number {
    return (performance.now() - this.#startedMs) / 1000;
  }

  #summary(): Summary {
    const failures = [...this.#failures].sort((left, right) => left.seed - right.seed);
    const { seeds } = this.#options;
    return {
      seeds: this.#seeds,
      seedsAsked: Number.isFinite(seeds) ? seeds : null,
      stopped: this.#stopped,
      statistics: this.#statistics,
      failures,
      wallSeconds: this.#seconds,
    };
  }

  #tellProgress(): void {
    if (this.#seeds > 0) this.#options.say(describeProgress(this.#summary(), this.#options.minutes));
  }
}
