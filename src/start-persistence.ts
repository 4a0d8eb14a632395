import { resolve } from 'node:path';
import { assert } from './base/assert.ts';
import { monotonicMs } from './base/monotonic.ts';
import { type Logger, systemClock } from './base/ports.ts';
import type { KeptOnDisk } from './cluster/actor/cluster-thread-data.ts';
import type { Claim } from './cluster/identity.ts';
import { isInCluster } from './config/cluster-contradictions.ts';
import type { Config } from './config/options.ts';
import type { JobPool } from './jobs/job-pool.ts';
import { createDoorbell, Doorbell } from './mailbox/doorbell.ts';
import { createLane } from './mailbox/lane.ts';
import type { PersistenceFacts } from './monitoring/persistence-facts.ts';
import { LogGate } from './persistence/log-gate.ts';
import { LogSyncer } from './persistence/log-syncer.ts';
import type { LogThreadData } from './persistence/log-thread-data.ts';
import { RecoveryWords } from './persistence/recovery-words.ts';
import type { Recovered } from './persistence/shard-data-file.ts';
import type { DiskSettings } from './server/control/disk-settings.ts';
import type { ShardBells, Shards, ShardsOnDisk } from './server/dispatch/shards.ts';
import { DataDirectory } from './server/persistence/data-directory-file.ts';
import { type LoadingFacts, LoadingWatch } from './server/persistence/loading-watch.ts';
import { LogThread } from './server/persistence/log-thread.ts';
import { LogWatch } from './server/persistence/log-watch.ts';
import { Snapshots } from './server/persistence/snapshots.ts';
import type { ShardLogData } from './shard/logged/shard-log-data.ts';
import type { ShardThreadData } from './shard/shard-thread-data.ts';
import type { StoreMemory } from './store/arena.ts';
import { readStatistics } from './store/statistics.ts';

export interface PersistenceParts {
  readonly config: Config;
  /** What of it may change. */
  readonly settings: DiskSettings;
  /** That keys are cut into. */
  readonly partitions: number;
  readonly logger: Logger;
  /** Of the largest command. */
  readonly messageBytesMax: number;
  /** The node cannot keep what it is told, and must end. */
  readonly onFailed: (reason: string) => void;
  /** Module of the logs' threads. */
  readonly logEntry?: URL;
}

const RING_BYTES = 2 ** 21;
/** What a command's effects may have around them beyond the command itself. */
const RECORD_MARGIN_BYTES = 128 * 1024;

interface KeptShard {
  readonly data: ShardLogData;
  readonly gate: LogGate;
  readonly bells: ShardBells;
  thread: LogThread | null;
}

/** What a node has beside that keeps its keys on the disk, put together before anything of it runs. */
export class NodePersistence implements ShardsOnDisk {
  readonly #parts: PersistenceParts;
  readonly #directory: DataDirectory;
  readonly #shards: KeptShard[] = [];
  readonly #claims: Claim[] = [];
  #loading: LoadingWatch | null = null;
  #snapshots: Snapshots | null = null;
  #watch: LogWatch | null = null;
  #started: Promise<void> | null = null;

  /** Throws when the node's directory cannot be had, naming it. */
  static async open(parts: PersistenceParts): Promise<NodePersistence> {
    const { config, partitions, logger } = parts;
    const { dataDir, shards } = config;
    const keeps = isInCluster(config) ? 'copies' : 'keys';
    const directory = await DataDirectory.open({ dataDir, partitions, shards, keeps });
    // Whoever named the wrong directory sees it here.
    if (directory.isNew) logger.info({ dataDir: resolve(dataDir) }, 'nothing is kept there yet: the node begins empty');
    return new NodePersistence(parts, directory);
  }

  private constructor(parts: PersistenceParts, directory: DataDirectory) {
    this.#parts = parts;
    this.#directory = directory;
  }

  /** What a node of a cluster has of its copies, once the shards have started. */
  get keptOnDisk(): KeptOnDisk {
    const { fsync, onDiskError } = this.#parts.config;
    const outlives = onDiskError === 'continue' ? 'nothing' : fsync === 'always' ? 'machine' : 'process';
    return { claims: this.#claims, outlives };
  }

  /** Nothing was kept before. */
  get isNew(): boolean {
    return this.#directory.isNew;
  }

  /** Null: the shards are not there yet. */
  get snapshots(): Snapshots | null {
    return this.#snapshots;
  }

  /** How far the shards are with what was kept; null: they have it. */
  loading(): LoadingFacts | null {
    return this.#loading?.facts() ?? null;
  }

  threadData(shard: number, bells: ShardBells): ShardLogData {
    const { config, messageBytesMax } = this.#parts;
    const data: ShardLogData = {
      lane: createLane({
        consumerBell: createDoorbell(),
        producerBell: bells.actor,
        ringBytes: RING_BYTES,
        messageBytesMax: messageBytesMax + RECORD_MARGIN_BYTES,
      }),
      gate: LogGate.create(config.onDiskError === 'continue'),
      failsWithDisk: config.onDiskError === 'fail',
      queueBytesMax: config.maxLogQueue,
      storeId: this.#directory.storeId,
      folder: this.#directory.folders[shard] as string,
      folders: this.#directory.foldersOf(shard),
      recovery: RecoveryWords.create(),
      // What does not expire is not to be lost with the others.
      evicts: config.eviction === 'flux',
    };
    this.#shards[shard] = { data, gate: new LogGate(data.gate), bells, thread: null };
    if (shard === config.shards - 1 && !this.isNew) this.#loading = this.#watchLoading();
    return data;
  }

  /** What was kept of a shard is in its memory: its log goes on. */
  recovered(shard: number, folders: readonly Recovered[], claims: readonly Claim[] = []): void {
    this.#claims.push(...claims);
    const kept = this.#shards[shard] as KeptShard;
    const { data, bells } = kept;
    const { config, logger, onFailed, logEntry } = this.#parts;
    const own = folders[data.folders.indexOf(data.folder)];
    if (folders.length > 0) {
      const sum = (field: 'records' | 'snapshotEntries' | 'bytes' | 'tornBytes') =>
        folders.reduce((total, one) => total + one[field], 0);
      const tornBytes = sum('tornBytes');
      const ms = Math.max(0, Math.round(systemClock.nowMs() - new RecoveryWords(data.recovery).get('beganAtMs')));
      const what = { shard, records: sum('records'), entries: sum('snapshotEntries'), bytes: sum('bytes'), ms };
      logger.info(tornBytes === 0 ? what : { ...what, tornBytes }, 'what was kept of a shard is read');
    }
    const threadData: LogThreadData = {
      folder: data.folder,
      shard,
      shards: config.shards,
      storeId: data.storeId,
      policy: this.#parts.settings.syncPolicy,
      firstSequence: own?.next ?? 1,
      previous: own?.last ?? null,
      segmentBytesMax: config.logSegmentSize,
      queuedBytesMax: config.maxLogQueue,
      lane: data.lane,
      gate: data.gate,
      syncer: LogSyncer.create(),
      bells: isInCluster(config) ? [...bells.fronts, bells.actor] : bells.fronts,
    };
    kept.thread = new LogThread(threadData, {
      logger,
      onDeath: (reason) => onFailed(`The log of shard ${shard} has ended: ${reason}`),
      ...(logEntry === undefined ? {} : { entry: logEntry }),
    });
  }

  /**
   * Fulfilled when every log is open, which is after every shard has begun to serve, and when snapshots have what was kept
   * for another number of shards, or what is left of it: no log says that the others are gone, and a later start with more
   * memory would have them again, though clients have seen that they are not there.
   */
  started(shards: Pick<Shards, 'threads' | 'jobMemory' | 'supervisor'>, jobs: JobPool): Promise<void> {
    this.#started ??= this.#start(shards, jobs);
    return this.#started;
  }

  async #start(shards: Parameters<NodePersistence['started']>[0], jobs: JobPool): Promise<void> {
    for (const { thread } of this.#shards) await thread?.opened;
    this.#snapshots = this.#openSnapshots(shards, jobs);
    const lacks = !this.isNew && shards.threads.some(({ memory }) => hasLeftOut(memory));
    if (this.#directory.isResharding || lacks) {
      const outcome = await this.#snapshots.take(this.#directory.isResharding ? 'other shards' : 'left out');
      if (outcome.kind === 'failed') {
        const what = this.#directory.isResharding
          ? `The keys could not be written anew for ${this.#shards.length} shards`
          : 'Not all keys that were kept fit --max-memory, and those that do could not be written anew';
        throw new Error(`${what}: ${outcome.reason}`);
      }
    }
    if (this.isNew || this.#directory.isResharding) this.#directory.adopt();
    this.#watch = this.#watchLogs();
    this.#loading?.stop();
    this.#loading = null;
  }

  #openSnapshots(
    { threads, jobMemory, supervisor }: Parameters<NodePersistence['started']>[0],
    jobs: JobPool,
  ): Snapshots {
    const { settings, logger } = this.#parts;
    return new Snapshots({
      shards: this.#shards.map(({ data, gate, thread }, shard) => {
        const { memory, bell } = threads[shard] as ShardThreadData;
        assert(thread !== null, 'a shard that serves has its log');
        return { shard, folder: data.folder, memory, gate, bell, thread, isServing: () => supervisor.serving(shard) };
      }),
      jobs,
      reader: jobMemory.reader,
      storeId: this.#directory.storeId,
      clock: systemClock,
      logger,
      rules: settings,
      prepare: () => this.#directory.restore(),
    });
  }

  #watchLoading(): LoadingWatch {
    const words = this.#shards.map(({ data }) => new RecoveryWords(data.recovery));
    return new LoadingWatch({ words, logger: this.#parts.logger, nowMs: () => systemClock.nowMs() });
  }

  #watchLogs(): LogWatch {
    const { config, logger } = this.#parts;
    const [first] = this.#shards;
    return new LogWatch({
      gates: this.#shards.map(({ gate }) => gate),
      fronts: (first?.bells.fronts ?? []).map((handle) => new Doorbell(handle)),
      reasonOf: (shard) => this.#shards[shard]?.thread?.trouble ?? '',
      failsWithDisk: config.onDiskError === 'fail',
      logger,
      nowMs: monotonicMs,
    });
  }

  facts(): PersistenceFacts {
    return {
      fsync: this.#parts.settings.fsync,
      logs: this.#shards.map(({ gate }) => ({ ...gate.facts(), waiting: gate.waiting })),
      snapshots: this.#snapshots?.facts() ?? null,
    };
  }

  /** What is wrong with the disk, for people. */
  troubles(): string[] {
    return this.#watch?.troubles() ?? [];
  }

  /** An actor has died, and another takes its place: what reached the log is where it goes on. */
  async beforeRestart(shard: number): Promise<void> {
    const { data, gate, thread } = this.#shards[shard] as KeptShard;
    const next = (await thread?.succeed()) ?? null;
    if (next === null) return;
    new RecoveryWords(data.recovery).set('next', next);
    gate.setAppended(next - 1);
    gate.beginReign(next - 1);
  }

  /** No snapshot is begun any more: before the shards end. */
  async stopSnapshots(): Promise<void> {
    await this.#snapshots?.stop();
  }

  /** Writes what is left, once the shards have ended; false when something could not be written. */
  async stop(deadlineMs: number): Promise<boolean> {
    this.#loading?.stop();
    this.#watch?.stop();
    const stopped = await Promise.all(this.#shards.map(({ thread }) => thread?.stop(deadlineMs) ?? true));
    await this.#directory.close();
    return stopped.every((isComplete) => isComplete);
  }
}

/** Not all that was read of a shard is in its memory, which has served nobody yet. */
function hasLeftOut(memory: StoreMemory): boolean {
  const { evictedEntries, outOfMemory } = readStatistics(memory);
  return evictedEntries > 0 || outOfMemory > 0;
}
