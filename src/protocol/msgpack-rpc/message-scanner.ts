import { countAt, headBytesOf, idAt, kindOf, WireKind } from '../../base/msgpack-wire.ts';
import { messageDepthMax } from './limits.ts';
import { type RpcRefusal, refuse } from './refusal.ts';

/** What `scan` answers in place of where the message ends. */
export const Scan = {
  /** More bytes are needed. */
  incomplete: -1,
  /** The stream cannot be read on: see `fault`. */
  broken: -2,
} as const;

/**
 * Finds the end of a message that arrives in pieces, looking at each of its values once. Checks all that is to be
 * checked before anything is made of the message: what is declared against what may come, and the markers.
 *
 * Nesting beyond the limit and ext values do not hide where the message ends, so they are only noted.
 */
export class MessageScanner {
  fault: RpcRefusal | null = null;
  hasExt = false;
  isTooDeep = false;
  /** May be changed between messages. */
  messageBytesMax: number;
  /** Bytes of the message passed so far. */
  #offset = 0;
  /** Values that are still to come at each level of nesting; the level in use is `#depth`. */
  readonly #left = new Float64Array(messageDepthMax + 1);
  #depth = 0;

  constructor(messageBytesMax: number) {
    this.messageBytesMax = messageBytesMax;
  }

  /** Bytes were passed of a message that is not whole yet: `scan` goes on with it. */
  get isAmid(): boolean {
    return this.#offset > 0;
  }

  /** Forgets the message it was amid. */
  begin(): void {
    this.#offset = 0;
    this.#depth = 0;
    this.#left[0] = 1;
    this.hasExt = false;
    this.isTooDeep = false;
    this.fault = null;
  }

  /**
   * Looks at the message that begins at `bytes[start]`, as far as it is there. Called again with more of the same
   * message, wherever that lies then, it goes on where it was. Answers where the message ends, or one of {@link Scan}.
   */
  scan(bytes: Uint8Array, start: number, end: number): number {
    const left = this.#left;
    let depth = this.#depth;
    let at = start + this.#offset;
    const endMax = start + this.messageBytesMax;
    while (at < end) {
      const marker = bytes[at] as number;
      const kind = kindOf(marker);
      const behindHead = at + headBytesOf(marker);
      if (kind === WireKind.unused) return this.#broken('protocol', 'the byte 0xc1 begins no value');
      if (at === start && kind !== WireKind.array) return this.#broken('protocol', 'a message must be an array');
      if (behindHead > end) break;
      const count = countAt(bytes, at);
      if (at === start && count !== 3 && count !== 4) {
        return this.#broken('protocol', 'a message has three or four elements');
      }
      const isContainer = kind === WireKind.array || kind === WireKind.map;
      // Every value to come takes a byte at least.
      const children = isContainer ? (kind === WireKind.map ? count * 2 : count) : 0;
      const next = isContainer ? behindHead : behindHead + count;
      if (next + children > endMax) {
        return this.#broken('request-too-large', `a message has at most ${this.messageBytesMax} bytes`);
      }
      if (next > end) break;
      if (kind === WireKind.ext) this.hasExt = true;
      at = next;
      if (children > 0) {
        if (depth < messageDepthMax) left[++depth] = children;
        else {
          this.isTooDeep = true;
          const sum = (left[depth] as number) - 1 + children;
          if (at + sum > endMax) {
            return this.#broken('request-too-large', `a message has at most ${this.messageBytesMax} bytes`);
          }
          left[depth] = sum;
        }
        continue;
      }
      // A value is passed, and with it every container whose last it was.
      for (;;) {
        const rest = (left[depth] as number) - 1;
        left[depth] = rest;
        if (rest > 0) break;
        if (depth === 0) {
          this.#offset = 0;
          return at;
        }
        depth--;
      }
    }
    this.#depth = depth;
    this.#offset = at - start;
    return Scan.incomplete;
  }

  #broken(code: RpcRefusal['code'], message: string): number {
    this.fault = refuse(code, message);
    return Scan.broken;
  }
}

/**
 * The id of the message that begins at `start` and may be broken behind it; -1 when none can be read, or none belongs
 * there.
 */
export function idOfBroken(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  if (at >= end || kindOf(bytes[at] as number) !== WireKind.array) return -1;
  at += headBytesOf(bytes[at] as number);
  if (at + 1 >= end || countAt(bytes, start) !== 4 || bytes[at] !== 0) return -1;
  at++;
  return at + headBytesOf(bytes[at] as number) > end ? -1 : idAt(bytes, at);
}
