/** A key: text stands for its UTF-8 bytes. */
export type Key = string | Uint8Array;

/** What a JSON document is made of. Integers from 2^53 up to 64 bits are read as bigint. */
export type Json = null | boolean | number | bigint | string | readonly Json[] | { readonly [name: string]: Json };

/** What can be stored: text, bytes, a number, or a JSON document. */
export type Value = Uint8Array | Json;

/**
 * What can be given to be stored: text, bytes, a number, or what becomes a document as with JSON.stringify: `toJSON` is
 * called and absent members are left out. What JSON would silently lose (NaN, a Map, bytes inside a document) is refused.
 */
export type Storable = null | boolean | number | bigint | string | object;

/** What `type` of a call stands for. */
export interface ValueTypes {
  string: string;
  bytes: Uint8Array;
  number: number;
  bigint: bigint;
  json: Json;
}

export type ValueTypeName = keyof ValueTypes;
