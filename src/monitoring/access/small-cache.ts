/** The small log's share, and by how much a candidate has to be asked for more often: as `store/eviction.ts` has them. */
const SMALL_SHARE = 0.1;
const MARGIN = 1;
const ACCESS_MAX = 3;
const FREQUENCY_MAX = 15;
const PERIOD_PER_KEY = 10;
const PERIOD_MIN = 64;
/** Entries that a look for the next victim passes, and candidates that one victim turns away. */
const LOOK_MAX = 16;
const DEFENCES_MAX = 16;
/** How long a rejection is remembered: while so much of the capacity is rejected after it. */
const REJECTED_SHARE = 1 / 2;
/** Pairs on trial at a time, for how long, and the means of their verdicts at which the rule is dropped and taken up. */
const PAIRS = 64;
const TRIAL_SHARE = 1 / 2;
const SCORE_WEIGHT = 1 / 64;
const HARMS_BELOW = -0.15;
const HELPS_ABOVE = -0.05;
const CANDIDATE_ASKED = 1;
const VICTIM_ASKED = 2;

const Place = { none: 0, small: 1, main: 2 } as const;
const NOBODY = -1;

/**
 * A cache of `capacity` bytes that holds numbers of keys instead of entries, and decides as the store does who stays: the
 * two logs, the frequencies at the door between them, second chances, and the trial of admission (`store/eviction.ts` says
 * what each is for). It goes entry by entry where the store goes segment by segment, and knows frequencies exactly.
 *
 * Simulated with a share of the keys and the same share of the memory, it has about the hit ratio of the whole. Source:
 * C. Waldspurger, T. Saemundsson, I. Ahmad, N. Park, "Cache Modeling and Optimization using Miniature Simulations" (USENIX
 * ATC 2017).
 */
export class SmallCache {
  capacity: number;
  /** Of the caller: bytes by key. Not to be changed for a key that is here but by `resize`. */
  readonly #bytes: Float64Array;
  readonly #place: Uint8Array;
  readonly #accesses: Uint8Array;
  /** When the key was used last, in uses of any key. */
  readonly #usedAt: Float64Array;
  #uses = 0;
  readonly #frequency: Uint8Array;
  /** Who stayed in the key's stead when it was turned away last, and how many bytes and uses had been by then. */
  readonly #winner: Int32Array;
  readonly #rejectedAt: Float64Array;
  readonly #rejectedUse: Float64Array;
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #head = new Int32Array(3).fill(NOBODY);
  readonly #tail = new Int32Array(3).fill(NOBODY);
  readonly #used = new Float64Array(3);
  #count = 0;
  #additions = 0;
  #rejectedBytes = 0;
  #walkedSmall = false;
  #unmarks = false;
  /** The next victim of the main log, or where the look for it goes on. */
  #cursor = NOBODY;
  #defences = 0;
  #owedBytes = 0;
  #foundInLap = false;
  #isExhausted = false;
  readonly #candidates = new Int32Array(PAIRS).fill(NOBODY);
  readonly #victims = new Int32Array(PAIRS).fill(NOBODY);
  readonly #asked = new Uint8Array(PAIRS);
  /** In how many pairs a key is. */
  readonly #trials: Uint8Array;
  readonly #begunAt = new Float64Array(PAIRS);
  #nextPair = 0;
  #judgedBytes = 0;
  #lastVictim = NOBODY;
  #score = 0;
  #harms = false;

  constructor(keysMax: number, bytes: Float64Array, capacity: number) {
    this.capacity = capacity;
    this.#bytes = bytes;
    this.#place = new Uint8Array(keysMax);
    this.#accesses = new Uint8Array(keysMax);
    this.#usedAt = new Float64Array(keysMax);
    this.#trials = new Uint8Array(keysMax);
    this.#frequency = new Uint8Array(keysMax);
    this.#winner = new Int32Array(keysMax).fill(NOBODY);
    this.#rejectedAt = new Float64Array(keysMax);
    this.#rejectedUse = new Float64Array(keysMax);
    this.#next = new Int32Array(keysMax);
    this.#previous = new Int32Array(keysMax);
  }

  get count(): number {
    return this.#count;
  }

  has(key: number): boolean {
    return this.#place[key] !== Place.none;
  }

  /** Looks the key up; true when it is here, and used by that. */
  use(key: number): boolean {
    if (this.#place[key] === Place.none) return false;
    const accesses = this.#accesses[key] as number;
    if (accesses < ACCESS_MAX) this.#accesses[key] = accesses + 1;
    this.#usedAt[key] = ++this.#uses;
    return true;
  }

  /** Stores a key that is not here; then makes room. `onEvicted` is told who left. */
  store(key: number, onEvicted: (key: number) => void): void {
    this.#use(key, 1);
    this.#noteAsked(key);
    this.#accesses[key] = this.#hasCredit(key) ? 1 : 0;
    this.#winner[key] = NOBODY;
    this.#append(Place.small, key);
    this.#count++;
    this.makeRoom(onEvicted);
  }

  /** The key is gone, and was not evicted. */
  remove(key: number): void {
    if (this.#place[key] !== Place.none) this.#drop(key);
  }

  /** Nothing is known of the key any more: its number is another's from now on. */
  forget(key: number): void {
    this.remove(key);
    this.#frequency[key] = 0;
    this.#winner[key] = NOBODY;
    this.#usedAt[key] = 0;
    for (let pair = 0; pair < PAIRS && this.#trials[key] !== 0; pair++) {
      if (this.#candidates[pair] === key || this.#victims[pair] === key) this.#clearPair(pair);
    }
  }

  /** The size of a key that may be here changes by so many bytes. */
  resize(key: number, by: number): void {
    const place = this.#place[key] as number;
    if (place !== Place.none) this.#used[place] = (this.#used[place] as number) + by;
  }

  makeRoom(onEvicted: (key: number) => void): void {
    const used = this.#used;
    this.#fillMain();
    while (this.#count > 0 && (used[Place.small] as number) + (used[Place.main] as number) > this.capacity) {
      this.#unmarks = this.#isExhausted && this.#walkedSmall;
      const small = used[Place.small] as number;
      this.#walkedSmall =
        this.#tail[Place.main] === NOBODY ||
        (!this.#unmarks && this.#head[Place.small] !== NOBODY && small > SMALL_SHARE * this.capacity);
      const key = this.#head[this.#walkedSmall ? Place.small : Place.main] as number;
      if (this.#walkedSmall ? this.#staysFromSmall(key) : this.#staysInMain(key)) {
        this.#unlink(key);
        this.#append(Place.main, key);
      } else {
        this.#drop(key);
        onEvicted(key);
      }
    }
  }

  /** While memory is free nobody competes for it: what the small log has too much is handed to the main log. */
  #fillMain(): void {
    const used = this.#used;
    while (
      (used[Place.small] as number) > SMALL_SHARE * this.capacity &&
      (used[Place.small] as number) + (used[Place.main] as number) <= this.capacity
    ) {
      const key = this.#head[Place.small] as number;
      this.#unlink(key);
      this.#append(Place.main, key);
    }
  }

  #staysFromSmall(key: number): boolean {
    const accesses = this.#accesses[key] as number;
    if (accesses > 0) this.#use(key, accesses);
    else if (!this.#beatsVictim(key)) return false;
    this.#displace(this.#bytes[key] as number);
    this.#accesses[key] = 0;
    return true;
  }

  #staysInMain(key: number): boolean {
    const accesses = this.#accesses[key] as number;
    if (accesses === 0) return this.#unmarks;
    const taken = this.#unmarks ? accesses : 1;
    this.#use(key, taken);
    this.#accesses[key] = accesses - taken;
    return true;
  }

  #beatsVictim(key: number): boolean {
    const victim = this.#findVictim();
    if (victim === NOBODY) return false;
    if ((this.#frequency[key] as number) > (this.#frequency[victim] as number) + MARGIN) return true;
    const bytes = this.#bytes[key] as number;
    const span = (this.capacity * TRIAL_SHARE) / PAIRS;
    this.#judgedBytes = Math.min(this.#judgedBytes + bytes, span);
    if (this.#judgedBytes === span && victim !== this.#lastVictim) this.#beginTrial(key, victim);
    else if (this.#harms) return true;
    this.#rejectedBytes += bytes;
    this.#rejectedAt[key] = this.#rejectedBytes;
    this.#rejectedUse[key] = this.#uses;
    this.#winner[key] = victim;
    if (++this.#defences >= DEFENCES_MAX) this.#pass(victim);
    return false;
  }

  /** It was turned away lately and is back before whom it lost to was used. */
  #hasCredit(key: number): boolean {
    const winner = this.#winner[key] as number;
    if (winner === NOBODY) return false;
    const since = this.#rejectedBytes - (this.#rejectedAt[key] as number);
    return since <= this.capacity * REJECTED_SHARE && !this.#wasUsed(winner, this.#rejectedUse[key] as number);
  }

  #wasUsed(key: number, since: number): boolean {
    return (this.#usedAt[key] as number) > since;
  }

  #use(key: number, times: number): void {
    const frequency = this.#frequency;
    frequency[key] = Math.min(FREQUENCY_MAX, (frequency[key] as number) + times);
    this.#additions += times;
    if (this.#additions < Math.max(PERIOD_MIN, PERIOD_PER_KEY * this.#count)) return;
    this.#additions /= 2;
    for (let i = 0; i < frequency.length; i++) frequency[i] = (frequency[i] as number) >> 1;
  }

  #findVictim(): number {
    for (let looks = 0; looks < LOOK_MAX; looks++) {
      if (this.#cursor === NOBODY) {
        this.#isExhausted = !this.#foundInLap;
        this.#foundInLap = false;
        this.#cursor = this.#head[Place.main] as number;
        if (this.#cursor === NOBODY) return NOBODY;
      }
      if (this.#accesses[this.#cursor] === 0) {
        this.#foundInLap = true;
        this.#isExhausted = false;
        return this.#cursor;
      }
      this.#pass(this.#cursor);
    }
    return NOBODY;
  }

  #displace(bytes: number): void {
    this.#owedBytes += bytes;
    while (this.#owedBytes > 0) {
      const victim = this.#findVictim();
      if (victim === NOBODY) {
        this.#owedBytes = 0;
        return;
      }
      this.#owedBytes -= this.#bytes[victim] as number;
      this.#pass(victim);
    }
  }

  #pass(key: number): void {
    this.#cursor = this.#next[key] as number;
    this.#defences = 0;
  }

  #beginTrial(candidate: number, victim: number): void {
    const pair = this.#nextPair;
    if (this.#candidates[pair] !== NOBODY) this.#endTrial(pair);
    this.#candidates[pair] = candidate;
    this.#victims[pair] = victim;
    this.#trials[candidate] = (this.#trials[candidate] as number) + 1;
    this.#trials[victim] = (this.#trials[victim] as number) + 1;
    this.#asked[pair] = 0;
    this.#begunAt[pair] = this.#uses;
    this.#nextPair = (pair + 1) % PAIRS;
    this.#judgedBytes = 0;
    this.#lastVictim = victim;
  }

  #endTrial(pair: number): void {
    const asked = this.#asked[pair] as number;
    const victim = this.#victims[pair] as number;
    const isRight = (asked & VICTIM_ASKED) !== 0 || this.#wasUsed(victim, this.#begunAt[pair] as number);
    const verdict = Number(isRight) - Number((asked & CANDIDATE_ASKED) !== 0);
    this.#score += (verdict - this.#score) * SCORE_WEIGHT;
    if (this.#score < HARMS_BELOW) this.#harms = true;
    else if (this.#score > HELPS_ABOVE) this.#harms = false;
    this.#clearPair(pair);
  }

  #clearPair(pair: number): void {
    const candidate = this.#candidates[pair] as number;
    if (candidate === NOBODY) return;
    const victim = this.#victims[pair] as number;
    this.#trials[candidate] = (this.#trials[candidate] as number) - 1;
    this.#trials[victim] = (this.#trials[victim] as number) - 1;
    this.#candidates[pair] = NOBODY;
    this.#victims[pair] = NOBODY;
  }

  /** The key is stored again. */
  #noteAsked(key: number): void {
    if (this.#trials[key] === 0) return;
    for (let pair = 0; pair < PAIRS; pair++) {
      if (this.#candidates[pair] === NOBODY) continue;
      if (this.#candidates[pair] === key) this.#asked[pair] = (this.#asked[pair] as number) | CANDIDATE_ASKED;
      if (this.#victims[pair] === key) this.#asked[pair] = (this.#asked[pair] as number) | VICTIM_ASKED;
    }
  }

  #drop(key: number): void {
    this.#unlink(key);
    this.#place[key] = Place.none;
    this.#accesses[key] = 0;
    this.#count--;
  }

  #append(place: 1 | 2, key: number): void {
    const tail = this.#tail[place] as number;
    this.#place[key] = place;
    this.#next[key] = NOBODY;
    this.#previous[key] = tail;
    if (tail === NOBODY) this.#head[place] = key;
    else this.#next[tail] = key;
    this.#tail[place] = key;
    this.#used[place] = (this.#used[place] as number) + (this.#bytes[key] as number);
  }

  #unlink(key: number): void {
    if (this.#cursor === key) this.#pass(key);
    const place = this.#place[key] as number;
    const next = this.#next[key] as number;
    const previous = this.#previous[key] as number;
    if (next === NOBODY) this.#tail[place] = previous;
    else this.#previous[next] = previous;
    if (previous === NOBODY) this.#head[place] = next;
    else this.#next[previous] = next;
    this.#used[place] = (this.#used[place] as number) - (this.#bytes[key] as number);
  }
}
