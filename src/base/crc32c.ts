/** CRC-32C (Castagnoli; RFC 3720, appendix B.4): checksums of what lies on disks and crosses networks. */

/** The polynomial, bits reversed. */
const POLYNOMIAL = 0x82f63b78;

/** `tables[k * 256 + byte]`: what `byte` does to the sum when `k` further bytes follow ("slicing by 8"). */
const tables = new Int32Array(8 * 256);
for (let byte = 0; byte < 256; byte++) {
  let sum = byte;
  for (let bit = 0; bit < 8; bit++) sum = shifted(sum);
  tables[byte] = sum;
}
for (let at = 256; at < tables.length; at++) {
  const before = tables[at - 256] as number;
  tables[at] = (before >>> 8) ^ (tables[before & 0xff] as number);
}

function shifted(sum: number): number {
  return (sum >>> 1) ^ ((sum & 1) === 0 ? 0 : POLYNOMIAL);
}

/** The sum of `bytes[start..end)`, unsigned; of several ranges when given the sum of those before as `before`. */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length, before = 0): number {
  let sum = ~before;
  let at = start;
  for (const last = end - 8; at <= last; at += 8) {
    sum ^=
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24);
    sum =
      (tables[0x700 + (sum & 0xff)] as number) ^
      (tables[0x600 + ((sum >>> 8) & 0xff)] as number) ^
      (tables[0x500 + ((sum >>> 16) & 0xff)] as number) ^
      (tables[0x400 + (sum >>> 24)] as number) ^
      (tables[0x300 + (bytes[at + 4] as number)] as number) ^
      (tables[0x200 + (bytes[at + 5] as number)] as number) ^
      (tables[0x100 + (bytes[at + 6] as number)] as number) ^
      (tables[bytes[at + 7] as number] as number);
  }
  for (; at < end; at++) sum = (sum >>> 8) ^ (tables[(sum ^ (bytes[at] as number)) & 0xff] as number);
  return ~sum >>> 0;
}

/**
 * Whether one flipped bit in `byteCount` bytes, or in their sum itself, explains that the sum noted is not the sum
 * found. Other damage passes for that with a probability of `8 * byteCount / 2^32`.
 */
export function isOneBitOff(noted: number, found: number, byteCount: number): boolean {
  // The sum is linear: a flipped bit changes it by what that bit alone, followed by zeros, would make of it.
  const difference = noted ^ found;
  if (difference !== 0 && (difference & (difference - 1)) === 0) return true;
  let effect = 1;
  for (let bit = 0; bit < byteCount * 8; bit++) {
    effect = shifted(effect);
    if ((effect | 0) === difference) return true;
  }
  return false;
}
