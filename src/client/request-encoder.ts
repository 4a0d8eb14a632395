import { FluxCacheError } from './errors.ts';

const NESTING_MAX = 128;
const BYTES_KEPT = 1 << 20;
const INT64_MIN = -(2n ** 63n);
const UINT64_END = 2n ** 64n;

/**
 * Writes methods and parameters as MessagePack. Values keep what JSON.stringify keeps: `toJSON` is called, members that
 * are undefined are left out; but what it would silently lose (NaN, a Set, bytes inside a document) is refused.
 *
 * The scratch buffer is used for every request; what is returned is a copy.
 */
export class RequestEncoder {
  #bytes = Buffer.allocUnsafe(4096);
  #length = 0;

  /**
   * The part of a request behind its id: the method and the array of its parameters.
   * @throws FluxCacheError `invalid-argument` or `too-deep`
   */
  encode(method: string, params: readonly unknown[]): Uint8Array {
    this.#length = 0;
    this.#string(method);
    this.#header(params.length, 0x90, 0xdc);
    for (const param of params) this.#param(param);
    const body = Buffer.allocUnsafe(this.#length);
    this.#bytes.copy(body, 0, 0, this.#length);
    if (this.#bytes.length > BYTES_KEPT) this.#bytes = Buffer.allocUnsafe(4096);
    return body;
  }

  #param(value: unknown): void {
    if (value instanceof Uint8Array) this.#binary(value);
    else if (value instanceof NestedRequest) this.#nested(value);
    else if (!this.#value(value, 0)) throw refused(value);
  }

  /** Answers false, having written nothing, for what JSON has no form of. */
  #value(value: unknown, depth: number): boolean {
    switch (typeof value) {
      case 'string':
        this.#string(value);
        return true;
      case 'number':
        this.#number(value);
        return true;
      case 'bigint':
        this.#bigInt(value);
        return true;
      case 'boolean':
        this.#byte(value ? 0xc3 : 0xc2);
        return true;
      case 'object':
        if (value === null) this.#byte(0xc0);
        else return this.#object(value, depth);
        return true;
      default:
        return false;
    }
  }

  #object(value: object, depth: number): boolean {
    if (depth >= NESTING_MAX) {
      throw new FluxCacheError('too-deep', `A value nests deeper than ${NESTING_MAX} levels, or holds itself.`);
    }
    if (Array.isArray(value)) {
      this.#header(value.length, 0x90, 0xdc);
      // By index: holes are null, as in JSON.
      for (let index = 0; index < value.length; index++) {
        if (!this.#value(value[index], depth + 1)) this.#byte(0xc0);
      }
      return true;
    }
    if ('toJSON' in value && typeof value.toJSON === 'function') return this.#value(value.toJSON(), depth + 1);
    if (ArrayBuffer.isView(value) || value instanceof Map || value instanceof Set || value instanceof ArrayBuffer) {
      throw refused(value);
    }
    const members = Object.entries(value).filter(([, member]) => isWritten(member));
    this.#header(members.length, 0x80, 0xde);
    for (const [name, member] of members) {
      this.#string(name);
      if (!this.#value(member, depth + 1)) this.#byte(0xc0);
    }
    return true;
  }

  #nested(request: NestedRequest): void {
    this.#header(2, 0x90, 0xdc);
    this.#string(request.method);
    this.#header(request.params.length, 0x90, 0xdc);
    for (const param of request.params) this.#param(param);
  }

  #number(value: number): void {
    if (!Number.isFinite(value)) throw refused(value);
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      const at = this.#reserve(9);
      this.#bytes[at] = 0xcb;
      this.#bytes.writeDoubleBE(value, at + 1);
      return;
    }
    if (value >= 0 && value < 0x80) this.#byte(value);
    else if (value < 0 && value >= -32) this.#byte(0x100 + value);
    else if (value >= 0 && value <= 0xffff_ffff) this.#unsigned32(0xce, value);
    else if (value < 0 && value >= -0x8000_0000) this.#unsigned32(0xd2, value >>> 0);
    else this.#bigInt(BigInt(value));
  }

  #bigInt(value: bigint): void {
    if (value < INT64_MIN || value >= UINT64_END) {
      throw new FluxCacheError('invalid-argument', `${value} does not fit 64 bits.`);
    }
    const at = this.#reserve(9);
    if (value < 0n) {
      this.#bytes[at] = 0xd3;
      this.#bytes.writeBigInt64BE(value, at + 1);
    } else {
      this.#bytes[at] = 0xcf;
      this.#bytes.writeBigUInt64BE(value, at + 1);
    }
  }

  #string(text: string): void {
    // UTF-8 takes at most three bytes a UTF-16 unit, so that ten units fit a fixstr whatever they are.
    if (text.length <= 10) {
      const at = this.#reserve(1 + text.length * 3);
      const written = this.#bytes.write(text, at + 1);
      this.#bytes[at] = 0xa0 | written;
      this.#length = at + 1 + written;
      return;
    }
    const length = Buffer.byteLength(text);
    if (length < 32) this.#byte(0xa0 | length);
    else if (length < 0x100) this.#unsigned8(0xd9, length);
    else if (length < 0x1_0000) this.#unsigned16(0xda, length);
    else this.#unsigned32(0xdb, length);
    const at = this.#reserve(length);
    this.#bytes.write(text, at);
  }

  #binary(bytes: Uint8Array): void {
    const { length } = bytes;
    if (length < 0x100) this.#unsigned8(0xc4, length);
    else if (length < 0x1_0000) this.#unsigned16(0xc5, length);
    else this.#unsigned32(0xc6, length);
    const at = this.#reserve(length);
    this.#bytes.set(bytes, at);
  }

  #header(count: number, fixed: number, sixteen: number): void {
    if (count < 16) this.#byte(fixed | count);
    else if (count < 0x1_0000) this.#unsigned16(sixteen, count);
    else this.#unsigned32(sixteen + 1, count);
  }

  #byte(byte: number): void {
    const at = this.#reserve(1);
    this.#bytes[at] = byte;
  }

  #unsigned8(marker: number, value: number): void {
    const at = this.#reserve(2);
    this.#bytes[at] = marker;
    this.#bytes[at + 1] = value;
  }

  #unsigned16(marker: number, value: number): void {
    const at = this.#reserve(3);
    this.#bytes[at] = marker;
    this.#bytes.writeUInt16BE(value, at + 1);
  }

  #unsigned32(marker: number, value: number): void {
    const at = this.#reserve(5);
    this.#bytes[at] = marker;
    this.#bytes.writeUInt32BE(value, at + 1);
  }

  #reserve(count: number): number {
    const at = this.#length;
    const end = at + count;
    if (end > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(end, this.#bytes.length * 2));
      this.#bytes.copy(grown, 0, 0, at);
      this.#bytes = grown;
    }
    this.#length = end;
    return at;
  }
}

/** A parameter that is a request of its own, whose parameters may be bytes: an operation of a batch. */
export class NestedRequest {
  readonly method: string;
  readonly params: readonly unknown[];

  constructor(method: string, params: readonly unknown[]) {
    this.method = method;
    this.params = params;
  }
}

function isWritten(member: unknown): boolean {
  return member !== undefined && typeof member !== 'function' && typeof member !== 'symbol';
}

function refused(value: unknown): FluxCacheError {
  const what = typeof value === 'number' ? String(value) : typeof value === 'object' ? nameOf(value) : typeof value;
  return new FluxCacheError('invalid-argument', `${what} is nothing that can be sent or be part of a JSON document.`);
}

function nameOf(value: object | null): string {
  const made = value?.constructor;
  return typeof made === 'function' ? made.name : 'object';
}
