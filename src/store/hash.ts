import { KEY_BYTES_MAX } from './layout.ts';

/**
 * Hashes keys with HalfSipHash-1-3 under a secret of 64 bits, so that nobody can choose keys that collide, and keeps
 * the hashed key as words, as entries hold it, to compare with.
 * Source: J.-P. Aumasson, D. J. Bernstein, "SipHash: a fast short-input PRF" (2012), its 32-bit variant.
 */
export class KeyHasher {
  /** The key hashed last, little-endian, its last word padded with zeros. */
  readonly words: Int32Array;
  readonly #keyLow: number;
  readonly #keyHigh: number;

  /** `bytesMax`: of what is hashed. */
  constructor(keyLow: number, keyHigh: number, bytesMax = KEY_BYTES_MAX) {
    this.words = new Int32Array((bytesMax + 3) >> 2);
    this.#keyLow = keyLow | 0;
    this.#keyHigh = keyHigh | 0;
  }

  /** Hash of `source[start..end)` as a signed 32-bit integer. */
  hash(source: Uint8Array, start: number, end: number): number {
    const words = this.words;
    const keyBytes = end - start;
    const whole = keyBytes >> 2;
    let at = start;
    for (let i = 0; i < whole; i++) {
      words[i] =
        (source[at] as number) |
        ((source[at + 1] as number) << 8) |
        ((source[at + 2] as number) << 16) |
        ((source[at + 3] as number) << 24);
      at += 4;
    }
    if (at < end) {
      let tail = source[at] as number;
      if (at + 1 < end) tail |= (source[at + 1] as number) << 8;
      if (at + 2 < end) tail |= (source[at + 2] as number) << 16;
      words[whole] = tail;
    }
    return this.hashWords(words, 0, keyBytes);
  }

  /** Hash of `keyBytes` bytes that begin at word `at`; the last word's unused bytes must be 0. */
  hashWords(words: Int32Array, at: number, keyBytes: number): number {
    let v0 = this.#keyLow;
    let v1 = this.#keyHigh;
    let v2 = 0x6c796765 ^ v0;
    let v3 = 0x74656462 ^ v1;
    const whole = keyBytes >> 2;
    const last = at + whole;
    for (let i = at; i < last; i++) {
      const word = words[i] as number;
      v3 ^= word;
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      v0 ^= word;
    }
    let word = keyBytes << 24;
    if ((keyBytes & 3) !== 0) word |= words[last] as number;
    v3 ^= word;
    for (let round = 0; round < 4; round++) {
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      if (round === 0) {
        // One compression round for the last word; the three that follow finish the hash.
        v0 ^= word;
        v2 ^= 0xff;
      }
    }
    return v1 ^ v3;
  }
}
