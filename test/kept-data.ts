import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { logName, snapshotName } from '../src/persistence/data-names.ts';
import { encodeHeader } from '../src/persistence/file-header.ts';
import { FRAME_HEAD_BYTES, frameSeed, sealFrame } from '../src/persistence/frame.ts';
import { FrameBuffer } from '../src/persistence/frame-buffer.ts';
import { LogDiskFile } from '../src/persistence/log-disk-file.ts';
import { LogGate } from '../src/persistence/log-gate.ts';
import { LogWriter, type LogWriterOptions } from '../src/persistence/log-writer.ts';
import { encodeSnapshotEnd } from '../src/persistence/snapshot-marks.ts';
import { PartitionMap } from '../src/routing/partition-map.ts';
import { DataDirectory } from '../src/server/persistence/data-directory-file.ts';
import { EffectWriter } from '../src/store/effect-codec.ts';

/** An entry as a log or a snapshot has it. */
export interface KeptEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly version: number;
  /** Unix milliseconds; 0: never. */
  readonly expiresAtMs?: number;
}

const FRAME_BODY_BYTES = 256 * 1024;

/** Bytes of a record of the log that puts one entry. */
export function putRecord({ key, value, version, expiresAtMs = 0 }: KeptEntry): Uint8Array {
  const writer = new EffectWriter();
  writer.bytes[0] = 0;
  writer.length = 1;
  writer.put(0, version, expiresAtMs, key.length, 0, value.length, null);
  writer.bytes.set(key, writer.keyAt);
  writer.bytes.set(value, writer.valueAt);
  return writer.bytes.slice(0, writer.length);
}

export interface SnapshotBounds {
  /** Numbers of its header, and of its end. */
  readonly from: number;
  readonly end: number;
  readonly frameBytes?: number;
  readonly shard?: number;
  readonly shards?: number;
}

/** Bytes of a snapshot's file. */
export function snapshotBytes(
  storeId: Uint8Array,
  entries: Iterable<KeptEntry>,
  { from, end, frameBytes = FRAME_BODY_BYTES, shard = 0, shards = 1 }: SnapshotBounds,
): Uint8Array {
  const seed = frameSeed(storeId);
  const header = {
    kind: 'snapshot',
    shard,
    shards,
    storeId,
    sequence: from,
    begunAtMs: 1,
    isAnew: false,
  } as const;
  const parts: Uint8Array[] = [encodeHeader(header)];
  const writer = new EffectWriter();
  let inFrame = 0;
  let before = 0;
  const begin = (): void => {
    // Room for a frame's head, and the flags of a record.
    writer.length = FRAME_HEAD_BYTES;
    writer.bytes[writer.length++] = 0;
    inFrame = 0;
  };
  const seal = (): void => {
    if (inFrame === 0) return;
    sealFrame(writer.bytes, writer.length, { count: inFrame, first: before, durable: 0 }, seed);
    parts.push(writer.bytes.slice(0, writer.length));
    before += inFrame;
    begin();
  };
  begin();
  for (const { key, value, version, expiresAtMs = 0 } of entries) {
    writer.put(0, version, expiresAtMs, key.length, 0, value.length, null);
    writer.bytes.set(key, writer.keyAt);
    writer.bytes.set(value, writer.valueAt);
    inFrame++;
    if (writer.length > frameBytes) seal();
  }
  seal();
  parts.push(encodeSnapshotEnd({ entries: before, sequence: end }, seed));
  return Buffer.concat(parts);
}

/** A shard's log in a folder of its own, which is made, as the shard's log thread writes it. */
export function openLog(
  folder: string,
  storeId: Uint8Array,
  options: Partial<LogWriterOptions> & { readonly shard?: number; readonly shards?: number } = {},
): LogWriter {
  mkdirSync(folder, { recursive: true });
  const header = { shard: options.shard ?? 0, shards: options.shards ?? 1, storeId };
  const disk = new LogDiskFile({ folder, header, previous: null, nowMs: () => 1, syncer: null });
  const firstSequence = options.firstSequence ?? 1;
  disk.begin(firstSequence, false);
  return new LogWriter({
    disk,
    gate: new LogGate(LogGate.create()),
    policy: { now: 'everysec' },
    seed: frameSeed(storeId),
    firstSequence,
    segmentBytesMax: 64 * 2 ** 20,
    frameBytesMax: FRAME_BODY_BYTES,
    queuedBytesMax: 2 ** 20,
    nowMs: () => performance.now(),
    onTrouble: (what, error) => {
      throw new Error(what, { cause: error });
    },
    ...options,
  });
}

export interface KeptNodeOptions {
  readonly shards: number;
  readonly partitions?: number;
  /** Entries are in a snapshot each, else in the logs. */
  readonly asSnapshot: boolean;
}

/** Fills a node's data directory, which has nothing yet, with entries `entryOf(0)` to `entryOf(count - 1)`. */
export function keepEntries(
  dataDir: string,
  count: number,
  entryOf: (index: number) => KeptEntry,
  { shards, partitions = 64, asSnapshot }: KeptNodeOptions,
): void {
  const directory = new DataDirectory({ dataDir, partitions, shards });
  directory.adopt();
  const { storeId, folders } = directory;
  const map = new PartitionMap(partitions, shards);
  const partitionOf = new PartitionMap(partitions, partitions);
  const entriesOf = function* (shard: number): Generator<KeptEntry> {
    for (let index = 0; index < count; index++) {
      const entry = entryOf(index);
      if (map.shardOfKey(entry.key, 0, entry.key.length) === shard) yield entry;
    }
  };
  for (const [shard, folder] of folders.entries()) {
    if (asSnapshot) {
      writeFileSync(
        join(folder, snapshotName(1)),
        snapshotBytes(storeId, entriesOf(shard), { from: 1, end: 1, shard, shards }),
      );
      openLog(folder, storeId, { shard, shards }).close();
      continue;
    }
    const log = openLog(folder, storeId, { shard, shards });
    let inBatch = 0;
    for (const entry of entriesOf(shard)) {
      const record = putRecord(entry);
      log.add(partitionOf.shardOfKey(entry.key, 0, entry.key.length), record, 0, record.length);
      if (++inBatch % 1000 === 0) log.commit();
    }
    log.close();
  }
}

/** Bytes of a log that has these records, one a frame, and a mark at the end that all of it was on the disk. */
export function logBytes(
  storeId: Uint8Array,
  first: number,
  records: readonly Uint8Array[],
  marked = true,
): Uint8Array {
  const seed = frameSeed(storeId);
  const header = { kind: 'log', shard: 0, shards: 1, storeId, sequence: first, begunAtMs: 1, isAnew: false } as const;
  const frame = new FrameBuffer(seed);
  const parts: Uint8Array[] = [encodeHeader(header)];
  for (const [index, record] of records.entries()) {
    frame.add(0, record, 0, record.length);
    parts.push(frame.seal(first + index, first + index).slice());
  }
  if (marked) parts.push(frame.seal(first + records.length, first + records.length).slice());
  return Buffer.concat(parts);
}

export { logName, snapshotName };
