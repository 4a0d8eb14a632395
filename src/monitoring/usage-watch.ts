import { type Counters, FrontEnd, Tally } from '../base/counters.ts';
import type { Rates } from './facts.ts';

const SAMPLE_MS = 250;
/** The oldest sample is about two seconds old. */
const SAMPLES = 9;

interface Sample {
  readonly atMs: number;
  readonly commands: number;
  readonly inputBytes: number;
  readonly outputBytes: number;
}

/** Looks four times a second how far the counters have come, to tell how fast they grow, and how much memory is used. */
export class UsageWatch {
  /** The most bytes of the budget that were in use at any look. */
  peakBytes = 0;
  readonly #counters: () => Counters;
  readonly #usedBytes: () => number;
  readonly #timer: NodeJS.Timeout;
  readonly #samples: Sample[] = [];

  constructor(counters: () => Counters, usedBytes: () => number) {
    this.#counters = counters;
    this.#usedBytes = usedBytes;
    this.#timer = setInterval(() => this.look(performance.now()), SAMPLE_MS);
    this.#timer.unref();
  }

  /** Takes one sample; called by the timer. */
  look(nowMs: number): void {
    this.peakBytes = Math.max(this.peakBytes, this.#usedBytes());
    const counters = this.#counters();
    this.#samples.push({
      atMs: nowMs,
      commands: counters.commandTotal(),
      inputBytes: tallied(counters, Tally.bytesReceived),
      outputBytes: tallied(counters, Tally.bytesSent),
    });
    if (this.#samples.length > SAMPLES) this.#samples.shift();
  }

  get rates(): Rates {
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    const seconds = first === undefined || last === undefined ? 0 : (last.atMs - first.atMs) / 1000;
    if (first === undefined || last === undefined || seconds <= 0) {
      return { commandsPerS: 0, inputBytesPerS: 0, outputBytesPerS: 0 };
    }
    return {
      commandsPerS: (last.commands - first.commands) / seconds,
      inputBytesPerS: (last.inputBytes - first.inputBytes) / seconds,
      outputBytesPerS: (last.outputBytes - first.outputBytes) / seconds,
    };
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** Over all front ends. */
export function tallied(counters: Counters, tally: Tally): number {
  let total = 0;
  for (const frontEnd of Object.values(FrontEnd)) total += counters.tally(tally, frontEnd);
  return total;
}
