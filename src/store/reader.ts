import { assert } from '../base/assert.ts';
import type { LookupSampler } from '../base/lookup-sample.ts';
import type { Clock } from '../base/ports.ts';
import { Freshness, type ReadView, type VisitKey } from '../base/view.ts';
import { Arena, type StoreMemory } from './arena.ts';
import type { EntryView } from './entry-view.ts';
import type { KeyHasher } from './hash.ts';
import { KeyIndex } from './key-index.ts';
import { ACCESS_MAX, Control, FLAG_ATTRIBUTES, FLAG_EXPIRES, ReaderSlot } from './layout.ts';
import { hasherOf } from './partitioned-hasher.ts';
import { expiresAtOf } from './record.ts';
import { StoreView } from './store-view.ts';
import { Validity } from './validity.ts';

/**
 * Reads a store from any thread, without locks and without ever waiting for the writer.
 *
 * Reading is done between `enter` and `leave`, within one synchronous turn: meanwhile the writer recycles nothing that
 * the reader may see. Either may decline, because a group of writes was being published or the
 * store cleared: then whatever was read is to be thrown away and the command sent to the writer instead.
 *
 * One reader an index and thread; every method but `keyCount` and `expiringKeyCount` only between `enter` and `leave`.
 */
export class StoreReader extends StoreView implements ReadView {
  readonly #sampler: LookupSampler | null;
  readonly #arena: Arena;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #hasher: KeyHasher;
  readonly #index: KeyIndex;
  readonly #clock: Clock;
  readonly #slot: number;
  readonly #hits: number;
  readonly #misses: number;
  readonly #staleHits: number;
  #inside = false;
  #sequence = 0;
  #undone = 0;
  /** Of the key looked for last. */
  #hash = 0;
  /** An epoch is announced: the writer recycles nothing that was there since. */
  #isAnnounced = false;
  #isHeld = false;

  /** `sampler`: who samples the lookups; null: nobody. */
  constructor(memory: StoreMemory, readerIndex: number, clock: Clock, sampler: LookupSampler | null = null) {
    const arena = new Arena(memory);
    const hasher = hasherOf(arena);
    const index = new KeyIndex(arena, hasher);
    super(arena, index, clock, new Validity(arena));
    assert(readerIndex >= 0 && readerIndex < arena.readersMax, 'a reader index beyond readersMax');
    this.#sampler = sampler;
    this.#arena = arena;
    this.#words = arena.words;
    this.#bytes = arena.bytes;
    this.#hasher = hasher;
    this.#index = index;
    this.#clock = clock;
    this.#slot = arena.readerSlots + readerIndex * ReaderSlot.words;
    this.#hits = (this.#slot + ReaderSlot.hits) / 2;
    this.#misses = (this.#slot + ReaderSlot.misses) / 2;
    this.#staleHits = (this.#slot + ReaderSlot.staleHits) / 2;
    // Whoever had this index before is gone; what it had announced must not hold the writer up.
    Atomics.store(this.#words, this.#slot + ReaderSlot.epoch, 0);
  }

  /**
   * Until `release`, what was announced by `enter` stays announced when reading ends, which spares each of many short
   * reads two exchanges between processors. To be released within the turn: the writer can reuse no memory meanwhile.
   */
  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
    if (this.#isAnnounced) this.#withdraw();
  }

  /** Begins to read; false, with nothing begun, while a group of writes is being published or the store cleared. */
  enter(): boolean {
    const words = this.#words;
    if (!this.#isAnnounced) {
      // Sequentially consistent with the loads below and the writer's. The epoch may be an old one: see epochs.ts.
      Atomics.store(words, this.#slot, words[Control.epoch] as number);
      this.#isAnnounced = true;
    }
    // Before anything is looked for: what a sweep takes out from now on, the notes from here on tell of.
    this.validity.from = words[Control.notesHead] as number;
    this.#sequence = Atomics.load(words, Control.sequence);
    if ((this.#sequence & 1) !== 0) {
      if (!this.#isHeld) this.#withdraw();
      return false;
    }
    this.#inside = true;
    return true;
  }

  /**
   * Ends reading; false when a group was published meanwhile, so that what was read may be of no one moment.
   *
   * Who looked for one key only may ignore that: its entry was whole. It may be a group's that was still under way if
   * the reader entered just before; whatever its client reads next then waits behind the group in the writer's mailbox.
   * Should the writer die before the group's end, that client has seen a value which was taken back: the price of a
   * lookup that never asks twice.
   */
  leave(): boolean {
    this.#inside = false;
    const unchanged = Atomics.load(this.#words, Control.sequence) === this.#sequence;
    if (!this.#isHeld) this.#withdraw();
    return unchanged;
  }

  #withdraw(): void {
    Atomics.store(this.#words, this.#slot, 0);
    this.#isAnnounced = false;
  }

  /**
   * Begins a walk over many entries, as `enter`. It may see writes of a group that is not published yet: whether all it saw
   * stands tells `walkStands` after `leaveWalk`. So groups that come one upon another do not keep it from ever ending.
   */
  enterWalk(): boolean {
    // Before the sequence is found even, when nothing is being taken back: what is from then on counts up from here.
    this.#undone = Atomics.load(this.#words, Control.undone);
    return this.enter();
  }

  /** Shows entries from `cursor` on, expired or not, as `KeyScanner.walk` does, and returns the next cursor. */
  walk(cursor: number, pagesMax: number, visit: (entry: EntryView) => boolean): number {
    assert(this.#inside, 'a read outside enter and leave');
    return this.walkEntries(cursor, pagesMax, visit);
  }

  leaveWalk(): void {
    this.leave();
    this.#sequence = Atomics.load(this.#words, Control.sequence);
  }

  /** Whether what the walk saw stands, or did until something took its place; null: it is not known yet, ask again. */
  walkStands(): boolean | null {
    if ((this.#sequence & 1) !== 0 && Atomics.load(this.#words, Control.sequence) === this.#sequence) return null;
    return Atomics.load(this.#words, Control.undone) === this.#undone;
  }

  lookup(source: Uint8Array, start: number, end: number): boolean {
    const found = this.peek(source, start, end);
    const sampler = this.#sampler;
    if (sampler?.isDue(this.#hash) === true) sampler.note(this.#hash, source, start, end, found ? this.view : null);
    if (!found) {
      const doubles = this.#arena.doubles;
      doubles[this.#misses] = (doubles[this.#misses] as number) + 1;
      return false;
    }
    this.#countHit();
    return true;
  }

  #countHit(): void {
    const doubles = this.#arena.doubles;
    doubles[this.#hits] = (doubles[this.#hits] as number) + 1;
    const at = this.view.ref * 8 + 7;
    const accesses = this.#bytes[at] as number;
    // A race with another reader loses a count, which is of no matter.
    if (accesses < ACCESS_MAX) this.#bytes[at] = accesses + 1;
  }

  lookupStale(source: Uint8Array, start: number, end: number): Freshness {
    const freshness = this.peekStale(source, start, end);
    this.noteLookup(source, start, end, freshness);
    return freshness;
  }

  noteLookup(source: Uint8Array, start: number, end: number, freshness: Freshness): void {
    const found = freshness === Freshness.fresh || freshness === Freshness.stale;
    const sampler = this.#sampler;
    if (sampler?.isDue(this.#hash) === true) sampler.note(this.#hash, source, start, end, found ? this.view : null);
    const doubles = this.#arena.doubles;
    if (freshness === Freshness.stale) doubles[this.#staleHits] = (doubles[this.#staleHits] as number) + 1;
    if (found) this.#countHit();
    else doubles[this.#misses] = (doubles[this.#misses] as number) + 1;
  }

  peekStale(source: Uint8Array, start: number, end: number): Freshness {
    const ref = this.#find(source, start, end);
    if (ref === 0) return Freshness.none;
    const header = this.#words[ref * 2 + 1] as number;
    const freshness = this.validity.freshness(ref, header, this.#clock.nowMs());
    if (freshness === Freshness.none) return Freshness.none;
    this.view.show(ref, header);
    this.view.expiresAtMs = this.validity.expiresAtMs;
    return freshness;
  }

  peek(source: Uint8Array, start: number, end: number): boolean {
    const ref = this.#find(source, start, end);
    if (ref === 0) return false;
    const header = this.#words[ref * 2 + 1] as number;
    if ((header & FLAG_EXPIRES) !== 0 && expiresAtOf(this.#arena, ref, header) <= this.#clock.nowMs()) return false;
    if ((header & FLAG_ATTRIBUTES) !== 0 && this.validity.isInvalid(ref, header)) return false;
    this.view.show(ref, header);
    return true;
  }

  #find(source: Uint8Array, start: number, end: number): number {
    assert(this.#inside, 'a read outside enter and leave');
    const keyBytes = end - start;
    if (keyBytes > this.#arena.keyBytesMax) return 0;
    this.#hash = this.#hasher.hash(source, start, end);
    return this.#index.find(this.#hash, keyBytes);
  }

  override scan(cursor: number, count: number, visit: VisitKey, withStale = false): number {
    assert(this.#inside, 'a read outside enter and leave');
    return super.scan(cursor, count, visit, withStale);
  }

  override randomKey(target: Uint8Array, random: number): number {
    assert(this.#inside, 'a read outside enter and leave');
    return super.randomKey(target, random);
  }
}
