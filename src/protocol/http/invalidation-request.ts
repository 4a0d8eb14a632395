import { TAG_BYTES_MAX } from '../../base/cache-limits.ts';
import type { JsonScanner } from './json-scanner.ts';
import { quoted, type Refusal, refuse } from './refusal.ts';

/** What `POST /v1/invalidate` asks for. */
export type InvalidationRequest =
  | { readonly type: 'tags'; readonly tags: readonly string[]; readonly isSoft: boolean }
  | { readonly type: 'match'; readonly pattern: string };

const fields = ['tags', 'soft', 'match'];
const tagsForm = `an array of strings of 1 to ${TAG_BYTES_MAX} bytes`;

/** Reads `{"tags":[…],"soft":…}` or `{"match":…}`; why it is refused otherwise. */
export function readInvalidation(body: Uint8Array, scanner: JsonScanner): InvalidationRequest | Refusal {
  // Looks at nesting, UTF-8 and all else before anything is made of it.
  scanner.open(body, 0, body.length);
  const isJson = scanner.value() && (scanner.peek() < 0 || scanner.unexpected('the end of the body'));
  if (!isJson) return scanner.refusal ?? refuse('bad-request', 'The body is no JSON.');
  const document: unknown = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.length).toString('utf8'));
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    return refuse('bad-request', 'The body must be a JSON object.');
  }
  const given = new Map<string, unknown>(Object.entries(document));
  for (const name of given.keys()) {
    if (!fields.includes(name)) {
      return refuse('bad-request', `There is no field ${quoted(name)} here.`, name.slice(0, 64), fields.join(', '));
    }
  }
  const soft = given.get('soft') ?? false;
  if (typeof soft !== 'boolean') return refuse('bad-request', 'The field "soft" must be true or false.', 'soft');
  if (given.has('tags') === given.has('match')) {
    const detail = given.has('tags') ? 'Tags and match are not given together.' : 'Tags or match must be given.';
    return refuse('bad-request', detail, 'tags', 'tags or match, one of them');
  }
  if (given.has('tags')) return tagsOf(given.get('tags'), soft);
  const pattern = given.get('match');
  if (typeof pattern !== 'string') return refuse('bad-request', 'The field "match" must be a string.', 'match');
  if (soft) return refuse('bad-request', 'What matches a pattern is removed, and not softly.', 'soft', 'with tags');
  return { type: 'match', pattern };
}

function tagsOf(value: unknown, isSoft: boolean): InvalidationRequest | Refusal {
  if (!Array.isArray(value) || value.length === 0) {
    return refuse('bad-request', `The field "tags" must be ${tagsForm}, and not empty.`, 'tags', tagsForm);
  }
  const tags: string[] = [];
  for (const tag of value as unknown[]) {
    if (typeof tag !== 'string')
      return refuse('bad-request', `The field "tags" must be ${tagsForm}.`, 'tags', tagsForm);
    tags.push(tag);
  }
  return { type: 'tags', tags, isSoft };
}
