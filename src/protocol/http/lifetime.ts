import { secondsOf } from './cache-control.ts';
import {
  fillForm,
  fillRefusal,
  isFillToken,
  jitterRefusal,
  tagsRefusal,
  windowForm,
  windowMsOf,
} from './cache-fields.ts';
import { ttlForm, ttlMsOf } from './limits.ts';
import { isRefusal, parseQuery, type Query, ttlParameter, windowParameter } from './query.ts';
import { type Refusal, refuse } from './refusal.ts';

/** What a PUT says of a value's time, its tags and its right to be stored. */
export interface Lifetime {
  /** 0: it does not expire. */
  readonly ttlMs: number;
  readonly staleMs: number;
  readonly jitterMs: number;
  readonly tags: readonly Uint8Array[];
  /** A fill token; empty: none. */
  readonly fill: string;
}

const comma = 0x2c;

/** Reads query and Cache-Control, of which the query counts where both say something; why it is refused otherwise. */
export function lifetimeOf(queryText: string, cacheControl: string): Lifetime | Refusal {
  const single: Uint8Array[] = [];
  const query = parseQuery(queryText, ['ttl', 'stale', 'jitter', 'tags', 'fill'], new Map([['tag', single]]));
  if (isRefusal(query)) return query;
  const ttlMs = ttlOf(query, cacheControl);
  if (typeof ttlMs !== 'number') return ttlMs;
  const staleMs = staleOf(query, cacheControl);
  if (typeof staleMs !== 'number') return staleMs;
  const jitterMs = windowParameter(query, 'jitter') ?? 0;
  if (typeof jitterMs !== 'number') return jitterMs;
  const tooMuch = jitterRefusal(jitterMs, ttlMs);
  if (tooMuch !== null) return tooMuch;
  const tags = [...splitTags(query.get('tags')), ...single];
  for (const [index, tag] of tags.entries()) {
    const refusal = tagsRefusal(tag.length, index + 1);
    if (refusal !== null) return refusal;
  }
  const fill = tokenParameter(query, 'fill') ?? '';
  return typeof fill === 'string' ? { ttlMs, staleMs, jitterMs, tags, fill } : fill;
}

/** The fill token of a parameter; null when it is not given. */
export function tokenParameter(query: Query, name: string): string | null | Refusal {
  const value = query.get(name);
  if (value === undefined) return null;
  const text = Buffer.from(value.buffer, value.byteOffset, value.length).toString('latin1');
  if (isFillToken(text)) return text;
  return name === 'fill' ? fillRefusal : refuse('invalid-argument', 'The fill token is none.', name, fillForm);
}

function ttlOf(query: Query, cacheControl: string): number | Refusal {
  const maxAge = secondsOf(cacheControl, 'max-age');
  if (query.has('ttl') || maxAge === null) return ttlParameter(query);
  const ttlMs = ttlMsOf(maxAge);
  return ttlMs > 0 ? ttlMs : refuse('invalid-argument', `The max-age must be ${ttlForm}.`, 'Cache-Control', ttlForm);
}

function staleOf(query: Query, cacheControl: string): number | Refusal {
  const given = windowParameter(query, 'stale');
  if (given !== null) return given;
  const seconds = secondsOf(cacheControl, 'stale-while-revalidate');
  if (seconds === null) return 0;
  const ms = windowMsOf(seconds);
  const detail = `The stale-while-revalidate must be ${windowForm}.`;
  return ms >= 0 ? ms : refuse('invalid-argument', detail, 'Cache-Control', windowForm);
}

/** The tags of a list between commas. A tag that holds a comma is given by a parameter of its own. */
function splitTags(list: Uint8Array | undefined): Uint8Array[] {
  if (list === undefined) return [];
  const tags: Uint8Array[] = [];
  let start = 0;
  for (let at = 0; at <= list.length; at++) {
    if (at < list.length && list[at] !== comma) continue;
    tags.push(list.subarray(start, at));
    start = at + 1;
  }
  return tags;
}
