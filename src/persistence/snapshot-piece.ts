import { EffectWriter } from '../store/effect-codec.ts';
import type { EntryView } from '../store/entry-view.ts';
import type { StoreReader } from '../store/reader.ts';
import { HASHES } from '../store/scan.ts';
import { FRAME_HEAD_BYTES, sealFrame } from './frame.ts';

/** How far a snapshot has come. */
export interface SnapshotCursor {
  /** The hash from which on entries are to be read; {@link HASHES}: all are. */
  readonly at: number;
  /** That were written. */
  readonly entries: number;
}

export interface SnapshotPieceParts {
  readonly reader: Pick<StoreReader, 'enterWalk' | 'walk' | 'leaveWalk' | 'walkStands'>;
  readonly from: SnapshotCursor;
  readonly seed: number;
  /** Takes a frame, which is valid during the call. */
  readonly write: (frame: Uint8Array) => void;
  /** After a slice that took so many milliseconds; false: this piece is to end. */
  readonly rest: (workedMs: number) => boolean;
  /** Bytes of a frame's body, about. */
  readonly frameBytes?: number;
}

/** Entries and bytes that are read while the writer cannot use memory again: about half a millisecond. */
const SLICE_ENTRIES = 512;
const SLICE_BYTES = 256 * 1024;
/** Pages without entries are passed over quickly, and not for ever at once. */
const SLICE_PAGES = 16;
const FRAME_BYTES = 256 * 1024;
/** A buffer that a large value made grow is not kept. */
const BUFFER_BYTES_KEPT = 4 * FRAME_BYTES;

/**
 * Writes entries of a store from `from` on as frames of a snapshot, in slices between which it rests, until all are written
 * or it is to end. Every entry that is there all the time is written once; one that changes meanwhile as it was at some time,
 * or not at all, and what the log says of it from the snapshot's beginning on makes up for that. Entries that have expired
 * are written, too: the log may yet prolong them, by the clock of whoever wrote it.
 *
 * What a group of writes shows that is taken back in the end was never in the log: a slice that may have seen that is read
 * again.
 */
export function writeSnapshotPiece(parts: SnapshotPieceParts): SnapshotCursor {
  const { reader, from, write, rest, seed, frameBytes = FRAME_BYTES } = parts;
  const body = new EntryBody();
  let { at, entries } = from;
  let sliceEntries = SLICE_ENTRIES;
  const flush = (): void => {
    if (body.count === 0) return;
    write(body.seal(entries, seed));
    entries += body.count;
    body.clear();
  };
  while (at < HASHES) {
    const beganMs = performance.now();
    const next = readSlice(reader, at, body, sliceEntries);
    if (next === null) {
      // One entry at a time at worst: sooner or later nothing is taken back meanwhile.
      sliceEntries = Math.max(1, sliceEntries >> 1);
    } else {
      at = next;
      sliceEntries = Math.min(SLICE_ENTRIES, sliceEntries * 2);
      if (body.bytes >= frameBytes) flush();
    }
    if (!rest(performance.now() - beganMs)) break;
  }
  flush();
  return { at, entries };
}

/** Adds what is from `at` on; returns how far it came, null when it is to be read again and nothing was added. */
function readSlice(
  reader: SnapshotPieceParts['reader'],
  at: number,
  body: EntryBody,
  entriesMax: number,
): number | null {
  if (!reader.enterWalk()) return null;
  const mark = body.mark();
  const bytesMax = body.bytes + SLICE_BYTES;
  let left = entriesMax;
  let next: number;
  try {
    next = reader.walk(at, SLICE_PAGES, (entry) => {
      body.add(entry);
      return --left > 0 && body.bytes < bytesMax;
    });
  } finally {
    reader.leaveWalk();
  }
  let stands = reader.walkStands();
  // A group is published within microseconds, unless it waits for other shards, or its writer has died.
  for (let look = 0; stands === null && look < LOOKS_MAX; look++) stands = reader.walkStands();
  if (stands === true) return next;
  body.restore(mark);
  return null;
}

const LOOKS_MAX = 10_000;

/** The body of a frame of a snapshot: one record of puts. */
class EntryBody {
  count = 0;
  #effects = new EffectWriter();

  constructor() {
    this.clear();
  }

  get bytes(): number {
    return this.#effects.length;
  }

  clear(): void {
    if (this.#effects.bytes.length > BUFFER_BYTES_KEPT) this.#effects = new EffectWriter();
    // The frame's head, then the flags of a record.
    this.#effects.bytes[FRAME_HEAD_BYTES] = 0;
    this.#effects.length = FRAME_HEAD_BYTES + 1;
    this.count = 0;
  }

  mark(): { readonly count: number; readonly length: number } {
    return { count: this.count, length: this.#effects.length };
  }

  restore({ count, length }: { readonly count: number; readonly length: number }): void {
    this.count = count;
    this.#effects.length = length;
  }

  add(entry: EntryView): void {
    const effects = this.#effects;
    const { type, version, expiresAtMs, keyBytes, contentTypeBytes, valueBytes } = entry;
    effects.put(type, version, expiresAtMs, keyBytes, contentTypeBytes, valueBytes, entry.hasAttributes ? entry : null);
    if (entry.hasAttributes) entry.copyTags(effects.bytes, effects.tagsAt);
    entry.copyKey(effects.bytes, effects.keyAt);
    if (contentTypeBytes > 0) entry.copyContentType(effects.bytes, effects.contentTypeAt);
    entry.copyValueRange(0, valueBytes, effects.bytes, effects.valueAt);
    this.count++;
  }

  seal(first: number, seed: number): Uint8Array {
    const { bytes, length } = this.#effects;
    sealFrame(bytes, length, { count: this.count, first, durable: 0 }, seed);
    return bytes.subarray(0, length);
  }
}
