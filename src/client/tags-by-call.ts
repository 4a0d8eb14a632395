import { Buffer } from 'node:buffer';
import { INVALIDATED_BYTES_MAX, INVALIDATED_TAGS_MAX } from '../base/cache-limits.ts';
import type { Key } from './values.ts';

/** Half of what the server takes: a small store has not always room to note as much at once. */
const BYTES_A_CALL_MAX = INVALIDATED_BYTES_MAX / 2;

/** Tags as one INVALIDATE takes them: none are no call at all. */
export function tagsByCall<Tag extends Key>(tags: readonly Tag[]): Tag[][] {
  const calls: Tag[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const tag of tags) {
    const length = 1 + (typeof tag === 'string' ? Buffer.byteLength(tag) : tag.length);
    if (bytes + length > BYTES_A_CALL_MAX || calls.at(-1)?.length === INVALIDATED_TAGS_MAX) {
      calls.push([]);
      bytes = 0;
    }
    calls.at(-1)?.push(tag);
    bytes += length;
  }
  return calls;
}
