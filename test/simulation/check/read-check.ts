import type { PartitionCopy } from '../../../src/cluster/replication/partition-copy.ts';
import type { NodeView, ReadLevel, StoredValue } from '../witness.ts';
import type { Ground } from './ground.ts';
import type { ReplicationCheck } from './replication-check.ts';
import { violate } from './violation.ts';

/** Clocks of nodes run up to one percent too fast or too slow. */
const DRIFT = 0.02;

interface Read {
  readonly partition: number;
  readonly key: number;
  readonly level: ReadLevel;
  readonly found: StoredValue | null;
  readonly epoch: number;
  readonly applied: number;
  readonly isPrimary: boolean;
}

/**
 * What reads must never tell: at the primary, what another primary may have changed, or what is not committed; at a
 * replica, what is older than the bound or the token allows.
 */
export class ReadCheck {
  #waiting: Read[] = [];
  readonly #ground: Ground;
  readonly #replication: ReplicationCheck;

  constructor(ground: Ground, replication: ReplicationCheck) {
    this.#ground = ground;
    this.#replication = replication;
  }

  answered(
    node: NodeView,
    partition: number,
    key: number,
    level: ReadLevel,
    found: StoredValue | null,
    nowMs: number,
  ): void {
    const copy = node.node?.copy(partition);
    if (copy === undefined) violate(`${node.id} reads partition ${partition}, of which it has no copy`);
    const { epoch, applied, role } = copy;
    if (level.type === 'primary') this.#checkPrimary(node, copy);
    else this.#checkFreshness(node, copy, level, nowMs);
    const isPrimary = role === 'primary' || role === 'handing-over';
    this.#waiting.push({ partition, key, level, found, epoch, applied, isPrimary });
  }

  /** Judged once the event is over, when what is committed is known. */
  stepped(node: NodeView): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const read of waiting) this.#judge(node, read);
  }

  /** By true time: no lease can be valid once the group has named another primary. */
  #checkPrimary(node: NodeView, { partition, epoch }: PartitionCopy): void {
    const entry = this.#ground.state.partitions[partition];
    const name = () => `${node.id} answers a read of partition ${partition} in epoch ${epoch}`;
    if (entry === undefined || entry.epoch !== epoch || entry.primary !== node.id) {
      violate(`${name()}; entry ${this.#ground.index} names ${entry?.primary} in epoch ${entry?.epoch}`);
    }
    const truth = this.#replication.truth(partition);
    if (truth.answeredEpoch > epoch) violate(`${name()} after others in epoch ${truth.answeredEpoch}`);
    truth.answeredEpoch = epoch;
  }

  #checkFreshness(
    node: NodeView,
    copy: PartitionCopy,
    level: Extract<ReadLevel, { type: 'replica' }>,
    nowMs: number,
  ): void {
    const { partition, applied } = copy;
    const name = `${node.id} answers a read from its copy of partition ${partition}, which has applied ${applied} records`;
    const truth = this.#replication.truth(partition);
    const oldestMs = nowMs - level.maxStalenessMs * (1 + DRIFT) - 1;
    if (this.#replication.isOutdated(copy)) {
      if (this.#replication.bornAtMs(partition) < oldestMs) violate(`${name} of an earlier life of it`);
      return;
    }
    const needed = truth.acknowledgedBy(oldestMs);
    if (applied < needed) violate(`${name}; ${needed} were acknowledged ${level.maxStalenessMs} ms ago`);
    const { token } = level;
    if (token !== null && truth.epochAt(token.seq) === token.epoch && applied < token.seq) {
      violate(`${name}; the reader has written the record ${token.seq}`);
    }
  }

  #judge(node: NodeView, { partition, key, level, found, epoch, applied, isPrimary }: Read): void {
    const truth = this.#replication.truth(partition);
    if (epoch < truth.resetEpoch) return;
    const name = `${node.id} answers a read of key ${key} (${level.type})`;
    if (found !== null) {
      const writtenIn = Math.floor(found.version / 2 ** 32);
      const seq = found.version % 2 ** 32;
      if (truth.epochAt(seq) !== writtenIn) {
        violate(`${name} with ${found.value}, of record ${seq} of epoch ${writtenIn}, which is not committed`);
      }
    }
    if (level.type === 'primary' || isPrimary) return;
    const expected = truth.storedAt(key, applied);
    if (expected?.version !== found?.version) {
      violate(`${name} with ${found?.value}; after ${applied} records it is ${expected?.value}`);
    }
  }
}
