const zero = 0x30;

/** Digits of a whole number that is not negative. */
export function digitCount(value: number): number {
  if (value < 10) return 1;
  if (value < 100) return 2;
  if (value < 1000) return 3;
  let digits = 4;
  for (let bound = 10_000; bound <= value; bound *= 10) digits++;
  return digits;
}

/** Writes a whole number that is not negative with that many digits to `bytes[at..)` and returns where it ends. */
export function writeDigits(bytes: Uint8Array, at: number, value: number, digits: number): number {
  const end = at + digits;
  let to = end;
  let rest = value;
  // Beyond 32 bits only the division of doubles is exact.
  while (rest > 0x7fffffff) {
    const quotient = Math.floor(rest / 10);
    bytes[--to] = zero + (rest - quotient * 10);
    rest = quotient;
  }
  while (to > at) {
    const quotient = (rest / 10) | 0;
    bytes[--to] = zero + (rest - quotient * 10);
    rest = quotient;
  }
  return end;
}

/** A double as C's `%.17g` prints it, which Redis 7.0 replies with. */
export function doubleText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const [mantissa = '', exponentText = ''] = value.toExponential(16).split('e');
  const exponent = Number(exponentText);
  if (exponent >= -4 && exponent < 17) return withoutTrailingZeros(value.toPrecision(17));
  const digits = Math.abs(exponent).toString().padStart(2, '0');
  return `${withoutTrailingZeros(mantissa)}e${exponent < 0 ? '-' : '+'}${digits}`;
}

function withoutTrailingZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
