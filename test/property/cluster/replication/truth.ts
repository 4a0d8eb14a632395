import { FRESH, type Member, type NodeId } from '../../../../src/cluster/identity.ts';
import type { PartitionCopy } from '../../../../src/cluster/replication/partition-copy.ts';
import type { ClusterOfCopies, CopyNode } from '../../../unit/cluster/replication/cluster-of-copies.ts';

/** What an all-seeing observer knows of a partition, and holds its copies to. */
export class Truth {
  /** Committed anywhere: the epoch of each record. A copy that disagrees has broken its word. */
  #committed: number[] = [];
  #told = 0;
  #resetEpoch = 0;
  #states = 0;
  readonly #writes = new Map<string, { key: number; value: number }>();
  readonly #primaries = new Map<number, NodeId>();
  readonly #polled = new Map<PartitionCopy, { generation: number; committed: number }>();
  #toldAt: { atMs: number; told: number }[] = [];
  readonly #cluster: ClusterOfCopies;

  constructor(cluster: ClusterOfCopies) {
    this.#cluster = cluster;
    cluster.onChange = () => this.check();
    cluster.onAcknowledge = (node, committed, replicated) => this.#acknowledged(node, committed, replicated);
  }

  get told(): number {
    return this.#told;
  }

  wrote(seq: number, epoch: number, key: number, value: number): void {
    this.#writes.set(`${epoch} ${seq}`, { key, value });
  }

  /** The copy that an in-sync set names, if it is still there. */
  holderOf({ node, boot, generation }: Member): PartitionCopy | undefined {
    const at = this.#cluster.nodes.get(node);
    if (at === undefined || at.boot !== boot) return undefined;
    // Named as fresh it is that one copy which began the partition.
    const isSame =
      generation === FRESH ? at.copy.filledInEpoch === this.#resetEpoch : generation === at.copy.generation;
    return isSame ? at.copy : undefined;
  }

  check(): void {
    this.#followStates();
    for (const { copy } of this.#cluster.nodes.values()) this.#poll(copy);
    for (const node of this.#cluster.nodes.values()) this.#checkCopy(node);
    for (const member of this.#cluster.entry.inSync) {
      const copy = this.holderOf(member);
      if (copy !== undefined && this.#isOfThisLife(copy)) this.#checkHolds(copy, member);
    }
  }

  checkRead(node: CopyNode, key: number): void {
    const expected = this.#stateAt(this.#committed.length).get(key);
    const found = node.store.get(key);
    if (found !== expected) this.#fail(`${node.node} reads ${key} = ${found}; it is ${expected}`);
  }

  checkReplicaRead({ node, copy }: CopyNode, maxStalenessMs: number): void {
    const sinceMs = this.#cluster.nowMs - maxStalenessMs;
    const told = this.#toldAt.filter(({ atMs }) => atMs < sinceMs).at(-1)?.told ?? 0;
    if (copy.applied < told) this.#fail(`${node} answers a state at ${copy.applied}; ${told} was told before`);
    if (!this.#isOfThisLife(copy)) return;
    this.#checkStore(this.#cluster.at(node));
  }

  checkConverged(): void {
    const { entry } = this.#cluster;
    for (const node of entry.replicas) {
      const member = entry.inSync.find((one) => one.node === node);
      if (member === undefined) this.#fail(`${node} does not get in sync`);
      const at = this.#cluster.at(node);
      if (at.copy.applied !== this.#committed.length) this.#fail(`${node} has ${at.copy.applied}`);
      this.#checkStore(at);
    }
    if (entry.inSync.length !== entry.replicas.length) this.#fail('copies stay that should be elsewhere');
    if (entry.primary !== entry.replicas[0]) this.#fail(`${entry.primary} stays primary`);
  }

  #followStates(): void {
    const { states } = this.#cluster;
    for (; this.#states < states.length; this.#states++) {
      const entry = states[this.#states]?.partitions[0];
      if (entry === undefined || entry.resetEpoch === this.#resetEpoch) continue;
      const before = states[this.#states - 1]?.partitions[0]?.inSync ?? [];
      const holder = before.map((member) => this.holderOf(member)).find((copy) => copy !== undefined);
      if (holder !== undefined) this.#fail('the partition was begun anew although a copy was there');
      this.#resetEpoch = entry.resetEpoch;
      this.#committed = [];
      this.#told = 0;
      this.#toldAt = [];
    }
  }

  #acknowledged(node: CopyNode, committed: number, replicated: number): void {
    const { copy } = node;
    const { entry, nowMs } = this.#cluster;
    if (nowMs >= node.lease.endsAtMs) this.#fail(`${node.node} acknowledges without a lease`);
    const known = this.#cluster.states[node.seen - 1];
    const minInSync = known?.settings?.minInSync ?? 1;
    const inSync = known?.partitions[0]?.inSync ?? [];
    // While it learns of a state, that one is known already.
    if (inSync.length < minInSync) this.#fail(`${node.node} acknowledges with ${inSync.length} in sync`);
    this.#followStates();
    this.#poll(copy);
    if (entry.epoch === copy.epoch) {
      for (const member of entry.inSync) {
        const holder = this.holderOf(member);
        if (holder !== undefined && holder.last < committed) {
          this.#fail(`${node.node} acknowledges ${committed}; ${member.node} is in sync and has ${holder.last}`);
        }
      }
    }
    if (replicated > copy.last || replicated < committed) this.#fail('replicated is out of bounds');
    if (this.#isOfThisLife(copy) && committed > this.#told) {
      this.#told = committed;
      this.#toldAt.push({ atMs: nowMs, told: committed });
    }
  }

  #checkCopy(node: CopyNode): void {
    const { copy } = node;
    if (copy.role === 'primary' || copy.role === 'handing-over') {
      const other = this.#primaries.get(copy.epoch) ?? node.node;
      this.#primaries.set(copy.epoch, node.node);
      if (other !== node.node) this.#fail(`${node.node} and ${other} are primaries of epoch ${copy.epoch}`);
    } else if (copy.dirtyUntil <= copy.committed && copy.applied > copy.committed) {
      this.#fail(`${node.node} has applied ${copy.applied}; committed is ${copy.committed}`);
    }
    if (copy.committed > copy.last || copy.acknowledged > copy.committed) this.#fail('marks are out of order');
    if (copy.retainedBytes > 8000) this.#fail(`${node.node} keeps ${copy.retainedBytes} bytes of records`);
    if (copy.isClean && copy.role === 'replica' && this.#isOfThisLife(copy)) this.#checkStore(node);
  }

  /** Remembers what the copy says is committed, and that it is what others said. */
  #poll(copy: PartitionCopy): void {
    if (!this.#isOfThisLife(copy)) return;
    const polled = this.#polled.get(copy);
    const from = polled?.generation === copy.generation ? polled.committed : 0;
    this.#polled.set(copy, { generation: copy.generation, committed: copy.committed });
    for (let seq = Math.max(from, copy.trimmed) + 1; seq <= copy.committed; seq++) {
      const epoch = copy.record(seq)?.epoch ?? -1;
      if (seq === this.#committed.length + 1) this.#committed.push(epoch);
      else if (seq > this.#committed.length) this.#fail(`record ${seq} is committed before those in front of it`);
      if (this.#committed[seq - 1] !== epoch) {
        this.#fail(`record ${seq} was committed of epoch ${this.#committed[seq - 1]}, and now of ${epoch}`);
      }
    }
  }

  #checkHolds(copy: PartitionCopy, { node }: Member): void {
    const count = this.#committed.length;
    if (copy.last < count) this.#fail(`${node} is in sync and lacks what follows ${copy.last}; committed is ${count}`);
    for (let seq = Math.max(copy.trimmed + 1, copy.committed); seq <= count; seq++) {
      const record = copy.record(seq);
      if (record !== undefined && record.epoch !== this.#committed[seq - 1]) {
        this.#fail(`${node} is in sync and has another record ${seq}`);
      }
    }
  }

  #checkStore({ node, copy, store }: CopyNode): void {
    const expected = this.#stateAt(copy.applied);
    for (const key of new Set([...expected.keys(), ...store.keys()])) {
      if (expected.get(key) !== store.get(key)) {
        this.#fail(`${node} has ${key} = ${store.get(key)} at ${copy.applied}; it is ${expected.get(key)}`);
      }
    }
  }

  #stateAt(seq: number): Map<number, number> {
    const state = new Map<number, number>();
    for (const [index, epoch] of this.#committed.slice(0, seq).entries()) {
      const write = this.#writes.get(`${epoch} ${index + 1}`);
      if (write !== undefined) state.set(write.key, write.value);
    }
    return state;
  }

  /** Whether what the copy holds is of the partition as it was last begun. */
  #isOfThisLife(copy: PartitionCopy): boolean {
    return copy.filledInEpoch >= this.#resetEpoch;
  }

  #fail(what: string): never {
    throw new Error(`at ${this.#cluster.nowMs} ms: ${what}`);
  }
}
