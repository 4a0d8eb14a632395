import type { Args } from '../args.ts';
import type { ClusterAnswer } from '../cluster-port.ts';
import type { ConnectionCommand } from '../command.ts';
import { decodeInt64 } from '../decimal.ts';
import { integerArg, isWord, syntaxError } from '../options.ts';
import type { ReplyWriter } from '../reply.ts';
import { memberArg } from './cluster-topology.ts';

type Run = ConnectionCommand['run'];

/** Has this node take over from the one whose copies it holds; planned, so no write is lost and none is in doubt. */
export const failover: Run = (connection, args, reply) => {
  const { cluster } = connection.node.control;
  const isForced = args.count === 2 && (isWord(args, 1, 'FORCE') || isWord(args, 1, 'TAKEOVER'));
  if (args.count > 2 || (args.count === 2 && !isForced)) {
    syntaxError(reply);
    return;
  }
  if (cluster.isEnabled && cluster.describe().self.primary === null) {
    reply.error('bad-request', 'You should send CLUSTER FAILOVER to a replica');
    return;
  }
  return cluster.takeOver().then((answer) => okOrError(answer, reply));
};

export const forget: Run = (connection, args, reply) => {
  const { cluster } = connection.node.control;
  const member = memberArg(cluster.describe(), args, reply);
  if (member === null) return;
  return cluster.forget(member.id).then((answer) => okOrError(answer, reply));
};

export const report: Run = ({ node }, args, reply) => {
  const withPartitions = args.count > 1;
  if (args.count > 2 || (withPartitions && !isWord(args, 1, 'PARTITIONS'))) syntaxError(reply);
  else reply.bulkText(node.control.cluster.report(withPartitions));
};

export const control: Run = ({ node }, args, reply) => {
  if (args.count > 3) {
    syntaxError(reply);
    return;
  }
  const verb = textOf(args, 1).toLowerCase();
  const fields = args.count === 3 ? textOf(args, 2) : '{}';
  return node.control.cluster.control(verb, fields).then((answer) => {
    if (answer.type === 'refused') reply.error(answer.code, answer.message);
    else reply.bulkText(JSON.stringify({ ok: true, result: answer.result, message: answer.message }));
  });
};

/**
 * How many copies beside the primary have every write that was answered. A write is answered when all copies that are in
 * sync have it, so there is nothing to wait for but for more copies.
 */
export const wait: Run = (connection, args, reply) => {
  const wanted = integerArg(args, 0, reply);
  if (Number.isNaN(wanted)) return;
  const timeout = decodeInt64(args.bytes, args.start(1), args.end(1));
  if (timeout === null || timeout < 0n) {
    const problem = timeout === null ? 'timeout is not an integer or out of range' : 'timeout is negative';
    reply.error('invalid-argument', problem);
    return;
  }
  const { cluster } = connection.node.control;
  const inSync = cluster.copiesInSync;
  // As in Redis, what EXEC runs does not wait.
  if (!cluster.isEnabled || inSync >= wanted || connection.isExecuting) {
    reply.integer(inSync);
    return;
  }
  const isThere = (): boolean => connection.clients.byId(connection.client.id) !== undefined;
  return cluster.whenInSync(wanted, Number(timeout), isThere).then((count) => reply.integer(count));
};

function okOrError(answer: ClusterAnswer, reply: ReplyWriter): void {
  if (answer.type === 'refused') reply.error(answer.code, answer.message);
  else reply.ok();
}

function textOf(args: Args, index: number): string {
  return Buffer.from(args.view(index)).toString('utf8');
}
