import { type ChildProcess, fork } from 'node:child_process';
import type { JobMessage, JobOrder, JobReport } from './simulate-job.ts';

/** To load a job on a machine that is busy with others. */
const START_LIMIT_MS = 60_000;

/** What came of an order: a report, or why there will be none. Then the process is gone. */
export type JobOutcome = JobReport | string;

/** A process that runs seeds, one at a time. */
export class SimulateProcess {
  readonly #child: ChildProcess;
  #take: ((message: JobMessage | string) => void) | null = null;
  #died: string | null = null;

  private constructor(file: string) {
    // With a limit a leak fails a seed, rather than the machine.
    this.#child = fork(file, { execArgv: [...process.execArgv, '--max-old-space-size=1024'] });
    this.#child.on('message', (message: JobMessage) => this.#settle(message));
    this.#child.on('error', (error) => this.#end(error.message));
    this.#child.on('exit', (code, signal) => this.#end(code === null ? `signal ${signal}` : `status ${code}`));
  }

  /** Runs `file`; fails when it ends, or says nothing for a minute, before it is ready. */
  static async start(file: string): Promise<SimulateProcess> {
    const job = new SimulateProcess(file);
    const answer = await job.#next(START_LIMIT_MS);
    if (answer === 'ready') return job;
    job.kill();
    throw new Error(`a job does not start: ${String(answer)}`);
  }

  async run(order: JobOrder, limitMs: number): Promise<JobOutcome> {
    if (this.#died === null) this.#child.send(order);
    return (await this.#next(limitMs)) as JobOutcome;
  }

  /** At once, whatever it is at. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #next(limitMs: number): Promise<JobMessage | string> {
    if (this.#died !== null) return Promise.resolve(this.#died);
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#settle(`no answer for ${limitMs / 1000} s`);
        this.kill();
      }, limitMs);
      this.#take = (message) => {
        clearTimeout(timer);
        resolve(message);
      };
    });
  }

  #settle(message: JobMessage | string): void {
    const take = this.#take;
    this.#take = null;
    take?.(message);
  }

  #end(how: string): void {
    const guess = how === 'signal SIGABRT' ? ', as when memory runs out' : '';
    this.#died = `its process ended with ${how}${guess}`;
    this.#settle(this.#died);
  }
}
