/**
 * A hash of the key `bytes[start..end)` in 32 bits, unsigned, that is the same on every node: 32-bit FNV-1a. For telling
 * which keys a write touched, where an equal hash of another key costs a moment's waiting and nothing else.
 * Source: G. Fowler, L. C. Noll, K.-P. Vo, D. Eastlake, "The FNV Non-Cryptographic Hash Algorithm".
 */
export function keyHashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
  return hash >>> 0;
}
