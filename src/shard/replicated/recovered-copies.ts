import type { ApplyResult } from '../../base/effect.ts';
import { DecodeError } from '../../base/msgpack-reader.ts';
import type { Claim } from '../../cluster/identity.ts';
import { CopyRecovery, claimsOf, type RecoveredCopy } from '../../cluster/replication/copy-recovery.ts';
import type { KeptItem } from '../../cluster/replication/kept-item.ts';
import { decodeKeptItem } from '../../cluster/replication/kept-item-codec.ts';
import type { PartitionedWriter } from '../../store/partitioned-writer.ts';
import type { RecordsOfCopies } from '../logged/recover-shard.ts';

/** Makes a shard's copies again of what they have written to its log, while it is read. */
export class RecoveredCopies implements RecordsOfCopies {
  readonly #store: PartitionedWriter;
  readonly #retainedBytesMax: number;
  readonly #recoveries = new Map<number, CopyRecovery>();
  #accept: (result: ApplyResult) => boolean = () => true;
  #isSound = true;

  constructor(store: PartitionedWriter, retainedBytesMax: number) {
    this.#store = store;
    this.#retainedBytesMax = retainedBytesMax;
  }

  take(
    partition: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    accept: (result: ApplyResult) => boolean,
  ): boolean {
    this.#accept = accept;
    let item: KeptItem;
    try {
      // In memory of its own: what is not committed is kept as a part of it.
      item = decodeKeptItem(bytes.slice(start, end));
    } catch (error) {
      if (error instanceof DecodeError) return false;
      throw error;
    }
    return this.#recovery(partition).take(item) && this.#isSound;
  }

  /** By partition. */
  finish(): { readonly copies: ReadonlyMap<number, RecoveredCopy>; readonly claims: Claim[] } {
    const copies = new Map<number, RecoveredCopy>();
    for (const [partition, recovery] of this.#recoveries) {
      const copy = recovery.finish();
      if (copy !== null) copies.set(partition, copy);
    }
    return { copies, claims: claimsOf(copies) };
  }

  #recovery(partition: number): CopyRecovery {
    const known = this.#recoveries.get(partition);
    if (known !== undefined) return known;
    const store = this.#store;
    const recovery = new CopyRecovery(
      partition,
      {
        apply: (_, records) => {
          for (const { effect } of records) this.#judge(store.recover(partition, effect, 0, effect.length));
        },
        load: (_, entries) => this.#judge(store.load(partition, entries)),
        clear: () => {
          const mask = new Uint8Array(store.partitionsTotal);
          mask[partition] = 1;
          store.clearPartitions(mask);
        },
      },
      this.#retainedBytesMax,
    );
    this.#recoveries.set(partition, recovery);
    return recovery;
  }

  #judge(result: ApplyResult): void {
    if (!this.#accept(result)) this.#isSound = false;
  }
}
