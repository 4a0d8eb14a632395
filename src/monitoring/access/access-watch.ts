import { byteText } from '../../base/byte-text.ts';
import { nameKey } from '../../base/key-name.ts';
import { prefixEnd } from '../../base/key-prefix.ts';
import { drainInOrder, HASH_RANGE, type LookupSampleReader, type LookupSink } from '../../base/lookup-sample.ts';
import type { Clock } from '../../base/ports.ts';
import { GivenPrefixes, PrefixTotals } from '../../base/prefix-totals.ts';
import type { AccessNews, AccessSource, HotKey, MissRatioCurve, PrefixAccess } from './access-news.ts';
import { FollowedKeys } from './followed-keys.ts';
import { hitRatioCurve } from './hit-ratio-curve.ts';
import { HotKeys } from './hot-keys.ts';
import { SamplingRate, STORE_COST } from './sampling-rate.ts';
import type { StoreTotals } from './store-totals.ts';

/** How often samples are collected: soon enough that the rings of busy threads do not overflow. */
const COLLECT_MS = 250;
/** Lookups a second are of about the last seconds, shares of keys and prefixes of about a minute, memory of about ten. */
const RATE_WINDOW_MS = 5000;
export const KEYS_WINDOW_MS = 60_000;
export const MEMORY_WINDOW_MS = 600_000;
const FOLLOWED_KEYS_DEFAULT = 16_384;
const SHARE_FIRST = 1 / 64;
/** No keys are added to those that are followed when they are so large a share of those that may be. */
const ENOUGH_SHARE = 1 / 4;
const HOT_KEYS_COUNTED = 1000;
const HOT_KEYS_SHOWN = 50;
/** So many prefixes are counted for each that is shown, so that one that gets busy is noticed. */
const PREFIXES_SPARE = 4;
/** Lookups: what stands for fewer is forgotten. */
const LEAST = 0.2;

export interface AccessWatchOptions {
  readonly clock: Clock;
  /** One for each thread that looks up or writes. */
  readonly samples: readonly LookupSampleReader[];
  /** What there is in all shards' stores now. */
  readonly totals: () => StoreTotals;
  /** See `prefixEnd`. */
  readonly separator: string;
  /** Prefixes that are told apart. */
  readonly prefixesMax: number;
  /** Prefixes whose hits and misses are counted for good. */
  readonly metricsPrefixes: readonly string[];
  /** Keys that are followed at a time for the curve: about 350 bytes each. */
  readonly followedKeysMax?: number;
}

/** Lookups of the keys that begin with one of the prefixes of metrics since the node started; estimated. */
export interface PrefixTotal {
  readonly prefix: string;
  readonly hits: number;
  readonly misses: number;
}

/** Collects what threads have sampled of what they do with keys, and tells what keys are in demand. Runs a timer. */
export class AccessWatch implements AccessSource {
  readonly #options: AccessWatchOptions;
  readonly #separator: Uint8Array;
  readonly #timer: NodeJS.Timeout;
  readonly #hot = new HotKeys(HOT_KEYS_COUNTED);
  readonly #prefixes: PrefixTotals<'hits' | 'misses'>;
  /** Since the node started. */
  readonly #metricsPrefixes: GivenPrefixes<'hits' | 'misses'>;
  /** Of the collection under way. */
  readonly #newOfMetrics: GivenPrefixes<'hits' | 'misses'>;
  readonly #followed: FollowedKeys;
  readonly #followedMax: number;
  readonly #rate = new SamplingRate();
  readonly #sink: LookupSink;
  #totals: StoreTotals;
  #collectedAtMs: number;
  /** Lookups of about the last seconds, and the time they took. */
  #lookups = 0;
  #lookupsMs = 0;
  /** Lookups of about the last minute that samples by time stand for. */
  #sampled = 0;
  /** Of about the last ten minutes: lookups by what the store answered, and entries that came. */
  #found = 0;
  #missed = 0;
  #came = 0;
  /** What following keys cost in the collection under way. */
  #cost = 0;

  constructor(options: AccessWatchOptions) {
    const { clock, totals, prefixesMax, metricsPrefixes, followedKeysMax = FOLLOWED_KEYS_DEFAULT } = options;
    this.#options = options;
    this.#followedMax = followedKeysMax;
    this.#separator = Buffer.from(options.separator);
    this.#prefixes = new PrefixTotals({
      fields: ['hits', 'misses'],
      weightOf: ({ hits, misses }) => hits + misses,
      keptMax: prefixesMax * PREFIXES_SPARE,
    });
    this.#metricsPrefixes = new GivenPrefixes(metricsPrefixes, ['hits', 'misses']);
    this.#newOfMetrics = new GivenPrefixes(metricsPrefixes, ['hits', 'misses']);
    this.#totals = totals();
    this.#collectedAtMs = clock.nowMs();
    const followed = new FollowedKeys({
      clock,
      capacityBytes: () => this.#totals.capacityBytes,
      keysMax: followedKeysMax,
      threshold: HASH_RANGE * SHARE_FIRST,
    });
    this.#followed = followed;
    this.#sink = {
      byTime: (bytes, start, end, isWhole, weight, found) => this.#byTime(bytes, start, end, isWhole, weight, found),
      looked: (hash, found, memoryBytes, expiresAtMs) => {
        this.#cost++;
        followed.looked(hash, found, memoryBytes, expiresAtMs);
      },
      stored: (hash, memoryBytes, expiresAtMs) => {
        this.#cost += followed.stored(hash, memoryBytes, expiresAtMs) ? STORE_COST : 1;
      },
      expires: (hash, expiresAtMs) => followed.expires(hash, expiresAtMs),
      removed: (hash) => {
        this.#cost++;
        followed.removed(hash);
      },
      cleared: () => followed.cleared(),
    };
    this.#setSampling();
    this.#timer = setInterval(() => this.collect(), COLLECT_MS);
    this.#timer.unref();
  }

  /** Put together anew at each call. */
  news(): AccessNews {
    const perS = (this.#lookups * 1000) / Math.max(this.#lookupsMs, COLLECT_MS);
    const sampled = Math.max(this.#sampled, LEAST);
    const hot = this.#hot.top(HOT_KEYS_SHOWN).map(({ text, weight }): HotKey => {
      const share = Math.min(1, weight / sampled);
      return { ...nameKey(Buffer.from(text, 'latin1')), reads: share * perS, share };
    });
    const { rows, others } = this.#prefixes.largest(this.#options.prefixesMax);
    const prefixes = [...rows, [null, others] as const].map(([prefix, { hits, misses }]): PrefixAccess => {
      const reads = hits + misses;
      const name = prefix === null ? null : nameKey(Buffer.from(prefix, 'latin1')).key;
      return { prefix: name, reads: (reads / sampled) * perS, hitRatio: reads === 0 ? null : hits / reads };
    });
    return { atMs: this.#options.clock.nowMs(), hot, prefixes, curve: this.curve() };
  }

  /** Null: too little was looked up. */
  curve(): MissRatioCurve | null {
    const { hits, counted, sampled, share } = this.#followed;
    return hitRatioCurve({
      hits,
      counted,
      sampled,
      expected: (this.#found + this.#missed) * share,
      foundInStore: this.#found,
      missedInStore: this.#missed,
      samplingRate: share,
    });
  }

  /** In the order of the prefixes that were asked for. */
  metricsPrefixes(): readonly PrefixTotal[] {
    return this.#metricsPrefixes.rows.map(({ prefix, totals }) => ({ prefix, ...totals }));
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Takes in what was sampled since the last time. Done by the timer. */
  collect(): void {
    const { clock, totals, samples } = this.#options;
    const followed = this.#followed;
    const nowMs = clock.nowMs();
    // A clock that was set back.
    const spanMs = Math.max(0, nowMs - this.#collectedAtMs);
    this.#collectedAtMs = nowMs;
    const before = this.#totals;
    this.#totals = totals();
    this.#fade(spanMs);
    const found = this.#totals.hits - before.hits;
    const missed = this.#totals.misses - before.misses;
    this.#found += found;
    this.#missed += missed;
    this.#came += Math.max(0, this.#totals.came - before.came);
    this.#lookups += found + missed;
    this.#lookupsMs += spanMs;
    followed.fitMemory();
    followed.expireDue();
    this.#cost = 0;
    this.#empty(samples);
    const threshold = this.#rate.next({
      nowMs,
      spanMs,
      lookups: found + missed,
      cost: this.#cost,
      threshold: followed.threshold,
      mayAdd: followed.keyCount < this.#followedMax * ENOUGH_SHARE && this.#isPastKnown(),
    });
    followed.follow(threshold);
    this.#setSampling();
  }

  /**
   * Whether keys that are followed from now on can be told of: what is not in the store was never there, as long as nothing
   * was evicted; or so much comes anew that soon it will not matter.
   */
  #isPastKnown(): boolean {
    return this.#totals.evicted === 0 || this.#came >= this.#totals.keys;
  }

  #empty(samples: readonly LookupSampleReader[]): void {
    const sampledBefore = this.#sampled;
    drainInOrder(samples, this.#sink);
    const sampled = this.#sampled - sampledBefore;
    let droppedWeight = 0;
    for (const sample of samples) {
      const dropped = sample.takeDroppedLookups();
      this.#followed.dropped(dropped);
      this.#cost += dropped + STORE_COST * sample.takeDroppedWrites();
      droppedWeight += sample.takeDroppedWeight();
    }
    // Those that were dropped were about like those that were not.
    if (sampled > 0) this.#metricsPrefixes.take(this.#newOfMetrics, 1 + droppedWeight / sampled);
  }

  #fade(spanMs: number): void {
    const keys = Math.exp(-spanMs / KEYS_WINDOW_MS);
    this.#hot.fade(keys, LEAST);
    this.#prefixes.fade(keys, LEAST);
    this.#sampled *= keys;
    const rate = Math.exp(-spanMs / RATE_WINDOW_MS);
    this.#lookups *= rate;
    this.#lookupsMs *= rate;
    const memory = Math.exp(-spanMs / MEMORY_WINDOW_MS);
    this.#followed.fade(memory);
    this.#found *= memory;
    this.#missed *= memory;
    this.#came *= memory;
  }

  #byTime(bytes: Uint8Array, start: number, end: number, isWhole: boolean, weight: number, found: boolean): void {
    const key = byteText(bytes, start, end);
    this.#sampled += weight;
    if (isWhole) this.#hot.add(key, weight);
    const prefixLength = prefixEnd(bytes, start, end, this.#separator) - start;
    const answer = found ? 'hits' : 'misses';
    this.#prefixes.of(prefixLength === 0 ? null : key.slice(0, prefixLength))[answer] += weight;
    this.#newOfMetrics.forEachOf(bytes, start, end, (totals) => {
      totals[answer] += weight;
    });
  }

  #setSampling(): void {
    for (const sample of this.#options.samples) sample.sample(this.#followed.threshold, this.#rate.interval);
  }
}
