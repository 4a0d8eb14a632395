import type { Reply } from '../../protocol/resp/reply.ts';
import { keyPages, RefusedError } from '../key-pages.ts';
import { bytesOf, numberOf } from '../run.ts';
import { type EntryType, entryTypes, type Item } from './entry.ts';
import type { ServerLink } from './server-link.ts';

/** Keys asked for at once, and the longest value they are asked for with: together they bound what is held of replies. */
const KEYS_AT_ONCE = 256;
const VALUE_BYTES_AT_ONCE = 64 * 1024;

export interface Chosen {
  readonly pattern: string | undefined;
  /** A type as `--type` names it. */
  readonly type: string;
}

/** The entries of FluxCache servers: of a cluster all, whichever node is asked. */
export async function* fluxItems(link: ServerLink, { pattern, type }: Chosen): AsyncGenerator<readonly Item[]> {
  const scanned = type === 'all' ? undefined : type === 'json' ? 'ReJSON-RL' : 'string';
  for await (const keys of keyPages(link, { pattern, type: scanned, pageSize: KEYS_AT_ONCE, intervalMs: 0 })) {
    const replies = await link.exchange(keys.map((key) => ['GETENTRY', key, 'UPTO', VALUE_BYTES_AT_ONCE]));
    const items: Item[] = [];
    for (const [at, key] of keys.entries()) {
      let read = readEntryReply(key, replies[at] as Reply);
      // A long one comes alone.
      if (read === 'long') read = readEntryReply(key, await link.request(['GETENTRY', key]));
      if (read === 'gone' || read === 'long') continue;
      if (read.kind !== 'entry' || type === 'all' || read.entry.type === type) items.push(read);
    }
    yield items;
  }
}

function readEntryReply(key: Uint8Array, reply: Reply): Item | 'gone' | 'long' {
  if (reply.kind === 'null') return 'gone';
  if (reply.kind === 'error') {
    if (/^ERR unknown command/i.test(reply.text)) throw new RefusedError(`GETENTRY was refused: ${reply.text}`);
    return { kind: 'left-out', key, reason: `as it could not be read (${reply.text})` };
  }
  const fields = fieldsOf(reply);
  const value = bytesOf(fields.get('value'));
  if (value === undefined) return 'long';
  return {
    kind: 'entry',
    place: 0,
    entry: {
      key,
      value,
      type: typeOf(textOfReply(fields.get('type'))),
      expiresAtMs: Math.max(0, numberOf(fields.get('expires-at')) ?? 0),
      staleMs: numberOf(fields.get('stale')) ?? 0,
      tags: listOf(fields.get('tags')),
      contentType: textOfReply(fields.get('content-type')),
    },
  };
}

/** A map, which RESP2 has as an array of names and values. */
function fieldsOf(reply: Reply): ReadonlyMap<string, Reply> {
  const fields = new Map<string, Reply>();
  const items = reply.kind === 'array' ? reply.items : [];
  for (let at = 0; at + 1 < items.length; at += 2) fields.set(textOfReply(items[at]), items[at + 1] as Reply);
  return fields;
}

function textOfReply(reply: Reply | undefined): string {
  return Buffer.from(bytesOf(reply) ?? []).toString('utf8');
}

function listOf(reply: Reply | undefined): readonly Uint8Array[] {
  return reply?.kind === 'array' ? reply.items.flatMap((item) => bytesOf(item) ?? []) : [];
}

function typeOf(word: string): EntryType {
  return entryTypes.find((type) => type === word) ?? 'string';
}
