/**
 * Decimal text as commands read and write it, on bytes. Integers are what Redis takes for one: an optional minus, no
 * plus, no blank, no leading zero, within a signed 64-bit integer.
 */

const zero = 0x30;
const minus = 0x2d;
/** 15 digits are always exact in a double. */
const safeDigitsMax = 15;
export const int64Min = -(2n ** 63n);
export const int64Max = 2n ** 63n - 1n;

/** The integer `bytes[start..end)`; NaN when it is none, or has more than 15 digits (then ask `decodeInt64`). */
export function decodeSmallInteger(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  const negative = bytes[at] === minus && end > start;
  if (negative) at++;
  const digits = end - at;
  if (digits < 1 || digits > safeDigitsMax) return Number.NaN;
  if (bytes[at] === zero) return digits === 1 && !negative ? 0 : Number.NaN;
  let value = 0;
  for (; at < end; at++) {
    const digit = (bytes[at] as number) - zero;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return negative ? -value : value;
}

/** The integer `bytes[start..end)`, or null when it is none or does not fit 64 bits. */
export function decodeInt64(bytes: Uint8Array, start: number, end: number): bigint | null {
  const small = decodeSmallInteger(bytes, start, end);
  if (!Number.isNaN(small)) return BigInt(small);
  // 20 bytes: a minus and 19 digits.
  if (end - start <= safeDigitsMax || end - start > 20) return null;
  const text = asciiText(bytes, start, end);
  if (!/^-?[1-9][0-9]*$/.test(text)) return null;
  const value = BigInt(text);
  return value < int64Min || value > int64Max ? null : value;
}

/** As `decodeInt64`, as the nearest double, for where only order matters; NaN when it is no integer. */
export function decodeRoughInteger(bytes: Uint8Array, start: number, end: number): number {
  const small = decodeSmallInteger(bytes, start, end);
  if (!Number.isNaN(small)) return small;
  const exact = decodeInt64(bytes, start, end);
  return exact === null ? Number.NaN : Number(exact);
}

/** Writes a safe integer as decimal text to `target` from 0 on and returns its length; at most 17 bytes. */
export function encodeInteger(value: number, target: Uint8Array): number {
  let rest = Math.abs(value);
  let digits = 1;
  for (let bound = 10; bound <= rest; bound *= 10) digits++;
  let at = digits;
  if (value < 0) {
    target[0] = minus;
    at++;
  }
  const length = at;
  for (; digits > 0; digits--) {
    const quotient = Math.floor(rest / 10);
    target[--at] = zero + (rest - quotient * 10);
    rest = quotient;
  }
  return length;
}

/** ASCII or latin1 text of a short range. */
export function asciiText(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at] as number);
  return text;
}

/** Digits behind the point that are kept; as many as Redis prints. */
const fractionDigits = 17;
const unit = 10n ** BigInt(fractionDigits);
const floatTextBytesMax = 512;
const floatText = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,9}))?$/;

/**
 * A decimal number times 10^17, exactly; digits beyond are rounded half away from zero. Infinity in words is
 * 'infinite'; null is no number, or one too large for a double.
 */
export type Fixed = bigint | 'infinite' | null;

/** Reads what C's strtold reads, but for hexadecimal and NaN, which are no numbers here. */
export function decodeFixed(bytes: Uint8Array, start: number, end: number): Fixed {
  if (end - start > floatTextBytesMax) return null;
  const text = asciiText(bytes, start, end);
  if (/^[+-]?inf(?:inity)?$/i.test(text)) return 'infinite';
  const parts = floatText.exec(text);
  if (parts === null) return null;
  const [, sign = '', whole = '', fraction = '', exponentText = '0'] = parts;
  const digits = whole + fraction;
  if (digits === '') return null;
  if (!Number.isFinite(Number(text))) return null;
  const mantissa = BigInt(digits);
  if (mantissa === 0n) return 0n;
  const scale = Number(exponentText) - fraction.length + fractionDigits;
  // A mantissa of at most 512 digits times 10^scale is less than a half: nothing is left of it.
  if (scale < -floatTextBytesMax - 1) return 0n;
  const magnitude = scale >= 0 ? mantissa * 10n ** BigInt(scale) : roundedQuotient(mantissa, 10n ** BigInt(-scale));
  return sign === '-' ? -magnitude : magnitude;
}

/** The shortest decimal text of a fixed number, without exponent. */
export function fixedText(value: bigint): string {
  const magnitude = value < 0n ? -value : value;
  const whole = (magnitude / unit).toString();
  const fraction = (magnitude % unit).toString().padStart(fractionDigits, '0').replace(/0+$/, '');
  const text = fraction === '' ? whole : `${whole}.${fraction}`;
  return value < 0n ? `-${text}` : text;
}

/** Whether the number a fixed one stands for is in the range of a double. */
export function isFiniteFixed(value: bigint): boolean {
  return Number.isFinite(Number(value / unit));
}

function roundedQuotient(dividend: bigint, divisor: bigint): bigint {
  return (dividend * 2n + divisor) / (divisor * 2n);
}
