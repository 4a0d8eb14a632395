import { TAG_BYTES_MAX, TAGS_MAX } from '../../base/cache-limits.ts';
import { type Refusal, refuse } from './refusal.ts';

/** What requests say of a value beside its time to live: stale window, jitter, tags, fill token. */

/** In seconds: about 3,170 years. */
const windowSecondsMax = 1e11;

/** Milliseconds of a span that is given in seconds; -1 when it is none. */
export function windowMsOf(seconds: number): number {
  return seconds >= 0 && seconds <= windowSecondsMax ? Math.round(seconds * 1000) : -1;
}

export const windowForm = `a number of seconds from 0 to ${windowSecondsMax}`;
export const tagsForm = `an array of up to ${TAGS_MAX} strings of 1 to ${TAG_BYTES_MAX} bytes`;
export const fillForm = 'a token as it was given, 12 hexadecimal digits';

export const fillRefusal = refuse('invalid-argument', 'The fill token is none.', 'fill', fillForm);

export function isFillToken(text: string): boolean {
  return /^[\da-f]{12}$/i.test(text);
}

/** Why a tag of so many bytes, the `count`th of its key, is refused; null when it is not. */
export function tagsRefusal(tagBytes: number, count: number): Refusal | null {
  if (count > TAGS_MAX) return refuse('invalid-argument', `There are more than ${TAGS_MAX} tags.`, 'tags', tagsForm);
  if (tagBytes >= 1 && tagBytes <= TAG_BYTES_MAX) return null;
  return refuse('invalid-argument', `A tag has ${tagBytes} bytes.`, 'tags', tagsForm);
}

/** A jitter is a part of a time to live. `ttlMs` 0: there is none. */
export function jitterRefusal(jitterMs: number, ttlMs: number): Refusal | null {
  if (jitterMs === 0 || jitterMs < ttlMs) return null;
  return refuse('invalid-argument', 'The jitter must be less than the ttl.', 'jitter', 'less than the ttl');
}
