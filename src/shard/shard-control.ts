import { monotonicMs } from '../base/monotonic.ts';

/** What is handed to the actor's thread. */
export interface ShardControlHandle {
  readonly sab: SharedArrayBuffer;
}

/** Without anything due an actor still wakes this often: so that a clock that was set forward is noticed, and as a sign of life. */
export const SLEEP_MS_MAX = 1000;

/** Words written by different threads are 128 bytes apart: processors fetch cache lines of 64 bytes in pairs. */
const CONTROL_BYTES = 384;
const ACTIVITY_WORD = 0;
const STOP_WORD = 32;
const INTEREST_WORD = 64;
/** As float64 words, beside the activity, which has the same writer. */
const COMMANDS_WORD = 1;
const ASLEEP_WORD = 2;
const ASLEEP_SINCE_WORD = 3;
const CREATED_WORD = 4;

/**
 * What a shard's actor, its supervisor and its front end tell each other while the actor, which has no event loop, runs.
 *
 * | word | name     | written by | meaning                                                                   |
 * | ---- | -------- | ---------- | ------------------------------------------------------------------------- |
 * | 0    | activity | actor      | > 0: at work, changes with every command, message and step of upkeep;      |
 * |      |          |            | < 0: asleep, changes with every sleep; 0: it has not begun, or has ended   |
 * | 2    | commands | actor      | float64: commands and transactions that it ran                             |
 * | 4    | asleep   | actor      | float64: milliseconds that it slept, all together, a present sleep aside   |
 * | 6    | since    | actor      | float64: when the present sleep began, by `monotonicMs`; 0: it is awake    |
 * | 8    | created  | nobody     | float64: when this was created, by `monotonicMs`                           |
 * | 32   | stop     | supervisor | 1: end once nothing is left to do; the actor's bell is rung after this     |
 * | 64   | interest | front end  | kinds of changes (one bit each) that it wants to be told of                |
 */
export class ShardControl {
  readonly #words: Int32Array;
  readonly #load: Float64Array;
  #steps = 0;
  #busyMs = 0;

  constructor(handle: ShardControlHandle) {
    this.#words = new Int32Array(handle.sab);
    this.#load = new Float64Array(handle.sab);
  }

  static create(): ShardControlHandle {
    const sab = new SharedArrayBuffer(CONTROL_BYTES);
    new Float64Array(sab)[CREATED_WORD] = monotonicMs();
    return { sab };
  }

  /** The actor begins a command or a step of upkeep. */
  began(): void {
    // The sign bit is left alone, for sleep, and 0 is passed over.
    this.#steps = (this.#steps & 0x3fffffff) + 1;
    // A plain store: nothing is ordered by it, and a watchdog that looks every few hundred milliseconds may see it late.
    this.#words[ACTIVITY_WORD] = this.#steps;
  }

  /** The actor is about to sleep, for at most {@link SLEEP_MS_MAX}. */
  idle(): void {
    this.#words[ACTIVITY_WORD] = -this.#steps;
  }

  /** The actor has run so many commands. */
  ran(commands: number): void {
    this.#load[COMMANDS_WORD] = (this.#load[COMMANDS_WORD] as number) + commands;
  }

  /** The actor sleeps from now on, until `wake`. */
  fallAsleep(): void {
    this.#load[ASLEEP_SINCE_WORD] = monotonicMs();
  }

  wake(): void {
    const load = this.#load;
    const sleptMs = monotonicMs() - (load[ASLEEP_SINCE_WORD] as number);
    load[ASLEEP_WORD] = (load[ASLEEP_WORD] as number) + sleptMs;
    load[ASLEEP_SINCE_WORD] = 0;
  }

  /** Commands that the actor ran, a transaction being one. */
  get commands(): number {
    return this.#load[COMMANDS_WORD] as number;
  }

  /**
   * Milliseconds in which the actor was not asleep, those included in which it was started or replaced. Never less than
   * this object told before: read just when the actor wakes, a sleep counts twice for once.
   */
  get busyMs(): number {
    const load = this.#load;
    const sinceMs = load[ASLEEP_SINCE_WORD] as number;
    const nowMs = monotonicMs();
    const asleepMs = (load[ASLEEP_WORD] as number) + (sinceMs === 0 ? 0 : nowMs - sinceMs);
    this.#busyMs = Math.max(this.#busyMs, nowMs - (load[CREATED_WORD] as number) - asleepMs);
    return this.#busyMs;
  }

  /** The actor's thread has ended, or is about to. */
  ended(): void {
    this.#words[ACTIVITY_WORD] = 0;
  }

  get activity(): number {
    return Atomics.load(this.#words, ACTIVITY_WORD);
  }

  /**
   * Kinds of changes that are told. The actor looks at this after every change it has published; whoever wants to be
   * told sets it before reading what the changes are about. All four accesses are sequentially consistent: a read that
   * does not see a change comes before its publication in their one order, so that the interest, set before the read,
   * is seen by the actor's look after the publication, and the change is told.
   */
  get interest(): number {
    return Atomics.load(this.#words, INTEREST_WORD);
  }

  setInterest(kinds: number): void {
    Atomics.store(this.#words, INTEREST_WORD, kinds);
  }

  requestStop(): void {
    // Before the ring of the bell: the actor looks at this word between announcing its sleep and sleeping.
    Atomics.store(this.#words, STOP_WORD, 1);
  }

  get stopRequested(): boolean {
    return Atomics.load(this.#words, STOP_WORD) === 1;
  }
}
