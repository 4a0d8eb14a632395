import type { LogRecord } from '../../../src/cluster/replication/replication-message.ts';
import { decodeEffect, versionOf } from '../partition-store.ts';
import type { StoredValue } from '../witness.ts';

interface Written {
  readonly seq: number;
  /** Null: deleted. */
  readonly stored: StoredValue | null;
}

/** What one partition holds in truth: every record that was ever committed since it began empty, in its place for ever. */
export class PartitionTruth {
  readonly resetEpoch: number;
  /** The newest epoch in which a client was answered. */
  answeredEpoch = 0;
  readonly #records: LogRecord[] = [];
  /** When, in true time, clients were told of how much. */
  readonly #acknowledged: { readonly seq: number; readonly atMs: number }[] = [];
  readonly #writes = new Map<number, Written[]>();

  constructor(resetEpoch: number) {
    this.resetEpoch = resetEpoch;
  }

  /** The number of the last committed record. */
  get committed(): number {
    return this.#records.length;
  }

  commit(record: LogRecord): void {
    this.#records.push(record);
    const { key, stored } = outcomeOf(record);
    const writes = this.#writes.get(key);
    if (writes === undefined) this.#writes.set(key, [{ seq: record.seq, stored }]);
    else writes.push({ seq: record.seq, stored });
  }

  /** 0: not committed. */
  epochAt(seq: number): number {
    return this.#records[seq - 1]?.epoch ?? 0;
  }

  record(seq: number): LogRecord | undefined {
    return this.#records[seq - 1];
  }

  acknowledge(seq: number, nowMs: number): void {
    if (seq > (this.#acknowledged.at(-1)?.seq ?? 0)) this.#acknowledged.push({ seq, atMs: nowMs });
  }

  /** The last record that a client was told of by then. */
  acknowledgedBy(atMs: number): number {
    return this.#acknowledged.findLast((told) => told.atMs <= atMs)?.seq ?? 0;
  }

  /** What a key holds once the records up to `seq` are done. */
  storedAt(key: number, seq: number): StoredValue | null {
    return this.#writes.get(key)?.findLast((written) => written.seq <= seq)?.stored ?? null;
  }

  /** What a store holds once the records up to `seq`, and then `more`, are done. */
  contentsAt(seq: number, more: readonly LogRecord[]): Map<number, StoredValue> {
    const contents = new Map<number, StoredValue>();
    for (const key of this.#writes.keys()) {
      const stored = this.storedAt(key, seq);
      if (stored !== null) contents.set(key, stored);
    }
    for (const record of more) {
      const { key, stored } = outcomeOf(record);
      if (stored === null) contents.delete(key);
      else contents.set(key, stored);
    }
    return contents;
  }
}

function outcomeOf({ effect, epoch, seq }: LogRecord): { key: number; stored: StoredValue | null } {
  const { key, ...rest } = decodeEffect(effect);
  return { key, stored: rest.kind === 'set' ? { value: rest.value, version: versionOf(epoch, seq) } : null };
}
