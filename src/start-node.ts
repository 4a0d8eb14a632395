import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { Counters } from './base/counters.ts';
import { type ErrorCode, errors } from './base/errors.ts';
import { type Logger, systemClock } from './base/ports.ts';
import { commandTable } from './command/table.ts';
import type { Config } from './config/options.ts';
import { EventLoopWatch } from './monitoring/event-loop.ts';
import type { NodeFacts, NodeState, ShardFacts, StoreFacts } from './monitoring/facts.ts';
import { healthOf } from './monitoring/health.ts';
import { infoSections } from './monitoring/info.ts';
import { Metrics } from './monitoring/metrics.ts';
import { nodesDocument } from './monitoring/node-view.ts';
import { PARTITION_COUNT_DEFAULT } from './routing/partition-map.ts';
import { Access, type Account } from './server/access/access.ts';
import { AccessOrigin } from './server/access/origin.ts';
import { Shards } from './server/dispatch/shards.ts';
import { type HttpFront, startHttpFront } from './server/http/http-front.ts';
import { httpFrontOptions } from './server/http/options.ts';
import { Arena, type StoreMemory } from './store/arena.ts';
import { readStatistics } from './store/statistics.ts';

/** What the largest command may need in a mailbox beside its value: keys, options, lengths. */
const MESSAGE_MARGIN_BYTES = 256 * 1024;
/** Commands that may wait in front of one full ring, whatever their bytes. */
const QUEUED_COMMANDS_MAX = 1_000_000;
/** Entry versions begin at the time in 1/512 ms since then, so that those of a restarted node are new for 17 years. */
const VERSION_EPOCH_MS = Date.UTC(2025, 0, 1);

export interface RunningNode {
  readonly url: string;
  readonly port: number;
  /** The build of the HTTP engine that serves. */
  readonly engine: string;
  /** Answers what was accepted, then ends everything. False when something had to be cut off. */
  stop(): Promise<boolean>;
}

/** Starts a node: its shards, then its front end. Throws when it cannot; nothing is left running then. */
export async function startNode(
  config: Config,
  accounts: readonly Account[],
  version: string,
  logger: Logger,
): Promise<RunningNode> {
  const startedAtMs = systemClock.nowMs();
  const commandNames = commandTable.commands.map(({ name }) => name);
  const errorCount = 1 + Math.max(...(Object.keys(errors) as ErrorCode[]).map((code) => errors[code].id));
  const counters = Counters.create({ commandCount: commandNames.length, errorCount });
  const watch = new EventLoopWatch();
  let state: NodeState = 'starting';
  let front: HttpFront | null = null;

  // The shards answer INFO from the facts, and the facts are read off the shards, once these are there.
  const facts: NodeFacts = {
    nodeName: config.nodeName,
    version,
    startedAtMs,
    host: config.bind,
    get httpPort() {
      return front?.port ?? config.httpPort;
    },
    partitionCount: PARTITION_COUNT_DEFAULT,
    memoryBytesMax: config.maxMemory,
    eviction: config.eviction,
    commandNames,
    nowMs: () => systemClock.nowMs(),
    // Only builds of the engine that tell of connections have these counted.
    protocols: () => [{ name: 'http', tellsConnections: front?.tellsConnections ?? false }],
    state: () => state,
    counters: () => {
      front?.flushCounts();
      return counters;
    },
    shards: () => shardFacts(shards),
    eventLoopDelay: () => watch.take(),
  };
  const shards = openShards(config, facts, logger);
  try {
    await shards.started();
    const keyBytesMax = Math.min(...shards.threads.map(({ memory }) => new Arena(memory).keyBytesMax));
    front = await startHttpFront(httpFrontOptions(config, keyBytesMax), {
      commands: shards.dispatcher,
      shardCount: config.shards,
      access: new Access(accounts, systemClock),
      origin: new AccessOrigin(config.bind, config.allowedHosts, config.allowedOrigins),
      probesNeedCredentials: config.probeCredentials,
      counters,
      clock: systemClock,
      log: logger,
      version,
      metrics: new Metrics(facts),
      health: () => healthOf(facts),
      nodes: () => nodesDocument(facts),
    }).catch(async (error: unknown) => {
      throw (await portFault(config)) ?? error;
    });
  } catch (error) {
    watch.stop();
    await shards.stop(0);
    throw error;
  }
  state = 'serving';

  const running = front;
  let stopped: Promise<boolean> | null = null;
  const stop = async (): Promise<boolean> => {
    state = 'draining';
    const endMs = performance.now() + config.drainTimeout;
    const isComplete = await running.drain();
    await shards.stop(Math.max(0, endMs - performance.now()));
    watch.stop();
    return isComplete;
  };
  return {
    url: urlOf(config.bind, running.port),
    port: running.port,
    engine: running.engine,
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}

function openShards(config: Config, facts: NodeFacts, logger: Logger): Shards {
  const key = randomBytes(8);
  return new Shards({
    shardCount: config.shards,
    partitionCount: PARTITION_COUNT_DEFAULT,
    budgetBytes: config.maxMemory,
    eviction: config.eviction,
    hashKey: [key.readInt32LE(0), key.readInt32LE(4)],
    versionBase: Math.max(0, (facts.startedAtMs - VERSION_EPOCH_MS) * 512) % 2 ** 47,
    node: {
      clock: systemClock,
      random: { nextUint32: () => Math.floor(Math.random() * 2 ** 32) },
      infoSections: infoSections(facts),
    },
    supervisor: { logger, limits: { hangMs: config.watchdog } },
    messageBytesMax: Math.max(config.maxBody, config.maxValue) + MESSAGE_MARGIN_BYTES,
    commandRingBytes: config.ringSize,
    replyRingBytes: config.ringSize,
    outbox: { queuedBytesMax: config.maxQueue, queuedCountMax: QUEUED_COMMANDS_MAX },
  });
}

function shardFacts({ threads, supervisor, dispatcher, map }: Shards): ShardFacts[] {
  const facts = threads.map(({ shard, memory }) => ({
    isServing: supervisor.serving(shard),
    restarts: supervisor.restarts(shard),
    partitionFirst: map.partitionCount,
    partitionLast: -1,
    mailboxDepth: dispatcher.mailboxDepth(shard),
    store: storeFacts(memory),
  }));
  for (let partition = 0; partition < map.partitionCount; partition++) {
    const shard = facts[map.shardOfPartition(partition)];
    if (shard === undefined) continue;
    shard.partitionFirst = Math.min(shard.partitionFirst, partition);
    shard.partitionLast = Math.max(shard.partitionLast, partition);
  }
  return facts;
}

function storeFacts(memory: StoreMemory): StoreFacts {
  const statistics = readStatistics(memory);
  return {
    keys: statistics.keys,
    expiringKeys: statistics.expiringKeys,
    usedBytes: statistics.budgetBytes - statistics.freeBytes,
    budgetBytes: statistics.budgetBytes,
    entryBytes: statistics.liveBytes,
    evictedKeys: statistics.evictedEntries,
    expiredKeys: statistics.expiredEntries,
    hits: statistics.hits,
    misses: statistics.misses,
  };
}

/** Why the port cannot be opened, which the HTTP engine does not tell: found out by trying with Node's own server. */
async function portFault({ bind, httpPort }: Config): Promise<Error | null> {
  const server = createServer();
  try {
    server.listen({ host: bind, port: httpPort, exclusive: true });
    await once(server, 'listening');
    return null;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const reasons: Readonly<Record<string, string>> = {
      EADDRINUSE: `port ${httpPort} on ${bind} is in use by another program. Choose another with --http-port`,
      EADDRNOTAVAIL: `${bind} is no address of this machine. Choose another with --bind`,
      ENOTFOUND: `the name ${bind} is unknown. Choose another address with --bind`,
      EACCES: `port ${httpPort} may not be opened by this user. Choose one above 1023 with --http-port`,
    };
    const reason = Object.hasOwn(reasons, code) ? reasons[code] : undefined;
    return reason === undefined ? null : new Error(`Cannot listen: ${reason}.`, { cause: error });
  } finally {
    server.close();
  }
}

function urlOf(bind: string, port: number): string {
  return `http://${bind.includes(':') ? `[${bind}]` : bind}:${port}`;
}
