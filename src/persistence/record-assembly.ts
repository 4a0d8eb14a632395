import type { LogWriter } from './log-writer.ts';

/**
 * What a message from a shard to its log's thread is, beside the partition in the low bits of its kind. A record that is
 * longer than a message comes in several, and the records of a command one behind the other.
 */
export const MORE_OF_COMMAND = 1 << 20;
export const MORE_OF_RECORD = 1 << 21;

/** Puts the records together again, and adds them to the log. */
export class RecordAssembly {
  readonly #writer: Pick<LogWriter, 'add' | 'abandonCommand'>;
  #pieces: Uint8Array[] = [];

  constructor(writer: Pick<LogWriter, 'add' | 'abandonCommand'>) {
    this.#writer = writer;
  }

  take(kind: number, bytes: Uint8Array, start: number, end: number): void {
    if ((kind & MORE_OF_RECORD) !== 0) {
      this.#pieces.push(bytes.slice(start, end));
      return;
    }
    const partition = kind & ~MORE_OF_COMMAND;
    const isLast = (kind & MORE_OF_COMMAND) === 0;
    if (this.#pieces.length === 0) {
      this.#writer.add(partition, bytes, start, end, isLast);
      return;
    }
    const record = Buffer.concat([...this.#pieces, bytes.subarray(start, end)]);
    this.#pieces = [];
    this.#writer.add(partition, record, 0, record.length, isLast);
  }

  /** Who sent them has ended: what has come of a command without its end is given up. */
  abandon(): void {
    this.#pieces = [];
    this.#writer.abandonCommand();
  }
}
