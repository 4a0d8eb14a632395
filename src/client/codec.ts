import type { Storable, Value } from './values.ts';

/**
 * How values that `getOrSet` and `wrap` deal with are stored: compressed, with their classes, in another form than JSON.
 * What is stored is text, bytes, a number or a document; `decode` gets back what `encode` made of it.
 */
export interface Codec<T = unknown> {
  /** What is to be stored for a value. When it throws, nothing is stored, and who asked for the value is told `codec-failed`. */
  encode(value: T): Storable | Promise<Storable>;
  /** The value that was stored so; it is given what others stored under the key, too. */
  decode(stored: Value): T | Promise<T>;
}

/** As values are given; that they come back as what `T` says is the caller's word. */
export const plainCodec: Codec = {
  encode: (value) => value as Storable,
  decode: (stored) => stored,
};
