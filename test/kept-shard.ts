import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../src/base/ports.ts';
import { DataError } from '../src/persistence/data-error.ts';
import { RecoveryWords } from '../src/persistence/recovery-words.ts';
import type { Recovered } from '../src/persistence/shard-data-file.ts';
import { PartitionMap } from '../src/routing/partition-map.ts';
import { recoverShard } from '../src/shard/logged/recover-shard.ts';
import type { ShardLogData } from '../src/shard/logged/shard-log-data.ts';
import { contentsOf, RecoveredCopies } from '../src/shard/replicated/recovered-copies.ts';
import { TurnClock } from '../src/shard/turn-clock.ts';
import { createStoreMemory, type EvictionName } from '../src/store/arena.ts';
import { EffectWriter } from '../src/store/effect-codec.ts';
import { PartitionedWriter } from '../src/store/partitioned-writer.ts';
import { type KeptEntry, openLog, putRecord, snapshotBytes, snapshotName } from './kept-data.ts';

export const PARTITIONS = 64;
const RETAINED_BYTES_MAX = 1000;
const partitionMap = new PartitionMap(PARTITIONS, PARTITIONS);

/** What a store holds, as text by key: value, version and expiry. */
export type Contents = ReadonlyMap<string, string>;

/** One thing that was done, as its record has it. */
export type Deed =
  | { readonly do: 'put'; readonly key: string; readonly value: string; readonly expiresAtMs?: number }
  | { readonly do: 'remove'; readonly key: string }
  | { readonly do: 'expire'; readonly key: string; readonly expiresAtMs: number }
  /** Of all keys that are in the partition of this one. */
  | { readonly do: 'clear'; readonly key: string };

export function partitionOf(key: string): number {
  const bytes = Buffer.from(key);
  return partitionMap.shardOfKey(bytes, 0, bytes.length);
}

/** The record of a deed, whose number in the log is its version. */
export function recordOf(deed: Deed, number: number): Uint8Array {
  const key = Buffer.from(deed.key);
  if (deed.do === 'put') {
    return putRecord({ key, value: Buffer.from(deed.value), version: number, expiresAtMs: deed.expiresAtMs ?? 0 });
  }
  const writer = new EffectWriter();
  writer.bytes[writer.length++] = 0;
  if (deed.do === 'remove') writer.remove(key, 0, key.length);
  else if (deed.do === 'expire') writer.expiry(key, 0, key.length, deed.expiresAtMs);
  else writer.clear();
  if (deed.do !== 'clear') writer.bytes.set(key, writer.keyAt);
  return writer.bytes.slice(0, writer.length);
}

/** What there is after the first `count` deeds, numbered from 1. What has expired at `nowMs` is left out. */
export function contentsAfter(deeds: readonly Deed[], count: number, nowMs: number): Contents {
  const entries = entriesAfter(deeds, count);
  const contents = new Map<string, string>();
  for (const [key, { value, version, expiresAtMs = 0 }] of entries) {
    if (expiresAtMs === 0 || expiresAtMs > nowMs) {
      contents.set(key, `${Buffer.from(value).toString()} ${version} ${expiresAtMs}`);
    }
  }
  return contents;
}

export function entriesAfter(deeds: readonly Deed[], count: number): Map<string, KeptEntry> {
  const entries = new Map<string, KeptEntry>();
  for (const [index, deed] of deeds.slice(0, count).entries()) {
    const { key } = deed;
    const present = entries.get(key);
    if (deed.do === 'put') {
      const { expiresAtMs = 0 } = deed;
      entries.set(key, { key: Buffer.from(key), value: Buffer.from(deed.value), version: index + 1, expiresAtMs });
    } else if (deed.do === 'remove') entries.delete(key);
    else if (deed.do === 'expire') {
      if (present !== undefined) entries.set(key, { ...present, expiresAtMs: deed.expiresAtMs });
    } else {
      for (const other of [...entries.keys()]) if (partitionOf(other) === partitionOf(key)) entries.delete(other);
    }
  }
  return entries;
}

export type Recovery = { readonly contents: Contents; readonly recovered: Recovered } | { readonly refusal: DataError };

export interface RecoveringShardOptions {
  readonly budgetBytes?: number;
  readonly eviction?: EvictionName;
  readonly clock?: Clock;
  readonly shards?: number;
  readonly shard?: number;
  /** What is read is what copies of partitions in a cluster have written down. */
  readonly keepsCopies?: boolean;
}

/** A shard's store that takes back what is in folders, again and again, as the shard's thread does. */
export class RecoveringShard {
  readonly store: PartitionedWriter;
  readonly #clock: TurnClock;
  readonly #evicts: boolean;
  readonly #keepsCopies: boolean;

  constructor(options: RecoveringShardOptions = {}) {
    const { budgetBytes = 2 ** 20, eviction = 'noeviction', shards = 1, shard = 0 } = options;
    this.#clock = new TurnClock(options.clock ?? { nowMs: () => Date.now() });
    this.#evicts = eviction === 'flux';
    this.#keepsCopies = options.keepsCopies ?? false;
    const map = new PartitionMap(PARTITIONS, shards);
    const own = Array.from({ length: PARTITIONS }, (_, at) => at).filter((at) => map.shardOfPartition(at) === shard);
    const partitions = { first: own[0] as number, count: own.length, total: PARTITIONS };
    const memory = createStoreMemory({ budgetBytes, readersMax: 1, eviction, hashKey: [1, 2], partitions });
    this.store = new PartitionedWriter(memory, this.#clock);
  }

  /** What lies in the folders, the first of which the shard's log goes on in. A defect is thrown, a refusal returned. */
  recover(storeId: Uint8Array, folders: readonly string[], folder = folders[0] as string): Recovery {
    this.store.clear();
    const data = { storeId, folder, folders, recovery: RecoveryWords.create(), evicts: this.#evicts };
    const copies = this.#keepsCopies ? new RecoveredCopies(contentsOf(this.store), RETAINED_BYTES_MAX) : null;
    try {
      const recovered = recoverShard({
        // Nothing of the log's thread is looked at.
        data: data as Partial<ShardLogData> as ShardLogData,
        store: this.store,
        clock: this.#clock,
        onStep: () => undefined,
        ...(copies === null ? {} : { copies }),
      });
      copies?.finish();
      return { contents: this.contents(), recovered: recovered?.[0] as Recovered };
    } catch (error) {
      if (error instanceof DataError) return { refusal: error };
      throw error;
    }
  }

  contents(): Contents {
    const contents = new Map<string, string>();
    const { store } = this;
    const keys: Buffer[] = [];
    let cursor = 0;
    do {
      cursor = store.scan(cursor, 1000, (bytes, start, end) => {
        keys.push(Buffer.from(bytes.slice(start, end)));
      });
    } while (cursor !== 0);
    for (const key of keys) {
      if (!store.peek(key, 0, key.length)) continue;
      const { valueBytes, version, expiresAtMs } = store.entry;
      const value = Buffer.alloc(valueBytes);
      store.copyValue(value, 0);
      contents.set(key.toString(), `${value.toString()} ${version} ${expiresAtMs}`);
    }
    return contents;
  }
}

/** Files of one folder, by name. */
export type Files = ReadonlyMap<string, Uint8Array>;

/** A folder of its own for a test, removed by `end`. */
export class TestFolder {
  // In memory where there is such a folder: thousands of files are synced.
  readonly path = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'fluxcache-kept-'));

  /** Has the folder hold these files, and no others. */
  fill(files: Files): void {
    for (const name of readdirSync(this.path)) if (!files.has(name)) rmSync(join(this.path, name));
    for (const [name, bytes] of files) writeFileSync(join(this.path, name), bytes);
  }

  files(): Map<string, Uint8Array> {
    return new Map(readdirSync(this.path).map((name) => [name, new Uint8Array(readFileSync(join(this.path, name)))]));
  }

  end(): void {
    rmSync(this.path, { recursive: true });
  }
}

export interface KeptShardOptions {
  /** Deeds that are in the snapshot, which began behind that many; 0: there is none. */
  readonly snapshotFrom?: number;
  /** And ended behind that many: it has some of the entries as they were then. */
  readonly snapshotEnd?: number;
  readonly segmentBytesMax?: number;
  /** Deeds of one frame; those of one command are together. */
  readonly perFrame?: number;
  /** The log ends as that of a node that was stopped, not as that of one that was killed. */
  readonly isClosed?: boolean;
  readonly shard?: number;
  readonly shards?: number;
}

/** Files of a shard that has done these deeds; and, by the length of the last file, how many of them it has. */
export function keptFiles(storeId: Uint8Array, deeds: readonly Deed[], options: KeptShardOptions = {}): Files {
  const {
    snapshotFrom = 0,
    snapshotEnd = snapshotFrom,
    segmentBytesMax = 300,
    perFrame = 3,
    isClosed = true,
  } = options;
  const folder = new TestFolder();
  try {
    mkdirSync(folder.path, { recursive: true });
    const { shard = 0, shards = 1 } = options;
    const bounds = { firstSequence: snapshotFrom + 1, segmentBytesMax, policy: { now: 'always' } } as const;
    const log = openLog(folder.path, storeId, { ...bounds, shard, shards });
    for (let index = snapshotFrom; index < deeds.length; index++) {
      const deed = deeds[index] as Deed;
      const record = recordOf(deed, index + 1);
      log.add(partitionOf(deed.key), record, 0, record.length, true);
      if (log.next % perFrame === 0) log.commit();
    }
    log.commit();
    if (isClosed) log.close();
    const files = folder.files();
    if (snapshotFrom > 0) {
      const before = entriesAfter(deeds, snapshotFrom);
      const after = entriesAfter(deeds, snapshotEnd);
      const entries: KeptEntry[] = [];
      // Every other key was read at the end, and may be in it or not.
      for (const [index, key] of [...new Set([...before.keys(), ...after.keys()])].entries()) {
        const entry = index % 2 === 0 ? before.get(key) : after.get(key);
        if (entry !== undefined) entries.push(entry);
      }
      const about = { from: snapshotFrom + 1, end: snapshotEnd + 1, frameBytes: 150, shard, shards };
      files.set(snapshotName(snapshotFrom + 1), snapshotBytes(storeId, entries, about));
    }
    return files;
  } finally {
    folder.end();
  }
}
