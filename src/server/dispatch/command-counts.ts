import type { Counters, FrontEnd } from '../../base/counters.ts';
import type { Command } from '../../command/command.ts';

/** How many fast commands of a kind share one reading of the clock: it costs more than the rest of the counting. */
const COMMANDS_PER_CLOCK = 16;

/**
 * Counts the commands of one front end and their durations. Of commands that take constant time, which are those
 * flagged `fast` and SET, one in sixteen is measured and stands for the others; every other command is measured itself.
 */
export class CommandCounts {
  readonly #counters: Counters;
  readonly #frontEnd: FrontEnd;
  readonly #isFast: Uint8Array;
  readonly #uncounted: Uint32Array;
  readonly #sampleMs: Float64Array;

  constructor(counters: Counters, frontEnd: FrontEnd, commands: readonly Command[]) {
    this.#counters = counters;
    this.#frontEnd = frontEnd;
    this.#isFast = Uint8Array.from(commands, ({ name, flags }) => +(flags.includes('fast') || name === 'set'));
    this.#uncounted = new Uint32Array(commands.length);
    this.#sampleMs = new Float64Array(commands.length);
  }

  /** When the command began, by `performance.now`; NaN for one that is not measured. */
  begin({ id }: Command): number {
    const isMeasured = this.#isFast[id] === 0 || (this.#uncounted[id] as number) % COMMANDS_PER_CLOCK === 0;
    return isMeasured ? performance.now() : Number.NaN;
  }

  /** Counts a command that has been answered; returns its duration in milliseconds, NaN when it was not measured. */
  end({ id }: Command, beganMs: number): number {
    let elapsedMs = Number.NaN;
    if (!Number.isNaN(beganMs)) {
      elapsedMs = performance.now() - beganMs;
      this.#flush(id);
      this.#sampleMs[id] = elapsedMs;
    }
    this.#uncounted[id] = (this.#uncounted[id] as number) + 1;
    return elapsedMs;
  }

  /** Hands all counts to the counters: before they are read. */
  flush(): void {
    for (let id = 0; id < this.#uncounted.length; id++) this.#flush(id);
  }

  #flush(id: number): void {
    const count = this.#uncounted[id] as number;
    if (count === 0) return;
    this.#uncounted[id] = 0;
    this.#counters.commands(id, this.#frontEnd, count, count * (this.#sampleMs[id] as number));
  }
}
