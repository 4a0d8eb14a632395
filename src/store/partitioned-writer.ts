import { assert } from '../base/assert.ts';
import { ApplyResult, type PartitionPiece } from '../base/effect.ts';
import type { LookupSampler } from '../base/lookup-sample.ts';
import type { Clock } from '../base/ports.ts';
import { type EntryAttributes, type PutRequest, PutStatus } from '../base/view.ts';
import type { StoreMemory } from './arena.ts';
import { EffectKind, EffectReader, EffectWriter } from './effect-codec.ts';
import { EntryView } from './entry-view.ts';
import { FLAG_EXPIRES, HEAP_POSITION_WORD, NOT_IN_HEAP } from './layout.ts';
import type { Partitions } from './partitions.ts';
import { endsAtOf } from './record.ts';
import { HASHES, KeyScanner } from './scan.ts';
import { StoreWriter } from './writer.ts';

/** What one step looks through for entries that are missing in the heap: some hundred microseconds. */
const REFILE_PAGES = 64;
const REFILE_ENTRIES = 512;
const NO_BYTES = new Uint8Array(0);

/**
 * The one writer of a store whose entries are parted: beside what a `StoreWriter` does, it copies partitions, from one
 * store to another and write by write, as a primary and as a replica. `ReplicatedStore` says what for.
 *
 * A partition's entries lie among all others, and a walk over them is one over the whole index (10 to 20 ms for each
 * million of entries) that passes the others over.
 */
export class PartitionedWriter extends StoreWriter {
  readonly #partitions: Partitions;
  readonly #clock: Clock;
  readonly #walker: KeyScanner;
  readonly #shown: EntryView;
  readonly #reader = new EffectReader();
  readonly #piece = new EffectWriter();
  readonly #wanted: Uint8Array;
  /** Partitions whose entries may be missing in the heap, and how far they were looked for. */
  readonly #refiled: Uint8Array;
  #refileAt = 0;
  readonly #request: PutRequest = {
    key: NO_BYTES,
    keyStart: 0,
    keyEnd: 0,
    value: NO_BYTES,
    valueStart: 0,
    valueEnd: 0,
    type: 0,
    expiresAtMs: 0,
    contentType: NO_BYTES,
    contentTypeStart: 0,
    contentTypeEnd: 0,
    attributes: null,
  };

  /** As of a `StoreWriter`; the memory was created with partitions. All are owned. */
  constructor(memory: StoreMemory, clock: Clock, groupStands = false, sampler: LookupSampler | null = null) {
    super(memory, clock, groupStands, sampler);
    const { arena, index, partitions } = this.parts;
    assert(partitions !== null, 'a store whose entries are parted');
    this.#partitions = partitions;
    this.#clock = clock;
    this.#shown = new EntryView(arena);
    this.#walker = new KeyScanner(arena, index, this.#shown, this.validity);
    this.#wanted = new Uint8Array(partitions.total);
    this.#refiled = new Uint8Array(partitions.total);
  }

  /** Of the cluster: those of this store are among them. */
  get partitionsTotal(): number {
    return this.#partitions.total;
  }

  /** Whether it is one of this store's partitions. */
  holds(partition: number): boolean {
    return this.#partitions.has(partition);
  }

  isOwned(partition: number): boolean {
    assert(this.#partitions.has(partition), 'a partition that is not here');
    return this.parts.isOwned(partition);
  }

  /** What expires in a partition that becomes owned comes back into the heap by and by: see `maintain`. */
  setOwned(partition: number, isOwned: boolean): void {
    if (this.isOwned(partition) === isOwned) return;
    const { owned, held } = this.parts;
    owned[partition] = isOwned ? 1 : 0;
    held[partition] = 0;
    if (isOwned) this.#askToRefile(partition);
  }

  holdExpiry(partition: number, isHeld: boolean): void {
    const { held } = this.parts;
    if (!this.isOwned(partition) || (held[partition] === 1) === isHeld) return;
    held[partition] = isHeld ? 1 : 0;
    if (!isHeld) this.#askToRefile(partition);
  }

  #askToRefile(partition: number): void {
    if (this.#partitions.expiringKeys(partition) === 0) return;
    this.#refiled[partition] = 1;
    this.#refileAt = 0;
    this.parts.isRefiling = true;
  }

  /** Whether writes may take what is kept back for such as another store has accepted, or this one once has. */
  useReserve(isUsed: boolean): void {
    this.collector.useReserve(isUsed);
  }

  keysOfPartition(partition: number): number {
    return this.#partitions.has(partition) ? this.#partitions.keys(partition) : 0;
  }

  expiringKeysOfPartition(partition: number): number {
    return this.#partitions.has(partition) ? this.#partitions.expiringKeys(partition) : 0;
  }

  override maintain(): boolean {
    if (this.parts.isRefiling && this.#refile()) return true;
    return super.maintain();
  }

  /** Empties the partitions that are owned. */
  override clear(): void {
    const { listeners, owned } = this.parts;
    const cleared: number[] = [];
    this.#wanted.fill(0);
    const end = this.#partitions.first + this.#partitions.count;
    for (let partition = this.#partitions.first; partition < end; partition++) {
      if (owned[partition] !== 1) continue;
      this.#wanted[partition] = 1;
      if (this.#partitions.keys(partition) > 0) cleared.push(partition);
    }
    this.#empty(this.#wanted);
    this.noteCleared();
    listeners.tellCleared(cleared);
    if (this.inGroup) this.restartGroup();
  }

  clearPartition(partition: number): void {
    this.#wanted.fill(0);
    this.#wanted[partition] = 1;
    this.clearPartitions(this.#wanted);
  }

  /** Not within a group. */
  clearPartitions(mask: Uint8Array): void {
    assert(!this.inGroup, 'partitions cleared within a group');
    assert(mask.length === this.#partitions.total, 'a mask has a place for each partition of the cluster');
    this.parts.tagNotes.forgetPartitions(mask);
    if (this.#partitions.keysIn(mask) === 0) return;
    const owned: number[] = [];
    const end = this.#partitions.first + this.#partitions.count;
    for (let partition = this.#partitions.first; partition < end; partition++) {
      if (mask[partition] === 1 && this.keysOfPartition(partition) > 0 && this.isOwned(partition)) {
        owned.push(partition);
      }
    }
    this.#empty(mask);
    if (owned.length > 0) this.parts.listeners.tellCleared(owned);
  }

  #empty(wanted: Uint8Array): void {
    const keys = this.#partitions.keysIn(wanted);
    if (keys === this.#partitions.keysIn(null)) {
      this.empty();
      return;
    }
    this.emptyBy(() => {
      if (keys === 0) return;
      const { index } = this.parts;
      this.#walker.walk(0, wanted, Number.POSITIVE_INFINITY, (ref, hash) => {
        this.parts.unlink(index.findRef(hash, ref), ref);
        return true;
      });
    });
  }

  /** Does what the record says, to the partition alone. Not within a group. */
  applyEffects(partition: number, record: Uint8Array): ApplyResult {
    assert(!this.inGroup, 'a record done within a group');
    if (!this.#isSound(partition, record)) return ApplyResult.malformed;
    this.#reader.open(record);
    return this.#applyOpened(partition);
  }

  /**
   * Does what the record `bytes[start..end)` says, which was read back from a disk and is known to be whole: for a store that
   * nobody reads yet, and whose clock stands at 0, so that what has expired is there for what comes behind to find.
   */
  recover(partition: number, bytes: Uint8Array, start: number, end: number): ApplyResult {
    const reader = this.#reader;
    reader.open(bytes, start, end);
    let done = true;
    while (reader.next()) if (!this.#apply(partition)) done = false;
    if (reader.isFaulty) return ApplyResult.malformed;
    return done ? ApplyResult.applied : ApplyResult.outOfMemory;
  }

  /**
   * Likewise with a record of puts of any partitions; those of partitions that are not here are left out, unless it is
   * known that there are none. What `isLeftOut` of its partition and key is left out, too.
   */
  recoverEntries(
    bytes: Uint8Array,
    start: number,
    end: number,
    areOwn = false,
    isLeftOut: ((partition: number, bytes: Uint8Array, keyStart: number, keyEnd: number) => boolean) | null = null,
  ): ApplyResult {
    const reader = this.#reader;
    reader.open(bytes, start, end);
    let done = true;
    while (reader.next()) {
      if (reader.kind !== EffectKind.put) return ApplyResult.malformed;
      const { keyStart, keyEnd } = reader;
      if (!areOwn && !this.#partitions.has(this.#partitions.ofKey(bytes, keyStart, keyEnd))) continue;
      if (isLeftOut?.(this.#partitions.ofKey(bytes, keyStart, keyEnd), bytes, keyStart, keyEnd) === true) continue;
      if (!this.#applyPut()) done = false;
    }
    // What was invalidated before the snapshot is not in the log.
    for (let place = 0; place < this.#partitions.count; place++) {
      this.parts.tagNotes.raiseFloor(place, this.lastVersion);
    }
    if (reader.isFaulty) return ApplyResult.malformed;
    return done ? ApplyResult.applied : ApplyResult.outOfMemory;
  }

  #applyOpened(partition: number): ApplyResult {
    this.collector.useReserve(true);
    const reader = this.#reader;
    // What no group can take back again is done without one, and what finds no memory for one as well.
    const isGroup = reader.isGroup && this.beginGroup(0, 0);
    let done = true;
    while (reader.next()) {
      if (!this.#apply(partition)) done = false;
    }
    if (isGroup) this.endGroup();
    this.collector.useReserve(false);
    return done ? ApplyResult.applied : ApplyResult.outOfMemory;
  }

  load(partition: number, entries: readonly Uint8Array[]): ApplyResult {
    let result: ApplyResult = ApplyResult.applied;
    for (const entry of entries) result = Math.max(result, this.applyEffects(partition, entry)) as ApplyResult;
    // What was invalidated before is not among them.
    if (this.#partitions.has(partition)) {
      this.parts.tagNotes.raiseFloor(partition - this.#partitions.first, this.lastVersion);
    }
    return result;
  }

  /** No tag has been invalidated in the partition, which is empty, as far as this store is to know. */
  forgetInvalidations(partition: number): void {
    this.#wanted.fill(0);
    this.#wanted[partition] = 1;
    this.parts.tagNotes.forgetPartitions(this.#wanted);
  }

  /** In the order of their hashes, those of one hash together: what happens between two calls is of no matter. */
  readPartition(partition: number, cursor: number | null, bytesMax: number): PartitionPiece {
    if (this.keysOfPartition(partition) === 0) return { entries: [], next: null };
    const piece = this.#piece;
    // The flags of a record.
    piece.bytes[0] = 0;
    piece.length = 1;
    this.#wanted.fill(0);
    this.#wanted[partition] = 1;
    const next = this.#walker.walk(cursor ?? 0, this.#wanted, Number.POSITIVE_INFINITY, (ref) => {
      if (this.showAnyAge(this.#shown, ref)) this.#writeEntry();
      return piece.length < bytesMax;
    });
    const entries = piece.length === 1 ? [] : [piece.bytes.slice(0, piece.length)];
    if (piece.bytes.length > 4 * bytesMax) piece.bytes = new Uint8Array(bytesMax);
    return { entries, next: next >= HASHES ? null : next };
  }

  #writeEntry(): void {
    const entry = this.#shown;
    const piece = this.#piece;
    const { type, version, expiresAtMs, keyBytes, contentTypeBytes, valueBytes } = entry;
    const attributes = entry.hasAttributes ? entry : null;
    piece.put(type, version, expiresAtMs, keyBytes, contentTypeBytes, valueBytes, attributes);
    if (attributes !== null) entry.copyTags(piece.bytes, piece.tagsAt);
    entry.copyKey(piece.bytes, piece.keyAt);
    if (contentTypeBytes > 0) entry.copyContentType(piece.bytes, piece.contentTypeAt);
    entry.copyValueRange(0, valueBytes, piece.bytes, piece.valueAt);
  }

  /** Whether the record can be read, and is of this partition. */
  #isSound(partition: number, record: Uint8Array): boolean {
    const reader = this.#reader;
    if (!this.#partitions.has(partition)) return false;
    reader.open(record);
    while (reader.next()) {
      if (reader.kind === EffectKind.clear || reader.kind === EffectKind.invalidate) continue;
      if (this.#partitions.ofKey(record, reader.keyStart, reader.keyEnd) !== partition) return false;
    }
    return !reader.isFaulty;
  }

  /** Does the effect that the reader is at; false when memory did not suffice. */
  #apply(partition: number): boolean {
    const { bytes, keyStart, keyEnd, kind, expiresAtMs } = this.#reader;
    if (kind === EffectKind.fill) return this.#applyFill();
    if (kind === EffectKind.invalidate) return this.#applyInvalidate(partition);
    if (kind === EffectKind.put) return this.#applyPut();
    if (kind === EffectKind.remove) {
      this.take(bytes, keyStart, keyEnd, false);
      return true;
    }
    if (kind === EffectKind.clear) {
      this.#applyClear(partition);
      return true;
    }
    if (this.expireAt(bytes, keyStart, keyEnd, expiresAtMs, false)) return true;
    // It was not there, or is gone to make room; or it is there with an expiry that is not its own.
    if (!this.isThere(bytes, keyStart, keyEnd)) return true;
    this.take(bytes, keyStart, keyEnd, false);
    return false;
  }

  #applyPut(): boolean {
    const reader = this.#reader;
    const { bytes, keyStart, keyEnd } = reader;
    const request = this.#request;
    request.key = bytes;
    request.keyStart = keyStart;
    request.keyEnd = keyEnd;
    request.value = bytes;
    request.valueStart = reader.valueStart;
    request.valueEnd = reader.valueEnd;
    request.type = reader.type;
    request.expiresAtMs = reader.expiresAtMs;
    request.contentType = bytes;
    request.contentTypeStart = reader.contentTypeStart;
    request.contentTypeEnd = reader.contentTypeEnd;
    request.attributes = reader.hasAttributes ? this.#attributesRead() : null;
    const status = this.write(request, reader.version, false);
    request.key = request.value = request.contentType = NO_BYTES;
    if (status === PutStatus.created || status === PutStatus.replaced) return true;
    // Better nothing than what the primary has no longer.
    this.take(bytes, keyStart, keyEnd, false);
    return false;
  }

  #attributesRead(): EntryAttributes {
    const { bytes, staleMs, tagsStart, tagsEnd, fillToken, fillUntilMs, fillVersion, isHollow } = this.#reader;
    return { staleMs, tags: bytes, tagsStart, tagsEnd, fillToken, fillUntilMs, fillVersion, isHollow };
  }

  #applyFill(): boolean {
    const { bytes, keyStart, keyEnd, fillToken, fillUntilMs, fillVersion } = this.#reader;
    const fill = { token: fillToken, untilMs: fillUntilMs, version: fillVersion };
    if (this.giveFill(bytes, keyStart, keyEnd, fill, false) || !this.isThere(bytes, keyStart, keyEnd)) return true;
    this.take(bytes, keyStart, keyEnd, false);
    return false;
  }

  #applyInvalidate(partition: number): boolean {
    const { bytes, tagsStart, tagsEnd, version, timeMs, isSoft } = this.#reader;
    this.takeVersion(version);
    return this.invalidations.repeat(partition, bytes, tagsStart, tagsEnd, version, timeMs, isSoft);
  }

  #applyClear(partition: number): void {
    if (this.keysOfPartition(partition) === 0) return;
    this.#wanted.fill(0);
    this.#wanted[partition] = 1;
    this.#empty(this.#wanted);
    if (this.inGroup) this.restartGroup();
  }

  /** One step of bringing entries back into the heap; false when there is nothing left to do, or no memory. */
  #refile(): boolean {
    const { arena, heap } = this.parts;
    let left = REFILE_ENTRIES;
    let isFull = false;
    const nowMs = this.#clock.nowMs();
    const next = this.#walker.walk(this.#refileAt, this.#refiled, REFILE_PAGES, (ref) => {
      const header = arena.word(ref * 2 + 1);
      left--;
      if ((header & FLAG_EXPIRES) === 0 || arena.word(ref * 2 + HEAP_POSITION_WORD) !== NOT_IN_HEAP) return left > 0;
      // A partition may have been given up again meanwhile.
      if (!this.parts.mayExpire(this.parts.partitionOf(ref))) return left > 0;
      if (!heap.prepareInsert()) {
        isFull = true;
        return false;
      }
      heap.insert(ref, endsAtOf(arena, ref, header), nowMs);
      return left > 0;
    });
    // Without memory it is tried again from here.
    if (isFull) return false;
    this.#refileAt = next;
    if (next < HASHES) return true;
    this.#refileAt = 0;
    this.#refiled.fill(0);
    this.parts.isRefiling = false;
    return true;
  }
}
