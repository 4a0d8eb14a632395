import { DecodeError } from '../../base/msgpack-reader.ts';
import { decodeJournalPayload, type JournalPayload } from './journal-payload.ts';
import { recordAt, syncedBehind } from './journal-record.ts';
import type { RaftState } from './raft-types.ts';
import { StoredState } from './stored-state.ts';

/** A file that a {@link RaftJournal} had written. */
export interface JournalFile {
  readonly generation: number;
  readonly bytes: Uint8Array;
}

export interface RecoveredJournal {
  /** The number of the last start; 0: there was none. */
  readonly boot: number;
  readonly raft: RaftState;
  /** Of the file it was read from; 0: there was none. */
  readonly generation: number;
  /** The rest of the file was left out. */
  readonly validBytes: number;
  /** There was such a rest: of a write that a crash cut off. */
  readonly isTorn: boolean;
}

/**
 * A journal that does not hold what was durable in it. Going on with what can still be read could break promises the
 * node has made (a vote, an entry it acknowledged): it has to join again under another id.
 */
export class DamagedJournalError extends Error {
  override readonly name = 'DamagedJournalError';
  readonly generation: number;
  /** Where the record begins that is damaged. */
  readonly offset: number;

  constructor(generation: number, offset: number, reason: string, cause?: unknown) {
    super(`journal of generation ${generation}, byte ${offset}: ${reason}`, { cause });
    this.generation = generation;
    this.offset = offset;
  }
}

const nothing: RaftState = { hard: { term: 0, vote: null }, snapshot: null, entries: [] };

/**
 * What the node last knew, from the files on its disk, of which the one of the highest generation counts. Throws a
 * {@link DamagedJournalError} rather than leave out anything that may have been durable; see {@link RaftJournal} on what
 * is and what is not noticed. Payloads are views of the file's bytes.
 */
export function recoverJournal(files: readonly JournalFile[]): RecoveredJournal {
  let newest: JournalFile | null = null;
  for (const file of files) {
    if (newest === null || file.generation > newest.generation) newest = file;
  }
  if (newest === null) return { boot: 0, raft: nothing, generation: 0, validBytes: 0, isTorn: false };
  return recoverFile(newest);
}

function recoverFile({ generation, bytes }: JournalFile): RecoveredJournal {
  const found = recordAt(bytes, generation, 0);
  if (found.type !== 'record') throw new DamagedJournalError(generation, 0, 'the image it begins with is not whole');
  const image = payloadOf(bytes, generation, 0, found.start, found.end);
  if (image.type !== 'image') throw new DamagedJournalError(generation, 0, 'it does not begin with an image');
  const state = new StoredState(image.raft);
  // The file got its name only when the image was durable.
  let synced = found.end;
  let at = found.end;
  while (at < bytes.length) {
    const next = recordAt(bytes, generation, at);
    if (next.type !== 'record') {
      refuseDurable(generation, at, Math.max(synced, syncedBehind(bytes, generation, at)), next.type);
      break;
    }
    synced = Math.max(synced, next.synced);
    applyRecord(state, payloadOf(bytes, generation, at, next.start, next.end), generation, at);
    at = next.end;
  }
  const { hard, snapshot, entries } = state;
  return {
    boot: image.boot,
    raft: { hard, snapshot, entries },
    generation,
    validBytes: at,
    isTorn: at < bytes.length,
  };
}

/** Throws unless the record at `at` can be one whose write was never completed. */
function refuseDurable(generation: number, at: number, synced: number, type: 'torn' | 'flipped'): void {
  if (synced > at) throw new DamagedJournalError(generation, at, 'a record is damaged that was durable');
  if (type === 'flipped') throw new DamagedJournalError(generation, at, 'a bit of a record is flipped');
}

function payloadOf(bytes: Uint8Array, generation: number, at: number, start: number, end: number): JournalPayload {
  try {
    return decodeJournalPayload(bytes.subarray(start, end));
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new DamagedJournalError(generation, at, `a record is of another version: ${error.message}`, error);
  }
}

function applyRecord(state: StoredState, payload: JournalPayload, generation: number, at: number): void {
  if (payload.type === 'mark') return;
  if (payload.type === 'image')
    throw new DamagedJournalError(generation, at, 'an image stands behind the first record');
  const misfit = state.misfit(payload.save);
  if (misfit !== null) throw new DamagedJournalError(generation, at, `a record does not follow: ${misfit}`);
  state.apply(payload.save);
}
