import type { PartitionEntry } from '../../../src/cluster/controller/cluster-state.ts';
import { FRESH, isSameMember, type Member } from '../../../src/cluster/identity.ts';
import type { PartitionCopy } from '../../../src/cluster/replication/partition-copy.ts';
import type { LogRecord, ReplicationMessage } from '../../../src/cluster/replication/replication-message.ts';
import type { AckLevel, NodeView } from '../witness.ts';
import type { ConfigurationCheck, PartitionChange } from './configuration-check.ts';
import type { Ground } from './ground.ts';
import { PartitionTruth } from './partition-truth.ts';
import { violate } from './violation.ts';

/** What a copy was after its node's last event. */
interface Seen {
  readonly generation: number;
  readonly epoch: number;
  readonly committed: number;
  readonly applied: number;
  readonly last: number;
  readonly lastRecord: LogRecord | undefined;
  /** The records that were not committed, by number: a primary may commit and trim them in one event. */
  readonly tail: ReadonlyMap<number, LogRecord>;
}

/** How far a copy has told an epoch's primary that it has come. */
interface Confirmed {
  readonly member: Member;
  readonly seq: number;
}

interface Acknowledgement {
  readonly partition: number;
  readonly epoch: number;
  readonly seq: number;
  readonly level: AckLevel;
}

/**
 * What replication must never do: invariants 2 to 6 of RELIABILITY section 3, seen in the copies themselves after
 * every event, in the acknowledgements that leave, and in what copies confirm to each other.
 */
export class ReplicationCheck {
  readonly #truths = new Map<number, PartitionTruth>();
  readonly #seen = new WeakMap<PartitionCopy, Seen>();
  readonly #confirmed = new Map<string, Confirmed>();
  /** What primaries have written in the step under way. */
  readonly #written = new Map<PartitionCopy, Map<number, LogRecord>>();
  #waiting: Acknowledgement[] = [];
  /** Partitions whose entries have changed in the step under way, with what they were before. */
  #changed = new Map<number, PartitionEntry>();
  /** Acknowledged before a majority of copies had it: may be lost, but only with its primary. */
  readonly #weak: Acknowledgement[] = [];
  readonly #ground: Ground;
  readonly #configurations: ConfigurationCheck;

  constructor(ground: Ground, configurations: ConfigurationCheck) {
    this.#ground = ground;
    this.#configurations = configurations;
  }

  truth(partition: number): PartitionTruth {
    let truth = this.#truths.get(partition);
    if (truth === undefined) {
      truth = new PartitionTruth(0);
      this.#truths.set(partition, truth);
    }
    return truth;
  }

  /** True time at which the partition began empty. */
  bornAtMs(partition: number): number {
    return this.#configurations.resetAtMs(partition);
  }

  /** What a copy holds belongs to an earlier life of its partition, and is worth nothing. */
  isOutdated(copy: PartitionCopy): boolean {
    return copy.filledInEpoch < this.truth(copy.partition).resetEpoch;
  }

  /** A partition's committed entry has changed. */
  changed(change: PartitionChange): void {
    const { partition, before, after, isReset } = change;
    if (isReset) this.#truths.set(partition, new PartitionTruth(after.resetEpoch));
    if (!this.#changed.has(partition)) this.#changed.set(partition, before);
  }

  /** Whoever is in sync now holds all that was ever acknowledged. */
  #checkInSync(partition: number, before: PartitionEntry): void {
    const truth = this.truth(partition);
    for (const member of this.#ground.state.partitions[partition]?.inSync ?? []) {
      const copy = this.#copyOf(partition, member);
      if (copy === undefined || truth.committed === 0) continue;
      const name = `entry ${this.#ground.index} has ${member.node} in sync on partition ${partition}`;
      if (member.generation !== FRESH && copy.generation !== member.generation) {
        violate(`${name} in generation ${member.generation}; it has thrown that away and is in ${copy.generation}`);
      }
      if (!holds(copy, truth.committed, truth.epochAt(truth.committed))) {
        violate(`${name}, which lacks record ${truth.committed}; it has ${copy.last}`);
      }
      const isNew = !before.inSync.some((other) => isSameMember(other, member));
      if (isNew && copy.dirtyUntil > copy.committed) violate(`${name}, which is still dirty`);
    }
  }

  /** The core emptied a store: never one that is in sync and holds something. */
  cleared(node: NodeView, partition: number): void {
    const entry = this.#ground.state.partitions[partition];
    const member = entry?.inSync.find((one) => one.node === node.id && one.boot === node.boot);
    const copy = node.node?.copy(partition);
    const seen = copy === undefined ? undefined : this.#seen.get(copy);
    if (entry === undefined || member === undefined || seen === undefined) return;
    if (this.truth(partition).committed === 0 || seen.epoch < entry.resetEpoch) return;
    if (member.generation !== FRESH && member.generation !== seen.generation) return;
    if (this.#ground.isGone(partition, member, this.#configurations.resetAtMs(partition))) return;
    violate(`${node.id} throws its copy of partition ${partition} away, which is in sync`);
  }

  sent(node: NodeView, message: ReplicationMessage): void {
    if (message.type !== 'ack') return;
    const { partition, epoch, member, seq } = message;
    this.#checkConfirmation(node, message);
    const name = `${partition} ${epoch} ${node.id}`;
    const known = this.#confirmed.get(name);
    if (known === undefined || !isSameMember(known.member, member) || known.seq < seq) {
      this.#confirmed.set(name, { member, seq });
    }
  }

  appended(node: NodeView, partition: number, seq: number): void {
    const copy = node.node?.copy(partition);
    const record = copy?.record(seq);
    if (copy === undefined || record === undefined) return;
    const written = this.#written.get(copy) ?? new Map<number, LogRecord>();
    this.#written.set(copy, written.set(seq, record));
  }

  /**
   * A copy confirms only what it holds, and only the primary's. One of an earlier life that never held anything may
   * take records of the new one before it knows, but not say that it is clean.
   */
  #checkConfirmation(node: NodeView, ack: Extract<ReplicationMessage, { type: 'ack' }>): void {
    const { partition, epoch, seq, isClean } = ack;
    const copy = node.node?.copy(partition);
    const truth = this.truth(partition);
    if (copy === undefined || seq === 0 || epoch < truth.resetEpoch) return;
    // A later epoch's primary may have written another record of that number.
    const committed = truth.epochAt(seq) <= epoch ? truth.epochAt(seq) : 0;
    const leader = this.#ground.nodes.get(this.#configurations.primaryOf(partition, epoch) ?? '');
    const primary = leader?.node?.copy(partition);
    const known = committed || (primary?.epoch === epoch ? (primary.record(seq)?.epoch ?? 0) : 0);
    if (known === 0 || ((!isClean || !this.isOutdated(copy)) && holds(copy, seq, known))) return;
    violate(`${node.id} confirms record ${seq} of partition ${partition} in epoch ${epoch}, which it does not hold`);
  }

  /** Whether enough copies have it is judged once the event is over, when what the copy has committed is known. */
  acknowledged(node: NodeView, partition: number, epoch: number, seq: number, level: AckLevel): void {
    const entry = this.#ground.state.partitions[partition];
    if (entry === undefined || entry.epoch !== epoch || entry.primary !== node.id) {
      const name = `${node.id} acknowledges (${level}) record ${seq} of partition ${partition} in epoch ${epoch}`;
      violate(`${name}; entry ${this.#ground.index} names ${entry?.primary} in epoch ${entry?.epoch}`);
    }
    this.#waiting.push({ partition, epoch, seq, level });
  }

  stepped(node: NodeView, nowMs: number): void {
    if (node.node === null) return;
    for (const copy of node.node.copies()) if (!this.isOutdated(copy)) this.#observe(node, copy);
    if (this.#changed.size > 0) {
      for (const [partition, before] of this.#changed) this.#checkInSync(partition, before);
      this.#changed.clear();
    }
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    for (const acknowledgement of waiting) this.#judge(node, acknowledgement, nowMs);
  }

  stopped(): void {
    this.#waiting = [];
    this.#written.clear();
  }

  /** Every store holds what the records it has applied make of an empty one. */
  inspect(node: NodeView): void {
    if (node.node === null) return;
    for (const copy of node.node.copies()) {
      if (this.isOutdated(copy) || copy.role === 'none' || copy.dirtyUntil > copy.committed) continue;
      this.#compareStore(node, copy);
    }
  }

  /** What was acknowledged at a weak level is only lost with its primary. */
  finish(): void {
    for (const { partition, epoch, seq, level } of this.#weak) {
      const now = this.#ground.state.partitions[partition]?.epoch ?? 0;
      if (now > epoch || this.truth(partition).epochAt(seq) === epoch) continue;
      violate(
        `record ${seq} of partition ${partition}, acknowledged (${level}) in epoch ${epoch}, is lost without a failover`,
      );
    }
  }

  #observe(node: NodeView, copy: PartitionCopy): void {
    const { epoch, generation, committed, last, applied } = copy;
    const before = this.#seen.get(copy);
    const seen = before?.generation === generation ? before : undefined;
    const lastRecord = copy.record(last);
    if (
      seen !== undefined &&
      seen.committed === committed &&
      seen.epoch === epoch &&
      seen.applied === applied &&
      seen.last === last &&
      seen.lastRecord === lastRecord
    ) {
      return;
    }
    const who = `${node.id}'s copy of partition ${copy.partition}`;
    if (before === undefined) this.#checkReturned(node, copy, who);
    if (before !== undefined && epoch < before.epoch)
      violate(`${who} goes back from epoch ${before.epoch} to ${epoch}`);
    if (seen !== undefined && committed < seen.committed) {
      violate(`${who} goes back from ${seen.committed} committed records to ${committed}`);
    }
    if (committed > last || applied > last) {
      violate(`${who} has ${last} records, ${committed} committed, ${applied} applied`);
    }
    if (copy.role === 'replica' && copy.dirtyUntil <= committed && applied > committed) {
      violate(`${who} has applied ${applied} records, of which only ${committed} are committed`);
    }
    this.#compareRecords(node, copy, who, seen);
    this.#seen.set(copy, { generation, epoch, committed, applied, last, lastRecord, tail: tailOf(copy) });
  }

  /** A copy that a node has read back from its disk, and that is in sync, has all that was committed. */
  #checkReturned(node: NodeView, copy: PartitionCopy, who: string): void {
    const truth = this.truth(copy.partition);
    const member = this.#ground.state.partitions[copy.partition]?.inSync.find((one) => one.node === node.id);
    if (member?.boot !== node.boot || member.generation !== copy.generation || truth.committed === 0) return;
    if (holds(copy, truth.committed, truth.epochAt(truth.committed))) return;
    violate(`${who} is in sync and has come back without record ${truth.committed}; it has ${copy.last}`);
  }

  /** Committed once is committed for ever, by everybody who has it; only a primary goes ahead. */
  #compareRecords(node: NodeView, copy: PartitionCopy, who: string, seen: Seen | undefined): void {
    const truth = this.truth(copy.partition);
    const before = truth.committed;
    for (let seq = (seen?.committed ?? copy.trimmed) + 1; seq <= copy.committed; seq++) {
      const record = copy.record(seq) ?? this.#written.get(copy)?.get(seq) ?? seen?.tail.get(seq);
      if (seq > truth.committed) {
        if (copy.role !== 'primary' && copy.role !== 'handing-over') {
          violate(`${who} takes record ${seq} for committed, which it is not`);
        }
        if (record === undefined) violate(`${who} commits record ${seq}, which it does not hold`);
        truth.commit(record);
      } else if (record !== undefined && !isSameRecord(record, truth.record(seq))) {
        violate(
          `${who} has a record ${seq} of epoch ${record.epoch}; the committed one is of epoch ${truth.epochAt(seq)}`,
        );
      }
    }
    this.#written.delete(copy);
    if (truth.committed > before) this.#checkCommit(node, copy, who);
  }

  /** Invariant 2, at the moment when a primary commits. */
  #checkCommit(node: NodeView, copy: PartitionCopy, who: string): void {
    const { partition, epoch, committed } = copy;
    const name = `${who} commits record ${committed} in epoch ${epoch}`;
    if (this.#configurations.primaryOf(partition, epoch) !== node.id) violate(`${name}, whose primary it is not`);
    const next = copy.record(committed + 1);
    if (next !== undefined && next.epoch < epoch) violate(`${name} before it has all its tail of epoch ${next.epoch}`);
    const { state } = node.node?.coordinator ?? this.#ground;
    for (const member of state.partitions[partition]?.inSync ?? []) {
      if (member.node === node.id || this.#hasConfirmed(copy, member, committed)) continue;
      violate(`${name}, which ${member.node} has not confirmed`);
    }
    const truth = this.truth(partition);
    for (const member of this.#ground.state.partitions[partition]?.inSync ?? []) {
      const other = this.#copyOf(partition, member);
      if (other === undefined || holds(other, committed, truth.epochAt(committed))) continue;
      violate(`${name}, which ${member.node} does not hold and is in sync`);
    }
  }

  #hasConfirmed({ partition, epoch }: PartitionCopy, member: Member, seq: number): boolean {
    const confirmed = this.#confirmed.get(`${partition} ${epoch} ${member.node}`);
    return confirmed !== undefined && isSameMember(confirmed.member, member) && confirmed.seq >= seq;
  }

  #judge(node: NodeView, acknowledgement: Acknowledgement, nowMs: number): void {
    const { partition, epoch, seq, level } = acknowledgement;
    const truth = this.truth(partition);
    const name = `${node.id} acknowledges (${level}) record ${seq} of partition ${partition} in epoch ${epoch}`;
    if (epoch < truth.answeredEpoch)
      violate(`${name}, when clients have been answered in epoch ${truth.answeredEpoch}`);
    if (this.#configurations.primaryOf(partition, epoch) !== node.id) violate(`${name}, whose primary it is not`);
    truth.answeredEpoch = epoch;
    const { state } = node.node?.coordinator ?? this.#ground;
    const inSync = state.partitions[partition]?.inSync ?? [];
    if (level === 'in-sync') {
      if (truth.epochAt(seq) !== epoch) violate(`${name}, which is not committed`);
      if (inSync.length < (state.settings?.minInSync ?? 1)) violate(`${name} with only ${inSync.length} in sync`);
      truth.acknowledge(seq, nowMs);
      return;
    }
    this.#weak.push(acknowledgement);
    if (level === 'async' || truth.epochAt(seq) === epoch) return;
    const copy = node.node?.copy(partition);
    const isHeld = inSync.some((member) => copy !== undefined && this.#hasConfirmed(copy, member, seq));
    if (!isHeld && inSync.length > 1) violate(`${name}, which no other copy has confirmed`);
  }

  #compareStore(node: NodeView, copy: PartitionCopy): void {
    const truth = this.truth(copy.partition);
    // Above what it knows to be committed it holds its own, be it or be it not what the others have agreed on since.
    const own: LogRecord[] = [];
    for (let seq = copy.committed + 1; seq <= copy.applied; seq++) {
      const record = copy.record(seq);
      if (record !== undefined) own.push(record);
    }
    const expected = truth.contentsAt(Math.min(copy.applied, copy.committed), own);
    const store = node.store(copy.partition);
    const name = `${node.id}'s store of partition ${copy.partition} after ${copy.applied} records (${copy.role})`;
    for (const [key, { value, version }] of expected) {
      const stored = store.get(key);
      if (stored?.value !== value || stored.version !== version) {
        violate(
          `${name} holds ${stored?.value} of version ${stored?.version} at key ${key} rather than ${value} of ${version}`,
        );
      }
    }
    for (const key of store.keys()) if (!expected.has(key)) violate(`${name} holds key ${key}, which is not there`);
  }

  #copyOf(partition: number, member: Member): PartitionCopy | undefined {
    return this.#ground.copyOf(partition, member, this.#configurations.resetAtMs(partition));
  }
}

function tailOf(copy: PartitionCopy): ReadonlyMap<number, LogRecord> {
  const tail = new Map<number, LogRecord>();
  for (let seq = copy.committed + 1; seq <= copy.last; seq++) {
    const record = copy.record(seq);
    if (record !== undefined) tail.set(seq, record);
  }
  return tail;
}

/** Whether a copy has this very record, or had it and has trimmed it away since. */
function holds(copy: PartitionCopy, seq: number, epoch: number): boolean {
  if (seq > copy.last) return false;
  const record = copy.record(seq);
  return record === undefined ? seq <= copy.trimmed : record.epoch === epoch;
}

function isSameRecord(left: LogRecord, right: LogRecord | undefined): boolean {
  if (right === undefined || left === right) return left === right;
  if (left.seq !== right.seq || left.epoch !== right.epoch || left.effect.length !== right.effect.length) return false;
  return left.effect.every((byte, at) => byte === right.effect[at]);
}
