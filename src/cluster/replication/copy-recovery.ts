import { unreachable } from '../../base/assert.ts';
import type { Claim } from '../identity.ts';
import type { CopyStart } from './copy-data.ts';
import type { KeptItem, KeptState } from './kept-item.ts';
import { RecordLog } from './record-log.ts';
import type { ReplicationHost } from './replication-host.ts';

/** The store that a copy is read back into. */
export type RecoveredStore = Pick<ReplicationHost, 'apply' | 'load' | 'clear'>;

/** A copy as it was read back from the disk. */
export interface RecoveredCopy {
  readonly start: CopyStart;
  /** Null: nothing that anybody could count on. */
  readonly claim: Claim | null;
}

/** What a node tells the controller of what it has. */
export function claimsOf(recovered: ReadonlyMap<number, RecoveredCopy>): Claim[] {
  return [...recovered.values()].flatMap(({ claim }) => (claim === null ? [] : [claim]));
}

/** What has to be on the disk of a copy that was read back, and of which nothing was made yet, as `CopyData.keepAll` has it. */
export function keptItemsOf({ start: { generation, recovered } }: RecoveredCopy): KeptItem[] {
  if (recovered === undefined) return [];
  const { log, committed, filledInEpoch, since } = recovered;
  const atEpoch = log.epochAt(committed);
  const state = { clears: false, since, generation, filledInEpoch, at: committed, atEpoch, isFilling: false };
  const records = log.slice(committed + 1, log.last, Number.POSITIVE_INFINITY);
  return [{ type: 'state', ...state }, ...records.map((record) => ({ type: 'record' as const, record, committed }))];
}

/**
 * Makes one partition's copy again of what it had written to the disk. Records go into the store when they are known to be
 * committed, as they did before; the others stay in the log, for the next primary to decide on.
 *
 * Where the store was filled from a snapshot of the node's own, items before its `state` are not there any more, and those
 * behind may show in it already: putting them in again makes no difference, in their order.
 */
export class CopyRecovery {
  readonly #partition: number;
  readonly #store: RecoveredStore;
  readonly #retainedBytesMax: number;
  #log = new RecordLog();
  #since = -1;
  #generation = 0;
  #filledInEpoch: number | null = null;
  #committed = 0;
  #applied = 0;
  #dirtyUntil = 0;
  #isFilling = false;

  constructor(partition: number, store: RecoveredStore, retainedBytesMax: number) {
    this.#partition = partition;
    this.#store = store;
    this.#retainedBytesMax = retainedBytesMax;
  }

  /** Takes the next item. False: it does not follow what came before. */
  take(item: KeptItem): boolean {
    // What came before is in the snapshot, or in what follows.
    if (this.#since < 0 && item.type !== 'state') return true;
    const log = this.#log;
    switch (item.type) {
      case 'record':
        if (item.record.seq <= log.last) return this.#again(item);
        if (item.record.seq !== log.last + 1 || item.record.epoch < log.lastEpoch) return false;
        log.push(item.record);
        return this.#commit(item.committed);
      case 'cut':
        if (item.after < this.#applied || item.after > log.last) return false;
        log.truncateAfter(item.after);
        return true;
      case 'commit':
        return this.#commit(item.committed);
      case 'load':
        this.#store.load(this.#partition, item.entries);
        return true;
      case 'whole':
        this.#dirtyUntil = Math.max(item.at, log.trimmed);
        return this.#commit(this.#committed);
      case 'state':
        return this.#state(item);
      default:
        return unreachable(item);
    }
  }

  /**
   * The copy; null when nothing was ever here. Empties the store where it is not whole.
   */
  finish(): RecoveredCopy | null {
    if (this.#since < 0) return null;
    const isUsable = this.#dirtyUntil <= this.#committed;
    if (!isUsable) this.#store.clear(this.#partition);
    if (!isUsable) {
      return { start: { generation: this.#generation + 1, kept: null }, claim: null };
    }
    return {
      start: {
        generation: this.#generation,
        kept: null,
        recovered: {
          log: this.#log,
          committed: this.#committed,
          filledInEpoch: this.#filledInEpoch,
          since: this.#since,
        },
      },
      claim: {
        partition: this.#partition,
        since: this.#since,
        generation: this.#generation,
        filledInEpoch: this.#filledInEpoch ?? 0,
        wholeSince: this.#since,
      },
    };
  }

  /**
   * A copy tells at times what it is, with records that it has told of before. Whoever has these must not forget them for
   * it: what follows may have been torn off.
   */
  #state({ clears, since, generation, filledInEpoch, at, atEpoch, isFilling }: KeptState): boolean {
    const isSame = !clears && since === this.#since && generation === this.#generation;
    const goesOn = isSame && at <= this.#log.last && (!isFilling || this.#isFilling);
    if (clears) this.#store.clear(this.#partition);
    else if (this.#since >= 0) this.#commit(at);
    this.#filledInEpoch = filledInEpoch;
    if (goesOn) return true;
    this.#since = since;
    this.#generation = generation;
    this.#isFilling = isFilling;
    this.#log = new RecordLog();
    this.#log.reset(at, atEpoch);
    this.#committed = isFilling ? 0 : at;
    this.#applied = at;
    this.#dirtyUntil = isFilling ? Number.POSITIVE_INFINITY : 0;
    return true;
  }

  #again({ record: { seq, epoch }, committed }: Extract<KeptItem, { type: 'record' }>): boolean {
    if (seq > this.#log.trimmed && this.#log.epochAt(seq) !== epoch) return false;
    return this.#commit(committed);
  }

  #commit(seq: number): boolean {
    const log = this.#log;
    // What a snapshot shows already is told of again.
    if (seq > this.#committed) this.#committed = Math.min(seq, log.last);
    const to = Math.max(this.#committed, Math.min(this.#dirtyUntil, log.last));
    if (to > this.#applied) {
      this.#store.apply(this.#partition, log.slice(this.#applied + 1, to, Number.POSITIVE_INFINITY));
      this.#applied = to;
    }
    log.trimTo(log.trimPoint(Math.min(this.#committed, this.#applied), this.#retainedBytesMax));
    return true;
  }
}
