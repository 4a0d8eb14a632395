import { type ClusterPort, loneCluster } from './cluster-port.ts';
import type { CommandRow } from './command-row.ts';

/** What the commands of administrators look at and change, in facets. Each is kept by the server. */
export interface ControlPort {
  /** FluxCache's own version. */
  readonly version: string;
  readonly startedAtMs: number;
  readonly table: TablePort;
  readonly config: ConfigPort;
  readonly slowLog: SlowLogPort;
  readonly latency: LatencyPort;
  readonly cluster: ClusterPort;
  readonly users: UsersPort;
  readonly memory: MemoryPort;
  /** Null: nothing is kept on the disk. */
  readonly snapshots: SnapshotsPort | null;
  /** Stops the node as a signal does: what was accepted is answered. */
  shutdown(): void;
}

/** One command, as COMMAND tells of it. */
export interface DescribedCommand extends CommandRow {
  readonly kind: string;
}

/** The table of commands, which rows cannot import because it is made of them. */
export interface TablePort {
  readonly commands: readonly DescribedCommand[];
  /** A row of that lower-case full name (`config|get`); undefined for internal ones, too. */
  described(name: string): DescribedCommand | undefined;
}

/** Parameters by name: those of Redis that mean something here, and FluxCache's own options. */
export interface ConfigPort {
  /** All of them with their values as CONFIG GET tells them. */
  parameters(): Iterable<readonly [name: string, value: string]>;
  /** Changes all of these or none; null, or what is wrong in Redis's words. */
  set(changes: readonly (readonly [name: string, value: string])[]): string | null;
  /** Lets the counts that INFO tells begin at 0. */
  resetStatistics(): void;
}

export interface SlowLogPort {
  readonly length: number;
  /** The last ones first, at most `count`. */
  latest(count: number): Iterable<SlowLogEntry>;
  clear(): void;
}

export interface SlowLogEntry {
  /** Counts up from 0 and is never used again. */
  readonly id: number;
  readonly atMs: number;
  readonly durationUs: number;
  /** The command's name and its arguments, shortened. */
  readonly words: readonly Uint8Array[];
  readonly address: string;
  readonly clientName: string;
}

export interface LatencyPort {
  /** What takes longer than this is kept as an event; 0: nothing is. */
  readonly thresholdMs: number;
  events(): Iterable<LatencyEvent>;
  /** Forgets the events of these names, or all; returns how many there were. */
  reset(names: readonly string[] | null): number;
  /** The durations of each command that was run. */
  histograms(): Iterable<DurationHistogram>;
}

export interface LatencyEvent {
  readonly name: string;
  /** Of all samples ever, those included that are no longer kept. */
  readonly maxMs: number;
  /** The oldest first, never none. */
  readonly samples: readonly LatencySample[];
}

export interface LatencySample {
  readonly atMs: number;
  readonly latencyMs: number;
}

export interface DurationHistogram {
  /** The command's. */
  readonly name: string;
  readonly calls: number;
  /** Upper bounds, and how many calls took no longer; those bounds only at which the number grows. */
  readonly cumulative: readonly (readonly [boundUs: number, calls: number])[];
}

export interface UsersPort {
  /** Nobody is asked for credentials. */
  readonly isOpen: boolean;
  readonly names: readonly string[];
  /** A user's rights in the notation of ACL LIST, without the name and without secrets. */
  rulesOf(name: string): string;
}

export interface MemoryPort {
  /** Bytes of the budget in use, the most that were since the start of the node, and all there are. */
  readonly usedBytes: number;
  readonly peakBytes: number;
  readonly budgetBytes: number;
  /** Bytes of live entries. */
  readonly entryBytes: number;
  readonly keyCount: number;
  /** Of the whole process. */
  readonly residentBytes: number;
  readonly heapBytes: number;
}

/** What is kept of the keys on the disk, beside a log of all changes. */
export interface SnapshotsPort {
  /** What was kept is read: one can be made. */
  readonly isReady: boolean;
  /** One is being made. */
  readonly isRunning: boolean;
  /** Unix milliseconds of the last one; 0: there is none. */
  readonly lastAtMs: number;
  /** Makes one, begun after this call; never rejects. Only when `isReady`. */
  take(): Promise<SnapshotsTaken>;
}

export type SnapshotsTaken =
  | { readonly kind: 'done'; readonly entries: number; readonly bytes: number; readonly tookMs: number }
  | { readonly kind: 'failed'; readonly reason: string };

/** A node that has nothing to administrate: in tests and benchmarks. */
export const noControl: ControlPort = {
  version: '0.0.0',
  startedAtMs: 0,
  table: { commands: [], described: () => undefined },
  config: { parameters: () => [], set: () => null, resetStatistics: () => undefined },
  slowLog: { length: 0, latest: () => [], clear: () => undefined },
  latency: { thresholdMs: 0, events: () => [], reset: () => 0, histograms: () => [] },
  cluster: loneCluster(
    '0'.repeat(40),
    '127.0.0.1',
    () => 0,
    () => 0,
  ),
  users: { isOpen: true, names: ['default'], rulesOf: () => 'on nopass ~* &* +@all' },
  memory: {
    usedBytes: 0,
    peakBytes: 0,
    budgetBytes: 0,
    entryBytes: 0,
    keyCount: 0,
    residentBytes: 0,
    heapBytes: 0,
  },
  snapshots: null,
  shutdown: () => undefined,
};
