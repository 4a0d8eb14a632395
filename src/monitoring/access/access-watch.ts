import { byteText } from '../../base/byte-text.ts';
import { nameKey } from '../../base/key-name.ts';
import { prefixEnd, startsWith } from '../../base/key-prefix.ts';
import { HASH_RANGE, type LookupSampleReader, type LookupSink } from '../../base/lookup-sample.ts';
import type { Clock } from '../../base/ports.ts';
import type { AccessNews, HotKey, MissRatioCurve, PrefixAccess } from '../dashboard/feed.ts';
import type { AccessSource } from '../dashboard/sources.ts';
import { FollowedKeys, type FoundEntry } from './followed-keys.ts';
import { hitRatioCurve } from './hit-ratio-curve.ts';
import { HotKeys } from './hot-keys.ts';
import { PrefixCounts } from './prefix-counts.ts';

/** How often samples are collected: soon enough that the rings of busy threads do not overflow. */
const COLLECT_MS = 250;
/** How often it is decided anew how much is sampled, in collections; at once when it is far too much. */
const ADAPT_EVERY = 4;
const FAR = 2;
/** What is told of keys and prefixes is of about the last minute, of memory of about the last ten. */
const KEYS_WINDOW_MS = 60_000;
const MEMORY_WINDOW_MS = 600_000;
/** Lookups a second that are sampled for their keys, about. */
const SAMPLED_PER_S = 4000;
/**
 * How much a second following keys may cost, in lookups that find their key: about 0.2 microseconds each, so 3 ms at most;
 * one that does not is 13 times as dear, because the caches have to make room.
 */
const FOLLOWING_PER_S_MAX = 16_000;
const MISS_COST = 13;
const INTERVAL_MAX = 1 << 16;
const FOLLOWED_KEYS_DEFAULT = 16_384;
const SHARE_FIRST = 1 / 64;
const INTERVAL_FIRST = 64;
/** For how long no more keys are followed again than proved too many. */
const CEILING_MS = 300_000;
const HOT_KEYS_COUNTED = 1000;
const HOT_KEYS_SHOWN = 50;
/** Counts below this are forgotten. */
const LEAST = 0.2;

export interface AccessWatchOptions {
  readonly clock: Clock;
  /** One for each thread that looks up. */
  readonly samples: readonly LookupSampleReader[];
  readonly store: WatchedStore;
  /** See `prefixEnd`. */
  readonly separator: string;
  /** Prefixes that are told apart. */
  readonly prefixesMax: number;
  /** Prefixes whose hits and misses are counted for good. */
  readonly metricsPrefixes: readonly string[];
  /** Keys that are followed at a time for the curve: about 350 bytes each. */
  readonly followedKeysMax?: number;
}

/** What is asked of all shards' stores together. */
export interface WatchedStore {
  /** The entry of a key, without marking it as used; null: there is none; undefined: it cannot be said now. */
  find(key: Uint8Array): FoundEntry | null | undefined;
  totals(): StoreTotals;
}

export interface StoreTotals {
  readonly hits: number;
  readonly misses: number;
  readonly evicted: number;
  /** Bytes of entries of this node's own keys, with index and heap, that all of the memory holds. */
  readonly capacityBytes: number;
}

/** Lookups of the keys that begin with one of the prefixes of metrics since the node started; estimated. */
export interface PrefixTotal {
  readonly prefix: string;
  readonly hits: number;
  readonly misses: number;
}

interface MetricsPrefix extends PrefixTotal {
  readonly bytes: Uint8Array;
  hits: number;
  misses: number;
  /** Of the ring that is being emptied. */
  newHits: number;
  newMisses: number;
}

/** Collects what threads have sampled of their lookups, and tells what keys are in demand. Runs a timer. */
export class AccessWatch implements AccessSource {
  readonly #options: AccessWatchOptions;
  readonly #separator: Uint8Array;
  readonly #timer: NodeJS.Timeout;
  readonly #hot = new HotKeys(HOT_KEYS_COUNTED);
  readonly #prefixes: PrefixCounts;
  readonly #metricsPrefixes: readonly MetricsPrefix[];
  readonly #followed: FollowedKeys;
  readonly #followedMax: number;
  readonly #sink: LookupSink;
  #totals: StoreTotals;
  #collectedAtMs: number;
  #collections = 0;
  /** Of about the last minute: lookups, those that samples by time stand for, and the time they took. */
  #lookups = 0;
  #told = 0;
  #lookupsMs = 0;
  /** Of about the last ten minutes: lookups by what the store answered. */
  #found = 0;
  #missed = 0;
  /** Since it was decided last how much is sampled. */
  #recentLookups = 0;
  #recentFollowing = 0;
  #recentMs = 0;
  #interval = INTERVAL_FIRST;
  #ceiling = HASH_RANGE;
  #ceilingUntilMs = 0;

  constructor(options: AccessWatchOptions) {
    const { clock, store, prefixesMax, metricsPrefixes } = options;
    this.#options = options;
    this.#followedMax = options.followedKeysMax ?? FOLLOWED_KEYS_DEFAULT;
    this.#separator = Buffer.from(options.separator);
    this.#prefixes = new PrefixCounts(prefixesMax);
    this.#metricsPrefixes = metricsPrefixes.map((prefix) => ({
      bytes: Buffer.from(prefix),
      prefix,
      hits: 0,
      misses: 0,
      newHits: 0,
      newMisses: 0,
    }));
    this.#totals = store.totals();
    this.#collectedAtMs = clock.nowMs();
    this.#followed = new FollowedKeys({
      store: {
        find: (key) => store.find(key),
        evicted: () => this.#totals.evicted,
        capacityBytes: () => this.#totals.capacityBytes,
      },
      clock,
      keysMax: this.#followedMax,
      threshold: HASH_RANGE * SHARE_FIRST,
    });
    this.#sink = {
      byTime: (bytes, start, end, isWhole, weight, found) => this.#byTime(bytes, start, end, isWhole, weight, found),
      byHash: (hash, found, memoryBytes, expiresAtMs, bytes, start, end) => {
        this.#recentFollowing += found ? 1 : MISS_COST;
        if (found) this.#followed.hit(hash, memoryBytes, expiresAtMs);
        else this.#followed.miss(hash, bytes.slice(start, end));
      },
    };
    this.#setSampling();
    this.#timer = setInterval(() => this.collect(), COLLECT_MS);
    this.#timer.unref();
  }

  /** Put together anew at each call. */
  news(): AccessNews {
    const perS = (this.#lookups * 1000) / Math.max(this.#lookupsMs, COLLECT_MS);
    const told = Math.max(this.#told, LEAST);
    const hot = this.#hot.top(HOT_KEYS_SHOWN).map(({ text, weight }): HotKey => {
      const share = Math.min(1, weight / told);
      return { ...nameKey(Buffer.from(text, 'latin1')), reads: share * perS, share };
    });
    const prefixes = this.#prefixes.list().map(({ prefix, hits, misses }): PrefixAccess => {
      const reads = hits + misses;
      const name = prefix === null ? null : nameKey(Buffer.from(prefix, 'latin1')).key;
      return { prefix: name, reads: (reads / told) * perS, hitRatio: reads === 0 ? null : hits / reads };
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
  prefixTotals(): readonly PrefixTotal[] {
    return this.#metricsPrefixes;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Takes in what was sampled since the last time. Done by the timer. */
  collect(): void {
    const { clock, store, samples } = this.#options;
    const followed = this.#followed;
    const nowMs = clock.nowMs();
    // A clock that was set back.
    const spanMs = Math.max(0, nowMs - this.#collectedAtMs);
    this.#collectedAtMs = nowMs;
    const before = this.#totals;
    this.#totals = store.totals();
    this.#fade(spanMs);
    const found = this.#totals.hits - before.hits;
    const missed = this.#totals.misses - before.misses;
    this.#found += found;
    this.#missed += missed;
    this.#lookups += found + missed;
    this.#lookupsMs += spanMs;
    this.#recentLookups += found + missed;
    this.#recentMs += spanMs;
    followed.fitMemory();
    // What was missed before the last collection: its clients had time to store it.
    followed.settle();
    const followingBefore = this.#recentFollowing;
    for (const sample of samples) this.#empty(sample);
    const followingNow = this.#recentFollowing - followingBefore;
    const seconds = Math.max(spanMs, COLLECT_MS) / 1000;
    const isFarTooMuch =
      followingNow > FAR * FOLLOWING_PER_S_MAX * seconds ||
      found + missed > FAR * this.#interval * SAMPLED_PER_S * seconds;
    if (++this.#collections % ADAPT_EVERY === 0 || isFarTooMuch) this.#adapt(nowMs);
    this.#setSampling();
  }

  #empty(sample: LookupSampleReader): void {
    const toldBefore = this.#told;
    for (const prefix of this.#metricsPrefixes) {
      prefix.newHits = 0;
      prefix.newMisses = 0;
    }
    sample.drain(this.#sink);
    const dropped = sample.takeDropped();
    this.#followed.missedOut(dropped);
    this.#recentFollowing += dropped;
    const told = this.#told - toldBefore;
    // Those that were dropped were about like those that were not.
    const scale = told === 0 ? 0 : (told + sample.takeUntold()) / told;
    for (const prefix of this.#metricsPrefixes) {
      prefix.hits += prefix.newHits * scale;
      prefix.misses += prefix.newMisses * scale;
    }
  }

  #fade(spanMs: number): void {
    const keys = Math.exp(-spanMs / KEYS_WINDOW_MS);
    this.#hot.fade(keys, LEAST);
    this.#prefixes.fade(keys, LEAST);
    this.#lookups *= keys;
    this.#told *= keys;
    this.#lookupsMs *= keys;
    const memory = Math.exp(-spanMs / MEMORY_WINDOW_MS);
    this.#followed.fade(memory);
    this.#found *= memory;
    this.#missed *= memory;
  }

  #byTime(bytes: Uint8Array, start: number, end: number, isWhole: boolean, weight: number, found: boolean): void {
    const key = byteText(bytes, start, end);
    this.#told += weight;
    if (isWhole) this.#hot.add(key, weight);
    const prefixLength = prefixEnd(bytes, start, end, this.#separator) - start;
    this.#prefixes.add(prefixLength === 0 ? null : key.slice(0, prefixLength), found, weight);
    for (const total of this.#metricsPrefixes) {
      if (!startsWith(bytes, start, end, total.bytes)) continue;
      if (found) total.newHits += weight;
      else total.newMisses += weight;
    }
  }

  /** Decides how much is sampled, by how much was since the last time. */
  #adapt(nowMs: number): void {
    const followed = this.#followed;
    const seconds = Math.max(this.#recentMs, 1) / 1000;
    const perS = this.#recentLookups / seconds;
    const followingPerS = this.#recentFollowing / seconds;
    if (followingPerS > FOLLOWING_PER_S_MAX) {
      followed.follow(Math.max(1, Math.floor((followed.threshold * FOLLOWING_PER_S_MAX) / followingPerS)));
      this.#ceiling = followed.threshold;
      this.#ceilingUntilMs = nowMs + CEILING_MS;
    } else if (followingPerS < FOLLOWING_PER_S_MAX / 4 && followed.keyCount < this.#followedMax / 4) {
      const ceiling = nowMs < this.#ceilingUntilMs ? this.#ceiling : HASH_RANGE;
      followed.follow(Math.max(followed.threshold, Math.min(ceiling, followed.threshold * 2)));
    }
    this.#recentLookups = 0;
    this.#recentFollowing = 0;
    this.#recentMs = 0;
    const interval = 2 ** Math.ceil(Math.log2(Math.max(1, perS / SAMPLED_PER_S)));
    this.#interval = Math.min(INTERVAL_MAX, interval);
  }

  #setSampling(): void {
    for (const sample of this.#options.samples) sample.sample(this.#followed.threshold, this.#interval);
  }
}
