import type { Reply } from '../../protocol/resp/reply.ts';
import type { RequestWord } from '../../protocol/resp/request-encoder.ts';
import { bytesOf, numberOf } from '../run.ts';
import { textOf } from './entry.ts';
import type { ServerLink } from './server-link.ts';

/** A collection with more elements is left out: it would be read in one reply. */
const ELEMENTS_MAX = 100_000;

interface Collection {
  /** The command that counts its elements. */
  readonly count: string;
  read(key: Uint8Array): readonly RequestWord[];
  /** The document; null when a text in it is not UTF-8. */
  documentOf(items: readonly Reply[]): string | null;
}

/** What Redis has beside strings, and how it is as JSON. */
const collections = {
  /** An object. */
  hash: { count: 'HLEN', read: (key) => ['HGETALL', key], documentOf: objectOf },
  /** An array. */
  list: { count: 'LLEN', read: (key) => ['LRANGE', key, 0, -1], documentOf: arrayOf },
  /** An array, whose order means nothing. */
  set: { count: 'SCARD', read: (key) => ['SMEMBERS', key], documentOf: arrayOf },
  /** An array of `{"member":…,"score":…}` by score. */
  zset: { count: 'ZCARD', read: (key) => ['ZRANGE', key, 0, -1, 'WITHSCORES'], documentOf: rankingOf },
  /** An array of `{"id":…,"fields":[name,value,…]}`. */
  stream: { count: 'XLEN', read: (key) => ['XRANGE', key, '-', '+'], documentOf: messagesOf },
} as const satisfies Record<string, Collection>;

export type CollectionType = keyof typeof collections;

export function isCollection(type: string): type is CollectionType {
  return Object.hasOwn(collections, type);
}

/** A collection as the text of a document; null when it is gone; or why it is left out. */
export async function readCollection(
  link: ServerLink,
  key: Uint8Array,
  type: CollectionType,
): Promise<Uint8Array | string | null> {
  const { count, read, documentOf } = collections[type];
  const counted = await link.request([count, key]);
  if (counted.kind === 'error') return `as it could not be read (${counted.text})`;
  if ((numberOf(counted) ?? 0) > ELEMENTS_MAX) return `of type ${type} with more than ${ELEMENTS_MAX} elements`;
  const reply = await link.request(read(key));
  if (reply.kind === 'error') return `as it could not be read (${reply.text})`;
  if (reply.kind !== 'array') return `of type ${type}, and answered in a strange way`;
  // Only a stream can be there without elements.
  if (reply.items.length === 0 && type !== 'stream') return null;
  const document = documentOf(reply.items);
  return document === null ? `of type ${type} with what is not UTF-8` : Buffer.from(document);
}

/** A text of Redis as JSON. */
function stringOf(reply: Reply | undefined): string | null {
  const bytes = bytesOf(reply);
  const text = bytes === undefined ? null : textOf(bytes);
  return text === null ? null : JSON.stringify(text);
}

function arrayOf(items: readonly Reply[]): string | null {
  const texts = items.map(stringOf);
  return texts.includes(null) ? null : `[${texts.join(',')}]`;
}

function objectOf(items: readonly Reply[]): string | null {
  const texts = items.map(stringOf);
  if (texts.includes(null)) return null;
  const members: string[] = [];
  for (let at = 0; at + 1 < texts.length; at += 2) members.push(`${texts[at]}:${texts[at + 1]}`);
  return `{${members.join(',')}}`;
}

function rankingOf(items: readonly Reply[]): string | null {
  const elements: string[] = [];
  for (let at = 0; at + 1 < items.length; at += 2) {
    const member = stringOf(items[at]);
    const score = stringOf(items[at + 1]);
    if (member === null || score === null) return null;
    const digits = JSON.parse(score) as string;
    // Infinity is no number of JSON.
    elements.push(`{"member":${member},"score":${Number.isFinite(Number(digits)) ? digits : score}}`);
  }
  return `[${elements.join(',')}]`;
}

function messagesOf(items: readonly Reply[]): string | null {
  const elements: string[] = [];
  for (const item of items) {
    const [id, fields] = item.kind === 'array' ? item.items : [];
    const name = stringOf(id);
    const list = arrayOf(fields?.kind === 'array' ? fields.items : []);
    if (name === null || list === null) return null;
    elements.push(`{"id":${name},"fields":${list}}`);
  }
  return `[${elements.join(',')}]`;
}
