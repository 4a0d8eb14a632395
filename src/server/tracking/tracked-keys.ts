import { assert } from '../../base/assert.ts';

/** Who has read keys: one object for as long as a connection keeps tracking on. */
export class KeyReader<Owner> {
  readonly owner: Owner;
  /** Keys it is noted at. */
  keyCount = 0;
  /** Tracking was turned off, or the connection is gone: what is noted means nothing any more. */
  isGone = false;

  constructor(owner: Owner) {
    this.owner = owner;
  }
}

type Readers<Owner> = KeyReader<Owner> | Set<KeyReader<Owner>>;

/** Memory of one key beside its bytes, of a set of readers, and of each reader in it. Measured, rounded up. */
const KEY_BYTES = 112;
const SET_BYTES = 240;
const READER_BYTES = 40;

/**
 * Which keys were read by whom. Keys are strings of one character a byte. What readers that are gone left behind is
 * swept out in steps.
 */
export class TrackedKeys<Owner> {
  #readers = new Map<string, Readers<Owner>>();
  #bytes = 0;
  #itemCount = 0;
  #goneItems = 0;
  #victims: MapIterator<string> | null = null;
  #swept: MapIterator<[string, Readers<Owner>]> | null = null;

  get keyCount(): number {
    return this.#readers.size;
  }

  /** Pairs of a key and a reader, those of readers that are gone included. */
  get itemCount(): number {
    return this.#itemCount;
  }

  /** Memory of the table, about. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Items that `sweep` is to drop. */
  get goneItems(): number {
    return this.#goneItems;
  }

  add(key: string, reader: KeyReader<Owner>): void {
    const readers = this.#readers.get(key);
    if (readers === reader) return;
    if (readers === undefined) {
      this.#readers.set(key, reader);
      this.#bytes += key.length + KEY_BYTES;
    } else if (readers instanceof Set) {
      if (readers.has(reader)) return;
      readers.add(reader);
      this.#bytes += READER_BYTES;
    } else {
      this.#readers.set(key, new Set([readers, reader]));
      this.#bytes += SET_BYTES + 2 * READER_BYTES;
    }
    this.#itemCount++;
    reader.keyCount++;
  }

  /** Forgets the key, and calls `visit` with each of its readers that is not gone. */
  take(key: string, visit: (reader: KeyReader<Owner>) => void): void {
    const readers = this.#readers.get(key);
    if (readers === undefined) return;
    this.#readers.delete(key);
    this.#bytes -= key.length + KEY_BYTES;
    if (readers instanceof Set) {
      this.#bytes -= SET_BYTES + readers.size * READER_BYTES;
      for (const reader of readers) this.#dropped(reader);
      for (const reader of readers) if (!reader.isGone) visit(reader);
    } else {
      this.#dropped(readers);
      if (!readers.isGone) visit(readers);
    }
  }

  /** A key to forget when there are too many: about the one that was noted first. */
  nextVictim(): string | null {
    // One iterator goes on from call to call: a new one would have to step over all that was deleted before.
    for (let round = 0; round < 2; round++) {
      this.#victims ??= this.#readers.keys();
      const next = this.#victims.next();
      if (next.done !== true) return next.value;
      this.#victims = null;
    }
    return null;
  }

  leave(reader: KeyReader<Owner>): void {
    assert(!reader.isGone, 'a reader leaves once');
    reader.isGone = true;
    this.#goneItems += reader.keyCount;
  }

  /** Looks at up to `keysMax` keys and drops what readers that are gone left there. */
  sweep(keysMax: number): void {
    for (let count = 0; count < keysMax && this.#goneItems > 0; count++) {
      this.#swept ??= this.#readers.entries();
      const next = this.#swept.next();
      if (next.done === true) this.#swept = null;
      else this.#sweepKey(next.value[0], next.value[1]);
    }
    if (this.#goneItems === 0) this.#swept = null;
  }

  /** Forgets all keys. `readers` are those that are not gone. */
  clear(readers: Iterable<KeyReader<Owner>>): void {
    for (const reader of readers) reader.keyCount = 0;
    this.#readers = new Map();
    this.#bytes = 0;
    this.#itemCount = 0;
    this.#goneItems = 0;
    this.#victims = null;
    this.#swept = null;
  }

  #sweepKey(key: string, readers: Readers<Owner>): void {
    if (!(readers instanceof Set)) {
      if (readers.isGone) this.take(key, ignore);
      return;
    }
    for (const reader of readers) {
      if (!reader.isGone) continue;
      if (readers.size === 1) {
        this.take(key, ignore);
        return;
      }
      readers.delete(reader);
      this.#bytes -= READER_BYTES;
      this.#dropped(reader);
    }
  }

  #dropped(reader: KeyReader<Owner>): void {
    this.#itemCount--;
    reader.keyCount--;
    if (reader.isGone) this.#goneItems--;
  }
}

function ignore(): void {
  // What is swept has no reader to be told.
}
