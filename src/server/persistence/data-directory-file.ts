import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DirectoryLockedError, lockDirectory, type Unlock } from '../../base/directory-lock-file.ts';
import { FluxError } from '../../base/errors.ts';
import { makeFolder } from '../../base/make-folder-file.ts';
import { flagOf } from '../../config/options.ts';
import { shardFolder, shardFoldersIn } from '../../persistence/data-names.ts';
import { HEADER_BYTES, STORE_ID_BYTES } from '../../persistence/file-header.ts';
import { FRAME_HEAD_BYTES } from '../../persistence/frame.ts';
import {
  GENERATION,
  KEYS_FOLDER,
  type Kept,
  LOCK_NAME,
  MANIFEST_NAME,
  type Manifest,
} from '../../persistence/manifest.ts';
import { readManifest, writeManifest } from '../../persistence/manifest-file.ts';
import { syncFolder } from '../../persistence/sync-folder-file.ts';

export interface DataDirectoryOptions {
  readonly dataDir: string;
  readonly partitions: number;
  readonly shards: number;
  /** What the node has its logs hold; default: keys. */
  readonly keeps?: Kept;
}

/**
 * The folder `keys` of a node's directory: `manifest.json`, and a generation with a folder for each shard. A generation is
 * made for a number of shards; with another number the keys are read from it and written to a new one, which takes its
 * place when all of them are there.
 */
export class DataDirectory {
  readonly storeId: Uint8Array;
  /** There was one. */
  readonly isNew: boolean;
  /** By shard: where its log is written. */
  readonly folders: readonly string[];
  /** Folders whose keys a shard may have to take; those of a former number of shards, or its own. */
  readonly #former: readonly string[];
  readonly #root: string;
  readonly #generation: string;
  readonly #options: DataDirectoryOptions;
  #unlock: Unlock;
  /** Of the file system that it lies in. */
  readonly #device: number;
  #manifest: Manifest | null;

  /** As the constructor, and keeps other processes out until `close`. */
  static async open(options: DataDirectoryOptions): Promise<DataDirectory> {
    const unlock = await lock(options.dataDir);
    try {
      return new DataDirectory(options, unlock);
    } catch (error) {
      await unlock();
      throw error;
    }
  }

  /** Throws a {@link FluxError} that names the file, and what to do. */
  constructor(options: DataDirectoryOptions, unlock: Unlock = () => Promise.resolve()) {
    this.#options = options;
    this.#unlock = unlock;
    this.#root = join(resolve(options.dataDir), KEYS_FOLDER);
    mkdirSync(this.#root, { recursive: true });
    this.#device = statSync(this.#root).dev;
    this.#manifest = this.#read();
    this.isNew = this.#manifest === null;
    this.storeId = this.#manifest?.storeId ?? randomBytes(STORE_ID_BYTES);
    const { generation: former = '', shards = 0 } = this.#manifest ?? {};
    this.#generation = shards === options.shards ? former : this.#nextGeneration();
    this.folders = Array.from({ length: options.shards }, (_, shard) => this.#folderOf(this.#generation, shard));
    this.#former = Array.from({ length: shards }, (_, shard) => this.#folderOf(former, shard));
    for (const folder of this.#former) {
      if (existsSync(folder)) continue;
      throw new FluxError('internal', `${folder} is missing: the keys of a shard were in it. ${RESTORE}`);
    }
    if (former === this.#generation) return;
    // One that was begun before and never took the place of the former.
    for (const name of readdirSync(this.#root)) {
      if (GENERATION.test(name) && name !== former) rmSync(join(this.#root, name), { recursive: true });
    }
    for (const folder of this.folders) mkdirSync(folder, { recursive: true });
    syncFolder(join(this.#root, this.#generation));
    syncFolder(this.#root);
    syncFolder(resolve(options.dataDir));
  }

  /** Other processes may have it. */
  close(): Promise<void> {
    return this.#unlock();
  }

  /** The generation is that of another number of shards than there are. */
  get isResharding(): boolean {
    return this.#manifest !== null && this.#manifest.generation !== this.#generation;
  }

  /** What a shard is to read before it serves. */
  foldersOf(shard: number): readonly string[] {
    if (this.isNew) return [];
    return this.isResharding ? this.#former : [this.folders[shard] as string];
  }

  /**
   * The keys are in `folders` from now on: what is elsewhere is removed. Of a new one, too, this is said when every log has
   * been begun, and before any of them has a record: killed before, it is a new one at the next start.
   */
  adopt(): void {
    const { partitions, shards, keeps = 'keys' } = this.#options;
    const manifest: Manifest = { storeId: this.storeId, partitions, shards, generation: this.#generation, keeps };
    writeManifest(this.#root, manifest);
    this.#manifest = manifest;
    for (const name of readdirSync(this.#root)) {
      if (GENERATION.test(name) && name !== this.#generation) rmSync(join(this.#root, name), { recursive: true });
    }
  }

  /**
   * Makes what somebody took away while the node runs anew: folders, lock and manifest, so that snapshots of what is in
   * memory have a place. Returns what keeps it from that, and null when all is there: another store's keys are left alone,
   * and so is another file system, since the one with the keys may come back over it.
   */
  async restore(): Promise<string | null> {
    const path = join(this.#root, MANIFEST_NAME);
    try {
      const found = existsSync(this.#root) ? readManifest(this.#root) : null;
      if (typeof found === 'string') return `${path}: ${found}`;
      if (found !== null && Buffer.compare(found.storeId, this.storeId) !== 0) return `${path} is another store's now`;
      const isWhole = found !== null && this.folders.every((folder) => existsSync(folder));
      if (isWhole) return null;
      if (this.isResharding || this.#manifest === null) return `${path} is missing`;
      mkdirSync(this.#root, { recursive: true });
      if (statSync(this.#root).dev !== this.#device) return `${this.#root} is on another file system now`;
      await this.#unlock();
      this.#unlock = () => Promise.resolve();
      this.#unlock = await lock(this.#options.dataDir);
      for (const folder of this.folders) mkdirSync(folder, { recursive: true });
      syncFolder(join(this.#root, this.#generation));
      syncFolder(resolve(this.#options.dataDir));
      writeManifest(this.#root, this.#manifest);
      return null;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  #folderOf(generation: string, shard: number): string {
    return join(this.#root, generation, shardFolder(shard));
  }

  #nextGeneration(): string {
    const numbers = readdirSync(this.#root).map((name) => Number(GENERATION.exec(name)?.[1] ?? 0));
    return `generation-${Math.max(0, ...numbers) + 1}`;
  }

  #read(): Manifest | null {
    const path = join(this.#root, MANIFEST_NAME);
    const manifest = readManifest(this.#root);
    if (manifest === null) {
      if (!readdirSync(this.#root).some((name) => GENERATION.test(name) && hasKeys(join(this.#root, name))))
        return null;
      throw new FluxError('internal', `${path} is missing beside the keys it is about. ${RESTORE}`);
    }
    if (typeof manifest === 'string') throw new FluxError('internal', `${path}: ${manifest}. ${RESTORE}`);
    const { partitions, keeps } = manifest;
    if (keeps !== (this.#options.keeps ?? 'keys')) {
      const whose =
        keeps === 'keys'
          ? 'the keys are of a node by itself, and this one is in a cluster. Give it an empty directory; its cluster fills it'
          : 'the keys are of a node in a cluster, and this one is by itself. Give it a directory of its own';
      throw new FluxError('internal', `${path}: ${whose}.`);
    }
    if (partitions !== this.#options.partitions) {
      throw new FluxError(
        'internal',
        `${path}: the keys are kept in ${partitions} partitions, and --partitions is ${this.#options.partitions}.`,
      );
    }
    return manifest;
  }
}

async function lock(dataDir: string): Promise<Unlock> {
  const root = join(resolve(dataDir), KEYS_FOLDER);
  // Else it would begin with an empty store in the folder of another.
  if (!existsSync(root) && existsSync(join(resolve(dataDir), MANIFEST_NAME))) {
    const above = dirname(resolve(dataDir));
    throw new FluxError(
      'not-ready',
      `${flagOf('dataDir')}: ${resolve(dataDir)} is what a node keeps in its directory. Name that: ${above}.`,
    );
  }
  try {
    makeFolder(root);
    return await lockDirectory(root, LOCK_NAME);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const what = error instanceof DirectoryLockedError ? 'Give every node a directory of its own.' : adviceOn(error);
    throw new FluxError('not-ready', `${flagOf('dataDir')}: ${why}. ${what}`, { cause: error });
  }
}

function adviceOn(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'EROFS' || code === 'EACCES' || code === 'EPERM') {
    return 'The node has to be able to write there: it is its directory, which holds the keys.';
  }
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return 'It is to be a directory, which holds the keys.';
  return 'The disk is full, and has no room even for the name of the process that uses it: free some, a few KiB will do.';
}

const RESTORE =
  "Bring it back from a backup, see what 'fluxcache repair' can do, or empty the folder to start without keys.";

/** Whether any folder below has a file with more in it than the log of a node that was ended in its first start. */
function hasKeys(folder: string): boolean {
  return shardFoldersIn(readdirSync(folder, { withFileTypes: true })).some((shard) =>
    readdirSync(join(folder, shard)).some(
      (name) => statSync(join(folder, shard, name)).size > HEADER_BYTES + FRAME_HEAD_BYTES,
    ),
  );
}
