import { randomBytes } from 'node:crypto';
import { EffectKind, EffectReader } from '../store/effect-codec.ts';
import { KeyHasher } from '../store/hash.ts';

const SLOTS_FIRST = 1024;
const BYTES_FIRST = 64 * 1024;
/** Before each key: its length. */
const HEAD_BYTES = 4;

/**
 * Keys that a log says what they are, or that they are not: whatever else is known of them counts for nothing once it is
 * read. In buffers, since there may be millions, and a shard's thread has a heap of few MiB.
 */
export class NamedKeys {
  readonly #reader = new EffectReader();
  readonly #hasher: KeyHasher;
  /** By partition: 1 when it was emptied. */
  readonly #cleared: Uint8Array;
  /** Where a key begins, plus 1; 0: none. Open addressing, at most half full. */
  #slots = new Uint32Array(SLOTS_FIRST);
  #bytes = new Uint8Array(BYTES_FIRST);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;
  #count = 0;

  constructor(partitions: number) {
    this.#cleared = new Uint8Array(partitions);
    const secret = randomBytes(8);
    this.#hasher = new KeyHasher(secret.readInt32LE(0), secret.readInt32LE(4));
  }

  /** Takes what a record of the log names; false: it is none. */
  note(partition: number, record: Uint8Array, start: number, end: number): boolean {
    const reader = this.#reader;
    reader.open(record, start, end);
    while (reader.next()) {
      // One that is prolonged, or to be filled, is what it was otherwise; and tags name no keys.
      if (reader.kind === EffectKind.clear) this.noteCleared(partition);
      else if (reader.kind === EffectKind.put || reader.kind === EffectKind.remove)
        this.#add(record, reader.keyStart, reader.keyEnd);
    }
    return !reader.isFaulty;
  }

  /** The partition was emptied. */
  noteCleared(partition: number): void {
    this.#cleared[partition] = 1;
  }

  has(partition: number, source: Uint8Array, start: number, end: number): boolean {
    return this.#cleared[partition] === 1 || this.#slots[this.#find(source, start, end)] !== 0;
  }

  #add(source: Uint8Array, start: number, end: number): void {
    const slot = this.#find(source, start, end);
    if (this.#slots[slot] !== 0) return;
    const next = this.#length + HEAD_BYTES + end - start;
    if (next > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(next, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.#view.setUint32(this.#length, end - start);
    this.#bytes.set(source.subarray(start, end), this.#length + HEAD_BYTES);
    this.#slots[slot] = this.#length + 1;
    this.#length = next;
    if (++this.#count * 2 > this.#slots.length) this.#grow();
  }

  #grow(): void {
    this.#slots = new Uint32Array(2 * this.#slots.length);
    for (let at = 0; at < this.#length; ) {
      const start = at + HEAD_BYTES;
      const end = start + this.#view.getUint32(at);
      this.#slots[this.#find(this.#bytes, start, end)] = at + 1;
      at = end;
    }
  }

  /** The slot that has the key, or where it belongs. */
  #find(source: Uint8Array, start: number, end: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = this.#hasher.hash(source, start, end) & mask; ; slot = (slot + 1) & mask) {
      const at = (this.#slots[slot] as number) - 1;
      if (at < 0 || this.#isAt(at, source, start, end)) return slot;
    }
  }

  #isAt(at: number, source: Uint8Array, start: number, end: number): boolean {
    if (this.#view.getUint32(at) !== end - start) return false;
    for (let i = start, j = at + HEAD_BYTES; i < end; i++, j++) if (this.#bytes[j] !== source[i]) return false;
    return true;
  }
}
