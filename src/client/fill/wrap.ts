import { FluxCacheError } from '../errors.ts';
import type { Key } from '../values.ts';
import { argumentText } from './argument-text.ts';
import type { GetOrSetOptions, LoadContext } from './fill-options.ts';

/** How a function is wrapped: what `getOrSet` takes, the key, and tags by the arguments too. */
export interface WrapOptions<Args extends readonly unknown[], T> extends Omit<GetOrSetOptions<T>, 'tags'> {
  /** The key by the arguments, or what it begins with: the arguments follow, as JSON. */
  readonly key: string | ((...args: Args) => Key);
  /** The tags of a value, by the value and the arguments that it is for. */
  readonly tags?: readonly Key[] | ((value: T, ...args: Args) => readonly Key[]) | undefined;
}

/** A function whose answers are kept in the cache. */
export interface Wrapped<Args extends readonly unknown[], T> {
  (...args: Args): Promise<T>;
  /** The key of these arguments. */
  keyOf(...args: Args): Key;
  /** Has the next call with these arguments ask the function; resolves to whether there was an answer. */
  forget(...args: Args): Promise<boolean>;
}

/** What a wrapped function needs of a client. */
export interface WrapPort {
  /** As `FluxClient` has both. */
  getOrSet<T>(key: Key, loader: (context: LoadContext) => T | Promise<T>, options: GetOrSetOptions<T>): Promise<T>;
  delete(key: Key): Promise<number>;
}

/** A function that asks `fn` only for what the cache has not; see `FluxClient.wrap`. */
/** @throws FluxCacheError `invalid-argument` for what is no function, or without a key */
export function wrapped<Args extends readonly unknown[], T>(
  client: WrapPort,
  fn: (...args: Args) => T | Promise<T>,
  given: WrapOptions<Args, T>,
): Wrapped<Args, T> {
  checkGiven(fn, given);
  const { key, tags, ...options } = given;
  const keyOf = typeof key === 'function' ? key : (...args: Args): Key => `${key}:${argumentText(args)}`;
  const tagsFor = (args: Args) => (typeof tags === 'function' ? (value: T) => tags(value, ...args) : tags);
  // Asynchronous, so that arguments which make no key are told of as everything else is.
  const call = async (...args: Args): Promise<T> =>
    client.getOrSet(keyOf(...args), () => fn(...args), { ...options, tags: tagsFor(args) });
  const forget = async (...args: Args): Promise<boolean> => (await client.delete(keyOf(...args))) > 0;
  return Object.assign(call, { keyOf, forget });
}

/** Two functions without a key would have each other's values. */
function checkGiven(fn: unknown, given: { readonly key?: unknown } | undefined): void {
  if (typeof fn !== 'function') throw new FluxCacheError('invalid-argument', 'wrap needs a function to ask.');
  const key = given?.key;
  if (typeof key === 'function' || (typeof key === 'string' && key !== '')) return;
  throw new FluxCacheError(
    'invalid-argument',
    'wrap needs the option key: a text that its keys begin with, another one for each function, or a function that makes the key of the arguments.',
  );
}
