import type { EntryInfo } from '../../base/view.ts';
import type { StoreReader } from '../../store/reader.ts';
import { HASHES } from '../../store/scan.ts';

/** Entries that are looked at between `enter` and `leave`, during which memory cannot be used again: a third of a millisecond. */
const SLICE_KEYS = 256;
/** A store that turns readers away so often in a row has no writer just now, and is left alone. */
const REFUSALS_MAX = 200;
/** A store that grows under a run may give so many times more than was asked for. */
const OVERRUN_MAX = 2;

/** A run of a store's index: it is in the order of hashes, so what is in any run is a fair sample of all. */
export interface Run {
  readonly start: number;
  /** Exclusive; {@link HASHES} at the end of the index. */
  readonly end: number;
}

/**
 * The run to look at from `cursor` on, so that about `wanted` of `keys` keys are in it. All when there are no more. Runs
 * are about equally long, that at the end of the index included, where the next one begins anew.
 */
export function planRun(cursor: number, keys: number, wanted: number): Run {
  if (keys <= wanted) return { start: 0, end: HASHES };
  const length = Math.ceil((HASHES * wanted) / keys);
  const end = cursor + length;
  return { start: cursor, end: end + length / 2 > HASHES ? HASHES : end };
}

/** What came of a run. */
export interface RunResult {
  readonly keys: number;
  /** How far it came. */
  readonly end: number;
}

/**
 * Shows `visit` the keys of a run, a slice at a time; `rest` is called between slices with how long the last one took, in
 * milliseconds. It ends a little behind the run's end, or before it when the store lets nobody read.
 *
 * What is read while a group is published or the store is cleared is counted all the same: each entry is whole.
 */
export function sampleRun(
  reader: StoreReader,
  run: Run,
  keysWanted: number,
  visit: (keys: Uint8Array, start: number, end: number, entry: EntryInfo) => void,
  rest: (workedMs: number) => void,
): RunResult {
  let keys = 0;
  const count = (source: Uint8Array, start: number, end: number, entry: EntryInfo): void => {
    keys++;
    visit(source, start, end, entry);
  };
  let at = run.start;
  while (at < run.end && keys < keysWanted * OVERRUN_MAX) {
    const beganMs = performance.now();
    if (!enterSoon(reader, rest)) break;
    try {
      const next = reader.scan(at, SLICE_KEYS, count);
      at = next === 0 ? HASHES : next;
    } finally {
      reader.leave();
    }
    rest(performance.now() - beganMs);
  }
  return { keys, end: at };
}

/** Enters once the store lets readers in; false when that is not to be expected. */
export function enterSoon(reader: StoreReader, rest: (workedMs: number) => void): boolean {
  for (let refusals = 0; refusals < REFUSALS_MAX; refusals++) {
    if (reader.enter()) return true;
    rest(0);
  }
  return false;
}
