import { copyOf } from '../../base/copy-bytes.ts';
import { FluxError } from '../../base/errors.ts';
import { asciiText, decodeInt64 } from '../../command/decimal.ts';
import { lineBytesMax } from './limits.ts';
import type { Reply } from './reply.ts';

export interface ReplyLimits {
  readonly bulkBytesMax: number;
  readonly elementsMax: number;
  readonly depthMax: number;
}

/** What no server of the Redis protocol passes in its default settings. */
const defaultLimits: ReplyLimits = { bulkBytesMax: 512 * 1024 * 1024, elementsMax: 2 ** 31 - 1, depthMax: 128 };

/** A container whose elements are still coming. */
interface Open {
  readonly kind: 'array' | 'set' | 'push' | 'map' | 'attribute';
  readonly items: Reply[];
  left: number;
}

const cr = 0x0d;
const lf = 0x0a;
const bytesMin = 4096;
const text = new TextDecoder();

/**
 * Takes replies in RESP2 and RESP3 out of the bytes a server sends, however these are cut into pieces. Streamed strings
 * and aggregates, which Redis does not send, are not read; attributes are stepped over.
 */
export class ReplyDecoder {
  readonly #limits: ReplyLimits;
  #bytes: Uint8Array = new Uint8Array(bytesMin);
  #at = 0;
  #end = 0;
  /** Up to where the current line was searched for its end. */
  #searchedTo = 0;
  /** Where the current value is whole, as far as that is known. */
  #wantedEnd = 0;
  readonly #open: Open[] = [];

  constructor(limits: Partial<ReplyLimits> = {}) {
    this.#limits = { ...defaultLimits, ...limits };
  }

  /** Bytes held that no reply was made of yet. */
  get bufferedBytes(): number {
    return this.#end - this.#at;
  }

  /** Hands over bytes that arrived; they are copied. */
  feed(bytes: Uint8Array): void {
    if (this.#at === this.#end) {
      this.#at = 0;
      this.#end = 0;
      this.#searchedTo = 0;
      this.#wantedEnd = 0;
    }
    if (this.#end + bytes.length > this.#bytes.length) this.#makeRoom(bytes.length);
    this.#bytes.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /**
   * The next whole reply; undefined when there is none yet. Throws a FluxError of code `protocol` when the bytes are no
   * RESP: nothing that follows can be understood.
   */
  next(): Reply | undefined {
    for (;;) {
      const value = this.#value();
      if (value === undefined) return undefined;
      if (value === 'opened') continue;
      const whole = this.#close(value);
      if (whole !== null) return whole;
    }
  }

  /** Puts a value in the container it belongs to, and that one in its own when it is full; null while one is open. */
  #close(value: Reply): Reply | null {
    let current = value;
    for (;;) {
      const parent = this.#open.at(-1);
      if (parent === undefined) return current;
      parent.items.push(current);
      if (--parent.left > 0) return null;
      this.#open.pop();
      // An attribute tells something about the value behind it, and counts as none itself.
      if (parent.kind === 'attribute') return null;
      current = parent.kind === 'map' ? mapOf(parent.items) : { kind: parent.kind, items: parent.items };
    }
  }

  /** One value without what it holds; 'opened' when a container with elements began. */
  #value(): Reply | 'opened' | undefined {
    if (this.#wantedEnd > this.#end) return undefined;
    const lineEnd = this.#lineEnd();
    if (lineEnd < 0) return undefined;
    const start = this.#at + 1;
    const marker = String.fromCharCode(this.#bytes[this.#at] as number);
    switch (marker) {
      case '+':
        return this.#line(lineEnd, { kind: 'status', text: this.#text(start, lineEnd) });
      case '-':
        return this.#line(lineEnd, { kind: 'error', text: this.#text(start, lineEnd) });
      case ':':
        return this.#line(lineEnd, { kind: 'integer', value: this.#integer(start, lineEnd) });
      case '(':
        return this.#line(lineEnd, { kind: 'bigNumber', value: this.#bigNumber(start, lineEnd) });
      case ',':
        return this.#line(lineEnd, this.#double(start, lineEnd));
      case '#':
        return this.#line(lineEnd, { kind: 'boolean', value: this.#boolean(start, lineEnd) });
      case '_':
        if (lineEnd !== start) throw malformed('a null with something in it');
        return this.#line(lineEnd, { kind: 'null', of: 'any' });
      case '$':
      case '=':
      case '!':
        return this.#bulk(marker, start, lineEnd);
      case '*':
        return this.#container('array', start, lineEnd);
      case '~':
        return this.#container('set', start, lineEnd);
      case '>':
        return this.#container('push', start, lineEnd);
      case '%':
        return this.#container('map', start, lineEnd);
      case '|':
        return this.#container('attribute', start, lineEnd);
      default:
        throw malformed(`a value that begins with ${JSON.stringify(marker)}`);
    }
  }

  #line(lineEnd: number, value: Reply): Reply {
    this.#step(lineEnd + 2);
    return value;
  }

  #bulk(marker: string, start: number, lineEnd: number): Reply | undefined {
    const length = this.#count(start, lineEnd, this.#limits.bulkBytesMax);
    if (length < 0) {
      if (marker !== '$') throw malformed('a negative length');
      return this.#line(lineEnd, { kind: 'null', of: 'bulk' });
    }
    const from = lineEnd + 2;
    const to = from + length;
    this.#wantedEnd = to + 2;
    if (to + 2 > this.#end) return undefined;
    if (this.#bytes[to] !== cr || this.#bytes[to + 1] !== lf) throw malformed('a bulk that is longer than it says');
    this.#step(to + 2);
    if (marker === '$') return { kind: 'bulk', bytes: copyOf(this.#bytes, from, to) };
    if (marker === '!') return { kind: 'error', text: this.#text(from, to) };
    if (length < 4 || this.#bytes[from + 3] !== 0x3a) throw malformed('a verbatim string without its format');
    return {
      kind: 'verbatim',
      format: asciiText(this.#bytes, from, from + 3),
      bytes: copyOf(this.#bytes, from + 4, to),
    };
  }

  #container(kind: Open['kind'], start: number, lineEnd: number): Reply | 'opened' {
    const count = this.#count(start, lineEnd, this.#limits.elementsMax);
    if (count < 0) {
      if (kind !== 'array') throw malformed('a negative count');
      return this.#line(lineEnd, { kind: 'null', of: 'array' });
    }
    this.#step(lineEnd + 2);
    if (count === 0 && kind !== 'attribute') return kind === 'map' ? { kind, pairs: [] } : { kind, items: [] };
    if (count === 0) return 'opened';
    if (this.#open.length === this.#limits.depthMax) throw malformed(`more than ${this.#limits.depthMax} levels`);
    this.#open.push({ kind, items: [], left: kind === 'map' || kind === 'attribute' ? count * 2 : count });
    return 'opened';
  }

  /** Where the carriage return of the line at `#at` is; -1 when it is not there yet. */
  #lineEnd(): number {
    if (this.#at === this.#end) return -1;
    const from = Math.max(this.#searchedTo, this.#at);
    const found = this.#bytes.subarray(0, this.#end).indexOf(cr, from);
    if (found >= 0 && found + 1 < this.#end) {
      if (this.#bytes[found + 1] !== lf) throw malformed('a line that ends with half an end');
      return found;
    }
    this.#searchedTo = found >= 0 ? found : this.#end;
    // A status or an error may be long, but not without end.
    if (this.#end - this.#at > lineBytesMax * 16) throw malformed('a line without end');
    return -1;
  }

  #step(to: number): void {
    this.#at = to;
    this.#searchedTo = to;
    this.#wantedEnd = 0;
  }

  /** A length or count: -1 for what is absent. */
  #count(start: number, end: number, max: number): number {
    const value = this.#integer(start, end);
    if (value === -1) return -1;
    if (typeof value === 'bigint' || value < 0 || value > max) throw malformed(`a length of ${value}`);
    return value;
  }

  #integer(start: number, end: number): number | bigint {
    // RESP allows a plus, which the integers of commands have not.
    const value = decodeInt64(this.#bytes, this.#bytes[start] === 0x2b ? start + 1 : start, end);
    if (value === null) throw malformed(`the integer ${JSON.stringify(this.#text(start, end))}`);
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }

  #bigNumber(start: number, end: number): bigint {
    const digits = this.#text(start, end);
    if (!/^[+-]?\d+$/.test(digits)) throw malformed(`the number ${JSON.stringify(digits)}`);
    return BigInt(digits.replace('+', ''));
  }

  #double(start: number, end: number): Reply {
    const written = this.#text(start, end);
    const value = /^[+-]?inf$/.test(written)
      ? Number(written.replace('inf', 'Infinity'))
      : /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(written)
        ? Number(written)
        : Number.NaN;
    if (Number.isNaN(value) && !/^-?nan$/.test(written)) throw malformed(`the number ${JSON.stringify(written)}`);
    return { kind: 'double', value, text: written };
  }

  #boolean(start: number, end: number): boolean {
    const letter = this.#text(start, end);
    if (letter !== 't' && letter !== 'f') throw malformed(`the boolean ${JSON.stringify(letter)}`);
    return letter === 't';
  }

  #text(start: number, end: number): string {
    return text.decode(this.#bytes.subarray(start, end));
  }

  /** Makes room for `count` more bytes: moves what is held to the front, or to a buffer that fits what is to come. */
  #makeRoom(count: number): void {
    const held = this.#end - this.#at;
    const needed = held + count;
    // Twice what came, not all that was announced: a server that lies about a length takes no memory with it.
    const size = needed * 2 <= this.#bytes.length ? this.#bytes.length : Math.max(bytesMin, needed * 2);
    const bytes = size === this.#bytes.length ? this.#bytes : new Uint8Array(size);
    bytes.set(this.#bytes.subarray(this.#at, this.#end));
    this.#bytes = bytes;
    this.#searchedTo = Math.max(0, this.#searchedTo - this.#at);
    this.#wantedEnd = Math.max(0, this.#wantedEnd - this.#at);
    this.#at = 0;
    this.#end = held;
  }
}

function mapOf(items: readonly Reply[]): Reply {
  const pairs: [Reply, Reply][] = [];
  for (let at = 0; at + 1 < items.length; at += 2) pairs.push([items[at] as Reply, items[at + 1] as Reply]);
  return { kind: 'map', pairs };
}

function malformed(what: string): FluxError {
  return new FluxError('protocol', `The server's bytes are no RESP: ${what}.`);
}
