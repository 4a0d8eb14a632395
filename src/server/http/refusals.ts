import { type Refusal, refuse } from '../../protocol/http/refusal.ts';

/** What several endpoints say alike. */

export const noSuchKey = refuse('no-such-key', 'There is no such key.');
export const conditionUnmet = refuse(
  'conflict',
  'A condition of the write (nx, xx or ifVersion) does not hold; nothing was changed.',
);
export const emptyBody = refuse('bad-request', 'The body is empty; it must be a JSON object.');

export function missing(field: string): Refusal {
  return refuse('bad-request', `The field "${field}" is missing.`, field);
}
