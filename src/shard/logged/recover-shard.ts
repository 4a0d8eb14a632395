import { ApplyResult } from '../../base/effect.ts';
import { DataError } from '../../persistence/data-error.ts';
import { NamedKeys } from '../../persistence/named-keys.ts';
import { RecoveryState, RecoveryWords } from '../../persistence/recovery-words.ts';
import {
  folderBytes,
  type Recovered,
  type RecoveringStore,
  readFolder,
  readLog,
  tidyFolder,
} from '../../persistence/shard-data-file.ts';
import type { PartitionedWriter } from '../../store/partitioned-writer.ts';
import type { TurnClock } from '../turn-clock.ts';
import { RecoveredClears } from './recovered-clears.ts';
import type { ShardLogData } from './shard-log-data.ts';

/** Entries removed for their age in one step. */
const EXPIRE_ENTRIES_MAX = 4096;

export interface RecoverShardParts {
  readonly data: ShardLogData;
  readonly store: PartitionedWriter;
  readonly clock: TurnClock;
  /** It goes on: called often. */
  readonly onStep: () => void;
  /** Who makes of records what they are in a cluster; absent: they are what was done to the store. */
  readonly copies?: RecordsOfCopies;
}

/** Takes records that are not what was done to a store, but what copies of partitions have written down. */
export interface RecordsOfCopies {
  /** False: it is not what it should be. `accept` is told what the store made of it, and throws where that cannot stand. */
  take(
    partition: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    accept: (result: ApplyResult) => boolean,
  ): boolean;
  /** All of them come again from the beginning: what was taken counts for nothing. */
  beginAnew(): void;
  /** Takes records likewise, of which nothing is done to the store: what would be is noted, the last of it by `finish`. */
  noting(named: NamedKeys): Pick<RecordsOfCopies, 'take'> & { finish(): void };
}

/**
 * Reads what was kept of a shard back into its store, whose clock stands at the beginning of time meanwhile: an expiry that
 * a later record prolongs has to find its entry. Then drops what has expired. Returns what was read, null when there was
 * nothing to do, since an actor before this one had done it. Throws a {@link DataError} when it cannot be had.
 */
export function recoverShard(parts: RecoverShardParts): Recovered[] | null {
  const { data, store, clock, onStep, copies } = parts;
  const words = new RecoveryWords(data.recovery);
  if (words.state === RecoveryState.done) return null;
  // An actor before this one died in the middle of it.
  if (words.state === RecoveryState.reading) store.clear();
  words.set(
    'bytes',
    data.folders.reduce((sum, folder) => sum + folderBytes(folder), 0),
  );
  words.set('bytesRead', 0);
  words.set('beganAtMs', clock.tick());
  words.setState(RecoveryState.reading);
  clock.standAt(0);
  // What fitted before is to fit, in whichever order it comes.
  store.useReserve(true);
  const recovered = readAll(parts, words);
  store.useReserve(false);
  const nowMs = clock.tick();
  // What has expired in a copy is its primary's to say.
  while (copies === undefined && store.expireDue(nowMs, EXPIRE_ENTRIES_MAX) > 0) onStep();
  const own = recovered[data.folders.indexOf(data.folder)];
  if (own !== undefined) tidyFolder({ folder: data.folder, storeId: data.storeId }, own);
  words.set('next', own?.next ?? 1);
  words.setState(RecoveryState.done);
  return recovered;
}

/** Reads all folders; where memory does not suffice, once more with less in between. */
function readAll(parts: RecoverShardParts, words: RecoveryWords): Recovered[] {
  try {
    return readFolders(parts, words, false);
  } catch (error) {
    if (!(error instanceof TooSmallError)) throw error;
    parts.store.clear();
    parts.copies?.beginAnew();
    words.set('bytesRead', 0);
    return readFolders(parts, words, true);
  }
}

function readFolders(parts: RecoverShardParts, words: RecoveryWords, sparesMemory: boolean): Recovered[] {
  const { data, store, onStep, copies } = parts;
  const { storeId } = data;
  const clears = new RecoveredClears(store);
  const recovered = data.folders.map((folder) => {
    const named = sparesMemory ? namedIn({ folder, storeId, onProgress: onStep }, store, copies) : null;
    const onProgress = (bytes: number): void => {
      words.set('bytesRead', words.get('bytesRead') + bytes);
      onStep();
    };
    return readFolder({ folder, storeId, onProgress }, recoveringStoreOf(parts, folder, clears, named));
  });
  clears.settle();
  return recovered;
}

/** Takes what is read of one folder. `named`: keys of its snapshot that are left out; null: none is. */
function recoveringStoreOf(
  { data, store, copies }: RecoverShardParts,
  folder: string,
  clears: RecoveredClears,
  named: NamedKeys | null,
): RecoveringStore {
  const accept = (result: ApplyResult): boolean => isAccepted(result, data);
  const isLeftOut = named === null ? null : named.has.bind(named);
  return {
    recover: (partition, bytes, start, end) => {
      if (copies !== undefined) return !store.holds(partition) || copies.take(partition, bytes, start, end, accept);
      if (!store.holds(partition) || clears.take(partition, bytes, start, end)) return true;
      clears.settle();
      return accept(store.recover(partition, bytes, start, end));
    },
    recoverEntries: (bytes, start, end) =>
      accept(store.recoverEntries(bytes, start, end, folder === data.folder, isLeftOut)),
  };
}

/** False: it is not what it should be. Throws where there is no room for it and nothing may be let go. */
function isAccepted(result: ApplyResult, { evicts, folders }: ShardLogData): boolean {
  if (result !== ApplyResult.outOfMemory || evicts) return isWellFormed(result);
  const what = 'what it holds does not fit --max-memory, and --eviction is not to let it go. Start with more memory';
  throw new TooSmallError(folders.join(', '), null, what);
}

class TooSmallError extends DataError {}

function isWellFormed(result: ApplyResult): boolean {
  return result !== ApplyResult.malformed;
}

/**
 * Keys of which the log says enough. A snapshot has entries as they were at one time or another while it was made: one that was
 * removed after it was read, and one that came into its place before the end. Both need not fit, and without the keys that
 * the log names it holds nothing that was not there all the time.
 */
function namedIn(
  options: Parameters<typeof readLog>[0],
  store: PartitionedWriter,
  copies: RecordsOfCopies | undefined,
): NamedKeys {
  const named = new NamedKeys(store.partitionsTotal);
  // Of what a copy wrote down only that counts which is put into the store: the rest is not known to have been done.
  const notes = copies?.noting(named);
  readLog(options, (partition, bytes, start, end) => {
    if (notes === undefined) return named.note(partition, bytes, start, end);
    return !store.holds(partition) || notes.take(partition, bytes, start, end, isWellFormed);
  });
  notes?.finish();
  return named;
}
