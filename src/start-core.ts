import { plainRandom, systemClock } from './base/ports.ts';
import type { SnapshotsPort } from './command/control.ts';
import type { NodePort } from './command/node-port.ts';
import { JobPool } from './jobs/job-pool.ts';
import { infoSections } from './monitoring/info.ts';
import type { Account } from './server/access/access.ts';
import { ClientList } from './server/clients/client-list.ts';
import type { DiskSettings } from './server/control/disk-settings.ts';
import { LatencyEvents } from './server/control/latency-events.ts';
import { type LiveLimits, liveLimits } from './server/control/live-limits.ts';
import { SlowLog } from './server/control/slow-log.ts';
import type { SlowReport } from './server/control/slow-report.ts';
import type { Shards } from './server/dispatch/shards.ts';
import { Channels } from './server/pubsub/channels.ts';
import { KeyspaceNotifications } from './server/pubsub/keyspace-notifications.ts';
import { Tracker } from './server/tracking/tracker.ts';
import { controlOf } from './start-control.ts';
import { Monitoring, type MonitoringParts } from './start-monitoring.ts';
import type { NodePersistence } from './start-persistence.ts';
import { openShards } from './start-shards.ts';

/** What a core is made of: what only a node with listeners has is null, or does nothing, in one without. */
export interface CoreParts extends Omit<MonitoringParts, 'limits' | 'channels' | 'slowLog'> {
  readonly accounts: readonly Account[];
  /** Where slow commands are logged as well; null: nowhere. */
  readonly slowReport: SlowReport | null;
  /** Null: nothing is kept on the disk. */
  readonly disk: DiskSettings | null;
  /** Null: nothing is kept on the disk. */
  readonly snapshots: SnapshotsPort | null;
  /** A client asks the node to end. */
  readonly onShutdown: () => void;
}

/** The shards of a node, and what watches their changes. */
export interface OpenShards {
  readonly shards: Shards;
  readonly tracker: Tracker;
  readonly jobs: JobPool;
}

/** What a node has whether or not anything listens: what sessions share, what watches it, and its shards. */
export class NodeCore {
  readonly limits: LiveLimits;
  readonly slowLog: SlowLog;
  readonly latency = new LatencyEvents(systemClock);
  readonly clients = new ClientList();
  readonly channels: Channels;
  readonly monitoring: Monitoring;
  readonly port: NodePort;
  readonly #parts: CoreParts;
  #notifications: KeyspaceNotifications | null = null;

  constructor(parts: CoreParts) {
    this.#parts = parts;
    const { config, cluster } = parts;
    const limits = liveLimits(config);
    const slowLog = new SlowLog(systemClock, config.slowLogLength, parts.slowReport);
    slowLog.thresholdMs = config.slowLogThreshold;
    this.latency.thresholdMs = config.latencyThreshold;
    const channels = new Channels({
      subscriptionsMax: config.maxSubscriptions,
      subscriptionBytesMax: config.maxSubscriptionMemory,
    });
    const monitoring = new Monitoring({ ...parts, limits, channels, slowLog });
    const { facts, statistics } = monitoring;
    this.limits = limits;
    this.slowLog = slowLog;
    this.channels = channels;
    this.monitoring = monitoring;
    this.port = {
      clock: systemClock,
      random: plainRandom,
      infoSections: infoSections(facts, statistics),
      control: controlOf({
        config,
        facts,
        statistics,
        accounts: parts.accounts,
        limits,
        slowLog,
        latency: this.latency,
        disk: parts.disk,
        notifications: () => this.#notifications,
        snapshots: parts.snapshots,
        shutdown: parts.onShutdown,
        cluster: cluster?.control ?? null,
      }),
      publisher: cluster?.publisher(channels) ?? channels,
    };
  }

  /** Starts the shards' threads, and has their changes watched. Once. */
  openShards(persistence: NodePersistence | null): OpenShards {
    const { limits, port, latency } = this;
    const { config, cluster, logger } = this.#parts;
    const { facts } = this.monitoring;
    const shards = openShards({ config, limits, facts, node: port, latency, logger, cluster, persistence });
    const tracker = new Tracker(shards.changes, {
      get keysMax() {
        return limits.trackedKeysMax;
      },
      bytesMax: config.maxTrackingMemory,
    });
    this.#notifications = new KeyspaceNotifications(shards.changes, this.channels);
    this.#notifications.set(config.notifyKeyspaceEvents);
    const jobs = new JobPool({ logger, onThreadLost: () => shards.forgetJob() });
    cluster?.tellOfMoves(tracker);
    this.monitoring.attach(shards, tracker, jobs);
    return { shards, tracker, jobs };
  }
}
