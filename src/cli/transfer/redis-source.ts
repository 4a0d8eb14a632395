import type { Reply } from '../../protocol/resp/reply.ts';
import { keyPages } from '../key-pages.ts';
import { bytesOf, numberOf } from '../run.ts';
import { type CollectionType, isCollection, readCollection } from './collections.ts';
import type { Entry, EntryType, Item } from './entry.ts';
import type { Chosen } from './flux-source.ts';
import type { ServerLink } from './server-link.ts';

const KEYS_AT_ONCE = 1000;
/** Values are asked for at once up to so many bytes of them. */
const VALUE_BYTES_AT_ONCE = 8 * 1024 * 1024;
const DOCUMENT_TYPE = 'ReJSON-RL';

/** A key of which is known what it is. */
interface Looked {
  readonly key: Uint8Array;
  readonly type: string;
  readonly expiresAtMs: number;
  readonly bytes: number;
}

/**
 * The entries of a server of the Redis protocol: strings, documents of RedisJSON, and with `asJson` collections as
 * documents. What is of other types is told of as left out. A time to live is counted from when it was read.
 */
export async function* redisItems(
  link: ServerLink,
  { pattern, type, asJson }: Chosen & { readonly asJson: boolean },
): AsyncGenerator<readonly Item[]> {
  const scanned = type === 'all' ? undefined : type === 'json' ? DOCUMENT_TYPE : type;
  for await (const keys of keyPages(link, { pattern, type: scanned, pageSize: KEYS_AT_ONCE, intervalMs: 0 })) {
    const looked = await lookAt(link, keys);
    const items: Item[] = [];
    const plain: Looked[] = [];
    for (const each of looked) {
      if (each.type === 'string') plain.push(each);
      else if (each.type === DOCUMENT_TYPE) items.push(...valueItem(each, 'json', await readDocument(link, each)));
      else if (asJson && isCollection(each.type)) items.push(...(await collectionItem(link, each, each.type)));
      else if (each.type !== 'none') items.push({ kind: 'left-out', key: each.key, reason: reasonOf(each.type) });
    }
    for (const group of groupsOf(plain)) {
      const replies = await link.exchange(group.map(({ key }) => ['GET', key]));
      for (const [at, each] of group.entries()) items.push(...valueItem(each, 'string', replies[at] as Reply));
    }
    yield items;
  }
}

async function lookAt(link: ServerLink, keys: readonly Uint8Array[]): Promise<Looked[]> {
  const replies = await link.exchange(
    keys.flatMap((key) => [
      ['TYPE', key],
      ['PTTL', key],
      ['STRLEN', key],
    ]),
  );
  const nowMs = Date.now();
  return keys.map((key, at) => {
    const leftMs = numberOf(replies[at * 3 + 1]) ?? -1;
    return {
      key,
      type: Buffer.from(bytesOf(replies[at * 3]) ?? []).toString('latin1'),
      expiresAtMs: leftMs < 0 ? 0 : nowMs + leftMs,
      // Of what is no string an error.
      bytes: numberOf(replies[at * 3 + 2]) ?? 0,
    };
  });
}

function* groupsOf(keys: readonly Looked[]): Generator<readonly Looked[]> {
  let group: Looked[] = [];
  let bytes = 0;
  for (const each of keys) {
    if (group.length > 0 && bytes + each.bytes > VALUE_BYTES_AT_ONCE) {
      yield group;
      group = [];
      bytes = 0;
    }
    group.push(each);
    bytes += each.bytes;
  }
  if (group.length > 0) yield group;
}

/** JSON.GET without a path answers the document itself, with one an array of what it finds. */
function readDocument(link: ServerLink, { key }: Looked): Promise<Reply> {
  return link.request(['JSON.GET', key]);
}

function valueItem(looked: Looked, type: EntryType, reply: Reply): Item[] {
  if (reply.kind === 'error') {
    return [{ kind: 'left-out', key: looked.key, reason: `as it could not be read (${reply.text})` }];
  }
  const value = bytesOf(reply);
  // It is gone by now.
  if (value === undefined) return [];
  return [{ kind: 'entry', place: 0, entry: entryOf(looked, type, value) }];
}

async function collectionItem(link: ServerLink, looked: Looked, type: CollectionType): Promise<Item[]> {
  const read = await readCollection(link, looked.key, type);
  if (read === null) return [];
  if (typeof read === 'string') return [{ kind: 'left-out', key: looked.key, reason: read }];
  return [{ kind: 'entry', place: 0, entry: entryOf(looked, 'json', read) }];
}

function entryOf({ key, expiresAtMs }: Looked, type: EntryType, value: Uint8Array): Entry {
  return { key, value, type, expiresAtMs, staleMs: 0, tags: [], contentType: '' };
}

function reasonOf(type: string): string {
  const hint = isCollection(type) ? ' (--as-json makes documents of them)' : '';
  return `of type ${type}${hint}`;
}
