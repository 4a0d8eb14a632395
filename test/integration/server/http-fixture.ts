import { randomBytes } from 'node:crypto';
import { Counters } from '../../../src/base/counters.ts';
import { errors } from '../../../src/base/errors.ts';
import type { Health } from '../../../src/base/health.ts';
import { type Logger, systemClock } from '../../../src/base/ports.ts';
import type { ClusterPort } from '../../../src/command/cluster-port.ts';
import { noControl } from '../../../src/command/control.ts';
import { commandTable } from '../../../src/command/table.ts';
import type { Config } from '../../../src/config/options.ts';
import { resolveConfig } from '../../../src/config/resolve.ts';
import { Access, type Account } from '../../../src/server/access/access.ts';
import { AccessOrigin } from '../../../src/server/access/origin.ts';
import { SlowLog } from '../../../src/server/control/slow-log.ts';
import { Shards } from '../../../src/server/dispatch/shards.ts';
import type { DashboardPort } from '../../../src/server/http/dashboard-port.ts';
import { type HttpFront, startHttpFront } from '../../../src/server/http/http-front.ts';
import type { CommandPort, HttpNode } from '../../../src/server/http/node-port.ts';
import { type HttpFrontOptions, httpFrontOptions } from '../../../src/server/http/options.ts';
import { Channels } from '../../../src/server/pubsub/channels.ts';
import type { TlsIdentity } from '../../../src/server/tls/tls-identity.ts';
import { Arena, type EvictionName } from '../../../src/store/arena.ts';
import { bundledThread } from '../../bundled-thread.ts';

export interface Fixture {
  readonly front: HttpFront;
  readonly url: string;
  readonly counters: Counters;
  readonly slowLog: SlowLog;
  readonly shards: Shards;
  /** What was logged as an error. */
  readonly faults: readonly string[];
  stop(): Promise<void>;
}

export interface FixtureSettings {
  readonly options?: Partial<HttpFrontOptions>;
  readonly accounts?: readonly Account[];
  readonly shardCount?: number;
  readonly budgetBytes?: number;
  readonly eviction?: EvictionName;
  readonly health?: () => Health;
  /** The certificate to be shown. */
  readonly tls?: (log: Logger) => TlsIdentity;
  readonly cluster?: ClusterPort;
  readonly dashboard?: DashboardPort;
  /** Runs commands in the shards' place. */
  readonly commands?: CommandPort;
}

/** A node with real shards behind a real port of its own. */
export async function startFixture(settings: FixtureSettings = {}): Promise<Fixture> {
  const { shardCount = 2, budgetBytes = 128 * 2 ** 20, eviction = 'noeviction' } = settings;
  const faults: string[] = [];
  const log: Logger = {
    debug: () => {},
    info: () => {},
    warn: () => {},
    error: (fields, message) => void faults.push(`${message} ${JSON.stringify(fields, errorsAsText)}`),
  };
  const key = randomBytes(8);
  const channels = new Channels({ subscriptionsMax: 100, subscriptionBytesMax: 2 ** 20 });
  const shards = new Shards({
    shardCount,
    partitionCount: 64,
    budgetBytes,
    eviction,
    hashKey: [key.readUInt32LE(0), key.readUInt32LE(4)],
    node: {
      clock: systemClock,
      random: { nextUint32: () => randomBytes(4).readUInt32LE() },
      infoSections: [],
      control: noControl,
      publisher: channels,
    },
    supervisor: { logger: log, entry: bundledThread(new URL('../../../src/shard/shard-thread.ts', import.meta.url)) },
    messageBytesMax: 20 * 2 ** 20,
  });
  await shards.started();
  const slowLog = new SlowLog(systemClock, 100);
  const errorCount = Math.max(...Object.values(errors).map(({ id }) => id)) + 1;
  const counters = Counters.create({ commandCount: commandTable.commands.length, errorCount });
  const node: HttpNode = {
    commands: settings.commands ?? shards.dispatcher,
    changes: shards.changes,
    transactions: shards.dispatcher,
    channels,
    slowLog,
    shardCount,
    tls: settings.tls?.(log) ?? null,
    access: new Access(settings.accounts ?? [], systemClock),
    origin: new AccessOrigin('127.0.0.1', [], []),
    probesNeedCredentials: false,
    counters,
    clock: systemClock,
    log,
    version: '0.0.0',
    metrics: { contentType: 'text/plain; version=0.0.4', text: async () => 'fluxcache_up 1\n' },
    health: settings.health ?? (() => ({ ready: true, reasons: [] })),
    nodes: () => ({ nodes: [] }),
    dashboard: settings.dashboard ?? null,
    cluster: settings.cluster ?? noControl.cluster,
    snapshots: noControl.snapshots,
  };
  const keyBytesMax = Math.min(...shards.threads.map(({ memory }) => new Arena(memory).keyBytesMax));
  const shipped = httpFrontOptions(defaultConfig(), keyBytesMax);
  const front = await startHttpFront({ ...shipped, port: 0, ...settings.options }, node);
  return {
    front,
    url: `${node.tls === null ? 'http' : 'https'}://127.0.0.1:${front.port}`,
    counters,
    slowLog,
    shards,
    faults,
    async stop() {
      front.close();
      await shards.stop(1000);
    },
  };
}

/** The configuration of a server that is given none. */
function defaultConfig(): Config {
  const given = new Map<string, unknown>();
  const machine = { cores: 2, hostName: 'test' };
  const resolution = resolveConfig({ flags: given, environment: given, file: undefined, machine });
  if (resolution.kind === 'problems') throw new Error(resolution.problems.join());
  return resolution.resolved.config;
}

function errorsAsText(_key: string, value: unknown): unknown {
  return value instanceof Error ? (value.stack ?? value.message) : value;
}
