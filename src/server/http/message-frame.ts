import { ReplyKind, type ReplyReader } from '../../command/reply.ts';
import { type PushFormat, pushFormatIndex } from '../pubsub/push.ts';

/**
 * A push as clients of Redis over HTTP read it from server-sent events: its elements with commas between them,
 * `data: message,CHANNEL,PAYLOAD`. Each further line of a payload is a data line of its own.
 */
export const messageFormat: PushFormat = {
  index: pushFormatIndex.eventStream,
  encode: (reader) => Buffer.from(messageFrame(reader), 'utf8'),
};

/** The frame of the push at the reader's part. */
export function messageFrame(reader: ReplyReader): string {
  const elements: string[] = [];
  for (let left = reader.count; left > 0; left--) {
    elements.push(reader.next() === ReplyKind.integer ? String(reader.number) : reader.text);
  }
  return `data: ${elements.join(',').replaceAll(/\r\n|\r|\n/g, '\ndata: ')}\n\n`;
}
