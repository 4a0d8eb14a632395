import { LoadError } from '../errors.ts';
import type { Key } from '../values.ts';
import type { Loader } from './fill-options.ts';

/** One run of a loader. */
export interface Loading {
  /** What it resolves to: never undefined. Rejects with what it throws, or a {@link LoadError}. */
  readonly value: Promise<unknown>;
  /** Gives it up: the loader's signal is aborted, and `value` is rejected with the reason, whatever the loader still does. */
  abort(reason: unknown): void;
}

/** Runs a loader for no longer than so many milliseconds. What it comes to after that is dropped. */
export function loadOnce(loader: Loader<unknown>, key: Key, timeoutMs: number): Loading {
  const controller = new AbortController();
  const { signal } = controller;
  const givenUp = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  const timer = setTimeout(() => {
    const message = `The loader did not settle within ${timeoutMs} ms.`;
    controller.abort(new LoadError('loader-timeout', message, { retryable: true }));
  }, timeoutMs);
  const load = async (): Promise<unknown> => {
    const value = await loader({ key, signal });
    if (value !== undefined) return value;
    throw new LoadError('loader-undefined', 'The loader resolved to undefined; null stands for what is not there.');
  };
  // The one that comes second is dropped, a rejection as well.
  const value = Promise.race([load(), givenUp]).finally(() => clearTimeout(timer));
  return { value, abort: (reason) => controller.abort(reason) };
}
