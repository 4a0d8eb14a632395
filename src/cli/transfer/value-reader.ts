import { countAt, headBytesOf, kindOf, WireKind } from '../../base/msgpack-wire.ts';
import { ByteQueue } from './byte-queue.ts';
import { BrokenSourceError, type Item } from './entry.ts';
import { readEntry } from './msgpack.ts';
import { type RecordReader, recordBytesMax } from './record-reader.ts';

/** Reads entries that are MessagePack maps, one behind the other. */
export class ValueStreamReader implements RecordReader {
  readonly #queue = new ByteQueue();
  readonly #bytesMax: number;
  readonly #now: () => number;
  #skip: number;
  /** Number of the entry that is read, from 1. */
  #entry = 1;
  /** Of the entry in the queue: bytes passed, and values that are still to come. */
  #passed = 0;
  #pending = 1;

  /** Entries up to `skip` are not looked at. */
  constructor({ skip = 0, bytesMax = recordBytesMax, now = Date.now } = {}) {
    this.#skip = skip;
    this.#bytesMax = bytesMax;
    this.#now = now;
  }

  feed(chunk: Uint8Array): readonly Item[] {
    const queue = this.#queue;
    const items: Item[] = [];
    queue.append(chunk);
    while (this.#isWhole()) {
      const place = this.#entry++;
      if (place > this.#skip) {
        const entry = readEntry(queue.bytes, queue.start, this.#now());
        items.push(typeof entry === 'string' ? { kind: 'fault', place, what: entry } : { kind: 'entry', place, entry });
      }
      queue.dropTo(queue.start + this.#passed);
      this.#passed = 0;
      this.#pending = 1;
    }
    return items;
  }

  end(): readonly Item[] {
    if (this.#queue.length === 0) return [];
    return [{ kind: 'fault', place: this.#entry, what: 'the file ends within it' }];
  }

  /** Goes on looking for the end of the entry in the queue. */
  #isWhole(): boolean {
    const { bytes, start, end } = this.#queue;
    let at = start + this.#passed;
    while (this.#pending > 0 && at < end) {
      const marker = bytes[at] as number;
      const kind = kindOf(marker);
      if (kind === WireKind.unused) throw this.#broken('a byte begins no value of MessagePack');
      const behindHead = at + headBytesOf(marker);
      if (behindHead > end) break;
      const count = countAt(bytes, at);
      const children = kind === WireKind.array ? count : kind === WireKind.map ? count * 2 : 0;
      const next = children > 0 || kind === WireKind.array || kind === WireKind.map ? behindHead : behindHead + count;
      // Every value to come takes a byte at least.
      const pending = this.#pending - 1 + children;
      if (next - start + pending > this.#bytesMax) throw this.#broken(`it is longer than ${this.#bytesMax} bytes`);
      if (next > end) break;
      at = next;
      this.#pending = pending;
    }
    this.#passed = at - start;
    return this.#pending === 0;
  }

  #broken(what: string): BrokenSourceError {
    return new BrokenSourceError(`Entry ${this.#entry}: ${what}. What is behind it cannot be read.`);
  }
}
