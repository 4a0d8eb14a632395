/** The node of `forward.ts` that has the keys, as a process: told by messages of its parent what to do. */
import { createSecretKey } from 'node:crypto';
import { Counters } from '../src/base/counters.ts';
import { systemClock } from '../src/base/ports.ts';
import { RefusalLog } from '../src/cluster/bus/refusal-log.ts';
import { noControl } from '../src/command/control.ts';
import { noPublisher } from '../src/command/publisher.ts';
import { commandTable } from '../src/command/table.ts';
import { peerLimits } from '../src/server/cluster/peer-limits.ts';
import { openPeerSessions } from '../src/server/cluster/peer-session.ts';
import { TouchedPartitions } from '../src/server/cluster/touched-partitions.ts';
import { Shards } from '../src/server/dispatch/shards.ts';
import { TcpFront } from '../src/server/tcp/tcp-front.ts';
import { ForwardLoad, type Send, type Taken, taken } from './forward-load.ts';

export type Order =
  | { readonly type: 'direct'; readonly name: 'get' | 'set'; readonly count: number; readonly depth: number }
  | { readonly type: 'usage' };

export type Report =
  | { readonly type: 'ready'; readonly port: number }
  | { readonly type: 'direct'; readonly taken: Taken; readonly wrong: number }
  | { readonly type: 'usage'; readonly processorUs: number };

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const secret = process.env['FORWARD_SECRET'] ?? '';
const shards = new Shards({
  shardCount: 1,
  partitionCount: 64,
  budgetBytes: 64 * 1024 * 1024,
  eviction: 'flux',
  hashKey: [1, 2],
  node: {
    clock: systemClock,
    random: { nextUint32: () => 1 },
    infoSections: [],
    control: noControl,
    publisher: noPublisher,
  },
  supervisor: { logger: quiet },
});
await shards.started();
const { dispatcher } = shards;
const touched = new TouchedPartitions(shards.map, commandTable.commands);
const never = (): never => {
  throw new Error('no client is expected here');
};
const front = new TcpFront(
  {
    host: '127.0.0.1',
    port: 0,
    connectionsMax: 10,
    idleTimeoutMs: 0,
    requestTimeoutMs: 10_000,
    connectionOutputBytesMax: 64 << 20,
    pipelineMax: 10_000,
    keyBytesMax: 1000,
    valueBytesMax: 1 << 20,
    commandBytesMax: 1 << 20,
    argumentsMax: 1000,
    drainTimeoutMs: 100,
  },
  {
    counters: Counters.create({ commandCount: commandTable.commands.length, errorCount: 256 }),
    clock: systemClock,
    log: quiet,
    openResp: never,
    openRpc: never,
    openPeer: openPeerSessions({
      table: commandTable,
      commands: { runForwarded: (command, args, _flags, sink) => dispatcher.execute(command, args, sink, null) },
      partitionsOf: (command, args) => touched.collect(command, args),
      answer: () => null,
      channels: noPublisher,
      self: 'owner',
      clusterId: () => 'c1'.repeat(20),
      secret: createSecretKey(secret, 'utf8'),
      limits: peerLimits,
      keyBytesMax: 1000,
      log: quiet,
      refusals: new RefusalLog(quiet),
    }),
    tls: null,
  },
);
await front.listen();

const loads = { get: new ForwardLoad('get'), set: new ForwardLoad('set') };
const send: Send = (command, args, sink) => dispatcher.execute(command, args, sink);
const report = (what: Report): void => void process.send?.(what);

process.on('message', (order: Order) => {
  if (order.type === 'usage') {
    const { user, system } = process.cpuUsage();
    report({ type: 'usage', processorUs: user + system });
    return;
  }
  const load = loads[order.name];
  load.wrong = 0;
  void taken(() => load.run(send, order.count, order.depth)).then((of) =>
    report({ type: 'direct', taken: of, wrong: load.wrong }),
  );
});
process.on('disconnect', () => process.exit(0));
report({ type: 'ready', port: front.port });
