import { parentPort } from 'node:worker_threads';
import { AssertionError } from '../../../src/base/assert.ts';
import { Args } from '../../../src/command/args.ts';
import type { ReplyReader } from '../../../src/command/reply.ts';
import { commandTable } from '../../../src/command/table.ts';
import { PartitionMap } from '../../../src/routing/partition-map.ts';
import { BarrierSlots } from '../../../src/server/dispatch/barrier-slots.ts';
import { Transaction } from '../../../src/server/dispatch/transaction.ts';
import { TransactionRun, type TransactionShards } from '../../../src/server/dispatch/transaction-run.ts';
import { Admission } from '../../../src/shard/shard-client.ts';

/** Of a transaction that no shard takes part in. */
const shards: TransactionShards = {
  map: new PartitionMap(1, 1),
  slots: new BarrierSlots(null),
  prepareExec: () => Admission.taken,
  commitExec: () => undefined,
  replyBytesMax: () => Number.POSITIVE_INFINITY,
  runOnNode: () => undefined,
  refuseAdmission: () => undefined,
  answerDefect: (_command, error) => {
    throw error;
  },
  runBegan: () => undefined,
  runEnded: () => undefined,
};
const transaction = new Transaction();
transaction.add(commandTable.named('auth'), new Args());
const sink = { onReply: (reply: ReplyReader): void => parentPort?.postMessage(reply.kind) };
const broken = async (): Promise<void> => {
  throw new AssertionError('broken');
};
new TransactionRun(shards, transaction, [], broken, sink, null).start();
