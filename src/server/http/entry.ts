import { copyOf } from '../../base/copy-bytes.ts';
import { ValueType } from '../../base/view.ts';
import { ReplyKind, type ReplyReader } from '../../command/reply.ts';
import { commandTable } from '../../command/table.ts';

/** The row that reads all there is to an entry; its reply is what {@link entryOf} reads. */
export const entryCommand = commandTable.named('flux.entry');

/** A copy of one entry. */
export interface Entry {
  readonly type: ValueType;
  readonly version: number;
  /** Milliseconds since the Unix epoch; 0 when it does not expire. */
  readonly expiresAtMs: number;
  /** Empty when none was stored, or none that a header can carry. */
  readonly contentType: string;
  readonly value: Uint8Array;
}

/** The entry in the reply of {@link entryCommand}; null when there is none. */
export function entryOf(reply: ReplyReader): Entry | null {
  if (reply.kind !== ReplyKind.array) return null;
  reply.next();
  const { type } = reply;
  const value = copyOf(reply.bytes, reply.start, reply.end);
  reply.next();
  const version = reply.number;
  reply.next();
  const expiresAtMs = reply.number;
  reply.next();
  const contentType = reply.text;
  return { type, version, expiresAtMs, contentType: isHeaderText(contentType) ? contentType : '', value };
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
