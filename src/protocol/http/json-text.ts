import { utf8SequenceLength } from '../../base/utf8.ts';

const hexDigits = '0123456789abcdef';

/** The most bytes a byte of text takes inside a JSON string: `\u001f`. */
export const jsonBytesPerByteMax = 6;

/**
 * Writes the UTF-8 text `source[start..end)` as the inside of a JSON string to `target[at..]`, without the quotes, and
 * returns the offset behind it; -1 when it is not UTF-8, which JSON cannot carry. `target` needs room for
 * {@link jsonBytesPerByteMax} bytes a byte. `source` may be `target` when `start` is `at` and nothing needs escaping.
 */
export function writeJsonText(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): number {
  let from = start;
  let to = at;
  while (from < end) {
    const byte = source[from] as number;
    if (byte >= 0x20 && byte < 0x80 && byte !== 0x22 && byte !== 0x5c) {
      target[to++] = byte;
      from++;
    } else if (byte >= 0x80) {
      const length = utf8SequenceLength(source, from, end);
      if (length === 0) return -1;
      for (let index = 0; index < length; index++) target[to++] = source[from++] as number;
    } else {
      to = writeEscape(byte, target, to);
      from++;
    }
  }
  return to;
}

/**
 * Whether `bytes[start..end)` is ASCII that a JSON string holds as it stands. `words` is a view of the same memory, of
 * four bytes a word, from `bytes[0]` on.
 */
export function isPlainJsonText(bytes: Uint8Array, words: Int32Array, start: number, end: number): boolean {
  let at = start;
  while (at < end && (at & 3) !== 0) if (!isPlainByte(bytes[at++] as number)) return false;
  // A byte's top bit ends up set when the byte is beyond ASCII, below a space, a quote or a backslash; a borrow from
  // such a byte may set the next one's too, which changes nothing.
  for (; at + 4 <= end; at += 4) {
    const word = words[at >> 2] as number;
    const quotes = word ^ 0x22222222;
    const backslashes = word ^ 0x5c5c5c5c;
    const found = word | (word - 0x20202020) | (quotes - 0x01010101) | (backslashes - 0x01010101);
    if ((found & 0x80808080) !== 0) return false;
  }
  while (at < end) if (!isPlainByte(bytes[at++] as number)) return false;
  return true;
}

function isPlainByte(byte: number): boolean {
  return byte >= 0x20 && byte < 0x80 && byte !== 0x22 && byte !== 0x5c;
}

function writeEscape(byte: number, target: Uint8Array, at: number): number {
  target[at] = 0x5c;
  const letter = shortEscape(byte);
  if (letter > 0) {
    target[at + 1] = letter;
    return at + 2;
  }
  target[at + 1] = 0x75;
  target[at + 2] = 0x30;
  target[at + 3] = 0x30;
  target[at + 4] = hexDigits.charCodeAt(byte >> 4);
  target[at + 5] = hexDigits.charCodeAt(byte & 15);
  return at + 6;
}

function shortEscape(byte: number): number {
  switch (byte) {
    case 0x22:
    case 0x5c:
      return byte;
    case 0x08:
      return 0x62;
    case 0x0c:
      return 0x66;
    case 0x0a:
      return 0x6e;
    case 0x0d:
      return 0x72;
    case 0x09:
      return 0x74;
    default:
      return 0;
  }
}

/** The two digits of 0 to 99, at twice the number. */
const digitPairs = Uint8Array.from(
  { length: 200 },
  (_, at) => 0x30 + (at % 2 === 0 ? Math.floor(at / 20) : (at >> 1) % 10),
);

/** Writes a whole number from 0 to 2^53 - 1 in decimal and returns the offset behind it. */
export function writeInteger(value: number, target: Uint8Array, at: number): number {
  if (value < 1e8) {
    const small = value | 0;
    let digits = 1;
    for (let bound = 10; small >= bound && digits < 8; bound *= 10) digits++;
    writeDigits(small, digits, target, at);
    return at + digits;
  }
  // Eight digits and what is above them: each part fits the arithmetic of small integers.
  const high = Math.floor(value / 1e8);
  const end = writeInteger(high, target, at);
  writeDigits((value - high * 1e8) | 0, 8, target, end);
  return end + 8;
}

/** Writes `value`, below 10^8, with so many digits. */
function writeDigits(value: number, digits: number, target: Uint8Array, at: number): void {
  let rest = value;
  let to = at + digits;
  while (to - at >= 2) {
    const above = (rest / 100) | 0;
    const pair = (rest - above * 100) << 1;
    target[--to] = digitPairs[pair + 1] as number;
    target[--to] = digitPairs[pair] as number;
    rest = above;
  }
  if (to > at) target[at] = 0x30 + rest;
}

/** The bytes of ASCII text that is written over and over. */
export function asciiBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

/** Writes a short run of bytes and returns the offset behind it. */
export function writeBytes(source: Uint8Array, target: Uint8Array, at: number): number {
  const length = source.length;
  for (let index = 0; index < length; index++) target[at + index] = source[index] as number;
  return at + length;
}

/** Writes ASCII text and returns the offset behind it. */
export function writeAscii(text: string, target: Uint8Array, at: number): number {
  for (let index = 0; index < text.length; index++) target[at + index] = text.charCodeAt(index);
  return at + text.length;
}
