import { copyBytes } from '../../base/copy-bytes.ts';
import { errors } from '../../base/errors.ts';
import type { ReadView } from '../../base/view.ts';
import { ReplyKind, type ReplyReader } from '../../command/reply.ts';
import { digitCount, doubleText, writeDigits } from './number-text.ts';
import type { ReplyOutput } from './output.ts';

/** Version of RESP a connection is spoken to in. */
export type RespVersion = 2 | 3;

const cr = 0x0d;
const lf = 0x0a;
const blank = 0x20;
const minus = 0x2d;
const colon = 0x3a;
const dollar = 0x24;
const dash = 0x2d;
const plus = 0x2b;
const equals = 0x3d;
const comma = 0x2c;
const asterisk = 0x2a;
const percent = 0x25;
const tilde = 0x7e;
const greater = 0x3e;

const nullBulk = ascii('$-1\r\n');
const nullArray = ascii('*-1\r\n');
const nullLine = ascii('_\r\n');
const trueLine = ascii('#t\r\n');
const falseLine = ascii('#f\r\n');
const oneLine = ascii(':1\r\n');
const zeroLine = ascii(':0\r\n');
/** Says in RESP3 that a verbatim string is plain text. */
const plainText = ascii('txt:');

const anyPrefix = ascii('ERR ');
/** By number of an error: its prefix and a blank. */
const prefixes: readonly Uint8Array[] = prefixesById();

/**
 * Writes the reply that `reader` was opened on: all of its parts, of which a command of a connection may have several
 * one after the other. Version and creation, which no Redis client asks for, are not written.
 */
export function encodeReply(reader: ReplyReader, output: ReplyOutput, resp: RespVersion): void {
  // Containers stand in front of what they hold in a reply as in RESP, so parts are written as they come.
  encodePart(reader, output, resp);
  while (!reader.done) {
    reader.next();
    encodePart(reader, output, resp);
  }
}

/** Writes the part `reader` is on; of a container only how many elements it has. */
function encodePart(reader: ReplyReader, output: ReplyOutput, resp: RespVersion): void {
  switch (reader.kind) {
    case ReplyKind.null:
      writeLine(resp === 3 ? nullLine : nullBulk, output);
      break;
    case ReplyKind.nullArray:
      writeLine(resp === 3 ? nullLine : nullArray, output);
      break;
    case ReplyKind.false:
      writeLine(resp === 3 ? falseLine : zeroLine, output);
      break;
    case ReplyKind.true:
      writeLine(resp === 3 ? trueLine : oneLine, output);
      break;
    case ReplyKind.integer:
      encodeInteger(reader.number, output);
      break;
    case ReplyKind.bigInteger:
      writeLine(ascii(`:${reader.bigInteger}\r\n`), output);
      break;
    case ReplyKind.double:
      encodeDouble(reader.number, output, resp);
      break;
    case ReplyKind.status:
      encodeStatus(reader.bytes, reader.start, reader.end, output);
      break;
    case ReplyKind.bulk:
      encodeBulk(reader.bytes, reader.start, reader.end, output);
      break;
    case ReplyKind.text:
      encodeText(reader, output, resp);
      break;
    case ReplyKind.error:
      encodeError(reader, output);
      break;
    case ReplyKind.array:
      encodeCount(asterisk, reader.count, output);
      break;
    case ReplyKind.map:
      if (resp === 3) encodeCount(percent, reader.count, output);
      else encodeCount(asterisk, reader.count * 2, output);
      break;
    case ReplyKind.set:
      encodeCount(resp === 3 ? tilde : asterisk, reader.count, output);
      break;
    case ReplyKind.push:
      encodeCount(resp === 3 ? greater : asterisk, reader.count, output);
      break;
    case ReplyKind.numbers:
      encodeNumbers(reader, output, resp);
      break;
    case ReplyKind.enclosed:
      if (resp === 3) encodeCount(asterisk, 1, output);
      break;
    case ReplyKind.attribute:
      // A reader steps over it when it is opened.
      break;
  }
}

export function encodeNull(output: ReplyOutput, resp: RespVersion): void {
  writeLine(resp === 3 ? nullLine : nullBulk, output);
}

/** A whole number that a double holds exactly. */
export function encodeInteger(value: number, output: ReplyOutput): void {
  const magnitude = value < 0 ? -value : value;
  const digits = digitCount(magnitude);
  const sign = value < 0 ? 1 : 0;
  let at = output.reserve(digits + sign + 3);
  const { bytes } = output;
  bytes[at++] = colon;
  if (sign === 1) bytes[at++] = minus;
  at = writeDigits(bytes, at, magnitude, digits);
  bytes[at] = cr;
  bytes[at + 1] = lf;
}

function encodeBulk(source: Uint8Array, start: number, end: number, output: ReplyOutput): void {
  const length = end - start;
  const at = beginBulk(length, digitCount(length), output);
  copyBytes(source, start, output.bytes, at, length);
}

/**
 * The reply to GET: the value of the entry that `view` has found, straight from the store's memory; null when there is
 * none, or the lookup found nothing. Returns how many bytes were reserved, to be given back when the reading was void.
 */
export function encodeFoundValue(view: ReadView | null, output: ReplyOutput, resp: RespVersion): number {
  if (view === null) {
    encodeNull(output, resp);
    return resp === 3 ? nullLine.length : nullBulk.length;
  }
  const length = view.entry.valueBytes;
  const digits = digitCount(length);
  const at = beginBulk(length, digits, output);
  view.copyValue(output.bytes, at);
  return length + digits + 5;
}

/** A line that begins with a minus, such as an error of the protocol; `text` has one character a byte. */
export function encodeErrorLine(text: string, output: ReplyOutput): void {
  const at = output.reserve(text.length + 3);
  const { bytes } = output;
  bytes[at] = dash;
  for (let index = 0; index < text.length; index++) bytes[at + 1 + index] = oneLined(text.charCodeAt(index));
  bytes[at + text.length + 1] = cr;
  bytes[at + text.length + 2] = lf;
}

/** Reserves a whole bulk and writes what is around its bytes; returns where these belong. */
function beginBulk(length: number, digits: number, output: ReplyOutput): number {
  const at = output.reserve(length + digits + 5);
  const { bytes } = output;
  bytes[at] = dollar;
  const start = writeDigits(bytes, at + 1, length, digits) + 2;
  bytes[start - 2] = cr;
  bytes[start - 1] = lf;
  bytes[start + length] = cr;
  bytes[start + length + 1] = lf;
  return start;
}

function encodeStatus(source: Uint8Array, start: number, end: number, output: ReplyOutput): void {
  const length = end - start;
  const at = output.reserve(length + 3);
  const { bytes } = output;
  bytes[at] = plus;
  for (let index = 0; index < length; index++) bytes[at + 1 + index] = source[start + index] as number;
  bytes[at + length + 1] = cr;
  bytes[at + length + 2] = lf;
}

function encodeText(reader: ReplyReader, output: ReplyOutput, resp: RespVersion): void {
  if (resp === 2) {
    encodeBulk(reader.bytes, reader.start, reader.end, output);
    return;
  }
  const length = reader.end - reader.start;
  encodeCount(equals, length + plainText.length, output);
  const at = output.reserve(plainText.length + length + 2);
  const { bytes } = output;
  copyBytes(plainText, 0, bytes, at, plainText.length);
  copyBytes(reader.bytes, reader.start, bytes, at + plainText.length, length);
  bytes[at + plainText.length + length] = cr;
  bytes[at + plainText.length + length + 1] = lf;
}

const wholeNumber = /^-?\d{1,19}$/;

/** As RedisJSON tells sums: JSON text in RESP2, in RESP3 an array, also of the one number of an old path. */
function encodeNumbers(reader: ReplyReader, output: ReplyOutput, resp: RespVersion): void {
  if (resp === 2) {
    encodeBulk(reader.bytes, reader.start, reader.end, output);
    return;
  }
  const list = reader.text.replace(/^\[|\]$/g, '');
  const elements = list === '' ? [] : list.split(',');
  encodeCount(asterisk, elements.length, output);
  for (const element of elements) {
    if (element === 'null') encodeNull(output, resp);
    else if (wholeNumber.test(element) && isInt64(BigInt(element))) writeLine(ascii(`:${element}\r\n`), output);
    else encodeDouble(Number(element), output, resp);
  }
}

function isInt64(value: bigint): boolean {
  return BigInt.asIntN(64, value) === value;
}

function encodeError(reader: ReplyReader, output: ReplyOutput): void {
  // An error's count is the number of its code.
  const prefix = prefixes[reader.count] ?? anyPrefix;
  const length = reader.end - reader.start;
  let at = output.reserve(prefix.length + length + 3);
  const { bytes } = output;
  bytes[at++] = dash;
  copyBytes(prefix, 0, bytes, at, prefix.length);
  at += prefix.length;
  for (let from = reader.start; from < reader.end; from++) bytes[at++] = oneLined(reader.bytes[from] as number);
  bytes[at] = cr;
  bytes[at + 1] = lf;
}

function encodeDouble(value: number, output: ReplyOutput, resp: RespVersion): void {
  const text = ascii(doubleText(value));
  if (resp === 2) {
    encodeBulk(text, 0, text.length, output);
    return;
  }
  const at = output.reserve(text.length + 3);
  const { bytes } = output;
  bytes[at] = comma;
  bytes.set(text, at + 1);
  bytes[at + 1 + text.length] = cr;
  bytes[at + 2 + text.length] = lf;
}

function encodeCount(marker: number, count: number, output: ReplyOutput): void {
  const digits = digitCount(count);
  const at = output.reserve(digits + 3);
  const { bytes } = output;
  bytes[at] = marker;
  const end = writeDigits(bytes, at + 1, count, digits);
  bytes[end] = cr;
  bytes[end + 1] = lf;
}

function writeLine(line: Uint8Array, output: ReplyOutput): void {
  const at = output.reserve(line.length);
  copyBytes(line, 0, output.bytes, at, line.length);
}

/** A line's end inside an error would begin another reply. */
function oneLined(byte: number): number {
  return byte === cr || byte === lf ? blank : byte;
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

function prefixesById(): Uint8Array[] {
  const rows = Object.values(errors);
  const table = Array.from({ length: Math.max(...rows.map(({ id }) => id)) + 1 }, () => anyPrefix);
  for (const { id, respPrefix } of rows) table[id] = ascii(`${respPrefix} `);
  return table;
}
