/**
 * Length of the UTF-8 sequence of two to four bytes that begins at `at`; 0 when it is malformed, overlong, a surrogate
 * or cut off by `end` (the table of well-formed sequences of the Unicode standard, chapter 3.9).
 */
export function utf8SequenceLength(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at] as number;
  if (first < 0xc2) return 0;
  if (first < 0xe0) return at + 2 <= end && isContinuation(bytes[at + 1] as number) ? 2 : 0;
  const second = bytes[at + 1] as number;
  if (first < 0xf0) {
    if (at + 3 > end || !isContinuation(second) || !isContinuation(bytes[at + 2] as number)) return 0;
    if (first === 0xe0 && second < 0xa0) return 0;
    return first === 0xed && second > 0x9f ? 0 : 3;
  }
  if (first > 0xf4 || at + 4 > end || !isContinuation(second)) return 0;
  if (!isContinuation(bytes[at + 2] as number) || !isContinuation(bytes[at + 3] as number)) return 0;
  if (first === 0xf0 && second < 0x90) return 0;
  return first === 0xf4 && second > 0x8f ? 0 : 4;
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

/** Writes a code point that is no surrogate to `target[at..]` and returns the offset behind it. */
export function writeUtf8(codePoint: number, target: Uint8Array, at: number): number {
  if (codePoint < 0x80) {
    target[at] = codePoint;
    return at + 1;
  }
  if (codePoint < 0x800) {
    target[at] = 0xc0 | (codePoint >> 6);
    target[at + 1] = 0x80 | (codePoint & 0x3f);
    return at + 2;
  }
  if (codePoint < 0x10000) {
    target[at] = 0xe0 | (codePoint >> 12);
    target[at + 1] = 0x80 | ((codePoint >> 6) & 0x3f);
    target[at + 2] = 0x80 | (codePoint & 0x3f);
    return at + 3;
  }
  target[at] = 0xf0 | (codePoint >> 18);
  target[at + 1] = 0x80 | ((codePoint >> 12) & 0x3f);
  target[at + 2] = 0x80 | ((codePoint >> 6) & 0x3f);
  target[at + 3] = 0x80 | (codePoint & 0x3f);
  return at + 4;
}

/** Whether `bytes[start..end)` is well-formed UTF-8. */
export function isUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end) {
    if ((bytes[at] as number) < 0x80) {
      at++;
      continue;
    }
    const length = utf8SequenceLength(bytes, at, end);
    if (length === 0) return false;
    at += length;
  }
  return true;
}
