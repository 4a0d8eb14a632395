import { ConnectionError } from './errors.ts';

/** Levels of arrays and maps in one message: those of a document, and those of the answers around it. */
const NESTING_MAX = 192;

const enough = 0;
const PROTO = [0x5f, 0x5f, 0x70, 0x72, 0x6f, 0x74, 0x6f, 0x5f, 0x5f];

/**
 * Cuts a stream of MessagePack into messages, however the stream was split on its way. Nothing is decoded or allocated for
 * what is only declared; a message larger than the limit is refused as soon as its headers add up to it.
 *
 * After `next` answered true, the message is `bytes[start..end)`, valid until the next `push`.
 */
export class ResponseFraming {
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  /** Whether some text in the message is `__proto__`, which as a name needs care. */
  hasProto = false;
  readonly #messageBytesMax: number;
  /** Whether `bytes` is ours to write to, rather than a chunk that arrived. */
  #isOwn = false;
  /** Where the bytes that arrived end, and the scan has got to. */
  #filled = 0;
  #at = 0;
  /** Elements still to come of each array and map that is open. */
  readonly #open = new Float64Array(NESTING_MAX);
  #depth = 0;

  constructor(messageBytesMax: number) {
    this.#messageBytesMax = messageBytesMax;
  }

  /** Bytes of the message that is not complete yet. */
  get bufferedBytes(): number {
    return this.#filled - this.end;
  }

  /** Takes the bytes that arrived; the chunk may be kept and must stay as it is. */
  push(chunk: Uint8Array): void {
    const left = this.#filled - this.end;
    if (left === 0) {
      this.bytes = chunk;
      this.#isOwn = false;
      this.#filled = chunk.length;
    } else {
      this.#makeRoom(left, chunk.length);
      this.bytes.set(chunk, left);
      this.#filled = left + chunk.length;
    }
    this.#at -= this.end;
    this.start = 0;
    this.end = 0;
  }

  /**
   * Steps to the next whole message; false when it is not all there.
   * @throws ConnectionError `malformed-response`
   */
  next(): boolean {
    if (this.#depth === 0 && this.#at === this.end) this.hasProto = false;
    while (this.#at < this.#filled) {
      const children = this.#item();
      if (children < 0) return false;
      if (this.#close(children)) {
        this.start = this.end;
        this.end = this.#at;
        return true;
      }
    }
    return false;
  }

  /** Steps over one marker and its payload; answers the number of its elements, or -1 when bytes are missing. */
  #item(): number {
    const marker = this.bytes[this.#at] as number;
    if (marker <= 0x7f || marker >= 0xe0) return this.#step(1, 0);
    if (marker <= 0x8f) return this.#container(1, (marker & 0x0f) * 2);
    if (marker <= 0x9f) return this.#container(1, marker & 0x0f);
    if (marker <= 0xbf) return this.#text(1, marker & 0x1f);
    switch (marker) {
      case 0xc0:
      case 0xc2:
      case 0xc3:
        return this.#step(1, 0);
      case 0xcc:
      case 0xd0:
        return this.#step(2, 0);
      case 0xcd:
      case 0xd1:
        return this.#step(3, 0);
      case 0xca:
      case 0xce:
      case 0xd2:
        return this.#step(5, 0);
      case 0xcb:
      case 0xcf:
      case 0xd3:
        return this.#step(9, 0);
      case 0xc4:
      case 0xc5:
      case 0xc6: {
        const width = 1 << (marker - 0xc4);
        return this.#has(1 + width) ? this.#step(1 + width, this.#unsigned(width)) : -1;
      }
      case 0xd9:
      case 0xda:
      case 0xdb: {
        const width = 1 << (marker - 0xd9);
        return this.#has(1 + width) ? this.#text(1 + width, this.#unsigned(width)) : -1;
      }
      case 0xdc:
      case 0xdd: {
        const width = 2 << (marker - 0xdc);
        return this.#has(1 + width) ? this.#container(1 + width, this.#unsigned(width)) : -1;
      }
      case 0xde:
      case 0xdf: {
        const width = 2 << (marker - 0xde);
        return this.#has(1 + width) ? this.#container(1 + width, this.#unsigned(width) * 2) : -1;
      }
      default:
        // 0xc1 and the extension types: the server sends neither.
        throw malformed(`holds a type 0x${marker.toString(16)} that no answer has`);
    }
  }

  #step(header: number, payload: number): number {
    const next = this.#at + header + payload;
    if (next - this.end > this.#messageBytesMax) throw this.#tooLarge();
    if (next > this.#filled) return -1;
    this.#at = next;
    return enough;
  }

  #text(header: number, length: number): number {
    const at = this.#at + header;
    const children = this.#step(header, length);
    if (children === enough && length === PROTO.length && this.#isProto(at)) this.hasProto = true;
    return children;
  }

  /** Every element takes a byte at least, so that a count alone can pass the limit. */
  #container(header: number, count: number): number {
    const next = this.#at + header;
    if (next + count - this.end > this.#messageBytesMax) throw this.#tooLarge();
    this.#at = next;
    return count;
  }

  /** Counts an item off what is open; true when that was the last of the message. */
  #close(children: number): boolean {
    if (children > 0) {
      if (this.#depth === NESTING_MAX) throw malformed(`nests deeper than ${NESTING_MAX} levels`);
      this.#open[this.#depth++] = children;
      return false;
    }
    while (this.#depth > 0) {
      const left = (this.#open[this.#depth - 1] as number) - 1;
      this.#open[this.#depth - 1] = left;
      if (left > 0) return false;
      this.#depth--;
    }
    return true;
  }

  #has(count: number): boolean {
    return this.#at + count <= this.#filled;
  }

  #unsigned(width: number): number {
    let value = 0;
    for (let at = this.#at + 1; at <= this.#at + width; at++) value = value * 256 + (this.bytes[at] as number);
    return value;
  }

  #isProto(at: number): boolean {
    for (let index = 0; index < PROTO.length; index++) if (this.bytes[at + index] !== PROTO[index]) return false;
    return true;
  }

  /** Brings the `left` bytes of the message that has begun to the front of a buffer with room for more. */
  #makeRoom(left: number, more: number): void {
    const needed = left + more;
    if (this.#isOwn && this.bytes.length >= needed) {
      this.bytes.copyWithin(0, this.end, this.#filled);
      return;
    }
    const room = new Uint8Array(Math.max(4096, needed * 2));
    room.set(this.bytes.subarray(this.end, this.#filled));
    this.bytes = room;
    this.#isOwn = true;
  }

  #tooLarge(): ConnectionError {
    return malformed(`is larger than the limit of ${this.#messageBytesMax} bytes`);
  }
}

export function malformed(how: string): ConnectionError {
  return new ConnectionError('malformed-response', `The server sent a message that ${how}.`);
}
