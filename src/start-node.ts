import { resolve } from 'node:path';
import { formatAddress } from './base/addresses.ts';
import { assert } from './base/assert.ts';
import { type Logger, systemClock } from './base/ports.ts';
import type { SnapshotsPort } from './command/control.ts';
import { isInCluster } from './config/cluster-contradictions.ts';
import type { Config } from './config/options.ts';
import type { NodeState } from './monitoring/facts.ts';
import { healthOf } from './monitoring/health.ts';
import { nodesDocument } from './monitoring/node-view.ts';
import { Access, type Account } from './server/access/access.ts';
import { AccessOrigin } from './server/access/origin.ts';
import { DiskSettings } from './server/control/disk-settings.ts';
import { SlowReport } from './server/control/slow-report.ts';
import { hasKeptKeys } from './server/persistence/kept-before-file.ts';
import type { Snapshots } from './server/persistence/snapshots.ts';
import { tlsSettings } from './server/tls/tls-files.ts';
import { openTlsIdentity } from './server/tls/tls-identity.ts';
import { NodeInCluster } from './start-cluster.ts';
import { NodeCore } from './start-core.ts';
import { type Fronts, startFronts } from './start-fronts.ts';
import { NodePersistence } from './start-persistence.ts';
import { messageBytesMaxOf } from './start-shards.ts';
import { KEY_BYTES_MAX } from './store/layout.ts';

/** What the disk is given to take what is left, however long all else took to stop. */
const LOG_CLOSE_MS_MIN = 5000;
/** Of the time to stop, for others to take over: a copy that is the only one in sync has to be copied first. */
const HAND_OVER_SHARE = 0.7;

export interface RunningNode {
  readonly url: string;
  readonly port: number;
  readonly tcpPort: number;
  /** Of the cluster bus; null: the node is of no cluster. */
  readonly busPort: number | null;
  /** Whether it serves: a node in a cluster does once that has taken it in. */
  isReady(): boolean;
  /** The build of the HTTP engine that serves. */
  readonly engine: string;
  /**
   * Reads the certificate anew for connections to come; what is wrong with it, or that there is none, is logged, and changes
   * nothing.
   */
  reload(): void;
  /** Answers what was accepted, then ends everything. False when something had to be cut off. */
  stop(): Promise<boolean>;
}

/** Starts a node: its shards, then its front end. Throws when it cannot; nothing is left running then. */
export async function startNode(
  config: Config,
  accounts: readonly Account[],
  version: string,
  logger: Logger,
  /** Told to stop by a client; what is to call `stop`. */
  onShutdown: () => void = () => undefined,
  /** The node cannot go on, and what is running is to be ended. */
  onFailed: (reason: string) => void = () => undefined,
): Promise<RunningNode> {
  const settings = tlsSettings(config);
  const tls = settings === null ? null : openTlsIdentity(settings, logger);
  const messageBytesMax = messageBytesMaxOf(config);
  let state: NodeState = 'starting';
  let fronts: Fronts | null = null;
  let persistence: NodePersistence | null = null;
  const disk = config.persistence ? new DiskSettings(config) : null;
  const cluster = isInCluster(config)
    ? new NodeInCluster({
        config,
        tls,
        logger,
        messageBytesMax,
        keyBytesMax: KEY_BYTES_MAX,
        onFailed: (reason) => onFailed(reason),
      })
    : null;

  const core = new NodeCore({
    config,
    version,
    logger,
    accounts,
    slowReport: config.logSlowCommands ? new SlowReport(logger, () => performance.now()) : null,
    cluster,
    disk,
    snapshots: config.persistence ? snapshotsOf(() => persistence?.snapshots ?? null) : null,
    onShutdown,
    state: () => state,
    loading: () => persistence?.loading() ?? null,
    diskTroubles: () => persistence?.troubles() ?? [],
    persistence: () => persistence?.facts() ?? null,
    fronts: () => fronts,
  });
  const { limits, slowLog, latency, clients, channels, monitoring, port } = core;
  const { facts } = monitoring;
  if (!config.persistence && hasKeptKeys(config.dataDir)) {
    const { dataDir } = config;
    logger.warn(
      { dataDir: resolve(dataDir) },
      'keys are kept there, and this node, without --persistence, neither reads nor writes them: they will be older than what ' +
        'is written now, and back as they are at the next start with it',
    );
  }
  if (disk !== null) {
    const { partitionCount: partitions } = facts;
    persistence = await NodePersistence.open({ config, settings: disk, partitions, logger, messageBytesMax, onFailed });
  }
  const { shards, tracker, jobs } = core.openShards(persistence);
  try {
    const isLoading = persistence !== null && !persistence.isNew;
    if (!isLoading) await shards.started();
    // Nobody's write is to be refused because the log is not open yet.
    if (!isLoading && cluster === null) await persistence?.started(shards, jobs);
    // Clients are told that what was kept is being read, and how long that will take, rather than nothing.
    shards.dispatcher.isLoading = isLoading;
    fronts = await startFronts({
      config,
      tls,
      shards,
      access: new Access(accounts, systemClock),
      counters: monitoring.counters,
      clock: systemClock,
      log: logger,
      port,
      clients,
      channels,
      tracker,
      limits,
      slowLog,
      openPeer: cluster?.peerSessions(channels) ?? null,
      http: {
        origin: new AccessOrigin(config.bind, config.allowedHosts, config.allowedOrigins),
        version,
        metrics: monitoring.openMetrics(),
        health: () => healthOf(facts),
        nodes: () => nodesDocument(facts),
        dashboard: monitoring.openDashboard(),
      },
    });
    if (persistence?.isNew === false) {
      logger.info({ tcpPort: fronts.tcp.port, httpPort: fronts.http.port }, 'reading what was kept on the disk');
    }
    await shards.started();
    await persistence?.started(shards, jobs);
    shards.dispatcher.isLoading = false;
    await cluster?.start({ tcpPort: fronts.tcp.port, httpPort: fronts.http.port }, persistence?.keptOnDisk ?? null);
  } catch (error) {
    latency.stop();
    await fronts?.drain();
    await cluster?.stop(0);
    await persistence?.stopSnapshots();
    await shards.stop(0);
    await persistence?.stop(LOG_CLOSE_MS_MIN);
    cluster?.end();
    await monitoring.stop();
    throw error;
  }
  state = 'serving';

  const running = fronts;
  let stopped: Promise<boolean> | null = null;
  const stop = async (): Promise<boolean> => {
    state = 'draining';
    // What CLIENT PAUSE holds back was taken: it is answered now.
    clients.unpause();
    const endMs = performance.now() + limits.drainTimeoutMs;
    const leftMs = () => Math.max(0, endMs - performance.now());
    // Others take over while this node still serves, so that nobody waits for a failover.
    await cluster?.handOver(leftMs() * HAND_OVER_SHARE);
    const isComplete = await running.drain();
    await persistence?.stopSnapshots();
    // Primaries elsewhere are not to wait for copies whose shards have ended.
    await cluster?.stop(leftMs());
    await shards.stop(leftMs());
    const isKept = (await persistence?.stop(Math.max(leftMs(), LOG_CLOSE_MS_MIN))) ?? true;
    if (persistence !== null && isKept) cluster?.client.noteKept();
    cluster?.end();
    latency.stop();
    await monitoring.stop();
    return isComplete && isKept;
  };
  return {
    url: `${tls === null ? 'http' : 'https'}://${formatAddress(config.bind, running.http.port)}`,
    port: running.http.port,
    tcpPort: running.tcp.port,
    busPort: cluster?.client.busPort ?? null,
    isReady: () => healthOf(facts).ready,
    engine: running.http.engine,
    reload: () => {
      if (tls === null) logger.info({}, 'there is nothing to be read anew: this node has no certificate');
      else tls.reload();
    },
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}

/** What commands ask of snapshots, which are there once what was kept is read. */
function snapshotsOf(snapshots: () => Snapshots | null): SnapshotsPort {
  return {
    get isReady() {
      return snapshots() !== null;
    },
    get isRunning() {
      return snapshots()?.isRunning ?? false;
    },
    get lastAtMs() {
      return snapshots()?.facts().lastAtMs ?? 0;
    },
    take: () => {
      const ready = snapshots();
      assert(ready !== null, 'whoever asks has looked whether they are ready');
      return ready.take();
    },
  };
}
