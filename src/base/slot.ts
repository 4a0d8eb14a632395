/** Slots of a key space: every key belongs to exactly one, on every node and for every client alike. */
export const SLOT_COUNT = 16_384;

const POLYNOMIAL = 0x1021;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

const table = new Uint16Array(256);
for (let byte = 0; byte < 256; byte++) {
  let remainder = byte << 8;
  for (let bit = 0; bit < 8; bit++) {
    remainder = (remainder & 0x8000) !== 0 ? (remainder << 1) ^ POLYNOMIAL : remainder << 1;
  }
  table[byte] = remainder;
}

/**
 * CRC-16/XMODEM (polynomial 0x1021, start 0, nothing reflected) of `bytes[start..end)`, as the Redis Cluster
 * specification names it. Public on purpose: clients compute it too. What protects against chosen keys is the store's
 * own keyed hash.
 */
export function crc16(bytes: Uint8Array, start: number, end: number): number {
  let crc = 0;
  for (let at = start; at < end; at++) {
    crc = ((crc << 8) ^ (table[(crc >>> 8) ^ (bytes[at] as number)] as number)) & 0xffff;
  }
  return crc;
}

/**
 * The slot of the key `bytes[start..end)`. When the key holds a `{` and a later `}` with something between them, only
 * what stands between the first `{` and the first `}` after it counts (the hash tag), so that clients can put keys
 * side by side. Source: Redis Cluster specification, "Hash tags".
 */
export function slotOf(bytes: Uint8Array, start: number, end: number): number {
  // One pass over a key without a brace, the common case: the sum so far is thrown away only when one appears.
  let crc = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    if (byte === OPEN_BRACE) return taggedSlotOf(bytes, start, end, at + 1);
    crc = ((crc << 8) ^ (table[(crc >>> 8) ^ byte] as number)) & 0xffff;
  }
  return crc & (SLOT_COUNT - 1);
}

function taggedSlotOf(bytes: Uint8Array, start: number, end: number, tagStart: number): number {
  let tagEnd = tagStart;
  while (tagEnd < end && bytes[tagEnd] !== CLOSE_BRACE) tagEnd++;
  const tagged = tagEnd < end && tagEnd > tagStart;
  return (tagged ? crc16(bytes, tagStart, tagEnd) : crc16(bytes, start, end)) & (SLOT_COUNT - 1);
}
