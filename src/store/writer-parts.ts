import { assert } from '../base/assert.ts';
import { ChangeKind } from '../base/change.ts';
import type { Clock } from '../base/ports.ts';
import { Arena, type StoreMemory } from './arena.ts';
import { Attribute } from './attributes.ts';
import { Epochs } from './epochs.ts';
import { ExpiryHeap } from './expiry-heap.ts';
import type { KeyHasher } from './hash.ts';
import { KeyIndex } from './key-index.ts';
import { KeyIndexWriter } from './key-index-writer.ts';
import {
  Counter,
  FLAG_ATTRIBUTES,
  FLAG_CHUNKED,
  FLAG_EXPIRES,
  HEAP_POSITION_WORD,
  KEY_BYTES_MASK,
  NOT_IN_HEAP,
} from './layout.ts';
import { Listeners } from './listeners.ts';
import { Pages } from './pages.ts';
import { hasherOf } from './partitioned-hasher.ts';
import type { Partitions } from './partitions.ts';
import { attributesAt, chunkCountOf, endsAtOf, keyWord, recordBytesOf, valueWord } from './record.ts';
import { RecordWriter } from './record-writer.ts';
import { Segments } from './segments.ts';
import { TagNotesWriter } from './tag-notes-writer.ts';
import { Validity } from './validity.ts';

/** Says of an assertion that the writer's successor, who needs less, is to take the group back. */
const NO_MEMORY = 'no memory to take a group back';

/** What the write side of a store is made of, and the few acts that involve several parts. */
export class WriterParts {
  readonly arena: Arena;
  readonly clock: Clock;
  readonly epochs: Epochs;
  readonly hasher: KeyHasher;
  readonly index: KeyIndex;
  readonly indexWriter: KeyIndexWriter;
  readonly segments: Segments;
  readonly pages: Pages;
  readonly heap: ExpiryHeap;
  readonly records: RecordWriter;
  readonly listeners: Listeners;
  readonly validity: Validity;
  readonly tagNotes: TagNotesWriter;
  readonly partitions: Partitions | null;
  /** 1 for partitions, by their numbers, that are owned: those entries alone are in the heap, and told of. */
  readonly owned: Uint8Array;
  /** 1 for partitions, by their numbers, in which nothing expires for now, although they are owned. */
  readonly held: Uint8Array;
  /** Entries of owned partitions may be missing in the heap. */
  isRefiling = false;

  constructor(memory: StoreMemory, clock: Clock) {
    const arena = new Arena(memory);
    this.arena = arena;
    this.clock = clock;
    this.epochs = new Epochs(arena);
    this.partitions = arena.partitions;
    this.listeners = new Listeners(arena.partitions);
    this.owned = new Uint8Array(arena.partitions?.total ?? 0).fill(1);
    this.held = new Uint8Array(this.owned.length);
    this.hasher = hasherOf(arena);
    this.index = new KeyIndex(arena, this.hasher);
    this.segments = new Segments(arena, this.epochs);
    this.pages = new Pages(arena, this.segments, this.epochs);
    this.indexWriter = new KeyIndexWriter(arena, this.pages);
    this.heap = new ExpiryHeap(arena, this.pages);
    this.records = new RecordWriter(arena, this.segments);
    this.validity = new Validity(arena);
    this.tagNotes = new TagNotesWriter(arena, this.epochs);
  }

  /** The hash of a stored entry's key. */
  hashOf(ref: number, header: number): number {
    return this.hasher.hashWords(this.arena.words, keyWord(ref, header), header & KEY_BYTES_MASK);
  }

  /** The partition of a stored entry; 0 where there are none. */
  partitionOf(ref: number): number {
    const { arena, partitions } = this;
    if (partitions === null) return 0;
    const header = arena.word(ref * 2 + 1);
    const start = keyWord(ref, header) * 4;
    return partitions.ofKey(arena.bytes, start, start + (header & KEY_BYTES_MASK));
  }

  isOwned(partition: number): boolean {
    return this.partitions === null || this.owned[partition] === 1;
  }

  /** Whether entries of the partition expire by themselves. */
  mayExpire(partition: number): boolean {
    return this.partitions === null || (this.owned[partition] === 1 && this.held[partition] === 0);
  }

  /** Whether the time is over in which anybody sees the entry. */
  isOver(ref: number, header: number, nowMs: number): boolean {
    return (header & FLAG_EXPIRES) !== 0 && endsAtOf(this.arena, ref, header) <= nowMs;
  }

  /** Whether the entry has no value, and is there for a fill token only. */
  isHollow(ref: number, header: number): boolean {
    if ((header & FLAG_ATTRIBUTES) === 0) return false;
    return ((this.arena.bytes[attributesAt(this.arena, ref, header)] as number) & Attribute.hollow) !== 0;
  }

  /** The sweep has gone over all entries for the notes before that position. */
  endSweep(end: number): void {
    this.tagNotes.endSweep(end);
    this.validity.from = this.tagNotes.head;
  }

  /** Takes an entry out of the index and the heap and buries it. */
  unlink(slot: number, ref: number): void {
    const header = this.arena.word(ref * 2 + 1);
    this.indexWriter.remove(slot);
    if ((header & FLAG_EXPIRES) !== 0) {
      this.#unfile(ref);
      if (this.partitions !== null) this.partitions.countExpiringKeys(this.partitionOf(ref), -1);
    }
    this.records.bury(ref);
  }

  /** Takes out an entry whose time has come. */
  expire(slot: number, ref: number): void {
    const isHollow = this.isHollow(ref, this.arena.word(ref * 2 + 1));
    this.unlink(slot, ref);
    this.arena.count(isHollow ? Counter.fillsExpired : Counter.expiredEntries, 1);
    this.#tellGone(ChangeKind.expired, ref, isHollow);
  }

  /** Takes out an entry one of whose tags was invalidated, which was told. */
  dropInvalid(slot: number, ref: number): void {
    this.unlink(slot, ref);
    this.arena.count(Counter.invalidatedEntries, 1);
  }

  /** Takes out an entry to make room. */
  evict(slot: number, ref: number): void {
    const { arena } = this;
    arena.count(Counter.evictedEntries, 1);
    arena.count(Counter.evictedBytes, recordBytesOf(arena, ref));
    const isHollow = this.isHollow(ref, arena.word(ref * 2 + 1));
    this.unlink(slot, ref);
    this.#tellGone(ChangeKind.evicted, ref, isHollow);
  }

  /** Keeps an entry's record and chunks where they are while segments are held. */
  pin(ref: number): void {
    const { arena, segments } = this;
    segments.pin(ref);
    const header = arena.word(ref * 2 + 1);
    if ((header & FLAG_CHUNKED) === 0) return;
    const list = valueWord(ref, header);
    const count = chunkCountOf(arena, arena.word(ref * 2) >>> 0);
    for (let i = 0; i < count; i++) segments.pin(arena.word(list + i));
  }

  /** Brings `oldRef` back to where a write of the group under way has put `newRef`; 0 stands for none. */
  takeBack(hash: number, oldRef: number, newRef: number): void {
    const { arena, heap, index, indexWriter, records } = this;
    const nowMs = this.clock.nowMs();
    const slot = newRef === 0 ? 0 : index.findRef(hash, newRef);
    if (oldRef === 0) {
      this.unlink(slot, newRef);
      return;
    }
    const header = arena.word(oldRef * 2 + 1);
    const expires = (header & FLAG_EXPIRES) !== 0;
    assert(!expires || heap.prepareInsert(), NO_MEMORY);
    if (newRef === 0) {
      assert(indexWriter.prepareInsert(hash), NO_MEMORY);
      indexWriter.insert(hash, oldRef);
      if (expires) this.file(oldRef, nowMs);
    } else {
      indexWriter.replace(slot, oldRef);
      this.refile(newRef, oldRef, nowMs);
      // Before the old record is revived: a change of the expiry leaves both with the same chunks.
      records.bury(newRef);
    }
    records.revive(oldRef);
  }

  /** The record was just buried: its bytes are what they were. */
  #tellGone(kind: ChangeKind, ref: number, isHollow: boolean): void {
    const { listeners } = this;
    if (!listeners.changes?.isListening && listeners.effects === null) return;
    const partition = this.partitionOf(ref);
    if (!this.isOwned(partition)) return;
    const { bytes } = this.arena;
    const header = this.arena.word(ref * 2 + 1);
    const start = keyWord(ref, header) * 4;
    listeners.tellGone(kind, partition, bytes, start, start + (header & KEY_BYTES_MASK), isHollow);
  }

  /** Brings an entry that expires, and was not there, into the heap, if it may expire by itself. */
  file(ref: number, nowMs: number): void {
    const { arena, partitions } = this;
    if (partitions !== null) {
      const partition = this.partitionOf(ref);
      partitions.countExpiringKeys(partition, 1);
      if (!this.mayExpire(partition)) {
        arena.words[ref * 2 + HEAP_POSITION_WORD] = NOT_IN_HEAP;
        return;
      }
    }
    this.heap.insert(ref, endsAtOf(arena, ref, arena.word(ref * 2 + 1)), nowMs);
  }

  #unfile(ref: number): void {
    const position = this.arena.word(ref * 2 + HEAP_POSITION_WORD);
    if (position !== NOT_IN_HEAP) this.heap.remove(position);
  }

  /** Brings the heap in line with the record `newRef` having taken the place of `oldRef`; 0 stands for none. */
  refile(oldRef: number, newRef: number, nowMs: number): void {
    const arena = this.arena;
    const oldHeader = oldRef === 0 ? 0 : arena.word(oldRef * 2 + 1);
    const newHeader = arena.word(newRef * 2 + 1);
    const position = (oldHeader & FLAG_EXPIRES) === 0 ? NOT_IN_HEAP : arena.word(oldRef * 2 + HEAP_POSITION_WORD);
    if ((newHeader & FLAG_EXPIRES) !== 0) {
      const endsAtMs = endsAtOf(arena, newRef, newHeader);
      if (position !== NOT_IN_HEAP) this.heap.update(position, newRef, endsAtMs, nowMs);
      else if ((oldHeader & FLAG_EXPIRES) === 0) this.file(newRef, nowMs);
      else arena.words[newRef * 2 + HEAP_POSITION_WORD] = NOT_IN_HEAP;
    } else if ((oldHeader & FLAG_EXPIRES) !== 0) {
      if (position !== NOT_IN_HEAP) this.heap.remove(position);
      if (this.partitions !== null) this.partitions.countExpiringKeys(this.partitionOf(newRef), -1);
    }
  }
}
