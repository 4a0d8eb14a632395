import { copyOf } from '../../base/copy-bytes.ts';
import { ValueType } from '../../base/view.ts';
import { ReplyKind, type ReplyReader } from '../../command/reply.ts';
import { commandTable } from '../../command/table.ts';

/** The row that reads all there is to an entry; its reply is what {@link entryOf} reads. */
export const entryCommand = commandTable.named('flux.entry');
/** The same, of an entry in its stale window, too. */
export const staleEntryCommand = commandTable.named('flux.staleentry');

/** A copy of one entry. */
export interface Entry {
  readonly type: ValueType;
  readonly version: number;
  /** Milliseconds since the Unix epoch; 0 when it does not expire. */
  readonly expiresAtMs: number;
  /** Empty when none was stored, or none that a header can carry. */
  readonly contentType: string;
  /** Behind the expiry, for those who ask for stale values. */
  readonly staleMs: number;
  readonly value: Uint8Array;
}

/** The entry in the reply of {@link entryCommand}; null when there is none. */
export function entryOf(reply: ReplyReader): Entry | null {
  if (reply.kind !== ReplyKind.array) return null;
  reply.next();
  const { type } = reply;
  const value = copyOf(reply.bytes, reply.start, reply.end);
  return { type, value, ...factsOf(reply) };
}

/** What the next four parts of the reply tell of an entry: all but its value. */
export function factsOf(reply: ReplyReader): Omit<Entry, 'type' | 'value'> {
  reply.next();
  const version = reply.number;
  reply.next();
  const expiresAtMs = reply.number;
  reply.next();
  const { text } = reply;
  reply.next();
  return { version, expiresAtMs, contentType: isHeaderText(text) ? text : '', staleMs: reply.number };
}

/** The Content-Type that goes with a value stored without one. */
export function contentTypeOf(entry: Entry): string {
  if (entry.contentType !== '') return entry.contentType;
  switch (entry.type) {
    case ValueType.json:
    case ValueType.number:
      return 'application/json';
    case ValueType.string:
      return 'text/plain; charset=utf-8';
    default:
      return 'application/octet-stream';
  }
}

/** Whether the text can stand in a header: a client of another protocol may have stored anything. */
function isHeaderText(text: string): boolean {
  return /^[\x20-\x7e]{1,255}$/.test(text);
}
