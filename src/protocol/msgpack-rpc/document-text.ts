import { countAt, headBytesOf, kindOf, Marker, skipValue, WireKind } from '../../base/msgpack-wire.ts';
import { utf8SequenceLength } from '../../base/utf8.ts';
import type { ArgsBuilder } from '../http/args-builder.ts';
import { writeJsonText } from '../http/json-text.ts';
import { documentDepthMax } from './limits.ts';
import { appendAscii, appendJsonNumber } from './number-text.ts';
import { type RpcRefusal, refuse } from './refusal.ts';

const quote = 0x22;

/**
 * Writes MessagePack values as JSON text, byte by byte: no JavaScript value is made, so that integers keep all their
 * digits, members their order, and a member named `__proto__` is one like any other.
 */
export class DocumentText {
  readonly #valueBytesMax: number;
  #at = 0;
  #textBytesMax = 0;

  constructor(valueBytesMax: number) {
    this.#valueBytesMax = valueBytesMax;
  }

  /** Appends the text of the whole value at `at`; why it has none, or null. */
  append(bytes: Uint8Array, at: number, builder: ArgsBuilder): RpcRefusal | null {
    this.#at = at;
    this.#textBytesMax = builder.length + this.#valueBytesMax;
    return this.#value(bytes, builder, 0);
  }

  #value(bytes: Uint8Array, builder: ArgsBuilder, depth: number): RpcRefusal | null {
    const at = this.#at;
    const marker = bytes[at] as number;
    if (builder.length > this.#textBytesMax) {
      return refuse('value-too-large', `a document has at most ${this.#valueBytesMax} bytes as JSON text`);
    }
    switch (kindOf(marker)) {
      case WireKind.nil:
        this.#at++;
        appendAscii('null', builder);
        return null;
      case WireKind.boolean:
        this.#at++;
        appendAscii(marker === Marker.true ? 'true' : 'false', builder);
        return null;
      case WireKind.number:
        this.#at = at + headBytesOf(marker);
        return appendJsonNumber(bytes, at, builder);
      case WireKind.str:
        return this.#string(bytes, builder);
      case WireKind.bin:
        return refuse('invalid-argument', 'a document holds no bin: JSON has no bytes');
      case WireKind.array:
      case WireKind.map:
        if (depth === documentDepthMax) {
          return refuse('too-deep', `a document nests deeper than ${documentDepthMax} levels`);
        }
        return kindOf(marker) === WireKind.array
          ? this.#array(bytes, builder, depth + 1)
          : this.#object(bytes, builder, depth + 1);
      default:
        return refuse('invalid-argument', 'a document holds no ext');
    }
  }

  #array(bytes: Uint8Array, builder: ArgsBuilder, depth: number): RpcRefusal | null {
    const count = this.#open(bytes);
    appendAscii('[', builder);
    for (let index = 0; index < count; index++) {
      if (index > 0) appendAscii(',', builder);
      const refusal = this.#value(bytes, builder, depth);
      if (refusal !== null) return refusal;
    }
    appendAscii(']', builder);
    return null;
  }

  #object(bytes: Uint8Array, builder: ArgsBuilder, depth: number): RpcRefusal | null {
    const count = this.#open(bytes);
    appendAscii('{', builder);
    for (let index = 0; index < count; index++) {
      if (index > 0) appendAscii(',', builder);
      const refusal = this.#name(bytes, builder);
      if (refusal !== null) return refusal;
      appendAscii(':', builder);
      const inside = this.#value(bytes, builder, depth);
      if (inside !== null) return inside;
    }
    appendAscii('}', builder);
    return null;
  }

  #name(bytes: Uint8Array, builder: ArgsBuilder): RpcRefusal | null {
    const at = this.#at;
    const marker = bytes[at] as number;
    const kind = kindOf(marker);
    if (kind === WireKind.str) return this.#string(bytes, builder);
    if (kind !== WireKind.number || marker === Marker.float32 || marker === Marker.float64) {
      return refuse('invalid-argument', 'names in a document are str, or int');
    }
    this.#at = at + headBytesOf(marker);
    appendAscii('"', builder);
    const refusal = appendJsonNumber(bytes, at, builder);
    appendAscii('"', builder);
    return refusal;
  }

  #string(bytes: Uint8Array, builder: ArgsBuilder): RpcRefusal | null {
    const start = this.#at + headBytesOf(bytes[this.#at] as number);
    const end = skipValue(bytes, this.#at);
    this.#at = end;
    const length = jsonBytesOf(bytes, start, end);
    if (length < 0) return refuse('invalid-argument', 'a str in a document is not UTF-8');
    if (builder.length + length > this.#textBytesMax) {
      return refuse('value-too-large', `a document has at most ${this.#valueBytesMax} bytes as JSON text`);
    }
    builder.reserve(length + 2);
    const target = builder.bytes;
    target[builder.length] = quote;
    const to = writeJsonText(bytes, start, end, target, builder.length + 1);
    target[to] = quote;
    builder.length = to + 1;
    return null;
  }

  /** Steps into the array or map it is at; the number of its elements or pairs. */
  #open(bytes: Uint8Array): number {
    const count = countAt(bytes, this.#at);
    this.#at += headBytesOf(bytes[this.#at] as number);
    return count;
  }
}

/** Bytes that the text takes inside a JSON string; -1 when it is not UTF-8. */
function jsonBytesOf(bytes: Uint8Array, start: number, end: number): number {
  let total = 0;
  for (let at = start; at < end; ) {
    const byte = bytes[at] as number;
    if (byte >= 0x80) {
      const length = utf8SequenceLength(bytes, at, end);
      if (length === 0) return -1;
      total += length;
      at += length;
      continue;
    }
    if (byte >= 0x20) total += byte === quote || byte === 0x5c ? 2 : 1;
    else total += 6;
    at++;
  }
  return total;
}
