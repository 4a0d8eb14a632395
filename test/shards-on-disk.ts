import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CommandTable } from '../src/command/table.ts';
import type { Config } from '../src/config/options.ts';
import { resolveConfig } from '../src/config/resolve.ts';
import { JobPool } from '../src/jobs/job-pool.ts';
import { DiskSettings } from '../src/server/control/disk-settings.ts';
import type { SupervisorLimits } from '../src/shard/shard-supervisor.ts';
import { NodePersistence } from '../src/start-persistence.ts';
import { bundledThread } from './bundled-thread.ts';
import { ThreadedShards, until } from './threaded-shards.ts';

const PARTITIONS = 64;

/** What the disk does from now on: see `faulty-log-thread.ts`. */
export type DiskFault = 'none' | 'enospc' | 'eio' | 'sync' | 'hang' | 'die';

export interface ShardsOnDiskOptions {
  readonly dataDir: string;
  readonly flags?: Readonly<Record<string, unknown>>;
  readonly entry?: URL;
  readonly table?: CommandTable;
  readonly limits?: Partial<SupervisorLimits>;
  readonly messageBytesMax?: number;
}

/** The shards of a node that keeps its keys on the disk, with all threads of that, and without its front ends. */
export class ShardsOnDisk {
  readonly threaded: ThreadedShards;
  readonly persistence: NodePersistence;
  /** Why the node would have ended by itself. */
  readonly failures: string[];
  readonly #jobs: JobPool;
  readonly #dataDir: string;

  private constructor(
    threaded: ThreadedShards,
    persistence: NodePersistence,
    jobs: JobPool,
    failures: string[],
    dataDir: string,
  ) {
    this.threaded = threaded;
    this.persistence = persistence;
    this.failures = failures;
    this.#jobs = jobs;
    this.#dataDir = dataDir;
  }

  static async open({
    dataDir,
    flags = {},
    messageBytesMax = 2 ** 20,
    ...rest
  }: ShardsOnDiskOptions): Promise<ShardsOnDisk> {
    const failures: string[] = [];
    const config = configOf({ '--persistence': true, '--data-dir': dataDir, '--shards': 2, ...flags });
    const log: ThreadedShards['log'] = [];
    const note = (level: string) => (fields: object, message: string) =>
      void log.push({ level, message, fields: { ...fields } });
    const logger = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
    const persistence = await NodePersistence.open({
      config,
      settings: new DiskSettings(config),
      partitions: PARTITIONS,
      logger,
      messageBytesMax,
      onFailed: (reason) => failures.push(reason),
      logEntry: bundledThread(new URL('./integration/persistence/faulty-log-thread.ts', import.meta.url)),
    });
    const threaded = new ThreadedShards({
      ...rest,
      shardCount: config.shards,
      partitionCount: PARTITIONS,
      messageBytesMax,
      onDisk: persistence,
      supervisor: {
        onRecovered: (shard, folders) => persistence.recovered(shard, folders),
        beforeRestart: (shard) => persistence.beforeRestart(shard),
      },
    });
    // One log, whoever writes to it.
    threaded.log.push(...log);
    log.push = (...lines) => threaded.log.push(...lines);
    const jobs = new JobPool({ logger, onThreadLost: () => threaded.shards.forgetJob() });
    const opened = new ShardsOnDisk(threaded, persistence, jobs, failures, dataDir);
    try {
      await threaded.shards.started();
      await persistence.started(threaded.shards, jobs);
    } catch (error) {
      await opened.stop();
      throw error;
    }
    return opened;
  }

  call(name: string, ...texts: readonly string[]): Promise<unknown> {
    return this.threaded.call(name, ...texts);
  }

  disk(fault: DiskFault): Promise<void> {
    return writeFile(join(this.#dataDir, 'fault'), fault);
  }

  /** What is on the disk now, as it would be found if the process ended here, in a folder of its own. */
  async copyOfDisk(): Promise<string> {
    const copy = await mkdtemp(join(tmpdir(), 'fluxcache-copy-'));
    const snapshots = (): string => {
      const { isRunning, taken, failed } = this.persistence.snapshots?.facts() ?? {};
      return isRunning === true ? '' : `${taken} ${failed}`;
    };
    // A snapshot that is made meanwhile replaces files, some of which are copied by then.
    for (let before = '', isCopied = false; !isCopied; ) {
      await until('no snapshot is made', () => snapshots() !== '');
      before = snapshots();
      await rm(copy, { recursive: true });
      isCopied = await cp(this.#dataDir, copy, { recursive: true }).then(
        () => snapshots() === before,
        () => false,
      );
    }
    await rm(join(copy, 'keys/keys.lock'), { force: true });
    await rm(join(copy, 'fault'), { force: true });
    return copy;
  }

  /** False: not all is on the disk. */
  async stop(): Promise<boolean> {
    await this.persistence.stopSnapshots();
    await this.threaded.shards.stop(5000);
    const isKept = await this.persistence.stop(5000);
    await this.#jobs.stop();
    return isKept;
  }
}

function configOf(flags: Readonly<Record<string, unknown>>): Config {
  const resolution = resolveConfig({
    flags: new Map(Object.entries(flags)),
    environment: new Map(),
    file: undefined,
    machine: { cores: 2, hostName: 'test' },
  });
  if (resolution.kind === 'problems') throw new Error(resolution.problems.join('\n'));
  return resolution.resolved.config;
}
