import { assert, unreachable } from '../base/assert.ts';
import type { Gather } from '../command/command.ts';
import { ReplyKind, type ReplyReader, type ReplyWriter } from '../command/reply.ts';
import type { KeyPlan } from './key-plan.ts';

/**
 * Makes one reply of those that the parts of a command gave, as the command's row says. `replies[part]`, for every
 * part of `plan`, is opened and stands on its first part; all are read to their ends. The first error, in order of
 * parts, is the whole command's reply. What comes out is what one shard that held all keys would have answered.
 */
export function gatherReplies(
  gather: Gather,
  plan: KeyPlan,
  replies: readonly ReplyReader[],
  partCount: number,
  out: ReplyWriter,
): void {
  for (let part = 0; part < partCount; part++) {
    const reply = replies[part] as ReplyReader;
    if (reply.kind === ReplyKind.error) {
      copyWhole(reply, out);
      return;
    }
  }
  switch (gather) {
    case 'sum':
      sum(replies, partCount, out);
      return;
    case 'by-key':
      byKey(plan, replies, partCount, out);
      return;
    case 'all-ok':
      copyWhole(replies[0] as ReplyReader, out);
      return;
    case 'single':
    case 'one-shard':
      assert(false, `a command that gathers '${gather}' has one part`);
      break;
    default:
      unreachable(gather);
  }
}

function sum(replies: readonly ReplyReader[], partCount: number, out: ReplyWriter): void {
  let total = 0;
  for (let part = 0; part < partCount; part++) {
    const reply = replies[part] as ReplyReader;
    assert(reply.kind === ReplyKind.integer, 'what is summed are integers');
    total += reply.number;
  }
  out.integer(total);
}

function byKey(plan: KeyPlan, replies: readonly ReplyReader[], partCount: number, out: ReplyWriter): void {
  for (let part = 0; part < partCount; part++) {
    const reply = replies[part] as ReplyReader;
    assert(
      reply.kind === ReplyKind.array && reply.count === plan.sizeOf(part),
      'a part answers with one element for each of its keys',
    );
  }
  out.array(plan.groupCount);
  // A part holds its keys in the command's order, so that its elements are taken one after the other.
  for (let group = 0; group < plan.groupCount; group++) {
    const reply = replies[plan.partOf(group)] as ReplyReader;
    reply.next();
    const start = reply.partStart;
    reply.skip();
    out.part(reply.bytes, start, reply.nextStart);
  }
}

function copyWhole(reply: ReplyReader, out: ReplyWriter): void {
  const start = reply.partStart;
  reply.skip();
  out.part(reply.bytes, start, reply.nextStart);
}
