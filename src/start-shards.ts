import { randomBytes } from 'node:crypto';
import type { Logger } from './base/ports.ts';
import type { Claim } from './cluster/identity.ts';
import type { NodePort } from './command/node-port.ts';
import type { Config } from './config/options.ts';
import type { NodeFacts } from './monitoring/facts.ts';
import type { Recovered } from './persistence/shard-data-file.ts';
import type { LatencyEvents } from './server/control/latency-events.ts';
import type { LiveLimits } from './server/control/live-limits.ts';
import { Shards } from './server/dispatch/shards.ts';
import type { NodeInCluster } from './start-cluster.ts';
import type { NodePersistence } from './start-persistence.ts';

/** What the largest command may need in a mailbox beside its value: keys, options, lengths. */
const MESSAGE_MARGIN_BYTES = 256 * 1024;
/** Commands that may wait in front of one full ring, whatever their bytes. */
const QUEUED_COMMANDS_MAX = 1_000_000;
/** Entry versions begin at the time in 1/512 ms since then, so that those of a restarted node are new for 17 years. */
const VERSION_EPOCH_MS = Date.UTC(2025, 0, 1);

/** What the shards of a node are made with. */
export interface ShardParts {
  readonly config: Config;
  readonly limits: LiveLimits;
  readonly facts: NodeFacts;
  readonly node: NodePort;
  readonly latency: LatencyEvents;
  readonly logger: Logger;
  /** Null: the node is by itself. */
  readonly cluster: NodeInCluster | null;
  /** Null: nothing is kept on the disk. */
  readonly persistence: NodePersistence | null;
}

/** Bytes of the largest command or reply that a mailbox takes. */
export function messageBytesMaxOf({ maxBody, maxValue }: Config): number {
  return Math.max(maxBody, maxValue) + MESSAGE_MARGIN_BYTES;
}

/** Reserves the memory of all shards and starts their threads. */
export function openShards(parts: ShardParts): Shards {
  const { config, limits, facts, node, latency, logger, cluster, persistence } = parts;
  const key = randomBytes(8);
  return new Shards({
    shardCount: config.shards,
    partitionCount: facts.partitionCount,
    cluster: cluster?.shards ?? null,
    onDisk: persistence,
    budgetBytes: config.maxMemory,
    eviction: config.eviction,
    hashKey: [key.readInt32LE(0), key.readInt32LE(4)],
    valueBytesMax: config.maxValue,
    versionBase: Math.max(0, (facts.startedAtMs - VERSION_EPOCH_MS) * 512) % 2 ** 47,
    node,
    supervisor: {
      logger,
      limits: { hangMs: config.watchdog },
      onDeath: (shard, reason) => {
        cluster?.shardDied(shard);
        const [, hungMs] = /ran for more than (\d+) ms/.exec(reason) ?? [];
        if (hungMs !== undefined) latency.sample('shard-hang', Number(hungMs));
      },
      ...(persistence === null
        ? {}
        : {
            onRecovered: (shard: number, folders: readonly Recovered[], claims: readonly Claim[]) =>
              persistence.recovered(shard, folders, claims),
            beforeRestart: (shard: number) => persistence.beforeRestart(shard),
          }),
    },
    // What a connection may leave unread, no reply is larger than.
    replyBytesMax: () => limits.connectionOutputBytesMax,
    messageBytesMax: messageBytesMaxOf(config),
    commandRingBytes: config.ringSize,
    replyRingBytes: config.ringSize,
    outbox: { queuedBytesMax: config.maxQueue, queuedCountMax: QUEUED_COMMANDS_MAX },
  });
}
