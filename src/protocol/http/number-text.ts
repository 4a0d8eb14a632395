import type { ArgsBuilder } from './args-builder.ts';

/** Integers of so many digits are exact in a double, so their text needs no second look. */
const exactDigitsMax = 15;
const int64Min = -(2n ** 63n);
const int64Max = 2n ** 63n - 1n;

/**
 * Appends the number that is written as JSON in `bytes[start..end)` to `target` in the canonical text of a stored
 * number: a signed 64-bit integer in decimal, or else the shortest text of the double that is nearest. False when the
 * double is infinite.
 */
export function appendNumber(bytes: Uint8Array, start: number, end: number, target: ArgsBuilder): boolean {
  let isInteger = true;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    if (byte === 0x2e || (byte | 0x20) === 0x65) isInteger = false;
  }
  const isMinusZero = end - start === 2 && bytes[start] === 0x2d && bytes[start + 1] === 0x30;
  if (isInteger && !isMinusZero && end - start <= exactDigitsMax) {
    target.append(bytes, start, end);
    return true;
  }
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
  let canonical = '';
  if (isInteger && end - start <= 20) {
    const integer = BigInt(text);
    if (integer >= int64Min && integer <= int64Max) canonical = integer.toString();
  }
  if (canonical === '') {
    const value = Number(text);
    if (!Number.isFinite(value)) return false;
    canonical = String(value);
  }
  target.reserve(canonical.length);
  for (let at = 0; at < canonical.length; at++) target.bytes[target.length + at] = canonical.charCodeAt(at);
  target.length += canonical.length;
  return true;
}
