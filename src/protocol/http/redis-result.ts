import { type ErrorCode, errors } from '../../base/errors.ts';
import { ReplyKind, type ReplyReader } from '../../command/reply.ts';

/** How strings stand in a result: as they are, or in base64, which also carries bytes that are not UTF-8. */
export type ResultEncoding = 'text' | 'base64';

/** `{"result":…}` or `{"error":…}` for the reply at its first part, as the replies of RESP2 turn into JSON. */
export function redisResult(reply: ReplyReader, encoding: ResultEncoding): string {
  if (reply.kind === ReplyKind.error) return redisError(reply.errorCode, reply.text);
  // The one string that is never encoded, and only where it is the whole result: clients know it as it is.
  if (reply.kind === ReplyKind.status && reply.text === 'OK') return '{"result":"OK"}';
  return `{"result":${jsonOf(reply, encoding)}}`;
}

export function redisError(code: ErrorCode, message: string): string {
  return JSON.stringify({ error: `${errors[code].respPrefix} ${message}` });
}

/** The HTTP status of a command that failed so: 400 where the command is at fault, whatever it is elsewhere. */
export function redisStatus(code: ErrorCode): number {
  const { httpStatus } = errors[code];
  return httpStatus >= 500 || code === 'request-too-large' ? httpStatus : 400;
}

/** The part the reader stands on, with all that belongs to it. Replies nest a few levels at most. */
function jsonOf(reply: ReplyReader, encoding: ResultEncoding): string {
  switch (reply.kind) {
    case ReplyKind.null:
    case ReplyKind.nullArray:
      return 'null';
    case ReplyKind.false:
      return '0';
    case ReplyKind.true:
      return '1';
    case ReplyKind.integer:
      return String(reply.number);
    case ReplyKind.bigInteger:
      return String(reply.bigInteger);
    case ReplyKind.double:
      return stringOf(Buffer.from(doubleText(reply.number)), encoding);
    case ReplyKind.array:
    case ReplyKind.set:
    case ReplyKind.push:
      return arrayOf(reply, reply.count, encoding);
    case ReplyKind.map:
      return arrayOf(reply, reply.count * 2, encoding);
    case ReplyKind.enclosed:
      reply.next();
      return jsonOf(reply, encoding);
    case ReplyKind.error:
      return stringOf(Buffer.from(`${errors[reply.errorCode].respPrefix} ${reply.text}`), encoding);
    default:
      return stringOf(reply.view, encoding);
  }
}

function arrayOf(reply: ReplyReader, count: number, encoding: ResultEncoding): string {
  const elements: string[] = [];
  for (let index = 0; index < count; index++) {
    reply.next();
    elements.push(jsonOf(reply, encoding));
  }
  return `[${elements.join(',')}]`;
}

function stringOf(bytes: Uint8Array, encoding: ResultEncoding): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return encoding === 'base64' ? `"${buffer.toString('base64')}"` : JSON.stringify(buffer.toString('utf8'));
}

function doubleText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
}
