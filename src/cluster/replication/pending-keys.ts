import type { LogRecord } from './replication-message.ts';

/** Which keys were changed by writes that are not acknowledged yet: a read of one waits for the last of them. */
export class PendingKeys {
  readonly #seqs = new Map<number, number>();

  /** The last such write to a key of this hash; 0: none. */
  seqOf(keyHash: number): number {
    return this.#seqs.get(keyHash) ?? 0;
  }

  add(record: LogRecord): void {
    for (const key of record.keys) this.#seqs.set(key, record.seq);
  }

  /** The record is acknowledged; those are told of in their order. */
  settle(record: LogRecord): void {
    for (const key of record.keys) {
      if (this.#seqs.get(key) === record.seq) this.#seqs.delete(key);
    }
  }
}
