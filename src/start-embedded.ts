import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { type Logger, systemClock } from './base/ports.ts';
import type { Engine } from './client/engine.ts';
import { FluxCacheError } from './client/errors.ts';
import type { NodePort } from './command/node-port.ts';
import { type Config, type OptionName, optionNames } from './config/options.ts';
import { resolveConfig } from './config/resolve.ts';
import type { EngineOptions } from './embedded/embedded-options.ts';
import { type SessionHost, SessionStream } from './embedded/session-stream.ts';
import { JobPool } from './jobs/job-pool.ts';
import { infoSections } from './monitoring/info.ts';
import { Access } from './server/access/access.ts';
import { ClientList } from './server/clients/client-list.ts';
import { LatencyEvents } from './server/control/latency-events.ts';
import { liveLimits } from './server/control/live-limits.ts';
import { SlowLog } from './server/control/slow-log.ts';
import { Channels } from './server/pubsub/channels.ts';
import { KeyspaceNotifications } from './server/pubsub/keyspace-notifications.ts';
import { openRpcSessions } from './server/rpc/rpc-session.ts';
import { tcpFrontOptions } from './server/tcp/options.ts';
import { OutputPool } from './server/tcp/output-buffer.ts';
import { Tracker } from './server/tracking/tracker.ts';
import { controlOf } from './start-control.ts';
import { Monitoring } from './start-monitoring.ts';
import { sessionNodesOf } from './start-sessions.ts';
import { openShards } from './start-shards.ts';
import { Arena } from './store/arena.ts';

/** What commands in flight are given when the client has gone. */
const STOP_MS = 5000;

/**
 * Starts shards and their dispatcher in this process, with sessions of MessagePack-RPC in front of them, but no listener:
 * nothing outside the process reaches it, and nothing of it outlives `stop`.
 * @throws FluxCacheError `invalid-argument`, naming the option
 */
export async function startEmbedded(options: EngineOptions): Promise<Engine> {
  const config = configOf(options);
  const logger = loggerOf(options.log ?? logToConsole);
  const limits = liveLimits(config);
  const slowLog = new SlowLog(systemClock, config.slowLogLength, null);
  slowLog.thresholdMs = config.slowLogThreshold;
  const latency = new LatencyEvents(systemClock);
  latency.thresholdMs = config.latencyThreshold;
  const clients = new ClientList();
  const channels = new Channels({
    subscriptionsMax: config.maxSubscriptions,
    subscriptionBytesMax: config.maxSubscriptionMemory,
  });
  const version = versionOfPackage();
  const monitoring = new Monitoring({
    config,
    version,
    logger,
    limits,
    channels,
    slowLog,
    cluster: null,
    state: () => 'serving',
    loading: () => null,
    diskTroubles: () => [],
    persistence: () => null,
    fronts: () => null,
  });
  const { facts, statistics } = monitoring;
  const port: NodePort = {
    clock: systemClock,
    random: { nextUint32: () => Math.floor(Math.random() * 2 ** 32) },
    infoSections: infoSections(facts, statistics),
    control: controlOf({
      config,
      facts,
      statistics,
      accounts: [],
      limits,
      slowLog,
      latency,
      notifications: () => notifications,
      snapshots: null,
      disk: null,
      // Whoever embeds an engine ends it by closing its client.
      shutdown: () => undefined,
      cluster: null,
    }),
    publisher: channels,
  };
  const shards = openShards({ config, limits, facts, node: port, latency, logger, cluster: null, persistence: null });
  const tracker = new Tracker(shards.changes, {
    get keysMax() {
      return limits.trackedKeysMax;
    },
    bytesMax: config.maxTrackingMemory,
  });
  const notifications = new KeyspaceNotifications(shards.changes, channels);
  notifications.set(config.notifyKeyspaceEvents);
  const jobs = new JobPool({ logger, onThreadLost: () => shards.forgetJob() });
  monitoring.attach(shards, tracker, jobs);
  const end = async (): Promise<void> => {
    latency.stop();
    await shards.stop(STOP_MS);
    await monitoring.stop();
  };
  try {
    await shards.started();
  } catch (error) {
    await end();
    throw error;
  }
  const keyBytesMax = Math.min(...shards.threads.map(({ memory }) => new Arena(memory).keyBytesMax));
  const parts = {
    ...{ config, shards, clients, channels, tracker, slowLog, port, version },
    access: new Access([], systemClock),
    counters: monitoring.counters,
    clock: systemClock,
    log: logger,
  };
  const { rpc } = sessionNodesOf(parts, tcpFrontOptions(config, limits, keyBytesMax), () => 0);
  const streams = new Set<SessionStream>();
  const host: SessionHost = {
    pool: new OutputPool(),
    open: openRpcSessions(rpc),
    nowMs: () => systemClock.nowMs(),
    closed: (stream) => streams.delete(stream),
    log: (message) => logger.warn({}, message),
  };
  let opened = 0;
  return {
    open: () => {
      const stream = new SessionStream(++opened, host);
      streams.add(stream);
      return stream;
    },
    stop: async () => {
      for (const stream of [...streams]) stream.destroy();
      await end();
    },
  };
}

function configOf({ log: _, ...given }: EngineOptions): Config {
  const usual: Partial<Record<OptionName, unknown>> = {
    maxMemory: '64mb',
    shards: 1,
    // Nobody looks at what it would find out.
    analysisInterval: '0',
    dashboard: false,
    persistence: false,
  };
  const named = Object.entries(given).filter(([, value]) => value !== undefined);
  for (const [name] of named) {
    if (!engineNames.includes(name)) {
      throw new FluxCacheError(
        'invalid-argument',
        `unknown option "${name}"; the options are ${engineNames.join(', ')}`,
      );
    }
  }
  const values = new Map<string, unknown>(Object.entries({ ...usual, ...Object.fromEntries(named) }));
  const resolution = resolveConfig({
    flags: new Map(),
    environment: new Map(),
    file: { path: 'the options of FluxCache.embedded', values },
    machine: { cores: 2, hostName: hostname() },
  });
  if (resolution.kind === 'problems') throw new FluxCacheError('invalid-argument', resolution.problems.join(' '));
  return resolution.resolved.config;
}

/** Those of the server's options that mean something without listeners. */
const engineNames: readonly string[] = optionNames.filter((name) =>
  ['maxMemory', 'eviction', 'shards', 'maxKey', 'maxValue', 'notifyKeyspaceEvents'].includes(name),
);

function loggerOf(log: NonNullable<EngineOptions['log']>): Logger {
  return {
    debug: () => undefined,
    info: () => undefined,
    warn: (fields, message) => log('warn', message, fields),
    error: (fields, message) => log('error', message, fields),
  };
}

function logToConsole(level: 'warn' | 'error', message: string, fields: object): void {
  console.error(`fluxcache (embedded), ${level}: ${message}`, fields);
}

function versionOfPackage(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
