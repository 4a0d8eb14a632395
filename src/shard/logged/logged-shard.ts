import type { ShardLog } from '../../persistence/shard-log.ts';
import type { EffectLog } from '../../store/effect-log.ts';
import type { ShardCompanion } from '../guard.ts';
import type { ReplicatedStore } from '../shard-store.ts';

/** A shard of a node by itself that keeps a log: all that its store does is sent there, one record a partition and command. */
export class LoggedShard implements ShardCompanion {
  /** The log's thread wakes the front end once it has the records: for replies that are there by then. */
  readonly followsReplies = true;
  readonly sleepMs = Number.POSITIVE_INFINITY;
  readonly log: ShardLog;
  /** Of the last record since `clearSeqs`; 0: nothing was done. */
  appended = 0;
  readonly #effects: EffectLog;
  /** Of the command at hand; a record is known to be its last when there is no other. */
  #partition = -1;
  #record: Uint8Array | null = null;

  constructor(store: ReplicatedStore, effects: EffectLog, log: ShardLog) {
    store.effects = effects;
    this.#effects = effects;
    this.log = log;
  }

  hasMessages(): boolean {
    return false;
  }

  takeMessages(): boolean {
    return false;
  }

  append(): void {
    const effects = this.#effects;
    if (effects.isEmpty) return;
    if (effects.isOne) {
      const partition = effects.takeOnly();
      this.appended = this.log.appendOne(partition, effects.effectBytes, effects.effectStart, effects.effectEnd);
      return;
    }
    effects.drain((partition, _keys, record) => {
      this.#send(false);
      this.#partition = partition;
      this.#record = record;
    });
    this.#send(true);
  }

  /** Whether what the store has done since the last `append` may go to the log at once. */
  hasRoomForRecords(): boolean {
    return this.log.hasRoomFor(this.#effects.bytes);
  }

  clearSeqs(): void {
    this.appended = 0;
  }

  get isSent(): boolean {
    return this.log.isSent;
  }

  flush(): void {
    this.log.flush();
  }

  #send(isLast: boolean): void {
    if (this.#record === null) return;
    this.appended = this.log.append(this.#partition, this.#record, isLast);
    this.#record = null;
  }
}
