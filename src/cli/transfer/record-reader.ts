import type { Item } from './entry.ts';

/** Takes entries out of the bytes of a file, however these are cut into pieces. */
export interface RecordReader {
  /** The entries, and faults, that are whole now; throws a BrokenSourceError when nothing behind can be understood. */
  feed(chunk: Uint8Array): readonly Item[];
  /** What is left at the end of the file. */
  end(): readonly Item[];
}

/** What a record may have at most, so that no input takes all memory: longer ones are faults. */
export const recordBytesMax = 512 * 1024 * 1024 - 64;
