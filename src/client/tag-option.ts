import { FluxCacheError } from './errors.ts';
import type { Key } from './values.ts';

/**
 * The tags of an option, as they are. Text is a list of letters to JavaScript, and would be taken for as many tags.
 *
 * @throws FluxCacheError `invalid-argument`
 */
export function tagsGiven(tags: readonly Key[] | undefined): readonly Key[] {
  if (tags === undefined) return [];
  // Looked at as what it may be where no compiler has looked.
  const given: unknown = tags;
  if (Array.isArray(given) && given.every(isTag)) return tags;
  const what = typeof given === 'string' ? `the text ${JSON.stringify(given.slice(0, 64))}` : `${typeof given}`;
  throw new FluxCacheError(
    'invalid-argument',
    `Option tags must be a list of texts or bytes, such as ['users'], not ${Array.isArray(given) ? 'a list of anything else' : what}.`,
  );
}

function isTag(tag: unknown): boolean {
  return typeof tag === 'string' || tag instanceof Uint8Array;
}
