import { ByteQueue } from './byte-queue.ts';
import { type Item, textOf } from './entry.ts';
import { decodeLine } from './ndjson.ts';
import { type RecordReader, recordBytesMax } from './record-reader.ts';

const lineEnd = 0x0a;
const bom = '\ufeff';

/** Reads entries that are lines of JSON; empty lines are passed over. */
export class LineReader implements RecordReader {
  readonly #queue = new ByteQueue();
  readonly #bytesMax: number;
  readonly #now: () => number;
  #skip: number;
  /** Number of the line that is read, from 1. */
  #line = 1;
  /** Up to where the line in the queue has no end, counted from its start. */
  #searched = 0;
  /** The line is too long: what comes of it is thrown away. */
  #isTooLong = false;

  /** Lines up to `skip` are not looked at. */
  constructor({ skip = 0, bytesMax = recordBytesMax, now = Date.now } = {}) {
    this.#skip = skip;
    this.#bytesMax = bytesMax;
    this.#now = now;
  }

  feed(chunk: Uint8Array): readonly Item[] {
    const queue = this.#queue;
    const items: Item[] = [];
    queue.append(chunk);
    for (;;) {
      const found = queue.bytes.subarray(0, queue.end).indexOf(lineEnd, queue.start + this.#searched);
      if (found < 0) break;
      this.#take(found, items);
      queue.dropTo(found + 1);
      this.#searched = 0;
    }
    if (queue.length > this.#bytesMax) this.#isTooLong = true;
    if (this.#isTooLong) queue.dropTo(queue.end);
    this.#searched = queue.length;
    return items;
  }

  end(): readonly Item[] {
    const items: Item[] = [];
    if (this.#queue.length > 0 || this.#isTooLong) this.#take(this.#queue.end, items);
    this.#queue.dropTo(this.#queue.end);
    return items;
  }

  #take(end: number, items: Item[]): void {
    const place = this.#line++;
    const { bytes, start } = this.#queue;
    const isTooLong = this.#isTooLong || end - start > this.#bytesMax;
    this.#isTooLong = false;
    if (place <= this.#skip) return;
    if (isTooLong) {
      items.push({ kind: 'fault', place, what: `it is longer than ${this.#bytesMax} bytes` });
      return;
    }
    const text = textOf(bytes.subarray(start, end));
    if (text === null) {
      items.push({ kind: 'fault', place, what: 'it is not UTF-8' });
      return;
    }
    const line = place === 1 && text.startsWith(bom) ? text.slice(1) : text;
    if (line.trim() === '') return;
    const entry = decodeLine(line, this.#now());
    items.push(typeof entry === 'string' ? { kind: 'fault', place, what: entry } : { kind: 'entry', place, entry });
  }
}
