import type { Args } from '../../command/args.ts';
import { decodeRoughInteger } from '../../command/decimal.ts';
import { ReplyKind, type ReplyReader, type ReplyWriter } from '../../command/reply.ts';

/**
 * A cursor of SCAN in a cluster: `tag × 2^42 + partition × 2^32 + place`. The place is a node's own, as every process
 * keeps its keys in an order of its own: the tag is of the process that said it, and another one, to which the partition
 * has moved meanwhile, begins it anew. So keys may be told twice then, and none is left out. Two processes have the same
 * tag once in 127 times.
 */
const PLACES = 2 ** 32;
const PARTITIONS = 2 ** 10;
const TAGS = 127;

/** The tag of a process, of a random number. */
export function tagOf(random: number): number {
  return 1 + (random % TAGS);
}

/** The partition that the cursor in argument 0 goes on with; 0 for what is no cursor. */
export function partitionOfCursor(args: Args, partitionCount: number): number {
  const cursor = cursorOf(args);
  const partition = cursor >= 0 ? Math.floor(cursor / PLACES) % PARTITIONS : 0;
  return partition < partitionCount ? partition : 0;
}

/** The cursor as this process takes it, without a tag; null: argument 0 is to stay as it is. */
export function ownCursor(args: Args, tag: number): number | null {
  const cursor = cursorOf(args);
  if (!(cursor >= PLACES)) return null;
  const partition = Math.floor(cursor / PLACES) % PARTITIONS;
  const isOwn = Math.floor(cursor / (PLACES * PARTITIONS)) === tag;
  return partition * PLACES + (isOwn ? cursor % PLACES : 0);
}

/** Writes SCAN's reply with the tag in its cursor, where that has a place. */
export function tagReply(reply: ReplyReader, tag: number, out: ReplyWriter): void {
  const start = reply.partStart;
  const isScan = reply.kind === ReplyKind.array && reply.count === 2;
  if (isScan) {
    reply.next();
    const next = Number(reply.text);
    if (next % PLACES !== 0) {
      out.array(2);
      out.bulkText(String(next + tag * PLACES * PARTITIONS));
      reply.next();
      const rest = reply.partStart;
      reply.skip();
      out.part(reply.bytes, rest, reply.nextStart);
      return;
    }
    reply.next();
  }
  reply.skip();
  out.part(reply.bytes, start, reply.nextStart);
}

/** NaN or less than 0 for what is none. */
function cursorOf(args: Args): number {
  return decodeRoughInteger(args.bytes, args.start(0), args.end(0));
}
