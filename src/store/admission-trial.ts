import type { NextVictim } from './next-victim.ts';
import {
  POLICY_HEADER_WORDS,
  TRIAL_FILTER_WORDS,
  TRIAL_PAIR_WORDS,
  TRIAL_PAIRS,
  TRIAL_SPAN_SHARE,
} from './policy-layout.ts';

/** Each verdict moves the score by a 64th of its distance: the score is the mean of about the last 64. */
export const SCORE_SHIFT = 6;
const SCORE_ONE = 1 << 16;
/** Below this mean, from -1 to 1, the rule does harm and is dropped; above the other it is taken up again. */
export const HARMS_BELOW = -0.15;
export const HELPS_ABOVE = -0.05;

const Field = { next: 0, score: 1, bytes: 2, lastMark: 3, harms: 4 } as const;
const Pair = { candidate: 0, victim: 1, mark: 2, asked: 3 } as const;
const CANDIDATE_ASKED = 1;
const VICTIM_ASKED = 2;

/**
 * Tries out, on a sample, whether it pays to turn candidates away from the main log. A trial is a candidate that was
 * turned away and the victim that stayed in its stead; it ends when half of the budget has been judged after it. If the
 * victim's key was asked for in that time, the rule was right; if the candidate's was, it was wrong; both or neither
 * decide nothing. While the mean of the verdicts says that the rule does harm, only the sample is turned away, so that
 * the trial goes on, and the cache keeps whatever is recent.
 *
 * Layout, in words from `start` (all written by the store's writer alone; a new trial is all zeros):
 *
 *     0        the pair that ends next
 *     1        mean verdict, from -65536 (wrong) to 65536 (right)
 *     2        bytes of candidates judged since the last pair
 *     3        mark of the last pair's victim
 *     4        1 while the rule does harm
 *     16 …     64 pairs: candidate's hash, victim's hash, victim's mark (0: no pair), who was asked for (bits)
 *     272 …    512 counts, by the low bits of a hash: how many hashes of the pairs have them
 */
export class AdmissionTrial {
  readonly #words: Int32Array;
  readonly #start: number;
  readonly #pairs: number;
  readonly #filter: number;
  readonly #spanBytes: number;
  readonly #victims: NextVictim;

  constructor(words: Int32Array, start: number, budgetBytes: number, victims: NextVictim) {
    this.#words = words;
    this.#start = start;
    this.#pairs = start + POLICY_HEADER_WORDS;
    this.#filter = this.#pairs + TRIAL_PAIRS * TRIAL_PAIR_WORDS;
    this.#spanBytes = Math.ceil((budgetBytes * TRIAL_SPAN_SHARE) / TRIAL_PAIRS);
    this.#victims = victims;
  }

  /** Whether candidates had better be let in than turned away. */
  get harms(): boolean {
    return this.#words[this.#start + Field.harms] === 1;
  }

  /** Counts a candidate of `bytes` that the victim of this mark beats; true when the two are to be the next pair. */
  isDue(bytes: number, mark: number): boolean {
    const words = this.#words;
    const judged = Math.min((words[this.#start + Field.bytes] as number) + bytes, this.#spanBytes);
    words[this.#start + Field.bytes] = judged;
    // A victim gives its place once, so it stands for one candidate only.
    return judged === this.#spanBytes && mark !== words[this.#start + Field.lastMark];
  }

  /** Begins the trial of a pair, in the place of the one begun longest ago, which ends. */
  begin(candidate: number, victim: number, mark: number): void {
    const words = this.#words;
    const next = words[this.#start + Field.next] as number;
    const pair = this.#pairs + next * TRIAL_PAIR_WORDS;
    if (words[pair + Pair.mark] !== 0) this.#end(pair);
    words[pair + Pair.candidate] = candidate;
    words[pair + Pair.victim] = victim;
    words[pair + Pair.mark] = mark;
    words[pair + Pair.asked] = 0;
    this.#filterBy(candidate, 1);
    this.#filterBy(victim, 1);
    words[this.#start + Field.next] = (next + 1) % TRIAL_PAIRS;
    words[this.#start + Field.bytes] = 0;
    words[this.#start + Field.lastMark] = mark;
  }

  /** Notes that the key of this hash was asked for, absent, and stored. */
  note(hash: number): void {
    const words = this.#words;
    if (words[this.#filter + (hash & (TRIAL_FILTER_WORDS - 1))] === 0) return;
    for (let pair = this.#pairs; pair < this.#filter; pair += TRIAL_PAIR_WORDS) {
      let asked = words[pair + Pair.asked] as number;
      if (words[pair + Pair.candidate] === hash) asked |= CANDIDATE_ASKED;
      if (words[pair + Pair.victim] === hash) asked |= VICTIM_ASKED;
      words[pair + Pair.asked] = asked;
    }
  }

  #end(pair: number): void {
    const words = this.#words;
    const asked = words[pair + Pair.asked] as number;
    const isRight = (asked & VICTIM_ASKED) !== 0 || this.#victims.wasUsed(words[pair + Pair.mark] as number);
    const verdict = Number(isRight) - Number((asked & CANDIDATE_ASKED) !== 0);
    const before = words[this.#start + Field.score] as number;
    const score = before + ((verdict * SCORE_ONE - before) >> SCORE_SHIFT);
    words[this.#start + Field.score] = score;
    if (score < HARMS_BELOW * SCORE_ONE) words[this.#start + Field.harms] = 1;
    else if (score > HELPS_ABOVE * SCORE_ONE) words[this.#start + Field.harms] = 0;
    this.#filterBy(words[pair + Pair.candidate] as number, -1);
    this.#filterBy(words[pair + Pair.victim] as number, -1);
  }

  #filterBy(hash: number, by: number): void {
    const at = this.#filter + (hash & (TRIAL_FILTER_WORDS - 1));
    this.#words[at] = (this.#words[at] as number) + by;
  }
}
