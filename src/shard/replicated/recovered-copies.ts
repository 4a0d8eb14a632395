import { ApplyResult } from '../../base/effect.ts';
import { DecodeError } from '../../base/msgpack-reader.ts';
import type { Claim } from '../../cluster/identity.ts';
import { CopyRecovery, claimsOf, type RecoveredCopy } from '../../cluster/replication/copy-recovery.ts';
import type { KeptItem } from '../../cluster/replication/kept-item.ts';
import { decodeKeptItem } from '../../cluster/replication/kept-item-codec.ts';
import type { NamedKeys } from '../../persistence/named-keys.ts';
import type { PartitionedWriter } from '../../store/partitioned-writer.ts';
import type { RecordsOfCopies } from '../logged/recover-shard.ts';

/** Where what copies hold is put. */
interface Contents {
  apply(partition: number, effect: Uint8Array): ApplyResult;
  load(partition: number, entries: readonly Uint8Array[]): ApplyResult;
  clear(partition: number): void;
}

/** Makes a shard's copies again of what they have written to its log, while it is read. */
export class RecoveredCopies implements RecordsOfCopies {
  readonly #contents: Contents;
  readonly #retainedBytesMax: number;
  readonly #recoveries = new Map<number, CopyRecovery>();
  #accept: (result: ApplyResult) => boolean = () => true;
  #isSound = true;

  constructor(contents: Contents, retainedBytesMax: number) {
    this.#contents = contents;
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

  beginAnew(): void {
    this.#recoveries.clear();
    this.#isSound = true;
  }

  noting(named: NamedKeys): RecoveredCopies {
    return new RecoveredCopies(namesIn(named), 0);
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
    const contents = this.#contents;
    const recovery = new CopyRecovery(
      partition,
      {
        apply: (_, records) => {
          for (const { effect } of records) this.#judge(contents.apply(partition, effect));
        },
        load: (_, entries) => this.#judge(contents.load(partition, entries)),
        clear: () => contents.clear(partition),
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

/** What copies hold is put into the store. */
export function contentsOf(store: PartitionedWriter): Contents {
  return {
    apply: (partition, effect) => store.recover(partition, effect, 0, effect.length),
    load: (partition, entries) => store.load(partition, entries),
    clear: (partition) => {
      const mask = new Uint8Array(store.partitionsTotal);
      mask[partition] = 1;
      store.clearPartitions(mask);
    },
  };
}

/** The keys of what copies hold are noted, and no more is done. */
function namesIn(named: NamedKeys): Contents {
  const note = (partition: number, record: Uint8Array): ApplyResult =>
    named.note(partition, record, 0, record.length) ? ApplyResult.applied : ApplyResult.malformed;
  return {
    apply: note,
    load: (partition, entries) => {
      const results = entries.map((entry) => note(partition, entry));
      return results.includes(ApplyResult.malformed) ? ApplyResult.malformed : ApplyResult.applied;
    },
    clear: (partition) => named.noteCleared(partition),
  };
}
