import test from 'ava';
import { ArgsBuffer } from '../../../src/command/args-buffer.ts';
import { commandTable } from '../../../src/command/table.ts';
import type { CommandDispatcher } from '../../../src/server/dispatch/command-dispatcher.ts';
import { plainReply } from '../../in-thread-shards.ts';
import { testScale } from '../../scale.ts';
import { ThreadedShards } from '../../threaded-shards.ts';
import { TransactionClient } from '../../transaction-client.ts';

/** Reads a number straight from shared memory; -1 when the read would have to go by mailbox. */
function readNumber(dispatcher: CommandDispatcher, key: string): number {
  const bytes = Buffer.from(key);
  const view = dispatcher.beginRead(bytes, 0, bytes.length);
  if (view === null) return -1;
  try {
    if (!view.lookup(bytes, 0, bytes.length)) return 0;
    const value = Buffer.alloc(view.entry.valueBytes);
    view.copyValue(value, 0);
    return Number(value.toString());
  } finally {
    dispatcher.endRead();
  }
}

for (const [where, shardCount, shards] of [
  ['one shard', 1, [0, 0, 0]],
  ['three shards', 3, [0, 1, 2]],
] as const) {
  test(`readers of shared memory never see a part of a transaction on ${where}, while its threads run it`, async (t) => {
    const threaded = new ThreadedShards({ shardCount });
    await threaded.shards.started();
    const { dispatcher } = threaded.shards;
    const client = new TransactionClient(dispatcher, shardCount);
    const keys = shards.map((shard, number) => threaded.keyOf(shard, number));
    const mget = commandTable.named('mget');
    const args = new ArgsBuffer().begin();
    for (const key of keys) args.text(key);
    await client.call('mset', ...keys.flatMap((key) => [key, '0']));

    let wrong = '';
    let steps = 0;
    let seen = 0;
    let pending = 0;
    const look = (): void => {
      dispatcher.execute(mget, args.args, {
        onReply(reply) {
          const values = plainReply(reply) as string[];
          if (values.some((value) => value !== values[0])) wrong ||= `MGET saw ${values}`;
          if (Number(values[0]) > seen) steps++;
          seen = Math.max(seen, Number(values[0]));
        },
      });
      // In the order of the keys: what is read later is of the same transaction or of one after it.
      let before = -1;
      for (const key of keys) {
        const value = readNumber(dispatcher, key);
        if (value < 0) break;
        if (value < before) wrong ||= `${key} was ${value} after another of its transaction was ${before}`;
        before = value;
      }
    };
    let round = 0;
    const startMs = Date.now();
    const runs = (): boolean => {
      const passedMs = Date.now() - startMs;
      // On a busy machine the threads take longer to get anywhere.
      return passedMs < 1500 * testScale || (steps <= 20 && passedMs < 60_000);
    };
    while (wrong === '' && runs()) {
      for (; pending < 20; pending++) {
        const value = String(++round);
        const commands = keys.map((key) => ['set', key, value] as const);
        void client.transact(...commands).then((reply) => {
          pending--;
          if (!Array.isArray(reply) || reply.length !== keys.length) wrong ||= `EXEC answered ${String(reply)}`;
        });
      }
      for (let looks = 0; looks < 20; looks++) look();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await threaded.shards.stop(10_000);
    t.is(wrong, '');
    t.true(steps > 20, `the keys were seen to change ${steps} times in ${round} transactions`);
  });
}
