import { type Counters, FrontEnd } from './base/counters.ts';
import type { Clock, Logger } from './base/ports.ts';
import type { NodePort } from './command/node-port.ts';
import { commandTable } from './command/table.ts';
import type { Config } from './config/options.ts';
import type { Access } from './server/access/access.ts';
import type { ClientList } from './server/clients/client-list.ts';
import type { SlowLog } from './server/control/slow-log.ts';
import { CommandCounts } from './server/dispatch/command-counts.ts';
import type { Shards } from './server/dispatch/shards.ts';
import type { Channels } from './server/pubsub/channels.ts';
import type { RespNode } from './server/resp/resp-node.ts';
import type { RpcNode } from './server/rpc/rpc-node.ts';
import type { TcpFrontOptions } from './server/tcp/options.ts';
import type { Tracker } from './server/tracking/tracker.ts';

/** What sessions share of the node they are on. */
export interface SessionParts {
  readonly config: Config;
  readonly shards: Shards;
  readonly access: Access;
  readonly counters: Counters;
  readonly clock: Clock;
  readonly log: Logger;
  readonly port: NodePort;
  readonly clients: ClientList;
  readonly channels: Channels;
  readonly tracker: Tracker;
  readonly slowLog: SlowLog;
  readonly version: string;
}

/** What sessions of either protocol need of their node. */
export function sessionNodesOf(
  parts: SessionParts,
  options: TcpFrontOptions,
  httpPort: () => number,
): { readonly resp: RespNode; readonly rpc: RpcNode } {
  const { config, shards, counters } = parts;
  const resp = {
    table: commandTable,
    commands: shards.dispatcher,
    shardCount: config.shards,
    access: parts.access,
    counters,
    counts: new CommandCounts(counters, FrontEnd.resp, commandTable.commands),
    clock: parts.clock,
    log: parts.log,
    port: parts.port,
    clients: parts.clients,
    slowLog: parts.slowLog,
    channels: parts.channels,
    tracker: parts.tracker,
    limits: {
      keyBytesMax: options.keyBytesMax,
      bulkBytesMax: options.commandBytesMax,
      commandBytesMax: options.commandBytesMax,
      argumentsMax: options.argumentsMax,
      pipelineMax: options.pipelineMax,
    },
    httpPort,
  };
  const rpc = {
    ...resp,
    counts: new CommandCounts(counters, FrontEnd.msgpack, commandTable.commands),
    limits: {
      keyBytesMax: options.keyBytesMax,
      valueBytesMax: options.valueBytesMax,
      messageBytesMax: options.commandBytesMax,
      paramsMax: options.argumentsMax,
      pipelineMax: options.pipelineMax,
      batchMax: config.maxBatch,
    },
    version: parts.version,
  };
  return { resp, rpc };
}
