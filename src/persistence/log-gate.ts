import { type WaitSource, WaitState } from '../base/wait-state.ts';

/** How the log of a shard fares. */
export const LogState = {
  /** Before its thread has opened it, and after it has closed it. */
  closed: 0,
  well: 1,
  /** A write failed; it is tried again, and what comes meanwhile waits. */
  failing: 2,
  /** Something is missing in it, and nothing is written: a snapshot has to make up for that. */
  broken: 3,
  /** It is written again, and a snapshot of what is missing is on its way. */
  mending: 4,
} as const;
export type LogState = (typeof LogState)[keyof typeof LogState];

/** What is handed to the shard's actor, its log's thread and the front end. */
export interface LogGateHandle {
  readonly sab: SharedArrayBuffer;
}

/** Words written by different threads are 128 bytes apart: processors fetch cache lines of 64 bytes in pairs. */
const LINE = 32;
const STATE_WORD = 0;
const REIGN_WORD = 1;
const ENDED_WORD = 2;
const TURN_ASKED_WORD = 3;
const ACKNOWLEDGED_WORD = 4;
const GOES_ON_WORD = 5;
const APPENDED_WORD = LINE;
const TURN_DONE_WORD = LINE + 1;
const DOUBLES_AT = 2 * LINE;
const DOUBLES = [
  'written',
  'durable',
  'segments',
  'logBytes',
  'writes',
  'syncs',
  'syncMs',
  'syncMsMax',
  'errors',
  'errno',
] as const;
type Double = (typeof DOUBLES)[number];

/** What the log's thread has counted since it was begun; sequences and bytes as numbers of up to 53 bits. */
export type LogFacts = Readonly<Record<Double, number>> & { readonly state: LogState };

/**
 * What all threads of a node may know of one shard's log without asking. Sequences in int32 words are the low 32 bits,
 * compared by the sign of their difference.
 *
 * | words | written by | meaning |
 * | --- | --- | --- |
 * | acknowledged | the log's thread | replies of all records up to this one may be told: they are on the disk, or in the hands of the system where the policy asks for no more |
 * | state | the log's thread | a {@link LogState} |
 * | reign, ended | main, while there is no actor | how many actors the shard has had, and the last record that one before this one has sent |
 * | turn asked | main | how often it has asked for the end of a turn |
 * | turn done | the shard's actor | the last of these that has come since: all that its store shows was sent to the log |
 * | goes on | whoever made it | 1: while the log is not well, no reply waits for it |
 * | appended | the shard's actor | the last record that was sent to the log |
 * | float64 words | the log's thread | {@link LogFacts}, of which `written` is the last record that was handed to the system, and `durable` the last that is on the disk with all before it; plain, since an aligned eight-byte store is whole |
 *
 * The log's thread stores `acknowledged`, then rings the front ends' bells, which look again at the replies that wait.
 */
export class LogGate implements WaitSource {
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;

  constructor({ sab }: LogGateHandle) {
    this.#words = new Int32Array(sab);
    this.#doubles = new Float64Array(sab, DOUBLES_AT * 4, DOUBLES.length);
  }

  /** `goesOn`: writes are acknowledged also while the disk does not take them. */
  static create(goesOn = false): LogGateHandle {
    const sab = new SharedArrayBuffer(DOUBLES_AT * 4 + 8 * DOUBLES.length);
    new Int32Array(sab)[GOES_ON_WORD] = Number(goesOn);
    return { sab };
  }

  get state(): LogState {
    return Atomics.load(this.#words, STATE_WORD) as LogState;
  }

  setState(state: LogState): void {
    Atomics.store(this.#words, STATE_WORD, state);
  }

  setAcknowledged(sequence: number): void {
    Atomics.store(this.#words, ACKNOWLEDGED_WORD, sequence | 0);
  }

  /** Low 32 bits of the last record whose reply may be told. */
  get acknowledged(): number {
    return Atomics.load(this.#words, ACKNOWLEDGED_WORD);
  }

  /** Of the actor, and of the main thread when it has ended. */
  setAppended(sequence: number): void {
    Atomics.store(this.#words, APPENDED_WORD, sequence | 0);
  }

  /** Asks the actor, whose bell is to be rung after this, for the end of a turn; `isTurnDone` of the number tells. */
  askForTurn(): number {
    return (Atomics.add(this.#words, TURN_ASKED_WORD, 1) + 1) | 0;
  }

  isTurnDone(number: number): boolean {
    return ((Atomics.load(this.#words, TURN_DONE_WORD) - number) | 0) >= 0;
  }

  /** Of the actor: what to hand to `endTurn` once all that its store shows was sent. */
  get turnAsked(): number {
    return Atomics.load(this.#words, TURN_ASKED_WORD);
  }

  endTurn(asked: number): void {
    Atomics.store(this.#words, TURN_DONE_WORD, asked);
  }

  /** How many actors the shard has had before this one. */
  get reign(): number {
    return Atomics.load(this.#words, REIGN_WORD);
  }

  /** An actor has ended, and `ended` is the last record that came of it. */
  beginReign(ended: number): void {
    Atomics.store(this.#words, ENDED_WORD, ended | 0);
    Atomics.add(this.#words, REIGN_WORD, 1);
  }

  /** What has become of a record that an actor of this reign has sent; `sequence` is the low 32 bits. */
  waitState(_partition: number, reign: number, sequence: number): WaitState {
    // First: the sequence of a record that was lost with its actor is another one's now.
    if (this.#isLost(reign, sequence)) return WaitState.abandoned;
    if (((this.acknowledged - sequence) | 0) >= 0) return WaitState.acknowledged;
    const isExcused = this.#words[GOES_ON_WORD] === 1 && this.state !== LogState.well;
    return isExcused ? WaitState.acknowledged : WaitState.waiting;
  }

  #isLost(reign: number, sequence: number): boolean {
    const present = this.reign;
    if (present === reign) return false;
    // How far the one before this one got is known, and of those before it nothing.
    return present !== ((reign + 1) | 0) || ((sequence - Atomics.load(this.#words, ENDED_WORD)) | 0) > 0;
  }

  /** Records that were sent and are not acknowledged yet. */
  get waiting(): number {
    return Math.max(0, (Atomics.load(this.#words, APPENDED_WORD) - this.acknowledged) | 0);
  }

  /** Of the log's thread. */
  set(name: Double, value: number): void {
    this.#doubles[DOUBLES.indexOf(name)] = value;
  }

  get(name: Double): number {
    return this.#doubles[DOUBLES.indexOf(name)] as number;
  }

  facts(): LogFacts {
    const facts = { state: this.state } as Record<Double | 'state', number>;
    for (const name of DOUBLES) facts[name] = this.get(name);
    return facts as LogFacts;
  }
}
