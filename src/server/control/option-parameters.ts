import type { Option } from '../../config/kinds.ts';
import { type Config, type OptionName, optionNames, options } from '../../config/options.ts';
import type { SyncPolicy } from '../../persistence/log-disk.ts';
import type { DiskSettings } from './disk-settings.ts';
import type { LiveLimits } from './live-limits.ts';
import { IMMUTABLE, type Parameter } from './parameter.ts';
import type { Changeable } from './redis-parameters.ts';

const SLOW_MS_MAX = 3_600_000;

/** An option that can be changed while the node runs. */
interface Live {
  readonly read: () => unknown;
  readonly write: (value: never) => void;
  /** Why a value that is allowed is not taken all the same; null: it is. */
  readonly problemOf?: (value: never) => string | null;
}

/** FluxCache's own options by their names in a configuration file, but for secrets; most are laid down at the start. */
export function optionParameters(node: Changeable): readonly Parameter[] {
  const live = liveOptions(node);
  return optionNames
    .filter((name) => (options[name] as Option<unknown>).secret !== true)
    .map((name) => parameterOf(name, node.config, live[name]));
}

function parameterOf(name: OptionName, config: Config, live: Live | undefined): Parameter {
  const option: Option<unknown> = options[name];
  const read = (): unknown => (live === undefined ? config[name] : live.read());
  return {
    name,
    // Secrets have been left out; a list is told as it is written in a flag.
    read: () => asFlag(option, read()),
    check: (text) => {
      const value = option.schema.safeParse(text);
      if (!value.success) return { problem: `allowed: ${option.allowed}` };
      if (live !== undefined) {
        const problem = live.problemOf?.(value.data as never) ?? null;
        return problem === null ? { apply: () => live.write(value.data as never) } : { problem };
      }
      if (asFlag(option, value.data) === asFlag(option, read())) return { apply: () => undefined };
      return { problem: IMMUTABLE };
    },
  };
}

function asFlag(option: Option<unknown>, value: unknown): string {
  if (Array.isArray(value)) return value.join(',');
  return typeof value === 'string' ? value : option.print(value);
}

function liveOptions(node: Changeable): Partial<Record<OptionName, Live>> {
  const { limits, slowLog, latency, notifications, disk } = node;
  const limit = (name: keyof LiveLimits): Live => ({
    read: () => limits[name],
    write: (value: number) => {
      limits[name] = value;
    },
  });
  return {
    maxConnections: limit('connectionsMax'),
    idleTimeout: limit('idleTimeoutMs'),
    maxClientOutput: limit('connectionOutputBytesMax'),
    drainTimeout: limit('drainTimeoutMs'),
    maxTrackedKeys: limit('trackedKeysMax'),
    slowLogThreshold: {
      // CONFIG SET slowlog-log-slower-than -1 turns the log off, which this option says by its greatest value.
      read: () => Math.min(slowLog.thresholdMs, SLOW_MS_MAX),
      write: (ms: number) => {
        slowLog.thresholdMs = ms;
      },
    },
    slowLogLength: {
      read: () => slowLog.lengthMax,
      write: (count: number) => {
        slowLog.lengthMax = count;
      },
    },
    latencyThreshold: {
      read: () => latency.thresholdMs,
      write: (ms: number) => {
        latency.thresholdMs = ms;
      },
    },
    notifyKeyspaceEvents: { read: () => notifications.flags, write: (flags: string) => void notifications.set(flags) },
    ...(disk !== null && liveDiskOptions(disk)),
  };
}

function liveDiskOptions(disk: DiskSettings): Partial<Record<OptionName, Live>> {
  return {
    fsync: {
      read: () => disk.fsync,
      write: (policy: SyncPolicy) => {
        disk.fsync = policy;
      },
      problemOf: (policy: SyncPolicy) => disk.problemOf(policy),
    },
    snapshotInterval: {
      read: () => disk.intervalMs,
      write: (ms: number) => {
        disk.intervalMs = ms;
      },
    },
    snapshotLogSize: {
      read: () => disk.logBytesMin,
      write: (bytes: number) => {
        disk.logBytesMin = bytes;
      },
    },
  };
}
