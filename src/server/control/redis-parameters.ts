import type { Config } from '../../config/options.ts';
import { diskParameters } from './disk-parameters.ts';
import type { DiskSettings } from './disk-settings.ts';
import type { LatencyEvents } from './latency-events.ts';
import type { LiveLimits } from './live-limits.ts';
import { outputLimits } from './output-limits.ts';
import { fixed, fixedBytes, fixedChoice, fixedSwitch, integer, type Parameter, text } from './parameter.ts';
import type { SlowLog } from './slow-log.ts';

/** What parameters change. */
export interface Changeable {
  readonly config: Config;
  readonly limits: LiveLimits;
  readonly slowLog: SlowLog;
  readonly latency: LatencyEvents;
  /** Null: nothing is kept on the disk. */
  readonly disk: DiskSettings | null;
  /** Which changes of keys are published, as Redis's letters; `set` returns false for what is no such text. */
  readonly notifications: { readonly flags: string; set(flags: string): boolean; check(flags: string): boolean };
  readonly invalidNotificationFlags: string;
  readonly tcpPort: () => number;
}

const INT32_MAX = 2 ** 31 - 1;
const UINT32_MAX = 2 ** 32 - 1;
const KEEP_ALIVE_S = 300;

/** The parameters of Redis that mean something here, by its names, and in its units and words. */
export function redisParameters(node: Changeable): readonly Parameter[] {
  const { config, limits, slowLog, latency, notifications } = node;
  return [
    fixed('bind', config.bind),
    fixed('port', () => String(node.tcpPort())),
    fixed('databases', '1'),
    fixedSwitch('cluster-enabled', config.seeds.length > 0 || config.bootstrapExpect > 0),
    fixed('tcp-keepalive', String(KEEP_ALIVE_S)),
    fixedBytes('maxmemory', config.maxMemory),
    fixedChoice('maxmemory-policy', config.eviction, ['flux', 'noeviction', 'volatile-ttl']),
    ...diskParameters(config, node.disk),
    fixedBytes('proto-max-bulk-len', config.maxBody),
    fixedBytes('client-query-buffer-limit', config.maxBody),
    fixedSwitch('latency-tracking', true),
    fixed('latency-tracking-info-percentiles', '50 99 99.9'),
    integer('maxclients', {
      min: 1,
      max: UINT32_MAX,
      read: () => limits.connectionsMax,
      write: (count) => {
        limits.connectionsMax = count;
      },
    }),
    integer('timeout', {
      min: 0,
      max: INT32_MAX,
      read: () => Math.ceil(limits.idleTimeoutMs / 1000),
      write: (seconds) => {
        limits.idleTimeoutMs = seconds * 1000;
      },
    }),
    integer('shutdown-timeout', {
      min: 0,
      max: INT32_MAX,
      read: () => Math.ceil(limits.drainTimeoutMs / 1000),
      write: (seconds) => {
        limits.drainTimeoutMs = seconds * 1000;
      },
    }),
    integer('tracking-table-max-keys', {
      min: 0,
      max: Infinity,
      read: () => limits.trackedKeysMax,
      write: (count) => {
        // As in Redis, 0 is no limit: what memory there is for it bounds the table anyway.
        limits.trackedKeysMax = count === 0 ? Number.MAX_SAFE_INTEGER : count;
      },
    }),
    integer('slowlog-log-slower-than', {
      min: -1,
      max: Infinity,
      read: () => (slowLog.thresholdMs === Infinity ? -1 : Math.round(slowLog.thresholdMs * 1000)),
      write: (us) => {
        slowLog.thresholdMs = us < 0 ? Infinity : us / 1000;
      },
    }),
    integer('slowlog-max-len', {
      min: 0,
      max: Infinity,
      read: () => slowLog.lengthMax,
      write: (count) => {
        slowLog.lengthMax = count;
      },
    }),
    integer('latency-monitor-threshold', {
      min: 0,
      max: Infinity,
      read: () => latency.thresholdMs,
      write: (ms) => {
        latency.thresholdMs = ms;
      },
    }),
    text(
      'notify-keyspace-events',
      () => notifications.flags,
      (flags) => (notifications.check(flags) ? null : node.invalidNotificationFlags),
      (flags) => void notifications.set(flags),
    ),
    outputLimits(limits),
  ];
}
