import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { EffectKind, EffectReader } from '../store/effect-codec.ts';
import { sourceOf } from './byte-source-file.ts';
import { DataError } from './data-error.ts';
import { isUnfinished, readName } from './data-names.ts';
import type { FileHeader, FileKind } from './file-header.ts';
import { frameSeed } from './frame.ts';
import { FOLLOWED } from './frame-marks.ts';
import { type FrameEnd, FrameScanner } from './frame-scanner.ts';
import { checkHeader, type DataFault, isFault } from './header-check.ts';
import { readHeader } from './header-file.ts';
import type { Kept } from './manifest.ts';
import { type Recovered, type RecoveringStore, readFolder } from './shard-data-file.ts';
import { decodeSnapshotEnd } from './snapshot-marks.ts';
import { withFile } from './with-file.ts';

/** One file of a shard's data, as far as it can be read by itself. */
export interface FileReport {
  readonly name: string;
  readonly kind: FileKind;
  /** By its name. */
  readonly sequence: number;
  readonly bytes: number;
  /** Null: its header cannot be read, or is that of another file, and nothing behind it was looked at. */
  readonly header: FileHeader | null;
  readonly headerFault: DataFault | null;
  /** Records of a log, entries of a snapshot, that are whole and in their place. */
  readonly count: number;
  /** A log's: number of the record that is to come behind them. */
  readonly next: number;
  readonly end: FrameEnd;
  /** Where a log says that it goes on in another file; null: it does not. */
  readonly followedAt: number | null;
  /** Of a whole snapshot: number of the record that the log has to reach. */
  readonly reaches: number | null;
}

/** What a shard's folder has, and what a start would make of it. */
export interface FolderReport {
  readonly folder: string;
  readonly isThere: boolean;
  /** Snapshots, then logs, each in their order. */
  readonly files: readonly FileReport[];
  /** Files that were never finished: a start removes them. */
  readonly others: readonly string[];
  /** Why a node would not start; null: it would. */
  readonly refusal: DataError | null;
  readonly recovered: Recovered | null;
}

/**
 * Reads all that is in a shard's folder, and changes nothing. Records of a node in a cluster are what its copies did: that
 * they are whole is told from their frames, and what is in them is not looked at.
 */
export function inspectFolder(folder: string, storeId: Uint8Array, keeps: Kept = 'keys'): FolderReport {
  const isThere = existsSync(folder);
  const names = isThere ? readdirSync(folder).sort() : [];
  const files: FileReport[] = [];
  for (const name of names) {
    const named = readName(name);
    // A folder under such a name is nothing that can be repaired; the refusal names it.
    if (named !== null && statSync(join(folder, name)).isFile()) files.push(inspectFile(folder, name, named, storeId));
  }
  files.sort((a, b) => b.kind.localeCompare(a.kind) || a.sequence - b.sequence);
  const others = names.filter(isUnfinished);
  try {
    if (!isThere) throw new DataError(folder, null, 'it is missing');
    const recovered = readFolder({ folder, storeId, onProgress: () => undefined }, new CheckedEffects(keeps));
    return { folder, isThere, files, others, refusal: null, recovered };
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    return { folder, isThere, files, others, refusal: error, recovered: null };
  }
}

function inspectFile(
  folder: string,
  name: string,
  { kind, sequence }: { kind: FileKind; sequence: number },
  storeId: Uint8Array,
): FileReport {
  return withFile(join(folder, name), 'r', (fd) => {
    const source = sourceOf(fd);
    const about = { name, kind, sequence, bytes: source.size };
    const header = checkHeader(readHeader(fd), { storeId, folder: basename(folder), kind, sequence });
    if (isFault(header)) {
      const nothing = { header: null, count: 0, next: sequence, followedAt: null, reaches: null };
      return { ...about, ...nothing, headerFault: header, end: { kind: 'whole' } };
    }
    const scanner = new FrameScanner(source, frameSeed(storeId), kind === 'log' ? sequence : 0);
    let count = 0;
    let followedAt: number | null = null;
    let reaches: number | null = null;
    for (let at = scanner.offset; scanner.next(); at = scanner.offset) {
      const { frame, bytes } = scanner;
      count += frame.count;
      if (kind === 'log' && frame.count === 0 && frame.durable === FOLLOWED) followedAt = at;
      if (kind === 'snapshot') reaches = decodeSnapshotEnd(frame, bytes)?.sequence ?? reaches;
    }
    const end = scanner.end ?? { kind: 'whole' };
    return { ...about, header, headerFault: null, count, next: scanner.expected, end, followedAt, reaches };
  });
}

/** Takes whatever can be read, and keeps nothing. */
class CheckedEffects implements RecoveringStore {
  readonly #reader = new EffectReader();
  readonly #keeps: Kept;

  constructor(keeps: Kept) {
    this.#keeps = keeps;
  }

  recover(_partition: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#keeps === 'copies') return true;
    this.#reader.open(bytes, start, end);
    while (this.#reader.next());
    return !this.#reader.isFaulty;
  }

  recoverEntries(bytes: Uint8Array, start: number, end: number): boolean {
    this.#reader.open(bytes, start, end);
    while (this.#reader.next()) if (this.#reader.kind !== EffectKind.put) return false;
    return !this.#reader.isFaulty;
  }
}
