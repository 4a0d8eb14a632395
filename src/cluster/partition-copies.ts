import { assert } from '../base/assert.ts';
import type { ClusterState, PartitionEntry } from './controller/cluster-state.ts';
import type { Coordinator } from './coordinator.ts';
import type { NodeId } from './identity.ts';
import type { CopyStart } from './replication/copy-data.ts';
import type { KeptItem } from './replication/kept-item.ts';
import { PartitionCopy, type ReplicationOptions } from './replication/partition-copy.ts';
import type { ChunkCursor, ReplicationHost } from './replication/replication-host.ts';
import type { ReplicationMessage } from './replication/replication-message.ts';

/** As for one copy; the lease and the way to the controller are the coordinator's. */
export type CopiesHost = Omit<ReplicationHost, 'lease' | 'propose'>;

/** Which of the node's copies are kept here, where they are parted among threads. */
export interface CopiesScope {
  readonly first: number;
  readonly count: number;
  /** What a copy that is made begins with; null: it is not to be made yet. */
  startOf(partition: number): CopyStart | null;
  /**
   * Partitions of which there is something from an earlier start. No copy is made before the state knows this start of the
   * node, and so what becomes of them: until then they are what the sets name by the earlier one.
   */
  readonly recovered?: readonly number[];
}

const EMPTY_START: CopyStart = { generation: 0, kept: null };
const ALL: CopiesScope = { first: 0, count: Number.POSITIVE_INFINITY, startOf: () => EMPTY_START };

/**
 * A node's copies of partitions: the data path, which knows of the cluster what a {@link Coordinator} tells it, whoever
 * that is. Whoever runs both calls `configure` whenever the coordinator's state has changed.
 */
export class PartitionCopies {
  #state: ClusterState;
  /** When the first copy is due that has been flushed since it was touched, or some time before. */
  #dueMs = Number.POSITIVE_INFINITY;
  #nowMs: number;
  /** Copies with writes or acknowledgements that have not gone out. */
  readonly #touched = new Set<PartitionCopy>();
  /** Partitions whose copies wait for the disk. */
  readonly #keeping = new Set<number>();
  #isHeldBack: boolean;
  readonly #copies = new Map<number, PartitionCopy>();
  readonly #coordinator: Coordinator;
  readonly #self: { readonly node: NodeId; readonly boot: number };
  readonly #options: ReplicationOptions;
  readonly #host: ReplicationHost;
  readonly #scope: CopiesScope;
  readonly #recovered: ReadonlySet<number>;

  constructor(
    self: { readonly node: NodeId; readonly boot: number },
    options: ReplicationOptions,
    coordinator: Coordinator,
    host: CopiesHost,
    nowMs: number,
    scope: CopiesScope = ALL,
  ) {
    this.#scope = scope;
    this.#recovered = new Set(scope.recovered);
    this.#self = self;
    this.#options = options;
    this.#nowMs = nowMs;
    this.#coordinator = coordinator;
    this.#state = coordinator.state;
    this.#isHeldBack = scope.recovered !== undefined;
    const { keep } = host;
    this.#host = {
      ...host,
      ...(keep === undefined ? {} : { keep: (partition, item) => this.#keep(keep, partition, item) }),
      lease: coordinator.lease,
      propose: (command) => coordinator.submit(coordinator.nextRequest(), command, this.#nowMs),
    };
    this.#configure(null, nowMs);
  }

  get wakeAtMs(): number {
    return this.#touched.size > 0 ? Math.min(this.#dueMs, this.#nowMs) : this.#dueMs;
  }

  copy(partition: number): PartitionCopy | undefined {
    return this.#copies.get(partition);
  }

  all(): IterableIterator<PartitionCopy> {
    return this.#copies.values();
  }

  /** Looks at the clock; does what `flush` does, too. */
  tick(nowMs: number): void {
    this.#nowMs = nowMs;
    this.flush(nowMs);
    // Only what time has brought about makes all of them be looked at.
    if (this.#dueMs > nowMs) return;
    this.#dueMs = Number.POSITIVE_INFINITY;
    for (const copy of this.#copies.values()) {
      if (copy.wakeAtMs <= nowMs) copy.tick(nowMs);
      this.#dueMs = Math.min(this.#dueMs, copy.wakeAtMs);
    }
  }

  receive(from: NodeId, message: ReplicationMessage, nowMs: number): void {
    this.#nowMs = nowMs;
    // Before this node has seen the cluster created it has no copies; whoever sends will send again.
    if (this.#isHeldBack) return;
    const { partition } = message;
    const { first, count } = this.#scope;
    if (partition >= this.#state.partitions.length || partition < first || partition >= first + count) return;
    const copy = this.#copyOf(partition);
    if (copy === null) return;
    copy.receive(from, message, nowMs);
    this.#touch(copy);
  }

  /**
   * A write was done on the store of a partition whose copy is primary (`PartitionCopy.writeRefusal` is null). Answers
   * the number under which its reply waits for `ReplicationHost.acknowledge`.
   */
  append(partition: number, keys: readonly number[], effect: Uint8Array, nowMs: number): number {
    this.#nowMs = nowMs;
    const copy = this.#copies.get(partition);
    assert(copy !== undefined, `a write on partition ${partition}, which is not here`);
    const seq = copy.append(keys, effect, nowMs);
    this.#touch(copy);
    return seq;
  }

  chunkRead(partition: number, stream: number, entries: readonly Uint8Array[], next: ChunkCursor, nowMs: number): void {
    this.#nowMs = nowMs;
    const copy = this.#copies.get(partition);
    if (copy === undefined) return;
    copy.chunkRead(stream, entries, next, nowMs);
    this.#touch(copy);
  }

  loseData(partition: number, nowMs: number): void {
    this.#nowMs = nowMs;
    const copy = this.#copies.get(partition);
    if (copy === undefined) return;
    copy.loseData(nowMs);
    this.#touch(copy);
  }

  /** The disk has all that `ReplicationHost.keep` took up to this place. */
  reached(place: number, nowMs: number): void {
    this.#nowMs = nowMs;
    for (const partition of this.#keeping) {
      const copy = this.#copies.get(partition);
      if (copy === undefined) continue;
      copy.reached(place, nowMs);
      if (!copy.isKeeping) this.#keeping.delete(partition);
      this.#touch(copy);
    }
  }

  flush(nowMs: number): void {
    this.#nowMs = nowMs;
    for (const copy of this.#touched) {
      copy.flush(nowMs);
      this.#dueMs = Math.min(this.#dueMs, copy.wakeAtMs);
    }
    this.#touched.clear();
  }

  /** The coordinator's state is another one. */
  configure(nowMs: number): void {
    const before = this.#state;
    this.#state = this.#coordinator.state;
    this.#configure(before, nowMs);
  }

  #configure(before: ClusterState | null, nowMs: number): void {
    this.#nowMs = nowMs;
    const { settings, nodes, partitions } = this.#state;
    if (settings === null) return;
    if (this.#isHeldBack) {
      const { node, boot } = this.#self;
      if (nodes.get(node)?.boot !== boot) return;
      this.#isHeldBack = false;
      this.#configure(null, nowMs);
      return;
    }
    const isFenced = (node: NodeId): boolean => nodes.get(node)?.isFenced ?? true;
    const areAllConcerned = before === null || before.settings !== settings || before.nodes !== nodes;
    const end = Math.min(partitions.length, this.#scope.first + this.#scope.count);
    for (let partition = this.#scope.first; partition < end; partition++) {
      const entry = partitions[partition] as PartitionEntry;
      if (!areAllConcerned && before.partitions[partition] === entry) continue;
      if (!this.#copies.has(partition) && !this.#isNamed(entry) && !this.#recovered.has(partition)) continue;
      const copy = this.#copyOf(partition);
      if (copy === null) continue;
      copy.configure(entry, settings, isFenced, nowMs);
      this.#touch(copy);
    }
  }

  #keep(keep: NonNullable<ReplicationHost['keep']>, partition: number, item: KeptItem): number {
    const place = keep(partition, item);
    if (place > 0) this.#keeping.add(partition);
    return place;
  }

  /** It is flushed at the end of the batch: until then the batch has its attention. */
  #touch(copy: PartitionCopy): void {
    this.#touched.add(copy);
  }

  #isNamed(entry: PartitionEntry): boolean {
    const { node } = this.#self;
    return entry.replicas.includes(node) || entry.inSync.some((member) => member.node === node);
  }

  #copyOf(partition: number): PartitionCopy | null {
    const known = this.#copies.get(partition);
    if (known !== undefined) return known;
    const start = this.#scope.startOf(partition);
    if (start === null) return null;
    const copy = new PartitionCopy(partition, this.#self, this.#options, this.#host, this.#nowMs, start);
    this.#copies.set(partition, copy);
    return copy;
  }
}
