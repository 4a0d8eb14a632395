import { decodeNumber, type Operation } from './operation.ts';
import type { Key } from './values.ts';

/** Operations of those who end entries by what they have in common. */
export const invalidateOperations = {
  /** Of as many as one of `tagsByCall` has. */
  invalidate: (tags: readonly Key[], isSoft: boolean): Operation<number> => ({
    method: 'invalidate',
    // Always said, since a tag may have either name.
    params: [isSoft ? 'SOFT' : 'HARD', ...tags],
    key: null,
    safety: 'idempotent',
    decode: decodeNumber,
  }),

  deleteMatching: (pattern: Key): Operation<number> => ({
    method: 'delmatch',
    params: [pattern],
    key: null,
    // How many it was is another number the second time.
    safety: 'once',
    decode: decodeNumber,
  }),
} as const;
