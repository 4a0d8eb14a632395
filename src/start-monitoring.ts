import { randomBytes } from 'node:crypto';
import { Counters } from './base/counters.ts';
import { type ErrorCode, errors } from './base/errors.ts';
import { type Logger, systemClock } from './base/ports.ts';
import { commandTable } from './command/table.ts';
import type { Config } from './config/options.ts';
import type { JobPool } from './jobs/job-pool.ts';
import type { PeerSample } from './monitoring/cluster-timeline/cluster-news.ts';
import { DashboardBroadcast } from './monitoring/dashboard/dashboard-broadcast.ts';
import { NodeSampler } from './monitoring/dashboard/node-sampler.ts';
import { readPageFiles } from './monitoring/dashboard/page-files.ts';
import { peerSampleOf } from './monitoring/dashboard/sample-between.ts';
import { EventLoopWatch } from './monitoring/event-loop.ts';
import type { NodeFacts, NodeState } from './monitoring/facts.ts';
import { KeyspaceWatch } from './monitoring/keyspace/keyspace-watch.ts';
import { Metrics } from './monitoring/metrics.ts';
import type { PersistenceFacts } from './monitoring/persistence-facts.ts';
import { ShardFactsReader } from './monitoring/shard-facts.ts';
import type { Sources } from './monitoring/sources.ts';
import { Statistics, sumOf } from './monitoring/statistics.ts';
import { UsageWatch } from './monitoring/usage-watch.ts';
import { PARTITION_COUNT_DEFAULT } from './routing/partition-map.ts';
import type { LiveLimits } from './server/control/live-limits.ts';
import type { SlowLog } from './server/control/slow-log.ts';
import type { Shards } from './server/dispatch/shards.ts';
import type { DashboardPort } from './server/http/dashboard-port.ts';
import type { LoadingFacts } from './server/persistence/loading-watch.ts';
import type { Channels } from './server/pubsub/channels.ts';
import type { Tracker } from './server/tracking/tracker.ts';
import { ShardControl } from './shard/shard-control.ts';
import { watchAccess } from './start-access.ts';
import type { NodeInCluster } from './start-cluster.ts';
import type { Fronts } from './start-fronts.ts';

/** What of a node is watched. */
export interface MonitoringParts {
  readonly config: Config;
  readonly version: string;
  readonly logger: Logger;
  readonly limits: LiveLimits;
  readonly channels: Channels;
  readonly slowLog: SlowLog;
  /** Null: the node is by itself. */
  readonly cluster: NodeInCluster | null;
  readonly state: () => NodeState;
  readonly loading: () => LoadingFacts | null;
  readonly diskTroubles: () => readonly string[];
  readonly persistence: () => PersistenceFacts | null;
  /** Null as long as they are not open. */
  readonly fronts: () => Fronts | null;
}

/** What watches a node: its counters, what is read off its parts, and those that tell of it. */
export class Monitoring {
  /** What the front ends count in. */
  readonly counters: Counters;
  readonly facts: NodeFacts;
  readonly statistics: Statistics;
  readonly #parts: MonitoringParts;
  readonly #eventLoop = new EventLoopWatch();
  readonly #usage: UsageWatch;
  readonly #sampler: NodeSampler;
  #shards: ShardFactsReader | null = null;
  #tracker: Tracker | null = null;
  #jobs: JobPool | null = null;
  #sources: Sources = { access: null, keyspace: null, cluster: null };

  /** The shards answer INFO from the facts, and the facts are read off the shards, once these are there: see `attach`. */
  constructor(parts: MonitoringParts) {
    this.#parts = parts;
    const commandCount = commandTable.commands.length;
    const errorCount = 1 + Math.max(...(Object.keys(errors) as ErrorCode[]).map((code) => errors[code].id));
    this.counters = Counters.create({ commandCount, errorCount });
    this.facts = this.#facts();
    this.#usage = new UsageWatch(
      () => this.facts.counters(),
      () => sumOf(this.facts, 'usedBytes'),
    );
    this.#sampler = new NodeSampler(this.facts, () => this.#eventLoop.take());
    this.statistics = new Statistics(this.facts);
  }

  /** Watches these from now on. */
  attach(shards: Shards, tracker: Tracker, jobs: JobPool): void {
    const loads = shards.threads.map(({ control }) => new ShardControl(control));
    this.#shards = new ShardFactsReader(shards, loads);
    this.#tracker = tracker;
    this.#jobs = jobs;
    this.#sources = openSources(this.#parts, shards, jobs);
    const { cluster } = this.#parts;
    if (cluster !== null) cluster.timeline.sample = () => this.peerSample();
  }

  /** The page of /metrics, once everything is attached. */
  openMetrics(): Metrics {
    return new Metrics(this.facts);
  }

  /** Null where the node is to have none. Throws when a file of its page is missing. */
  openDashboard(): DashboardPort | null {
    const { config, slowLog, logger, fronts } = this.#parts;
    if (!config.dashboard) return null;
    return new DashboardBroadcast({
      facts: this.facts,
      sources: () => this.#sources,
      sampler: this.#sampler,
      slowLog,
      engine: () => fronts()?.http.engine ?? '',
      page: readPageFiles(),
      onDefect: (err) => logger.error({ err }, 'the dashboard could not be told how the node is'),
    });
  }

  /** What other nodes are told of this one; null: it has not begun. */
  peerSample(): PeerSample | null {
    const { last } = this.#sampler;
    return last === null ? null : peerSampleOf(last);
  }

  /** After the shards have ended. */
  async stop(): Promise<void> {
    this.#eventLoop.stop();
    this.#usage.stop();
    this.#sampler.stop();
    this.#sources.access?.stop();
    await this.#jobs?.stop();
    await this.#sources.keyspace?.stop();
  }

  #facts(): NodeFacts {
    const { config, version, limits, channels, cluster, state, loading, diskTroubles, persistence, fronts } =
      this.#parts;
    const monitoring = this;
    return {
      nodeName: config.nodeName,
      version,
      startedAtMs: systemClock.nowMs(),
      host: config.bind,
      get httpPort() {
        return fronts()?.http.port ?? config.httpPort;
      },
      get tcpPort() {
        return fronts()?.tcp.port ?? config.tcpPort;
      },
      isTls: config.tlsCert !== '',
      partitionCount: cluster === null ? PARTITION_COUNT_DEFAULT : config.partitions,
      memoryBytesMax: config.maxMemory,
      eviction: config.eviction,
      commandNames: commandTable.commands.map(({ name }) => name),
      runId: randomBytes(20).toString('hex'),
      nowMs: () => systemClock.nowMs(),
      connectionsMax: () => limits.connectionsMax,
      channels: () => channels,
      tracking: () => this.#tracker ?? { clientCount: 0, keyCount: 0, itemCount: 0, prefixCount: 0 },
      rates: () => this.#usage.rates,
      memoryPeakBytes: () => Math.max(this.#usage.peakBytes, sumOf(this.facts, 'usedBytes')),
      // Only builds of the engine that tell of connections have these counted.
      protocols: () => [
        { name: 'http', tellsConnections: fronts()?.http.tellsConnections ?? false },
        { name: 'resp', tellsConnections: true },
        { name: 'msgpack', tellsConnections: true },
      ],
      state,
      loading,
      diskTroubles,
      persistence,
      counters: () => {
        fronts()?.flushCounts();
        return this.counters;
      },
      shards: () => this.#shards?.read() ?? [],
      eventLoopDelay: () => this.#eventLoop.recent(),
      cluster: () => cluster?.watch.facts() ?? null,
      get sources() {
        return monitoring.#sources;
      },
    };
  }
}

/** Opens what knows more of the node than its counters do, when its shards are there and have not begun. */
function openSources({ config, cluster }: MonitoringParts, shards: Shards, jobs: JobPool): Sources {
  return {
    access: watchAccess(config, shards),
    keyspace: new KeyspaceWatch({
      jobs,
      ...shards.jobMemory,
      intervalMs: config.analysisInterval,
      settings: {
        separator: config.prefixSeparator,
        prefixesMax: config.maxPrefixes,
        metricsPrefixes: config.metricsPrefixes,
      },
      clock: systemClock,
    }),
    cluster: cluster?.timeline ?? null,
  };
}
