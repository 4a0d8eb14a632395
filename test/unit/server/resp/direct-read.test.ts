import test from 'ava';
import { Counters, FrontEnd } from '../../../../src/base/counters.ts';
import { commandTable } from '../../../../src/command/table.ts';
import { encodeRequest } from '../../../../src/protocol/resp/request-encoder.ts';
import { Access } from '../../../../src/server/access/access.ts';
import { ClientList } from '../../../../src/server/clients/client-list.ts';
import { SlowLog } from '../../../../src/server/control/slow-log.ts';
import { CommandCounts } from '../../../../src/server/dispatch/command-counts.ts';
import { Channels } from '../../../../src/server/pubsub/channels.ts';
import { RespSession } from '../../../../src/server/resp/resp-session.ts';
import { Tracker } from '../../../../src/server/tracking/tracker.ts';
import { InThreadShards, plainNode } from '../../../in-thread-shards.ts';
import { MemoryConnection } from '../../../rpc-session.ts';

const nothing = (): void => undefined;

test('a value that may not be told after it was read is taken back, and the key is asked for by a command', async (t) => {
  const shards = new InThreadShards(1);
  const { dispatcher } = shards;
  const connection = new MemoryConnection();
  const counters = Counters.create({ commandCount: commandTable.commands.length, errorCount: 100 });
  const session = new RespSession(
    {
      table: commandTable,
      commands: dispatcher,
      shardCount: 1,
      access: new Access([], plainNode.clock),
      counters,
      counts: new CommandCounts(counters, FrontEnd.resp, commandTable.commands),
      clock: plainNode.clock,
      log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
      port: plainNode,
      clients: new ClientList(),
      slowLog: new SlowLog(plainNode.clock, 10),
      channels: new Channels({ subscriptionsMax: 100, subscriptionBytesMax: 100_000 }),
      tracker: new Tracker({ listen: () => nothing }, { keysMax: 100, bytesMax: 100_000 }),
      limits: { keyBytesMax: 1000, bulkBytesMax: 10_000, commandBytesMax: 10_000, argumentsMax: 100, pipelineMax: 10 },
      httpPort: () => 0,
    },
    connection,
  );
  const endRead = dispatcher.endRead.bind(dispatcher);
  let thrownAway = 0;
  dispatcher.endRead = () => {
    endRead();
    thrownAway++;
    return false;
  };
  for (const words of [['SET', 'a', 'value'], ['GET', 'a'], ['GET', 'absent'], ['PING']]) {
    session.receive(encodeRequest(words));
    await shards.settle();
  }
  t.is(thrownAway, 2);
  const written = Buffer.from(connection.bytes.subarray(0, connection.length)).toString('latin1');
  t.is(written, '+OK\r\n$5\r\nvalue\r\n$-1\r\n+PONG\r\n');
});
