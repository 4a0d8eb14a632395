import { ChangeKind } from '../../base/change.ts';
import { isUtf8 } from '../../base/utf8.ts';

/** Names of the events that tell of changed keys, by kind of change. */
export const eventTypes = ['set', 'del', 'expire', 'expired', 'evicted', 'flush', 'invalidate'] as const;
export type EventType = (typeof eventTypes)[number];

const typeByKind: Readonly<Record<ChangeKind, EventType>> = {
  [ChangeKind.set]: 'set',
  [ChangeKind.removed]: 'del',
  [ChangeKind.expiry]: 'expire',
  [ChangeKind.expired]: 'expired',
  [ChangeKind.evicted]: 'evicted',
  [ChangeKind.cleared]: 'flush',
  [ChangeKind.invalidated]: 'invalidate',
};

export function eventTypeOf(kind: ChangeKind): EventType {
  return typeByKind[kind];
}

/** One server-sent event. `data` is one line, and so is everything else. */
export function eventFrame(id: string, type: string, data: string): string {
  return `id: ${id}\nevent: ${type}\ndata: ${data}\n\n`;
}

/** A comment with an id: it keeps a connection alive, and what a client resumes from up to date, and is no event. */
export function idleFrame(id: string): string {
  return `: \nid: ${id}\n\n`;
}

/** The `key` of an event's data, in base64 when it is not UTF-8. */
export function keyFields(key: Uint8Array): { readonly key: string; readonly keyEncoding?: 'base64' } {
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.length);
  if (isUtf8(key, 0, key.length)) return { key: bytes.toString('utf8') };
  return { key: bytes.toString('base64'), keyEncoding: 'base64' };
}

/** The `tag` of an event's data, likewise. */
export function tagFields(bytes: Uint8Array): { readonly tag: string; readonly tagEncoding?: 'base64' } {
  const { key: tag, keyEncoding } = keyFields(bytes);
  return keyEncoding === undefined ? { tag } : { tag, tagEncoding: keyEncoding };
}

/** The place in a history that an id names; null when it is none of ours. Ids are `epoch-number`. */
export function readEventId(id: string): { readonly epoch: string; readonly number: number } | null {
  const [, epoch, digits] = /^([\da-f]{16})-(\d{1,16})$/.exec(id) ?? [];
  return epoch === undefined || digits === undefined ? null : { epoch, number: Number(digits) };
}

export function eventId(epoch: string, number: number): string {
  return `${epoch}-${number}`;
}
