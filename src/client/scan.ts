import type { CallOptions } from './call.ts';
import type { Calls } from './calls.ts';
import { namesOf, onlyKnown } from './known-options.ts';
import { decodeArray, type Operation, unexpectedResult } from './operation.ts';

export interface ScanOptions extends CallOptions {
  /** Only keys that match this pattern (`*`, `?`, `[a-z]`, `\`). */
  readonly match?: string | undefined;
  /** About how many keys a request looks at. */
  readonly count?: number | undefined;
  /** Only keys of this type, as TYPE names it. */
  readonly type?: string | undefined;
}

const scanNames = namesOf<ScanOptions>({
  match: true,
  count: true,
  type: true,
  signal: true,
  timeoutMs: true,
  retryable: true,
});

interface Page {
  readonly cursor: string | number | bigint;
  readonly keys: readonly (string | Uint8Array)[];
}

/** All keys, a page a request; the next page is asked for when the one before is used up. */
export async function* scanKeys(
  calls: Calls,
  given: ScanOptions,
): AsyncGenerator<string | Uint8Array, void, undefined> {
  onlyKnown(given, scanNames);
  const { match, count, type, ...options } = given;
  let cursor: Page['cursor'] = '0';
  do {
    const page: Page = await calls.run(pageAt(cursor, { match, count, type }), options);
    yield* page.keys;
    ({ cursor } = page);
  } while (String(cursor) !== '0');
}

function pageAt(cursor: Page['cursor'], words: object): Operation<Page> {
  return {
    method: 'scan',
    params: [cursor, words],
    key: null,
    safety: 'read',
    decode: (result) => {
      const [next, keys] = decodeArray(result);
      if (typeof next !== 'string' && typeof next !== 'number' && typeof next !== 'bigint') {
        throw unexpectedResult('a cursor');
      }
      return { cursor: next, keys: decodeArray(keys) as (string | Uint8Array)[] };
    },
  };
}
