import { assert } from '../base/assert.ts';
import { ChangeKind, type ChangeListener } from '../base/change.ts';
import type { EffectListener } from '../base/effect.ts';
import type { LookupSampler } from '../base/lookup-sample.ts';
import type { Clock } from '../base/ports.ts';
import { Freshness, type PutRequest, PutStatus } from '../base/view.ts';
import type { Arena, StoreMemory } from './arena.ts';
import { attach } from './attach.ts';
import { attributeBytesFor, FILL_BYTES, type Fill } from './attributes.ts';
import { Collector } from './collector.ts';
import { memoryBytesOf } from './entry-view.ts';
import type { ExpiryHeap } from './expiry-heap.ts';
import type { KeyHasher } from './hash.ts';
import type { KeyIndex } from './key-index.ts';
import type { KeyIndexWriter } from './key-index-writer.ts';
import {
  ACCESS_MAX,
  ACCESS_SHIFT,
  CHUNKS_PER_SEGMENT,
  CONTENT_TYPE_BYTES_MAX,
  Control,
  Counter,
  EXPIRES_AT_MS_MAX,
  FLAG_ATTRIBUTES,
  FLAG_EXPIRES,
  HEAP_POSITION_WORD,
  type Log,
  NOT_IN_HEAP,
} from './layout.ts';
import { align8, chunkCountOf, chunkRecordBytesFor, endsAtOf, recordBytesFor, recordBytesOf } from './record.ts';
import type { RecordWriter } from './record-writer.ts';
import { StoreView } from './store-view.ts';
import { Verdict } from './tag-notes.ts';
import { countUndone, turnSequence, UndoLog } from './undo-log.ts';
import { WriterParts } from './writer-parts.ts';

type Gone = typeof Counter.expiredEntries | typeof Counter.invalidatedEntries | typeof Counter.fillsEnded;

/**
 * Writes, changes and removes entries, one by one or in groups, and tells of it: what `StoreWriter` is built on.
 */
export abstract class EntryWriter extends StoreView {
  lastVersion: number;
  readonly valueBytesMax: number;
  /** Whether lookups count as hits and misses: while a command runs that reads. Those of writes are none. */
  countsLookups = false;
  readonly #sampler: LookupSampler | null;
  readonly #arena: Arena;
  readonly #words: Int32Array;
  readonly #clock: Clock;
  readonly #hasher: KeyHasher;
  readonly #index: KeyIndex;
  readonly #indexWriter: KeyIndexWriter;
  protected readonly parts: WriterParts;
  readonly #heap: ExpiryHeap;
  readonly #records: RecordWriter;
  protected readonly collector: Collector;
  readonly #undo: UndoLog;
  /** Whether a group is under way. Should its author fail, the store is to be attached anew, which takes it back. */
  inGroup = false;
  /** For every open group, writes noted, changes and effects told before it began. */
  readonly #undoMarks: number[] = [];
  readonly #changeMarks: number[] = [];
  readonly #effectMarks: number[] = [];
  /** Bytes that the open group was promised room for and has not used. */
  #promisedBytes = 0;
  /** Of the key looked for last, unless it was too long for a key. */
  #hash = 0;
  /**
   * `groupStands`: a group that the writer before did not end counts as ended, instead of being taken back. `sampler`: who
   * samples the lookups that count, and what commands write; null: nobody.
   */
  constructor(memory: StoreMemory, clock: Clock, groupStands = false, sampler: LookupSampler | null = null) {
    const parts = new WriterParts(memory, clock);
    super(parts.arena, parts.index, clock, parts.validity);
    this.#sampler = sampler;
    this.parts = parts;
    this.#arena = parts.arena;
    this.#words = parts.arena.words;
    this.#clock = clock;
    this.#hasher = parts.hasher;
    this.#index = parts.index;
    this.#indexWriter = parts.indexWriter;
    this.#heap = parts.heap;
    this.#records = parts.records;
    this.#undo = new UndoLog(parts.arena, parts.pages);
    this.collector = new Collector(parts);
    attach(parts, clock.nowMs(), groupStands);
    this.lastVersion = parts.arena.counter(Counter.version);
    this.valueBytesMax = valueBytesMaxOf(parts.arena);
  }

  /** Who is told of changes; null: nobody. */
  get changes(): ChangeListener | null {
    return this.parts.listeners.changes;
  }

  set changes(listener: ChangeListener | null) {
    this.parts.listeners.changes = listener;
  }

  /** Who is told of effects; null: nobody. */
  get effects(): EffectListener | null {
    return this.parts.listeners.effects;
  }

  set effects(listener: EffectListener | null) {
    assert(!this.inGroup, 'a listener that knows nothing of the groups under way');
    this.parts.listeners.effects = listener;
  }

  get openGroups(): number {
    return this.#undoMarks.length;
  }

  lookup(source: Uint8Array, start: number, end: number): boolean {
    const found = this.peek(source, start, end);
    if (this.countsLookups) this.#countLookup(source, start, end, found);
    if (found) this.#markUsed();
    return found;
  }

  #markUsed(): void {
    const at = this.view.ref * 8 + 7;
    const accesses = this.#arena.bytes[at] as number;
    if (accesses < ACCESS_MAX) this.#arena.bytes[at] = accesses + 1;
  }

  lookupStale(source: Uint8Array, start: number, end: number): Freshness {
    const freshness = this.peekStale(source, start, end);
    if (this.countsLookups) this.noteLookup(source, start, end, freshness);
    else if (freshness === Freshness.fresh || freshness === Freshness.stale) this.#markUsed();
    return freshness;
  }

  noteLookup(source: Uint8Array, start: number, end: number, freshness: Freshness): void {
    const found = freshness === Freshness.fresh || freshness === Freshness.stale;
    this.#countLookup(source, start, end, found);
    if (freshness === Freshness.stale) this.#arena.count(Counter.staleHits, 1);
    if (found) this.#markUsed();
  }

  peekStale(source: Uint8Array, start: number, end: number): Freshness {
    const ref = this.#find(source, start, end);
    if (ref === 0) return Freshness.none;
    const header = this.#arena.word(ref * 2 + 1);
    const freshness = this.validity.freshness(ref, header, this.#clock.nowMs());
    if (freshness === Freshness.none) return Freshness.none;
    this.view.show(ref, header);
    this.view.expiresAtMs = this.validity.expiresAtMs;
    return freshness;
  }

  peek(source: Uint8Array, start: number, end: number): boolean {
    const ref = this.#findLive(source, start, end);
    if (ref === 0) return false;
    this.view.show(ref, this.#arena.word(ref * 2 + 1));
    return true;
  }

  #countLookup(source: Uint8Array, start: number, end: number, found: boolean): void {
    this.#arena.count(found ? Counter.hits : Counter.misses, 1);
    const sampler = this.#sampler;
    if (sampler === null || end - start > this.#arena.keyBytesMax) return;
    if (sampler.isDue(this.#hash)) sampler.note(this.#hash, source, start, end, found ? this.view : null);
  }

  put(request: PutRequest): PutStatus {
    return this.write(request, this.lastVersion + 1, true);
  }

  /** As `put`, with that version; tells nobody unless `tells`. */
  protected write(request: PutRequest, version: number, tells: boolean): PutStatus {
    const arena = this.#arena;
    const keyBytes = request.keyEnd - request.keyStart;
    const valueBytes = request.valueEnd - request.valueStart;
    if (valueBytes > this.valueBytesMax) return PutStatus.tooLarge;
    const typeBytes = request.contentTypeEnd - request.contentTypeStart;
    const chunked = valueBytes > arena.chunkBytes;
    const bodyBytes = chunked ? chunkCountOf(arena, valueBytes) * 4 : valueBytes;
    const attributes = request.attributes ?? null;
    const headBytes = recordBytesFor(
      request.expiresAtMs !== 0,
      keyBytes,
      bodyBytes,
      typeBytes === 0 && attributes === null ? 0 : attributeBytesFor(typeBytes, attributes),
    );
    if (keyBytes > arena.keyBytesMax || typeBytes > CONTENT_TYPE_BYTES_MAX || headBytes > arena.segmentBytes / 2)
      return PutStatus.tooLarge;
    assert(request.expiresAtMs >= 0 && request.expiresAtMs <= EXPIRES_AT_MS_MAX, 'an expiry out of range');
    const bytes = chunked ? headBytes + chunkRecordBytesFor(arena, valueBytes) : headBytes;
    const hash = this.#hasher.hash(request.key, request.keyStart, request.keyEnd);
    // With more memory it would be stored also where it is refused now.
    if (tells && attributes?.isHollow !== true && this.#sampler?.follows(hash) === true) {
      this.#sampler.noteStored(hash, memoryBytesOf(bytes, request.expiresAtMs !== 0), request.expiresAtMs);
    }
    if (!this.#makeRoom(bytes)) return this.#outOfMemory();

    const oldRef = this.#index.find(hash, keyBytes);
    const slot = this.#index.slot;
    if (oldRef === 0 && !this.#indexWriter.prepareInsert(hash)) return this.#outOfMemory();
    if (request.expiresAtMs !== 0 && !this.#heap.prepareInsert()) return this.#outOfMemory();

    const oldHeader = oldRef === 0 ? 0 : arena.word(oldRef * 2 + 1);
    const replaces = oldRef !== 0 && this.#isPlain(oldRef, oldHeader);
    const gone = oldRef === 0 || replaces ? null : this.#goneBy(oldRef, oldHeader);
    let log: Log;
    let accesses: number;
    if (replaces) {
      log = this.collector.logOf(oldRef);
      accesses = Math.min(ACCESS_MAX, (oldHeader >>> ACCESS_SHIFT) + 1);
    } else {
      log = this.collector.logForNew();
      accesses = this.collector.accessesForNew(hash);
    }
    this.takeVersion(version);
    const ref = this.#records.append(request, this.#hasher.words, hash, log, accesses, version);
    if (ref === 0) return this.#outOfMemory();
    if (this.inGroup) this.#note(hash, oldRef, ref);
    if (oldRef === 0) {
      this.#indexWriter.insert(hash, ref);
    } else {
      this.#indexWriter.replace(slot, ref);
      if (gone !== null) arena.count(gone, 1);
    }
    if (oldRef !== 0 || request.expiresAtMs !== 0) this.parts.refile(oldRef, ref, this.#clock.nowMs());
    if (oldRef !== 0) this.#records.bury(oldRef);
    if (tells) this.parts.listeners.tellPut(hash, request, version, gone === Counter.expiredEntries, !replaces);
    return replaces ? PutStatus.replaced : PutStatus.created;
  }

  remove(source: Uint8Array, start: number, end: number): boolean {
    return this.take(source, start, end, true);
  }

  /** As `remove`; tells nobody unless `tells`. */
  protected take(source: Uint8Array, start: number, end: number, tells: boolean): boolean {
    const keyBytes = end - start;
    if (keyBytes > this.#arena.keyBytesMax) return false;
    const hash = this.#hasher.hash(source, start, end);
    const ref = this.#index.find(hash, keyBytes);
    if (ref === 0) return false;
    const header = this.#arena.word(ref * 2 + 1);
    const gone = this.#isPlain(ref, header) ? null : this.#goneBy(ref, header);
    if (this.inGroup) {
      // A removal cannot be refused: it may take what is kept back for walks.
      if (!this.#undo.prepareNote()) this.collector.makeRoomForGroup(0, 0);
      this.#note(hash, ref, 0);
    }
    this.parts.unlink(this.#index.slot, ref);
    if (gone !== null) this.#arena.count(gone, 1);
    if (tells && this.#sampler?.follows(hash) === true) this.#sampler.noteRemoved(hash);
    if (tells) {
      let kind: ChangeKind | null = ChangeKind.removed;
      if (gone !== null) kind = gone === Counter.expiredEntries ? ChangeKind.expired : null;
      this.parts.listeners.tellRemoved(hash, source, start, end, kind);
    }
    return gone === null;
  }

  /** The counter of what has made an entry absent to plain reads: its age, alone, is told of. */
  #goneBy(ref: number, header: number): Gone {
    if (this.validity.verdict(ref, header) === Verdict.hard) return Counter.invalidatedEntries;
    return this.parts.isHollow(ref, header) ? Counter.fillsEnded : Counter.expiredEntries;
  }

  setExpiry(source: Uint8Array, start: number, end: number, expiresAtMs: number): boolean {
    return this.expireAt(source, start, end, expiresAtMs, true);
  }

  /** As `setExpiry`; unless it `tells`, it tells nobody, and changes also an entry that has expired. */
  protected expireAt(source: Uint8Array, start: number, end: number, expiresAtMs: number, tells: boolean): boolean {
    assert(expiresAtMs >= 0 && expiresAtMs <= EXPIRES_AT_MS_MAX, 'an expiry out of range');
    const arena = this.#arena;
    let ref = tells ? this.#findLive(source, start, end) : this.#find(source, start, end);
    if (ref === 0) return false;
    let header = arena.word(ref * 2 + 1);
    const expiresNow = (header & FLAG_EXPIRES) !== 0;
    if (!expiresNow && expiresAtMs === 0) return true;
    if (expiresNow && expiresAtMs !== 0 && !this.inGroup) {
      if (arena.word(ref * 2 + 3) >>> 16 === Math.floor(expiresAtMs / 2 ** 32)) {
        // One store changes the whole time, its high part being the same: no reader can see half of it.
        Atomics.store(this.#words, ref * 2 + 4, expiresAtMs | 0);
        const position = arena.word(ref * 2 + HEAP_POSITION_WORD);
        if (position !== NOT_IN_HEAP) {
          this.#heap.update(position, ref, endsAtOf(arena, ref, header), this.#clock.nowMs());
        }
        if (tells) this.#tellExpiry(source, start, end, expiresAtMs);
        return true;
      }
    }
    if (!this.#makeRoom(recordBytesOf(arena, ref) + 8)) return this.#outOfMemory() === PutStatus.created;
    if (expiresAtMs !== 0 && !this.#heap.prepareInsert()) return this.#outOfMemory() === PutStatus.created;
    // Making room may have moved the entry, or evicted it.
    ref = tells ? this.#findLive(source, start, end) : this.#find(source, start, end);
    if (ref === 0) return false;
    header = arena.word(ref * 2 + 1);
    const accesses = header >>> ACCESS_SHIFT;
    const copy = this.#records.appendWithExpiry(ref, this.collector.logOf(ref), expiresAtMs, accesses);
    if (copy === 0) return this.#outOfMemory() === PutStatus.created;
    if (this.inGroup) this.#note(this.#hash, ref, copy);
    this.#indexWriter.replace(this.#index.slot, copy);
    this.parts.refile(ref, copy, this.#clock.nowMs());
    this.#records.buryAlone(ref);
    if (tells) this.#tellExpiry(source, start, end, expiresAtMs);
    return true;
  }

  /** Gives an entry that has attributes another fill token; false when it is not there, or when memory is full. */
  protected giveFill(source: Uint8Array, start: number, end: number, fill: Fill, tells: boolean): boolean {
    const arena = this.#arena;
    let ref = this.#find(source, start, end);
    if (ref === 0 || (arena.word(ref * 2 + 1) & FLAG_ATTRIBUTES) === 0) return false;
    if (!this.#makeRoom(recordBytesOf(arena, ref) + align8(FILL_BYTES)))
      return this.#outOfMemory() === PutStatus.created;
    // Making room may have moved the entry, or evicted it.
    ref = this.#find(source, start, end);
    if (ref === 0) return false;
    const accesses = arena.word(ref * 2 + 1) >>> ACCESS_SHIFT;
    const copy = this.#records.appendWithFill(ref, this.collector.logOf(ref), fill, accesses);
    if (copy === 0) return this.#outOfMemory() === PutStatus.created;
    if (fill.version > 0) this.takeVersion(fill.version);
    if (this.inGroup) this.#note(this.#hash, ref, copy);
    this.#indexWriter.replace(this.#index.slot, copy);
    this.parts.refile(ref, copy, this.#clock.nowMs());
    this.#records.buryAlone(ref);
    if (tells) this.parts.listeners.tellFill(this.#hash, source, start, end, fill);
    return true;
  }

  /** Notes that a version was given, here or elsewhere. */
  protected takeVersion(version: number): void {
    if (version <= this.lastVersion) return;
    this.lastVersion = version;
    this.#arena.doubles[Counter.version] = version;
  }

  beginGroup(entries: number, entryBytesTotal: number): boolean {
    if (this.inGroup) {
      this.#pushMarks();
      return true;
    }
    // What the records add to what the caller counts, at most: header, expiry, padding and chunk headers.
    const bytes = entryBytesTotal + entries * 64 + Math.ceil(entryBytesTotal / this.#arena.chunkBytes) * 24;
    if (!this.collector.makeRoomForGroup(bytes, entries)) {
      this.#outOfMemory();
      return false;
    }
    if (!this.#undo.begin()) {
      this.#outOfMemory();
      return false;
    }
    this.#pushMarks();
    this.#promisedBytes = bytes;
    this.parts.segments.hold();
    return true;
  }

  endGroup(): void {
    assert(this.inGroup, 'a group that was not begun');
    this.#undoMarks.pop();
    this.#changeMarks.pop();
    const effectMark = this.#effectMarks.pop() as number;
    this.parts.listeners.effects?.settle(effectMark);
    if (this.#undoMarks.length > 0) return;
    this.inGroup = false;
    this.#promisedBytes = 0;
    this.#undo.end();
    this.parts.segments.letGo();
  }

  abandonGroup(): void {
    assert(this.inGroup, 'a group that was not begun');
    const last = this.#undoMarks.length - 1;
    this.#undo.takeBack(this.parts, this.#undoMarks[last] as number);
    const { changes, effects } = this.parts.listeners;
    changes?.takeBack(this.#changeMarks[last] as number);
    effects?.takeBack(this.#effectMarks[last] as number);
    this.endGroup();
  }

  clear(): void {
    this.empty();
    this.noteCleared();
    this.parts.listeners.tellCleared([0]);
    if (this.inGroup) this.restartGroup();
  }

  /** An entry of that hash was taken out although nobody removed it by its key. */
  protected noteTakenOut(hash: number): void {
    if (this.#sampler?.follows(hash) === true) this.#sampler.noteRemoved(hash);
  }

  protected noteCleared(): void {
    this.#sampler?.noteCleared();
  }

  /** Removes every entry and tells nobody. Within a group, what it did so far is forgotten: `restartGroup` is to follow. */
  protected empty(): void {
    assert(this.#undoMarks.length <= 1, 'a store cleared within a group of a group');
    const { pages, segments } = this.parts;
    const grouped = this.inGroup;
    countUndone(this.#arena);
    if (grouped) this.#undo.forget();
    this.collector.reset();
    // The directory has many words: until the last refers to the empty page, nobody may look. In a group nobody does.
    if (!grouped) turnSequence(this.#arena);
    const empty = this.#indexWriter.reset();
    assert(empty !== 0, 'no memory for an empty index');
    if (!grouped) turnSequence(this.#arena);
    this.#heap.clear();
    pages.retireAllBut(empty);
    segments.retireLogs();
  }

  /** As `empty`, with what `removes` takes out of the store instead of all. */
  protected emptyBy(removes: () => void): void {
    assert(this.#undoMarks.length <= 1, 'a store cleared within a group of a group');
    const grouped = this.inGroup;
    countUndone(this.#arena);
    if (grouped) this.#undo.discard();
    else turnSequence(this.#arena);
    removes();
    if (!grouped) turnSequence(this.#arena);
  }

  /** From here on the group can be taken back to what is there now, and no further. */
  protected restartGroup(): void {
    const { changes, effects } = this.parts.listeners;
    this.#undo.restart();
    this.#undoMarks[0] = 0;
    this.#changeMarks[0] = changes?.mark() ?? 0;
    effects?.settle(this.#effectMarks[0] as number);
    this.#effectMarks[0] = effects?.mark() ?? 0;
  }

  /** Sees to it that `bytes` can be appended: out of what the group was promised, or by making room. */
  #makeRoom(bytes: number): boolean {
    if (bytes <= this.#promisedBytes) {
      this.#promisedBytes -= bytes;
      return true;
    }
    return this.collector.makeRoom(bytes) && (!this.inGroup || this.#undo.prepareNote());
  }

  /** Notes, before the index changes, what a write of the group replaces, and keeps that where it is. */
  #note(hash: number, oldRef: number, newRef: number): void {
    if (oldRef !== 0) this.parts.pin(oldRef);
    this.#undo.note(hash, oldRef, newRef);
  }

  #pushMarks(): void {
    this.inGroup = true;
    this.#undoMarks.push(this.#undo.count);
    const { changes, effects } = this.parts.listeners;
    this.#changeMarks.push(changes?.mark() ?? 0);
    this.#effectMarks.push(effects?.mark() ?? 0);
  }

  #tellExpiry(source: Uint8Array, start: number, end: number, expiresAtMs: number): void {
    const hash = this.#hash;
    if (this.#sampler?.follows(hash) === true) this.#sampler.noteExpiry(hash, expiresAtMs);
    this.parts.listeners.tellExpiry(hash, source, start, end, expiresAtMs);
  }

  /** Whether there is an entry of this key, expired or not. */
  protected isThere(source: Uint8Array, start: number, end: number): boolean {
    return this.#find(source, start, end) !== 0;
  }

  /** The entry of this key, expired or not; 0 when there is none. */
  #find(source: Uint8Array, start: number, end: number): number {
    const keyBytes = end - start;
    if (keyBytes > this.#arena.keyBytesMax) return 0;
    this.#hash = this.#hasher.hash(source, start, end);
    return this.#index.find(this.#hash, keyBytes);
  }

  #findLive(source: Uint8Array, start: number, end: number): number {
    const ref = this.#find(source, start, end);
    if (ref === 0 || !this.#isPlain(ref, this.#arena.word(ref * 2 + 1))) return 0;
    return ref;
  }

  #isPlain(ref: number, header: number): boolean {
    return this.validity.isPlain(ref, header, this.#clock.nowMs());
  }

  #outOfMemory(): PutStatus {
    this.#arena.count(Counter.outOfMemory, 1);
    return PutStatus.outOfMemory;
  }
}

/** Half the segments: the rest is for the index, for what is retired, and for the value's own predecessor. */
function valueBytesMaxOf(arena: Arena): number {
  const fitting = Math.floor(arena.segmentCount / 2) * (arena.chunkBytes * CHUNKS_PER_SEGMENT);
  const wanted = arena.word(Control.valueBytesMax);
  return wanted === 0 ? fitting : Math.min(wanted, fitting);
}
