import { type PutRequest, PutStatus, type ReadView, type ValueType } from '../../../src/base/view.ts';
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

  put(
    key: string,
    valueBytes: number,
    options: { ttlMs?: number; type?: ValueType; contentType?: string } = {},
  ): PutStatus {
    const value = this.#bytes(valueBytes);
    const expiresAtMs = options.ttlMs === undefined ? 0 : this.clock.at + options.ttlMs;
    const { type = 0, contentType = '' } = options;
    const existed = this.#live(key) !== undefined && this.#inStore(key);
    const status = this.writer.put(putRequest(key, value, { expiresAtMs, type, contentType }));
    if (status === PutStatus.outOfMemory || status === PutStatus.tooLarge) {
      // Room may have been made in vain, but what was there under this key is there still, unless it was evicted.
      return status;
    }
    const replaced = status === PutStatus.replaced;
    if (replaced && !existed) throw new Error(`put of ${key} replaced what was not there`);
    if (!replaced && existed && this.eviction === 'noeviction') throw new Error(`put of ${key} created what was there`);
    this.entries.set(key, { value, type, expiresAtMs, contentType, version: this.writer.lastVersion });
    return status;
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
      for (const [key, entry] of this.entries) if (isExpired(entry, this.clock.at)) this.entries.delete(key);
      if (this.writer.nextExpiryMs() !== -1 && this.writer.nextExpiryMs() <= this.clock.at) {
        throw new Error('something due was left');
      }
    }
    if (readStatistics(this.memory).keys > before) throw new Error('expiry added keys');
  }

  /** A new writer on the same memory, as after the death of the one before. */
  reattach(groupStands = false): void {
    this.#evictedBefore = readStatistics(this.memory).evictedEntries;
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
      const expected = isExpired(entry, this.clock.at) ? undefined : entry;
      const seen = this.#compare(this.writer, key, expected);
      if (!this.reader.enter()) throw new Error('a reader refused outside a group');
      const seenByReader = this.#compare(this.reader, key, expected);
      if (!this.reader.leave()) throw new Error('a reader refused outside a group');
      if (seen !== seenByReader) throw new Error(`writer and reader disagree about ${key}`);
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
      if (seen.has(key) === isExpired(entry, this.clock.at)) throw new Error(`scan is wrong about ${key}`);
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

  #live(key: string): ModelEntry | undefined {
    const entry = this.entries.get(key);
    return entry === undefined || isExpired(entry, this.clock.at) ? undefined : entry;
  }

  #inStore(key: string): boolean {
    const bytes = Buffer.from(key);
    return this.writer.peek(bytes, 0, bytes.length);
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

function isExpired(entry: ModelEntry, nowMs: number): boolean {
  return entry.expiresAtMs !== 0 && entry.expiresAtMs <= nowMs;
}

export function putRequest(
  key: string,
  value: Uint8Array,
  options: { expiresAtMs?: number; type?: ValueType; contentType?: string } = {},
): PutRequest {
  const keyBytes = Buffer.from(key);
  const contentType = options.contentType ? Buffer.from(options.contentType) : NO_BYTES;
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
  };
}
