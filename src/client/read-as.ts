import { FluxCacheError } from './errors.ts';
import type { Json, ValueTypeName } from './values.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * A stored value as the caller wants it; null when there is none. Without a type it is what the server sent, and `T` the
 * caller's word for it. With one, text and bytes stand for each other as UTF-8 and numbers can be had as text; anything
 * else is the error `wrong-type`.
 */
export function readAs<T>(value: unknown, type: ValueTypeName | undefined): T | null {
  if (value === null || type === undefined) return value as T | null;
  return readers[type](value) as T;
}

const readers: { readonly [Name in ValueTypeName]: (value: unknown) => unknown } = {
  string: (value) => {
    if (typeof value === 'string') return value;
    if (typeof value === 'number' || typeof value === 'bigint') return String(value);
    if (value instanceof Uint8Array) return textOf(value);
    throw wrongType(value, 'text');
  },
  bytes: (value) => {
    if (value instanceof Uint8Array) return value;
    if (typeof value === 'string') return encoder.encode(value);
    throw wrongType(value, 'bytes');
  },
  number: (value) => {
    if (typeof value === 'number') return value;
    if (typeof value === 'bigint') {
      throw new FluxCacheError('overflow', `${value} is beyond the integers a number holds; ask for a bigint.`);
    }
    throw wrongType(value, 'a number');
  },
  bigint: (value) => {
    if (typeof value === 'bigint') return value;
    if (Number.isInteger(value)) return BigInt(value as number);
    throw wrongType(value, 'an integer');
  },
  json: (value): Json => {
    if (value instanceof Uint8Array) throw wrongType(value, 'a JSON document');
    return value as Json;
  },
};

function textOf(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw wrongType(bytes, 'text');
  }
}

function wrongType(value: unknown, wanted: string): FluxCacheError {
  const what = value instanceof Uint8Array ? 'bytes' : typeof value === 'string' ? 'text' : typeof value;
  return new FluxCacheError('wrong-type', `The key holds ${what === 'object' ? 'a document' : what}, not ${wanted}.`);
}
