import type { Arena } from './arena.ts';

/**
 * Copies between the arena and other buffers. Short ones go word by word: `set` of a subarray costs an allocation and
 * a call, which pays from about a hundred bytes on (measured on Node 20).
 */
const SHORT_BYTES_MAX = 96;

/** Copies `length` bytes from byte `from` after word `at` of the arena to `target[to..)`. */
export function copyOut(arena: Arena, at: number, from: number, length: number, target: Uint8Array, to: number): void {
  if (length > SHORT_BYTES_MAX) {
    const start = at * 4 + from;
    target.set(arena.bytes.subarray(start, start + length), to);
    return;
  }
  if ((from & 3) !== 0) {
    const bytes = arena.bytes;
    const start = at * 4 + from;
    for (let i = 0; i < length; i++) target[to + i] = bytes[start + i] as number;
    return;
  }
  const words = arena.words;
  const first = at + (from >> 2);
  const whole = length >> 2;
  let out = to;
  for (let i = 0; i < whole; i++) {
    const word = words[first + i] as number;
    target[out] = word;
    target[out + 1] = word >> 8;
    target[out + 2] = word >> 16;
    target[out + 3] = word >> 24;
    out += 4;
  }
  if ((length & 3) !== 0) {
    let word = words[first + whole] as number;
    for (const end = to + length; out < end; out++) {
      target[out] = word;
      word >>= 8;
    }
  }
}

/** Copies `source[start..start + length)` to word `at` of the arena; may clear up to three bytes behind it. */
export function copyIn(arena: Arena, at: number, source: Uint8Array, start: number, length: number): void {
  const words = arena.words;
  if (length > SHORT_BYTES_MAX) {
    arena.bytes.set(source.subarray(start, start + length), at * 4);
    return;
  }
  const whole = length >> 2;
  let from = start;
  for (let i = 0; i < whole; i++) {
    words[at + i] =
      (source[from] as number) |
      ((source[from + 1] as number) << 8) |
      ((source[from + 2] as number) << 16) |
      ((source[from + 3] as number) << 24);
    from += 4;
  }
  const left = length & 3;
  if (left !== 0) {
    let word = source[from] as number;
    if (left > 1) word |= (source[from + 1] as number) << 8;
    if (left > 2) word |= (source[from + 2] as number) << 16;
    words[at + whole] = word;
  }
}

/** Copies `count` words within the arena; the ranges do not overlap. */
export function copyWords(arena: Arena, from: number, to: number, count: number): void {
  const words = arena.words;
  if (count > 64) {
    words.copyWithin(to, from, from + count);
    return;
  }
  for (let i = 0; i < count; i++) words[to + i] = words[from + i] as number;
}
