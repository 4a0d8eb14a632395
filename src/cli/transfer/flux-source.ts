import type { Reply } from '../../protocol/resp/reply.ts';
import { keyPages } from '../key-pages.ts';
import { bytesOf, numberOf } from '../run.ts';
import { type EntryType, entryTypes, type Item } from './entry.ts';
import type { ServerLink } from './server-link.ts';

/** Keys asked for at once, and the longest value they are asked for with: together they bound what is held of replies. */
const KEYS_AT_ONCE = 1000;
const VALUE_BYTES_AT_ONCE = 16 * 1024;

export interface Chosen {
  readonly pattern: string | undefined;
  /** A type as `--type` names it. */
  readonly type: string;
}

/** The entries of FluxCache servers: of a cluster all, whichever node is asked. */
export async function* fluxItems(link: ServerLink, { pattern, type }: Chosen): AsyncGenerator<readonly Item[]> {
  const scanned = type === 'all' ? undefined : type === 'json' ? 'ReJSON-RL' : 'string';
  const reader = new EntryReplies();
  for await (const keys of keyPages(link, { pattern, type: scanned, pageSize: KEYS_AT_ONCE, intervalMs: 0 })) {
    const replies = await link.exchange(keys.map((key) => ['GETENTRY', key, 'UPTO', VALUE_BYTES_AT_ONCE]));
    const items: Item[] = [];
    for (const [at, key] of keys.entries()) {
      let read = reader.read(key, replies[at] as Reply);
      // A long one comes alone.
      if (read === 'long') read = reader.read(key, await link.request(['GETENTRY', key]));
      if (read === 'gone' || read === 'long') continue;
      if (read.kind !== 'entry' || type === 'all' || read.entry.type === type) items.push(read);
    }
    yield items;
  }
}

/** Reads replies of GETENTRY: maps, which RESP2 has as arrays of names and values. */
class EntryReplies {
  /** Where each value stands in the array, by its name: told by the first reply, and the same in all others. */
  #places: ReadonlyMap<string, number> | null = null;

  read(key: Uint8Array, reply: Reply): Item | 'gone' | 'long' {
    if (reply.kind === 'null') return 'gone';
    if (reply.kind === 'error') return { kind: 'left-out', key, reason: `as it could not be read (${reply.text})` };
    const items = reply.kind === 'array' ? reply.items : [];
    this.#places ??= placesOf(items);
    const value = bytesOf(this.#at(items, 'value'));
    if (value === undefined) return 'long';
    return {
      kind: 'entry',
      place: 0,
      entry: {
        key,
        value,
        type: typeOf(textOfReply(this.#at(items, 'type'))),
        expiresAtMs: Math.max(0, numberOf(this.#at(items, 'expires-at')) ?? 0),
        staleMs: numberOf(this.#at(items, 'stale')) ?? 0,
        tags: listOf(this.#at(items, 'tags')),
        contentType: textOfReply(this.#at(items, 'content-type')),
      },
    };
  }

  #at(items: readonly Reply[], name: string): Reply | undefined {
    return items[this.#places?.get(name) ?? -1];
  }
}

function placesOf(items: readonly Reply[]): ReadonlyMap<string, number> {
  const places = new Map<string, number>();
  for (let at = 0; at + 1 < items.length; at += 2) places.set(textOfReply(items[at]), at + 1);
  return places;
}

function textOfReply(reply: Reply | undefined): string {
  const bytes = bytesOf(reply);
  return bytes === undefined ? '' : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}

function listOf(reply: Reply | undefined): readonly Uint8Array[] {
  return reply?.kind === 'array' ? reply.items.flatMap((item) => bytesOf(item) ?? []) : [];
}

function typeOf(word: string): EntryType {
  return entryTypes.find((type) => type === word) ?? 'string';
}
