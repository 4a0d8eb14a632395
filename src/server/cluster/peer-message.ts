import type { Args } from '../../command/args.ts';
import { ReplyKind } from '../../command/reply.ts';
import { RefusalReason } from '../../shard/guarded-reply.ts';

/**
 * Messages of a link; see `peer-frames.ts` for their head. Dialers send the first six kinds, acceptors the others.
 *
 * | kind | detail | number | body |
 * | --- | --- | --- | --- |
 * | names | 0 | 0 | the names of the sender's commands, by id, with a line feed behind each: before all else |
 * | command | `TargetFlag`s | of the request | the command as `encodeCommand` has it, by the sender's ids |
 * | publish | 1: to a shard channel | of the request | uint32 length of the channel, the channel, the payload |
 * | ask | 0 | of the request | what to tell of this node, to whoever watches the cluster there: see `cluster-timeline` of monitoring |
 * | ping | 0 | 0 | none |
 * | done | 0 | 0 | none: an answer to `going`; no command or message to a channel comes behind it |
 * | reply | 0 | of the request | the reply as a `ReplyWriter` holds it |
 * | refused | the `RefusalReason` | of the request | none: nothing was run |
 * | pong | 0 | 0 | none |
 * | going | 0 | 0 | none: the node stops; what it is sent up to `done` is answered, then it ends the link |
 */
export const PeerMessage = {
  names: 1,
  command: 2,
  publish: 3,
  ping: 4,
  reply: 5,
  refused: 6,
  pong: 7,
  going: 8,
  done: 9,
  ask: 10,
} as const;

const LF = 0x0a;
/** Of all names together; longer lists are not believed. */
const NAMES_MAX = 4096;

export function encodeNames(names: readonly string[]): Uint8Array {
  return Buffer.from(names.map((name) => `${name}\n`).join(''), 'latin1');
}

/** Null: no such list. */
export function decodeNames(bytes: Uint8Array, start: number, end: number): string[] | null {
  if (end > start && bytes[end - 1] !== LF) return null;
  const names = Buffer.from(bytes.subarray(start, end)).toString('latin1').split('\n');
  names.pop();
  return names.length > NAMES_MAX ? null : names;
}

const reasons = new Set<number>(Object.values(RefusalReason));

export function isRefusalReason(value: number): value is RefusalReason {
  return reasons.has(value);
}

/** A second result of `readNumber` that costs no object: where the number ends. */
let numberEnd = 0;

/** An unsigned LEB128 of at most 32 bits that ends before `end`; -1: there is none. */
function readNumber(bytes: Uint8Array, at: number, end: number): number {
  let value = 0;
  for (let index = 0; index < 5 && at + index < end; index++) {
    const byte = bytes[at + index] as number;
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (byte > 0x7f) continue;
    numberEnd = at + index + 1;
    return value < 2 ** 32 ? value : -1;
  }
  return -1;
}

/**
 * As `decodeCommand`, for bytes that another node has sent: fills `args` with ranges of `bytes[start..end)`, and returns
 * the row's id by that node's table; -1 when the bytes are no command.
 */
export function decodeForwarded(bytes: Uint8Array, start: number, end: number, args: Args): number {
  args.clear(bytes);
  const rowId = readNumber(bytes, start, end);
  if (rowId < 0) return -1;
  const count = readNumber(bytes, numberEnd, end);
  // Each argument takes a byte at least, that of its length.
  if (count < 0 || count > end - numberEnd) return -1;
  const lengthsAt = numberEnd;
  for (let index = 0; index < count; index++) if (readNumber(bytes, numberEnd, end) < 0) return -1;
  let from = numberEnd;
  numberEnd = lengthsAt;
  for (let index = 0; index < count; index++) {
    const to = from + readNumber(bytes, numberEnd, end);
    if (to > end) return -1;
    args.push(from, to);
    from = to;
  }
  return from === end ? rowId : -1;
}

/** Whether `bytes[start..end)` is one reply, whole and with nothing behind it: what a `ReplyReader` can read. */
export function isWholeReply(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  if (at < end && bytes[at] === ReplyKind.attribute) at += 10;
  let missing = 1;
  while (missing > 0) {
    if (at >= end) return false;
    const kind = bytes[at] as number;
    missing--;
    switch (kind) {
      case ReplyKind.null:
      case ReplyKind.false:
      case ReplyKind.true:
      case ReplyKind.nullArray:
        at += 1;
        break;
      case ReplyKind.enclosed:
        at += 1;
        missing += 1;
        break;
      case ReplyKind.integer:
      case ReplyKind.double:
      case ReplyKind.bigInteger:
        at += 9;
        break;
      case ReplyKind.status:
        if (at + 2 > end) return false;
        at += 2 + (bytes[at + 1] as number);
        break;
      case ReplyKind.bulk:
      case ReplyKind.error:
        if (at + 6 > end) return false;
        at += 6 + wordAt(bytes, at + 2);
        break;
      case ReplyKind.text:
      case ReplyKind.numbers:
        if (at + 5 > end) return false;
        at += 5 + wordAt(bytes, at + 1);
        break;
      case ReplyKind.array:
      case ReplyKind.set:
      case ReplyKind.push:
      case ReplyKind.map:
        if (at + 5 > end) return false;
        missing += wordAt(bytes, at + 1) * (kind === ReplyKind.map ? 2 : 1);
        at += 5;
        break;
      default:
        return false;
    }
  }
  return at === end;
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) +
    (bytes[at + 1] as number) * 2 ** 8 +
    (bytes[at + 2] as number) * 2 ** 16 +
    (bytes[at + 3] as number) * 2 ** 24
  );
}
