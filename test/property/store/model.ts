import { Freshness, type PutRequest, PutStatus, type ReadView, type ValueType } from '../../../src/base/view.ts';
import { createStoreMemory, type EvictionName, type StoreMemory } from '../../../src/store/arena.ts';
import { StoreReader } from '../../../src/store/reader.ts';
import { readStatistics } from '../../../src/store/statistics.ts';
import { StoreWriter } from '../../../src/store/writer.ts';

export const START_MS = 1_700_000_000_000;

interface ModelEntry {
  value: Uint8Array;
  type: ValueType;
  expiresAtMs: number;
  contentType: string;
  version: number;
  staleMs: number;
  tags: readonly string[];
  isHollow: boolean;
  fill: { readonly token: number; readonly untilMs: number; readonly version: number } | null;
}

interface Invalidation {
  readonly tag: string;
  readonly version: number;
  /** null: hard. */
  readonly softAtMs: number | null;
}

export interface PutOptions {
  readonly ttlMs?: number;
  readonly type?: ValueType;
  readonly contentType?: string;
  readonly staleMs?: number;
  readonly tags?: readonly string[];
}

const NO_BYTES = new Uint8Array(0);

/** A store beside a plain map of what it must hold; every act is done to both and every answer compared. */
export class ModelledStore {
  readonly memory: StoreMemory;
  readonly reader: StoreReader;
  readonly eviction: EvictionName;
  readonly entries = new Map<string, ModelEntry>();
  readonly clock = { at: START_MS, nowMs: (): number => this.clock.at };
  writer: StoreWriter;
  /** Of all times: what becomes of an entry follows from them. */
  readonly #invalidations: Invalidation[] = [];
  /** Of invalidations before this version the store may not know any more for which tokens they matter. */
  #forgotten = 0;
  /** Tokens that were given, with their keys. */
  readonly tokens: { readonly key: string; readonly token: number }[] = [];
  #lost = 0;
  #evictedBefore = 0;
  #seed = 1;

  constructor(eviction: EvictionName, budgetBytes: number, partitions = 0) {
    this.eviction = eviction;
    this.memory = createStoreMemory({
      budgetBytes,
      readersMax: 2,
      eviction,
      hashKey: [0x1234_5678, -7],
      ...(partitions > 0 ? { partitions: { first: 0, count: partitions, total: partitions } } : {}),
    });
    this.writer = this.attach(false);
    this.reader = new StoreReader(this.memory, 1, this.clock);
  }

  put(key: string, valueBytes: number, options: PutOptions = {}): PutStatus {
    const value = this.#bytes(valueBytes);
    const expiresAtMs = options.ttlMs === undefined ? 0 : this.clock.at + options.ttlMs;
    const { type = 0, contentType = '', staleMs = 0, tags = [] } = options;
    const existed = this.#live(key) !== undefined && this.#inStore(key);
    const status = this.writer.put(putRequest(key, value, { expiresAtMs, type, contentType, staleMs, tags }));
    if (status === PutStatus.outOfMemory || status === PutStatus.tooLarge) {
      // Room may have been made in vain, but what was there under this key is there still, unless it was evicted.
      return status;
    }
    const replaced = status === PutStatus.replaced;
    if (replaced && !existed) throw new Error(`put of ${key} replaced what was not there`);
    if (!replaced && existed && this.eviction === 'noeviction') throw new Error(`put of ${key} created what was there`);
    const version = this.writer.lastVersion;
    const entry = { value, type, expiresAtMs, contentType, version, staleMs, tags, isHollow: false, fill: null };
    this.entries.set(key, entry);
    return status;
  }

  invalidate(tags: readonly string[], isSoft: boolean): void {
    const list = listOf(tags);
    if (!this.writer.invalidateTags(list, 0, list.length, isSoft)) throw new Error('no room for a few tags');
    const version = this.writer.lastVersion;
    for (const tag of tags) this.#invalidations.push({ tag, version, softAtMs: isSoft ? this.clock.at : null });
  }

  /** As GETFILL does: asks for the right to fill the key, for so long. */
  askToFill(key: string, forMs: number): void {
    const bytes = Buffer.from(key);
    const found = this.#compareStale(this.writer, key);
    const entry = this.entries.get(key);
    if (found === Freshness.fresh) return;
    if (found !== Freshness.none && entry?.fill != null && entry.fill.untilMs > this.clock.at) return;
    const token = this.writer.newFillToken();
    const untilMs = this.clock.at + forMs;
    if (found === Freshness.stale && entry !== undefined) {
      if (!this.writer.setFill(bytes, 0, bytes.length, token, untilMs)) return;
      entry.fill = { token, untilMs, version: this.writer.lastVersion };
    } else {
      const status = this.writer.putHollow(bytes, 0, bytes.length, token, untilMs);
      if (status === PutStatus.replaced) throw new Error(`a hollow entry in the place of ${key}`);
      if (status !== PutStatus.created) return;
      const version = this.writer.lastVersion;
      this.entries.set(key, {
        value: NO_BYTES,
        type: 0,
        expiresAtMs: 1,
        contentType: '',
        version,
        staleMs: untilMs - 1,
        tags: [],
        isHollow: true,
        fill: { token, untilMs, version },
      });
    }
    this.tokens.push({ key, token });
  }

  /** As SET with FILL does: writes if the token still counts, and neither it nor a tag was overtaken. */
  fill(key: string, token: number, valueBytes: number, options: PutOptions): void {
    const bytes = Buffer.from(key);
    const found = this.writer.peekStale(bytes, 0, bytes.length);
    const { fillToken, fillUntilMs } = this.writer.entry;
    const bears = found !== Freshness.none && fillToken === token && fillUntilMs > this.clock.at;
    const entry = this.entries.get(key);
    const counts = entry?.fill?.token === token && this.#freshnessOf(entry) > Freshness.fresh;
    if (bears && !counts) throw new Error(`the token of ${key} counts, and should not`);
    if (!bears && counts && (entry.fill?.untilMs ?? 0) > this.clock.at && this.#inStoreStale(key)) {
      throw new Error(`the token of ${key} does not count`);
    }
    if (!bears || entry?.fill == null) return;
    const { version } = entry.fill;
    const list = listOf(options.tags ?? []);
    const overtaken = this.writer.isOvertaken(list, 0, list.length);
    const expected = this.#invalidations.some((note) => note.version > version && options.tags?.includes(note.tag));
    if (expected && !overtaken) throw new Error(`a late fill of ${key} is not noticed`);
    if (overtaken && !expected && version > this.#forgotten) throw new Error(`a fill of ${key} is refused`);
    if (!overtaken) this.put(key, valueBytes, options);
  }

  cancelFill(key: string): void {
    const bytes = Buffer.from(key);
    const entry = this.entries.get(key);
    const found = this.#compareStale(this.writer, key);
    const bears = found !== Freshness.none && entry?.fill != null;
    const done = this.writer.clearFill(bytes, 0, bytes.length);
    if (done && !bears) throw new Error(`a token of ${key} is given back that was not there`);
    if (!done || entry === undefined) return;
    if (entry.isHollow) this.entries.delete(key);
    else entry.fill = null;
  }

  remove(key: string): void {
    const expected = this.#live(key) !== undefined && this.#inStore(key);
    const bytes = Buffer.from(key);
    if (this.writer.remove(bytes, 0, bytes.length) !== expected) throw new Error(`remove of ${key} is not ${expected}`);
    this.entries.delete(key);
  }

  setExpiry(key: string, ttlMs: number | null): void {
    const bytes = Buffer.from(key);
    const entry = this.#live(key);
    const there = entry !== undefined && this.#inStore(key);
    const expiresAtMs = ttlMs === null ? 0 : this.clock.at + ttlMs;
    const done = this.writer.setExpiry(bytes, 0, bytes.length, expiresAtMs);
    if (done && !there) throw new Error(`setExpiry of ${key}, which is absent`);
    if (done && entry !== undefined) entry.expiresAtMs = expiresAtMs;
  }

  /** Does what the store is going to take back: the model does not remember it. */
  thenForget(acts: () => void): void {
    const before = [...this.entries].map(([key, entry]) => [key, { ...entry }] as const);
    acts();
    this.entries.clear();
    for (const [key, entry] of before) this.entries.set(key, entry);
  }

  clear(): void {
    this.writer.clear();
    this.entries.clear();
  }

  expireDue(limit: number): void {
    const before = readStatistics(this.memory).keys;
    const removed = this.writer.expireDue(this.clock.at, limit);
    if (removed > limit) throw new Error('expireDue removed more than its limit');
    if (removed < limit) {
      for (const [key, entry] of this.entries) {
        if (this.#freshnessOf(entry) === Freshness.none) this.entries.delete(key);
      }
      if (this.writer.nextExpiryMs() !== -1 && this.writer.nextExpiryMs() <= this.clock.at) {
        throw new Error('something due was left');
      }
    }
    if (readStatistics(this.memory).keys > before) throw new Error('expiry added keys');
  }

  /** A new writer on the same memory, as after the death of the one before. */
  reattach(groupStands = false): void {
    this.#evictedBefore = readStatistics(this.memory).evictedEntries;
    this.#forgotten = this.writer.lastVersion;
    this.writer = this.attach(groupStands);
    if (readStatistics(this.memory).evictedEntries !== this.#evictedBefore) throw new Error('attaching evicted');
  }

  protected attach(groupStands: boolean): StoreWriter {
    return new StoreWriter(this.memory, this.clock, groupStands);
  }

  /** Compares everything, as the writer and as a reader see it, and checks the structure. */
  check(): void {
    this.writer.validate();
    for (const [key, entry] of this.entries) {
      const expected = this.#freshnessOf(entry) === Freshness.fresh ? entry : undefined;
      const seen = this.#compare(this.writer, key, expected);
      if (!this.reader.enter()) throw new Error('a reader refused outside a group');
      const seenByReader = this.#compare(this.reader, key, expected);
      if (!this.reader.leave()) throw new Error('a reader refused outside a group');
      if (seen !== seenByReader) throw new Error(`writer and reader disagree about ${key}`);
      const found = this.#compareStale(this.writer, key);
      this.reader.enter();
      if (this.#compareStale(this.reader, key) !== found) throw new Error(`writer and reader disagree about ${key}`);
      this.reader.leave();
      if (found === Freshness.none && expected === undefined) {
        if (this.#freshnessOf(entry) !== Freshness.none) this.#lost++;
        this.entries.delete(key);
      }
      if (expected !== undefined && !seen) {
        this.#lost++;
        this.entries.delete(key);
      }
    }
    const { evictedEntries } = readStatistics(this.memory);
    if (this.#lost > evictedEntries) throw new Error(`${this.#lost} entries lost, ${evictedEntries} evicted`);
    this.#checkScan();
  }

  #checkScan(): void {
    const seen = new Set<string>();
    let cursor = 0;
    this.reader.enter();
    do {
      cursor = this.reader.scan(cursor, 7, (bytes, start, end) => {
        const key = Buffer.from(bytes.subarray(start, end)).toString();
        if (seen.has(key)) throw new Error(`scan visits ${key} twice`);
        seen.add(key);
      });
    } while (cursor !== 0);
    this.reader.leave();
    for (const [key, entry] of this.entries) {
      const isFresh = this.#freshnessOf(entry) === Freshness.fresh;
      if (seen.has(key) !== isFresh) throw new Error(`scan is wrong about ${key}`);
      seen.delete(key);
    }
    if (seen.size > 0) throw new Error(`scan visits ${[...seen].join()}, which is not there`);
  }

  #compare(view: ReadView, key: string, expected: ModelEntry | undefined): boolean {
    const bytes = Buffer.from(key);
    const found = view.lookup(bytes, 0, bytes.length);
    if (!found) {
      if (expected === undefined) return false;
      const evictable = this.eviction === 'flux' || (this.eviction === 'volatile-ttl' && expected.expiresAtMs !== 0);
      if (!evictable) throw new Error(`${key} is lost`);
      return false;
    }
    if (expected === undefined) throw new Error(`${key} is there and should not be`);
    const { entry } = view;
    const value = new Uint8Array(entry.valueBytes + 8).fill(0xee);
    view.copyValue(value, 4);
    const whole = Buffer.concat([Buffer.alloc(4, 0xee), expected.value, Buffer.alloc(4, 0xee)]);
    if (!whole.equals(value)) throw new Error(`${key} has another value`);
    const from = Math.floor(entry.valueBytes / 3);
    const part = new Uint8Array(Math.ceil(entry.valueBytes / 2));
    view.copyValueRange(from, Math.min(part.length, entry.valueBytes - from), part, 0);
    const middle = expected.value.subarray(from, from + part.length);
    if (Buffer.compare(part.subarray(0, middle.length), middle) !== 0) throw new Error(`${key} has another middle`);
    const contentType = Buffer.alloc(entry.contentTypeBytes);
    view.copyContentType(contentType, 0);
    if (entry.type !== expected.type) throw new Error(`${key} has type ${entry.type}`);
    if (entry.version !== expected.version) throw new Error(`${key} has version ${entry.version}`);
    if (entry.expiresAtMs !== expected.expiresAtMs) throw new Error(`${key} expires at ${entry.expiresAtMs}`);
    if (contentType.toString() !== expected.contentType) throw new Error(`${key} has content type ${contentType}`);
    return true;
  }

  /** What those see who ask for stale values, too; evicted entries aside. Returns what is there. */
  #compareStale(view: ReadView, key: string): Freshness {
    const bytes = Buffer.from(key);
    const entry = this.entries.get(key);
    const expected = entry === undefined ? Freshness.none : this.#freshnessOf(entry);
    const found = view.peekStale(bytes, 0, bytes.length);
    if (found === Freshness.none) {
      if (expected === Freshness.none || entry === undefined) return found;
      const evictable = this.eviction === 'flux' || (this.eviction === 'volatile-ttl' && this.#expiryOf(entry) !== 0);
      if (!evictable) throw new Error(`${key} is lost, which was ${expected}`);
      return found;
    }
    if (found !== expected || entry === undefined) throw new Error(`${key} is ${found}, and not ${expected}`);
    const shown = view.entry;
    if (shown.expiresAtMs !== this.#expiryOf(entry)) throw new Error(`${key} expires at ${shown.expiresAtMs}`);
    if (shown.staleMs !== entry.staleMs) throw new Error(`${key} is stale for ${shown.staleMs}`);
    if (shown.isHollow !== entry.isHollow) throw new Error(`${key} is hollow: ${shown.isHollow}`);
    const fill = entry.fill ?? { token: 0, untilMs: 0, version: 0 };
    const { fillToken, fillUntilMs, fillVersion } = shown;
    if (fillToken !== fill.token || fillUntilMs !== fill.untilMs || fillVersion !== fill.version) {
      throw new Error(`${key} has token ${fillToken} until ${fillUntilMs} of ${fillVersion}`);
    }
    const tags = Buffer.alloc(shown.tagBytes);
    view.copyTags(tags, 0);
    if (!tags.equals(listOf(entry.tags)) || shown.tagCount !== entry.tags.length) throw new Error(`${key} has ${tags}`);
    if (shown.valueBytes !== entry.value.length) throw new Error(`${key} has ${shown.valueBytes} bytes`);
    return found;
  }

  /** When it expires, by itself or because a tag was invalidated softly: 0 for never; NaN when it is gone for its tags. */
  #expiryOf({ expiresAtMs, staleMs, tags, version }: ModelEntry): number {
    let at = expiresAtMs;
    if (tags.length === 0) return at;
    for (let index = this.#invalidations.length - 1; index >= 0; index--) {
      const note = this.#invalidations[index] as Invalidation;
      // They are in the order of their versions.
      if (note.version <= version) break;
      if (!tags.includes(note.tag)) continue;
      if (note.softAtMs === null || staleMs === 0) return Number.NaN;
      at = at === 0 ? note.softAtMs : Math.min(at, note.softAtMs);
    }
    return at;
  }

  #freshnessOf(entry: ModelEntry): Freshness {
    const at = this.#expiryOf(entry);
    if (Number.isNaN(at)) return Freshness.none;
    if (at === 0 || at > this.clock.at) return Freshness.fresh;
    if (at + entry.staleMs <= this.clock.at) return Freshness.none;
    return entry.isHollow ? Freshness.hollow : Freshness.stale;
  }

  #live(key: string): ModelEntry | undefined {
    const entry = this.entries.get(key);
    return entry === undefined || this.#freshnessOf(entry) !== Freshness.fresh ? undefined : entry;
  }

  #inStore(key: string): boolean {
    const bytes = Buffer.from(key);
    return this.writer.peek(bytes, 0, bytes.length);
  }

  #inStoreStale(key: string): boolean {
    const bytes = Buffer.from(key);
    return this.writer.peekStale(bytes, 0, bytes.length) !== Freshness.none;
  }

  #bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) {
      this.#seed = (Math.imul(this.#seed, 1_664_525) + 1_013_904_223) | 0;
      bytes[i] = this.#seed >>> 24;
    }
    return bytes;
  }
}

/** Tags as entries hold them: each behind a byte with its length. */
export function listOf(tags: readonly string[]): Buffer {
  return Buffer.concat(tags.map((tag) => Buffer.concat([Buffer.of(Buffer.byteLength(tag)), Buffer.from(tag)])));
}

export function putRequest(
  key: string,
  value: Uint8Array,
  options: {
    expiresAtMs?: number;
    type?: ValueType;
    contentType?: string;
    staleMs?: number;
    tags?: readonly string[];
  } = {},
): PutRequest {
  const keyBytes = Buffer.from(key);
  const contentType = options.contentType ? Buffer.from(options.contentType) : NO_BYTES;
  const { staleMs = 0, tags = [] } = options;
  const list = listOf(tags);
  return {
    key: keyBytes,
    keyStart: 0,
    keyEnd: keyBytes.length,
    value,
    valueStart: 0,
    valueEnd: value.length,
    type: options.type ?? 0,
    expiresAtMs: options.expiresAtMs ?? 0,
    contentType,
    contentTypeStart: 0,
    contentTypeEnd: contentType.length,
    attributes:
      staleMs === 0 && tags.length === 0
        ? null
        : {
            staleMs,
            tags: list,
            tagsStart: 0,
            tagsEnd: list.length,
            fillToken: 0,
            fillUntilMs: 0,
            fillVersion: 0,
            isHollow: false,
          },
  };
}
