import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { type Logger, systemClock } from './base/ports.ts';
import type { Engine } from './client/engine.ts';
import { FluxCacheError } from './client/errors.ts';
import { namesOf, onlyKnown } from './client/known-options.ts';
import type { Config, OptionName } from './config/options.ts';
import { resolveConfig } from './config/resolve.ts';
import type { EngineOptions } from './embedded/embedded-options.ts';
import { type SessionHost, SessionStream } from './embedded/session-stream.ts';
import { Access } from './server/access/access.ts';
import { openRpcSessions } from './server/rpc/rpc-session.ts';
import { tcpFrontOptions } from './server/tcp/options.ts';
import { OutputPool } from './server/tcp/output-buffer.ts';
import { NodeCore } from './start-core.ts';
import { sessionNodesOf } from './start-sessions.ts';

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
  const version = versionOfPackage();
  const core = new NodeCore({
    config,
    version,
    logger,
    accounts: [],
    slowReport: null,
    cluster: null,
    disk: null,
    snapshots: null,
    // Whoever embeds an engine ends it by closing its client.
    onShutdown: () => undefined,
    state: () => 'serving',
    loading: () => null,
    diskTroubles: () => [],
    persistence: () => null,
    fronts: () => null,
  });
  const { limits, slowLog, latency, clients, channels, monitoring, port } = core;
  const { shards, tracker } = core.openShards(null);
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
  const parts = {
    ...{ config, shards, clients, channels, tracker, slowLog, port, version },
    access: new Access([], systemClock),
    counters: monitoring.counters,
    clock: systemClock,
    log: logger,
  };
  const { rpc } = sessionNodesOf(parts, tcpFrontOptions(config, limits, shards.keyBytesMax), () => 0);
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

function configOf(options: EngineOptions): Config {
  onlyKnown(options, engineNames);
  const { log: _, ...given } = options;
  const usual: Partial<Record<OptionName, unknown>> = {
    maxMemory: '64mb',
    shards: 1,
    // Nobody looks at what it would find out.
    analysisInterval: '0',
    dashboard: false,
    persistence: false,
  };
  const named = Object.entries(given).filter(([, value]) => value !== undefined);
  const values = new Map<string, unknown>(Object.entries({ ...usual, ...Object.fromEntries(named) }));
  const resolution = resolveConfig({
    flags: new Map(),
    environment: new Map(),
    file: { path: 'the options of FluxCache.embedded', values },
    // Only the default number of shards follows from the cores, and there is another one here.
    machine: { cores: 1, hostName: hostname() },
  });
  if (resolution.kind === 'problems') throw new FluxCacheError('invalid-argument', resolution.problems.join(' '));
  return resolution.resolved.config;
}

/** All but `log` are options of the server: those that mean something without listeners. */
const engineNames = namesOf<EngineOptions>({
  maxMemory: true,
  eviction: true,
  shards: true,
  maxKey: true,
  maxValue: true,
  notifyKeyspaceEvents: true,
  log: true,
});

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
