import { ValueType } from '../../base/view.ts';
import type { ArgsBuilder } from './args-builder.ts';
import {
  fillForm,
  fillRefusal,
  isFillToken,
  jitterRefusal,
  tagsForm,
  tagsRefusal,
  windowForm,
  windowMsOf,
} from './cache-fields.ts';
import type { JsonScanner } from './json-scanner.ts';
import { type HttpLimits, ttlForm, ttlMsOf, versionForm, versionMax } from './limits.ts';
import { appendNumber } from './number-text.ts';
import { quoted, type Refusal, refuse } from './refusal.ts';

/** The fields that JSON bodies have, one bit each: a path's set of fields is their sum. */
export const Field = {
  key: 1,
  value: 2,
  ttl: 4,
  nx: 8,
  xx: 16,
  ifVersion: 32,
  op: 64,
  by: 128,
  stale: 256,
  jitter: 512,
  tags: 1024,
  fill: 2048,
} as const;

const fieldNames = Object.keys(Field) as (keyof typeof Field)[];
const fieldNameBytes = fieldNames.map((name) => Uint8Array.from(name, (char) => char.charCodeAt(0)));

export const setFields =
  Field.key |
  Field.value |
  Field.ttl |
  Field.nx |
  Field.xx |
  Field.ifVersion |
  Field.stale |
  Field.jitter |
  Field.tags |
  Field.fill;
export const deleteFields = Field.key;
export const incrFields = Field.by;

/**
 * The fields of one JSON object of a request, read from its bytes. Texts and values are in the bytes of the
 * {@link ArgsBuilder} it was read into, where a command's arguments can point at them. A record that is refilled.
 */
export class BodyFields {
  /** Bits of {@link Field} that were given; `null` counts as not given where it is allowed. */
  seen = 0;
  keyStart = 0;
  keyEnd = 0;
  valueStart = 0;
  valueEnd = 0;
  valueType: ValueType = ValueType.string;
  /** 0: none. */
  ttlMs = 0;
  nx = false;
  xx = false;
  /** 0: none. */
  ifVersion = 0;
  op = '';
  /** 0: none. */
  staleMs = 0;
  jitterMs = 0;
  /** Range of each tag's text. */
  readonly tagStarts: number[] = [];
  readonly tagEnds: number[] = [];
  /** Empty: none. */
  fill = '';
  /** Canonical text of the number. */
  byStart = 0;
  byEnd = 0;
  refusal: Refusal | null = null;
  readonly #limits: HttpLimits;

  constructor(limits: HttpLimits) {
    this.#limits = limits;
  }

  /** Reads the object at the scanner's cursor, of which only the fields `allowed` may be there. */
  read(scanner: JsonScanner, target: ArgsBuilder, allowed: number): boolean {
    this.#reset();
    if (scanner.peek() !== 0x7b) return this.#fail(refuse('bad-request', 'The body must be a JSON object.'));
    scanner.at++;
    let byte = scanner.peek();
    if (byte === 0x7d) {
      scanner.at++;
      return true;
    }
    for (;;) {
      if (byte !== 0x22) {
        scanner.unexpected('a name in double quotes');
        return this.#failScan(scanner);
      }
      const field = this.#name(scanner, target, allowed);
      if (field === 0) return false;
      if (scanner.peek() !== 0x3a) {
        scanner.unexpected("':'");
        return this.#failScan(scanner);
      }
      scanner.at++;
      if (!this.#field(field, scanner, target)) return false;
      byte = scanner.peek();
      if (byte === 0x7d) {
        scanner.at++;
        return this.#agree();
      }
      if (byte !== 0x2c) {
        scanner.unexpected("',' or '}'");
        return this.#failScan(scanner);
      }
      scanner.at++;
      byte = scanner.peek();
    }
  }

  /** Reads a body that is one such object and nothing else. */
  readBody(scanner: JsonScanner, target: ArgsBuilder, allowed: number): boolean {
    if (!this.read(scanner, target, allowed)) return false;
    if (scanner.peek() < 0) return true;
    scanner.unexpected('the end of the body');
    return this.#failScan(scanner);
  }

  #reset(): void {
    this.seen = 0;
    this.ttlMs = 0;
    this.nx = false;
    this.xx = false;
    this.ifVersion = 0;
    this.staleMs = 0;
    this.jitterMs = 0;
    this.tagStarts.length = 0;
    this.tagEnds.length = 0;
    this.fill = '';
    this.refusal = null;
  }

  /** The bit of the field whose name is at the cursor; 0, with a refusal, when it may not be there. */
  #name(scanner: JsonScanner, target: ArgsBuilder, allowed: number): number {
    // Nearly always a name is written as it is meant, without escapes.
    let index = fieldWrittenAt(scanner.bytes, scanner.at + 1, scanner.end);
    if (index >= 0) scanner.at += (fieldNameBytes[index] as Uint8Array).length + 2;
    else {
      const start = target.length;
      if (!scanner.string(target)) {
        this.#failScan(scanner);
        return 0;
      }
      const { bytes, length } = target;
      target.length = start;
      const given = Buffer.from(bytes.buffer, bytes.byteOffset + start, length - start).toString('utf8');
      index = (fieldNames as readonly string[]).indexOf(given);
      if (index < 0) return this.#unknownField(given, allowed);
    }
    const bit = 1 << index;
    const name = fieldNames[index] as string;
    if ((allowed & bit) === 0) return this.#unknownField(name, allowed);
    if ((this.seen & bit) !== 0) {
      this.#fail(refuse('bad-request', `The field ${quoted(name)} is given twice.`, name));
      return 0;
    }
    this.seen |= bit;
    return bit;
  }

  #unknownField(given: string, allowed: number): 0 {
    const names = fieldNames.filter((_, index) => (allowed & (1 << index)) !== 0).join(', ');
    this.#fail(refuse('bad-request', `There is no field ${quoted(given)} here.`, given.slice(0, 64), names));
    return 0;
  }

  #field(field: number, scanner: JsonScanner, target: ArgsBuilder): boolean {
    const first = scanner.peek();
    switch (field) {
      case Field.key:
        return this.#key(first, scanner, target);
      case Field.value:
        return this.#value(first, scanner, target);
      case Field.ttl:
        return this.#ttl(first, scanner);
      case Field.nx:
      case Field.xx:
        return this.#flag(field, first, scanner);
      case Field.ifVersion:
        return this.#ifVersion(first, scanner);
      case Field.op:
        return this.#op(first, scanner, target);
      case Field.stale:
      case Field.jitter:
        return this.#window(field, first, scanner);
      case Field.tags:
        return this.#tags(first, scanner, target);
      case Field.fill:
        return this.#fill(first, scanner, target);
      default:
        return this.#by(first, scanner, target);
    }
  }

  #key(first: number, scanner: JsonScanner, target: ArgsBuilder): boolean {
    if (first !== 0x22) return this.#wrongKind('key', first, scanner, 'a string');
    const start = target.length;
    if (!scanner.string(target)) return this.#failScan(scanner);
    this.keyStart = start;
    this.keyEnd = target.length;
    const refusal = keyRefusal(target.length - start, this.#limits.keyBytesMax);
    return refusal === null || this.#fail(refusal);
  }

  #value(first: number, scanner: JsonScanner, target: ArgsBuilder): boolean {
    const start = target.length;
    const from = scanner.at;
    if (first === 0x22) {
      if (!scanner.string(target)) return this.#failScan(scanner);
      this.valueType = ValueType.string;
    } else if (first === 0x2d || (first >= 0x30 && first <= 0x39)) {
      if (!scanner.number()) return this.#failScan(scanner);
      if (!appendNumber(scanner.bytes, from, scanner.at, target)) {
        return this.#fail(refuse('invalid-argument', 'The value is beyond every finite double.', 'value'));
      }
      this.valueType = ValueType.number;
    } else {
      if (!scanner.value()) return this.#failScan(scanner);
      target.append(scanner.bytes, from, scanner.at);
      this.valueType = ValueType.json;
    }
    this.valueStart = start;
    this.valueEnd = target.length;
    const refusal = valueRefusal(target.length - start, this.#limits.valueBytesMax);
    return refusal === null || this.#fail(refusal);
  }

  #ttl(first: number, scanner: JsonScanner): boolean {
    if (first === 0x6e) return this.#none(Field.ttl, scanner);
    const seconds = this.#double(scanner);
    if (Number.isNaN(seconds))
      return scanner.refusal === null ? this.#wrongKind('ttl', first, scanner, ttlForm) : false;
    this.ttlMs = ttlMsOf(seconds);
    return this.ttlMs > 0 || this.#fail(refuse('invalid-argument', 'The ttl is out of range.', 'ttl', ttlForm));
  }

  #flag(field: number, first: number, scanner: JsonScanner): boolean {
    const name = field === Field.nx ? 'nx' : 'xx';
    if (first !== 0x74 && first !== 0x66) return this.#wrongKind(name, first, scanner, 'true or false');
    if (!scanner.literal(first === 0x74 ? 'true' : 'false')) return this.#failScan(scanner);
    if (field === Field.nx) this.nx = first === 0x74;
    else this.xx = first === 0x74;
    return true;
  }

  #ifVersion(first: number, scanner: JsonScanner): boolean {
    if (first === 0x6e) return this.#none(Field.ifVersion, scanner);
    const version = this.#double(scanner);
    if (Number.isNaN(version) && scanner.refusal !== null) return false;
    if (!(Number.isInteger(version) && version >= 1 && version <= versionMax)) {
      return this.#wrongKind('ifVersion', first, scanner, versionForm);
    }
    this.ifVersion = version;
    return true;
  }

  #op(first: number, scanner: JsonScanner, target: ArgsBuilder): boolean {
    if (first !== 0x22) return this.#wrongKind('op', first, scanner, 'a string');
    const text = this.#text(scanner, target);
    if (text === null) return false;
    this.op = text;
    return true;
  }

  #window(field: number, first: number, scanner: JsonScanner): boolean {
    if (first === 0x6e) return this.#none(field, scanner);
    const name = field === Field.stale ? 'stale' : 'jitter';
    const seconds = this.#double(scanner);
    if (Number.isNaN(seconds) && scanner.refusal !== null) return false;
    const ms = windowMsOf(seconds);
    if (ms < 0) return this.#wrongKind(name, first, scanner, windowForm);
    if (field === Field.stale) this.staleMs = ms;
    else this.jitterMs = ms;
    return true;
  }

  /** An array of strings; `null` counts as not given. */
  #tags(first: number, scanner: JsonScanner, target: ArgsBuilder): boolean {
    if (first === 0x6e) return this.#none(Field.tags, scanner);
    if (first !== 0x5b) return this.#wrongKind('tags', first, scanner, tagsForm);
    scanner.at++;
    let byte = scanner.peek();
    while (byte !== 0x5d || this.tagStarts.length > 0) {
      if (byte !== 0x22) return this.#wrongKind('tags', byte, scanner, tagsForm);
      const start = target.length;
      if (!scanner.string(target)) return this.#failScan(scanner);
      this.tagStarts.push(start);
      this.tagEnds.push(target.length);
      const refusal = tagsRefusal(target.length - start, this.tagStarts.length);
      if (refusal !== null) return this.#fail(refusal);
      byte = scanner.peek();
      if (byte === 0x5d) break;
      if (byte !== 0x2c) {
        scanner.unexpected("',' or ']'");
        return this.#failScan(scanner);
      }
      scanner.at++;
      byte = scanner.peek();
    }
    scanner.at++;
    return true;
  }

  #fill(first: number, scanner: JsonScanner, target: ArgsBuilder): boolean {
    if (first === 0x6e) return this.#none(Field.fill, scanner);
    if (first !== 0x22) return this.#wrongKind('fill', first, scanner, fillForm);
    const text = this.#text(scanner, target);
    if (text === null) return false;
    if (!isFillToken(text)) return this.#fail(fillRefusal);
    this.fill = text;
    return true;
  }

  /** The string at the cursor, of which nothing stays in the target; null, with a refusal, when it is malformed. */
  #text(scanner: JsonScanner, target: ArgsBuilder): string | null {
    const start = target.length;
    if (!scanner.string(target)) {
      this.#failScan(scanner);
      return null;
    }
    const { bytes, length } = target;
    target.length = start;
    return Buffer.from(bytes.buffer, bytes.byteOffset + start, length - start).toString('utf8');
  }

  #by(first: number, scanner: JsonScanner, target: ArgsBuilder): boolean {
    const from = scanner.at;
    const isNumber = first === 0x2d || (first >= 0x30 && first <= 0x39);
    if (!isNumber) return this.#wrongKind('by', first, scanner, 'a number');
    if (!scanner.number()) return this.#failScan(scanner);
    this.byStart = target.length;
    if (!appendNumber(scanner.bytes, from, scanner.at, target)) {
      return this.#fail(refuse('invalid-argument', 'The number is beyond every finite double.', 'by'));
    }
    this.byEnd = target.length;
    return true;
  }

  #none(field: number, scanner: JsonScanner): boolean {
    if (!scanner.literal('null')) return this.#failScan(scanner);
    this.seen &= ~field;
    return true;
  }

  /** The number at the cursor; NaN when there is none, with a refusal when it is malformed. */
  #double(scanner: JsonScanner): number {
    const byte = scanner.peek();
    if (byte !== 0x2d && !(byte >= 0x30 && byte <= 0x39)) return Number.NaN;
    const { bytes, at: from } = scanner;
    if (!scanner.number()) {
      this.#failScan(scanner);
      return Number.NaN;
    }
    const length = scanner.at - from;
    if (byte !== 0x2d && length <= 9) {
      let integer = 0;
      let at = from;
      while (at < scanner.at) {
        const digit = (bytes[at] as number) - 0x30;
        if (digit < 0 || digit > 9) break;
        integer = integer * 10 + digit;
        at++;
      }
      if (at === scanner.at) return integer;
    }
    return Number(Buffer.from(bytes.buffer, bytes.byteOffset + from, length).toString('latin1'));
  }

  #wrongKind(field: string, first: number, scanner: JsonScanner, wanted: string): boolean {
    if (first < 0) {
      scanner.unexpected('a value');
      return this.#failScan(scanner);
    }
    return this.#fail(refuse('bad-request', `The field ${quoted(field)} must be ${wanted}.`, field, wanted));
  }

  /** Conditions that contradict each other are refused rather than ranked. */
  #agree(): boolean {
    const conditions = Number(this.nx) + Number(this.xx) + Number(this.ifVersion > 0) + Number(this.fill !== '');
    if (conditions > 1) {
      const detail = 'Of nx, xx, ifVersion and fill a write may have one.';
      return this.#fail(refuse('bad-request', detail, 'nx', 'one of nx, xx, ifVersion, fill'));
    }
    const refusal = jitterRefusal(this.jitterMs, this.ttlMs);
    return refusal === null || this.#fail(refusal);
  }

  #failScan(scanner: JsonScanner): boolean {
    this.refusal = scanner.refusal;
    return false;
  }

  #fail(refusal: Refusal): boolean {
    this.refusal = refusal;
    return false;
  }
}

/** Index of the field whose name, and the quote behind it, stand at `at`; -1 when none does. */
function fieldWrittenAt(bytes: Uint8Array, at: number, end: number): number {
  for (let index = 0; index < fieldNameBytes.length; index++) {
    const name = fieldNameBytes[index] as Uint8Array;
    const length = name.length;
    if (at + length >= end || bytes[at + length] !== 0x22) continue;
    let same = 0;
    while (same < length && name[same] === bytes[at + same]) same++;
    if (same === length) return index;
  }
  return -1;
}

/** Why a key of so many bytes is refused; null when it is not. */
export function keyRefusal(keyBytes: number, keyBytesMax: number): Refusal | null {
  if (keyBytes === 0)
    return refuse('invalid-argument', 'The key is empty.', 'key', `1 to ${keyBytesMax} bytes of UTF-8`);
  if (keyBytes <= keyBytesMax) return null;
  const detail = `The key has ${keyBytes} bytes; the limit is ${keyBytesMax}.`;
  return refuse('key-too-large', detail, 'key', `1 to ${keyBytesMax} bytes of UTF-8`);
}

export function valueRefusal(valueBytes: number, valueBytesMax: number): Refusal | null {
  if (valueBytes <= valueBytesMax) return null;
  const detail = `The value has ${valueBytes} bytes; the limit is ${valueBytesMax}.`;
  return refuse('value-too-large', detail, 'value', `up to ${valueBytesMax} bytes`);
}
