import { type ClusterPort, loneCluster } from './command/cluster-port.ts';
import type { ControlPort, SnapshotsPort } from './command/control.ts';
import { commandTable } from './command/table.ts';
import type { Config } from './config/options.ts';
import { durationHistograms } from './monitoring/durations.ts';
import type { NodeFacts } from './monitoring/facts.ts';
import { type Statistics, sumOf } from './monitoring/statistics.ts';
import type { Account } from './server/access/access.ts';
import type { DiskSettings } from './server/control/disk-settings.ts';
import type { LatencyEvents } from './server/control/latency-events.ts';
import type { LiveLimits } from './server/control/live-limits.ts';
import { optionParameters } from './server/control/option-parameters.ts';
import { type Changeable, redisParameters } from './server/control/redis-parameters.ts';
import { RuntimeConfig } from './server/control/runtime-config.ts';
import type { SlowLog } from './server/control/slow-log.ts';
import type { KeyspaceNotifications } from './server/pubsub/keyspace-notifications.ts';
import { invalidNotificationFlags, notificationFlagsOf } from './server/pubsub/notification-flags.ts';

/** The bus of a cluster listens at the TCP port and so many more, as in Redis. */
const BUS_PORT_OFFSET = 10_000;
const wildcards = ['0.0.0.0', '::', '*'];

/** What commands of administrators work on. */
export interface ControlParts {
  readonly config: Config;
  readonly facts: NodeFacts;
  readonly statistics: Statistics;
  readonly accounts: readonly Account[];
  readonly limits: LiveLimits;
  readonly slowLog: SlowLog;
  readonly latency: LatencyEvents;
  /** Null: nothing is kept on the disk. */
  readonly disk: DiskSettings | null;
  /** Null as long as the node is put together. */
  readonly notifications: () => KeyspaceNotifications | null;
  /** Null: nothing is kept on the disk. */
  readonly snapshots: SnapshotsPort | null;
  readonly shutdown: () => void;
  /** Null: the node is by itself. */
  readonly cluster: ClusterPort | null;
}

/** Puts together what a node offers its administrators. */
export function controlOf(parts: ControlParts): ControlPort {
  const { config, facts, accounts, limits, slowLog, latency } = parts;
  const users = new Map(accounts.map(({ user }) => [user.name, user]));
  const isOpen = accounts.length === 0;
  const changeable: Changeable = {
    config,
    limits,
    slowLog,
    latency,
    disk: parts.disk,
    notifications: {
      get flags() {
        return parts.notifications()?.flags ?? config.notifyKeyspaceEvents;
      },
      set: (flags) => parts.notifications()?.set(flags) ?? false,
      check: (flags) => notificationFlagsOf(flags) !== null,
    },
    invalidNotificationFlags,
    tcpPort: () => facts.tcpPort,
  };
  return {
    version: facts.version,
    startedAtMs: facts.startedAtMs,
    table: commandTable,
    config: new RuntimeConfig([...redisParameters(changeable), ...optionParameters(changeable)], () =>
      parts.statistics.reset(),
    ),
    slowLog,
    latency: {
      get thresholdMs() {
        return latency.thresholdMs;
      },
      events: () => latency.events(),
      reset: (names) => latency.reset(names),
      histograms: () => durationHistograms(parts.statistics.counters(), facts.commandNames),
    },
    cluster:
      parts.cluster ??
      loneCluster(
        facts.runId,
        wildcards.includes(config.bind) ? '' : config.bind,
        () => facts.tcpPort,
        () => facts.tcpPort + BUS_PORT_OFFSET,
      ),
    users: {
      isOpen,
      names: isOpen ? ['default'] : [...users.keys()],
      rulesOf: (name) => (isOpen ? 'on nopass ~* &* +@all' : `on ${users.get(name)?.rules ?? '-@all'}`),
    },
    memory: {
      get usedBytes() {
        return sumOf(facts, 'usedBytes');
      },
      get peakBytes() {
        return facts.memoryPeakBytes();
      },
      budgetBytes: facts.memoryBytesMax,
      get entryBytes() {
        return sumOf(facts, 'entryBytes');
      },
      get keyCount() {
        return sumOf(facts, 'keys');
      },
      get residentBytes() {
        return process.memoryUsage.rss();
      },
      get heapBytes() {
        return process.memoryUsage().heapUsed;
      },
    },
    snapshots: parts.snapshots,
    shutdown: parts.shutdown,
  };
}
