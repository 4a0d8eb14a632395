import { byteText } from '../../base/byte-text.ts';
import { nameKey } from '../../base/key-name.ts';
import { prefixEnd, startsWith } from '../../base/key-prefix.ts';
import { type EntryInfo, ValueType } from '../../base/view.ts';
import type { KeyspaceNews, LargeKey, PrefixSize } from '../dashboard/feed.ts';
import { type KnownKey, LargestKeys } from './largest-keys.ts';
import { PrefixTally, type Totals } from './prefix-tally.ts';

/** What an analysis tells apart. */
export interface SurveySettings {
  readonly separator: string;
  /** Prefixes that are told. */
  readonly prefixesMax: number;
  /** Prefixes that are told in any case, each with all keys that begin with it. */
  readonly metricsPrefixes: readonly string[];
}

/** Keys of one of the prefixes that are asked for, and their memory in bytes; estimates. */
export interface MetricsPrefix {
  readonly prefix: string;
  readonly keys: number;
  readonly bytes: number;
}

const LARGEST_TOLD = 50;
/** More are kept than told, for when some of them go. */
const LARGEST_KEPT = 64;
/** Prefixes are added up for so many times more than are told: which are the largest is known at the end only. */
const TALLY_FACTOR = 16;
const TYPE_NAMES = Object.keys(ValueType) as (keyof typeof ValueType)[];

/** Puts an analysis together: shown a run of each store's keys, it tells what all keys are. */
export class KeyspaceSurvey {
  readonly largest = new LargestKeys(LARGEST_KEPT);
  readonly #settings: SurveySettings;
  readonly #separator: Uint8Array;
  readonly #metricsPrefixes: readonly Uint8Array[];
  readonly #prefixes: PrefixTally;
  readonly #asked: Totals[];
  /** Keys by type, by its number. */
  readonly #types = new Float64Array(TYPE_NAMES.length);

  constructor(settings: SurveySettings) {
    this.#settings = settings;
    this.#separator = Buffer.from(settings.separator);
    this.#metricsPrefixes = settings.metricsPrefixes.map((prefix) => Buffer.from(prefix));
    this.#prefixes = new PrefixTally(settings.prefixesMax * TALLY_FACTOR);
    this.#asked = settings.metricsPrefixes.map(() => ({ keys: 0, bytes: 0, expiring: 0 }));
  }

  /** Begins a store, whose keys are counted by the visitor returned until `end` is called with the share that was visited. */
  begin(shard: number): {
    readonly visit: (keys: Uint8Array, start: number, end: number, entry: EntryInfo) => void;
    readonly end: (share: number) => void;
  } {
    const prefixes = new PrefixTally(this.#settings.prefixesMax * TALLY_FACTOR);
    const asked: Totals[] = this.#asked.map(() => ({ keys: 0, bytes: 0, expiring: 0 }));
    const types = new Float64Array(TYPE_NAMES.length);
    const visit = (keys: Uint8Array, start: number, end: number, entry: EntryInfo): void => {
      const behind = prefixEnd(keys, start, end, this.#separator);
      prefixes.count(behind === start ? null : byteText(keys, start, behind), entry);
      types[entry.type] = (types[entry.type] as number) + 1;
      this.largest.offer(shard, keys, start, end, entry);
      for (let i = 0; i < asked.length; i++) {
        if (!startsWith(keys, start, end, this.#metricsPrefixes[i] as Uint8Array)) continue;
        const totals = asked[i] as Totals;
        totals.keys++;
        totals.bytes += entry.memoryBytes;
      }
    };
    const end = (share: number): void => {
      if (share <= 0) return;
      this.#prefixes.add(prefixes, 1 / share);
      for (const [i, totals] of this.#asked.entries()) {
        totals.keys += (asked[i] as Totals).keys / share;
        totals.bytes += (asked[i] as Totals).bytes / share;
      }
      for (const [i, count] of types.entries()) this.#types[i] = (this.#types[i] as number) + count / share;
    };
    return { visit, end };
  }

  news(atMs: number, tookMs: number, sampledKeys: number, keys: number): KeyspaceNews {
    return {
      atMs,
      tookMs,
      sampledKeys,
      keys,
      prefixes: this.#prefixRows(),
      largest: this.largest.list().slice(0, LARGEST_TOLD).map(largeKey),
      types: this.#typeShares(),
    };
  }

  metricsPrefixes(): MetricsPrefix[] {
    return this.#asked.map(({ keys, bytes }, i) => ({
      prefix: this.#settings.metricsPrefixes[i] as string,
      keys: Math.round(keys),
      bytes: Math.round(bytes),
    }));
  }

  #prefixRows(): PrefixSize[] {
    const { rows, others } = this.#prefixes.largest(this.#settings.prefixesMax);
    const sizes = rows.map(([prefix, totals]) => prefixSize(nameKey(Buffer.from(prefix, 'latin1')).key, totals));
    return others.keys === 0 ? sizes : [...sizes, prefixSize(null, others)];
  }

  #typeShares(): Record<string, number> {
    const total = this.#types.reduce((sum, count) => sum + count, 0);
    const shares: Record<string, number> = {};
    for (const name of TYPE_NAMES) {
      const count = this.#types[ValueType[name]] as number;
      if (count > 0) shares[name] = count / total;
    }
    return shares;
  }
}

function prefixSize(prefix: string | null, { keys, bytes, expiring }: Totals): PrefixSize {
  return { prefix, keys: Math.round(keys), bytes: Math.round(bytes), expiring: keys === 0 ? 0 : expiring / keys };
}

function largeKey({ key, type, bytes, expiresAtMs }: KnownKey): LargeKey {
  const name = TYPE_NAMES.find((each) => ValueType[each] === type) ?? 'string';
  return {
    ...nameKey(Buffer.from(key, 'latin1')),
    type: name,
    bytes,
    expiresAtMs: expiresAtMs === 0 ? null : expiresAtMs,
  };
}
