import type { Key } from '../values.ts';
import type { GetOrSetOptions, LoadContext } from './fill-options.ts';

/** How a function is wrapped: what `getOrSet` takes, the key, and tags by the arguments too. */
export interface WrapOptions<Args extends readonly unknown[], T> extends Omit<GetOrSetOptions<T>, 'tags'> {
  /** The key by the arguments, or what it begins with: the arguments follow as JSON. */
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
export function wrapped<Args extends readonly unknown[], T>(
  client: WrapPort,
  fn: (...args: Args) => T | Promise<T>,
  { key, tags, ...options }: WrapOptions<Args, T>,
): Wrapped<Args, T> {
  const keyOf = typeof key === 'function' ? key : (...args: Args): Key => `${key}:${JSON.stringify(args)}`;
  const tagsFor = (args: Args) => (typeof tags === 'function' ? (value: T) => tags(value, ...args) : tags);
  // Asynchronous, so that arguments which make no key are told of as everything else is.
  const call = async (...args: Args): Promise<T> =>
    client.getOrSet(keyOf(...args), () => fn(...args), { ...options, tags: tagsFor(args) });
  const forget = async (...args: Args): Promise<boolean> => (await client.delete(keyOf(...args))) > 0;
  return Object.assign(call, { keyOf, forget });
}
