import { HARMS_BELOW, HELPS_ABOVE, SCORE_SHIFT } from '../../store/admission-trial.ts';
import { TRIAL_PAIRS, TRIAL_SPAN_SHARE } from '../../store/policy-layout.ts';

const SCORE_WEIGHT = 1 / 2 ** SCORE_SHIFT;
const CANDIDATE_ASKED = 1;
const VICTIM_ASKED = 2;
const NOBODY = -1;

/** The trial of admission of a `SmallCache`: as `store/admission-trial.ts`, which says what it is for, on numbers of keys. */
export class SmallTrial {
  /** Of the cache: when each key was used last. */
  readonly #usedAt: Float64Array;
  readonly #candidates = new Int32Array(TRIAL_PAIRS).fill(NOBODY);
  readonly #victims = new Int32Array(TRIAL_PAIRS).fill(NOBODY);
  readonly #asked = new Uint8Array(TRIAL_PAIRS);
  readonly #begunAt = new Float64Array(TRIAL_PAIRS);
  /** In how many pairs a key is. */
  readonly #pairsOf: Uint8Array;
  #nextPair = 0;
  #judgedBytes = 0;
  #lastVictim = NOBODY;
  #score = 0;
  #harms = false;

  constructor(keysMax: number, usedAt: Float64Array) {
    this.#usedAt = usedAt;
    this.#pairsOf = new Uint8Array(keysMax);
  }

  /** Whether candidates had better be let in than turned away. */
  get harms(): boolean {
    return this.#harms;
  }

  /** Counts a candidate of `bytes` that the victim beats; true when the two are to be the next pair. */
  isDue(bytes: number, capacity: number, victim: number): boolean {
    const span = (capacity * TRIAL_SPAN_SHARE) / TRIAL_PAIRS;
    this.#judgedBytes = Math.min(this.#judgedBytes + bytes, span);
    return this.#judgedBytes === span && victim !== this.#lastVictim;
  }

  begin(candidate: number, victim: number, now: number): void {
    const pair = this.#nextPair;
    if (this.#candidates[pair] !== NOBODY) this.#end(pair);
    this.#candidates[pair] = candidate;
    this.#victims[pair] = victim;
    this.#count(candidate, 1);
    this.#count(victim, 1);
    this.#asked[pair] = 0;
    this.#begunAt[pair] = now;
    this.#nextPair = (pair + 1) % TRIAL_PAIRS;
    this.#judgedBytes = 0;
    this.#lastVictim = victim;
  }

  /** The key was asked for, absent, and stored. */
  noteAsked(key: number): void {
    if (this.#pairsOf[key] === 0) return;
    for (let pair = 0; pair < TRIAL_PAIRS; pair++) {
      if (this.#candidates[pair] === NOBODY) continue;
      if (this.#candidates[pair] === key) this.#asked[pair] = (this.#asked[pair] as number) | CANDIDATE_ASKED;
      if (this.#victims[pair] === key) this.#asked[pair] = (this.#asked[pair] as number) | VICTIM_ASKED;
    }
  }

  /** The key's number is another's from now on. */
  forget(key: number): void {
    for (let pair = 0; pair < TRIAL_PAIRS && this.#pairsOf[key] !== 0; pair++) {
      if (this.#candidates[pair] === key || this.#victims[pair] === key) this.#clear(pair);
    }
  }

  #end(pair: number): void {
    const asked = this.#asked[pair] as number;
    const victim = this.#victims[pair] as number;
    const isRight = (asked & VICTIM_ASKED) !== 0 || (this.#usedAt[victim] as number) > (this.#begunAt[pair] as number);
    const verdict = Number(isRight) - Number((asked & CANDIDATE_ASKED) !== 0);
    this.#score += (verdict - this.#score) * SCORE_WEIGHT;
    if (this.#score < HARMS_BELOW) this.#harms = true;
    else if (this.#score > HELPS_ABOVE) this.#harms = false;
    this.#clear(pair);
  }

  #clear(pair: number): void {
    const candidate = this.#candidates[pair] as number;
    if (candidate === NOBODY) return;
    this.#count(candidate, -1);
    this.#count(this.#victims[pair] as number, -1);
    this.#candidates[pair] = NOBODY;
    this.#victims[pair] = NOBODY;
  }

  #count(key: number, by: number): void {
    this.#pairsOf[key] = (this.#pairsOf[key] as number) + by;
  }
}
