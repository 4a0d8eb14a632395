import type { NodeId } from '../../../../src/cluster/identity.ts';
import { ClusterOfCopies, type CopyNode } from '../../../unit/cluster/replication/cluster-of-copies.ts';
import { Truth } from './truth.ts';

const NODES: readonly NodeId[] = ['a', 'b', 'c', 'd'];
const LEASE_MS = 800;
const KEYS = 7;

export interface ScheduleSettings {
  readonly seed: number;
  readonly minInSync: number;
  readonly onLoss: 'offline' | 'reset';
  /** How much more often than others these steps are: a message is lost; a node starts again or loses a copy; a node
   * is cut off, or in touch again; somebody writes; the messages that wait are delivered in another order. */
  readonly losses: number;
  readonly restarts: number;
  readonly cuts: number;
  readonly writes: number;
  readonly disorderPermille: number;
}

/**
 * Copies of a partition under a random schedule of whatever may happen to them. After each step everything is checked
 * that can be checked from outside; `settle` then lets all go well, and checks that it does.
 */
export class RandomSchedule {
  readonly cluster: ClusterOfCopies;
  readonly truth: Truth;
  readonly counts = { writes: 0, told: 0, reads: 0, replicaReads: 0, snapshots: 0, handOvers: 0, epochs: 0, losses: 0 };
  #state: number;
  #value = 0;
  /** Until when each node may hold a lease; it is not fenced before. */
  readonly #leasedUntilMs = new Map<NodeId, number>();
  readonly #cutOff = new Set<NodeId>();
  #grants: { to: CopyNode; endsAtMs: number; seen: number }[] = [];
  readonly #settings: ScheduleSettings;

  constructor(settings: ScheduleSettings) {
    this.#settings = settings;
    this.#state = settings.seed >>> 0;
    this.cluster = new ClusterOfCopies({
      nodes: NODES,
      replicas: ['a', 'b', 'c'],
      settings: { minInSync: settings.minInSync, onLoss: settings.onLoss },
      options: {
        appendBytesMax: 200,
        inFlightMax: 3,
        uncommittedRecordsMax: 6,
        retainedBytesMax: 1100,
        catchUpBytesMax: 3000,
        snapshotStallMs: 1500,
      },
    });
    this.truth = new Truth(this.cluster);
  }

  run(steps: number): void {
    for (let step = 0; step < steps; step++) {
      this.#step();
      this.truth.check();
    }
  }

  /** All nodes are up and can reach each other, and nothing more goes wrong. */
  settle(): void {
    const { cluster } = this;
    cluster.bag = [];
    this.#cutOff.clear();
    for (const node of NODES) {
      if (!cluster.nodes.has(node)) cluster.start(node);
      cluster.at(node).lease.endsAtMs = Number.POSITIVE_INFINITY;
      cluster.unfence(node);
    }
    // Who has lost his copy says so.
    cluster.run(1000);
    this.truth.check();
    if (cluster.entry.inSync.length === 0)
      cluster.apply({ type: 'reset', partition: 0, version: cluster.entry.version, givesUp: false });
    this.truth.check();
    cluster.run(10_000);
    this.truth.check();
    this.truth.checkConverged();
    const { primary } = cluster.entry;
    if (primary === null) throw new Error('the partition stays offline');
    const { epoch } = cluster.copy(primary);
    const seq = cluster.write(primary, 1, 1);
    this.truth.wrote(seq, epoch, 1, 1);
    cluster.run(1000);
    if (cluster.at(primary).told < seq) throw new Error('a write is not acknowledged although all is well');
    this.counts.epochs = cluster.entry.epoch;
    this.counts.losses = cluster.entry.losses;
  }

  #step(): void {
    const { cluster } = this;
    cluster.nowMs += this.#chance(20) ? this.#below(500) : this.#below(10);
    const { losses, restarts, cuts, writes } = this.#settings;
    this.#takeGrants();
    const steps: [number, () => void][] = [
      [restarts, () => this.#restart()],
      [restarts, () => this.#lose()],
      [20, () => this.#fence()],
      [4, () => this.#place()],
      [writes, () => this.#write()],
      [cuts, () => this.#cut()],
      [30, () => this.#read()],
      [100, () => this.#heartbeat()],
      [100, () => this.#decide()],
      [150, () => this.#learn()],
      [200, () => this.#wake()],
      [30, () => this.#readChunk()],
      [losses, () => this.#deliver(false)],
      [400, () => this.#deliver(true)],
    ];
    let at = this.#below(steps.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, step] of steps) {
      at -= weight;
      if (at >= 0) continue;
      step();
      break;
    }
  }

  #deliver(isHanded: boolean): void {
    const { cluster } = this;
    // Mostly in order, as a connection does; what waits for very long came over one that is broken by now.
    for (let count = this.#below(8); count >= 0; count--) {
      const { bag } = cluster;
      const at = this.#chance(this.#settings.disorderPermille) ? this.#below(bag.length) : 0;
      const letter = bag[at];
      if (letter === undefined) return;
      if (!this.#chance(this.#settings.disorderPermille / 2)) bag.splice(at, 1);
      const isCut = this.#cutOff.has(letter.from) || this.#cutOff.has(letter.to);
      if (isHanded && !isCut) cluster.hand(letter);
      this.truth.check();
    }
  }

  #cut(): void {
    const node = this.#node();
    if (!this.#cutOff.delete(node)) this.#cutOff.add(node);
    if (this.#cutOff.size > 2) this.#cutOff.clear();
  }

  #wake(): void {
    const { cluster } = this;
    for (const { copy } of cluster.nodes.values()) {
      if (this.#chance(300)) continue;
      if (copy.wakeAtMs <= cluster.nowMs) copy.tick(cluster.nowMs);
      else copy.flush(cluster.nowMs);
    }
  }

  #write(): void {
    for (const { node, copy } of this.cluster.nodes.values()) {
      if (copy.writeRefusal(this.cluster.nowMs) !== null) continue;
      const key = this.#below(KEYS);
      this.#value = (this.#value + 1) % 250;
      const { epoch } = copy;
      const seq = this.cluster.write(node, key, this.#value + 1);
      this.truth.wrote(seq, epoch, key, this.#value + 1);
      this.counts.writes++;
    }
  }

  #read(): void {
    for (const node of this.cluster.nodes.values()) {
      const key = this.#below(KEYS);
      if (node.copy.readRefusal(this.cluster.nowMs) === null && node.copy.pendingSeq(key) === 0) {
        this.truth.checkRead(node, key);
        this.counts.reads++;
      }
      const maxStalenessMs = this.#below(400);
      if (node.copy.replicaReadRefusal(this.cluster.nowMs, maxStalenessMs, null) === null) {
        this.truth.checkReplicaRead(node, maxStalenessMs);
        this.counts.replicaReads++;
      }
    }
  }

  #heartbeat(): void {
    const { cluster } = this;
    for (const to of cluster.nodes.values()) {
      const known = cluster.state.nodes.get(to.node);
      if (this.#cutOff.has(to.node) || known?.boot !== to.boot || this.#chance(200)) continue;
      if (known.isFenced) {
        if (this.#chance(300)) cluster.unfence(to.node);
        continue;
      }
      const endsAtMs = cluster.nowMs + LEASE_MS;
      this.#leasedUntilMs.set(to.node, endsAtMs);
      this.#grants.push({ to, endsAtMs, seen: cluster.states.length });
    }
  }

  /** A lease counts once its holder has seen all that was decided before it was given. */
  #takeGrants(): void {
    this.#grants = this.#grants.filter(({ to, endsAtMs, seen }) => {
      if (to.seen < seen) return endsAtMs > this.cluster.nowMs;
      to.lease.endsAtMs = Math.max(to.lease.endsAtMs === 1e9 ? -1 : to.lease.endsAtMs, endsAtMs);
      return false;
    });
    for (const { lease } of this.cluster.nodes.values()) if (lease.endsAtMs === 1e9) lease.endsAtMs = -1;
  }

  #fence(): void {
    const node = this.#node();
    if (this.cluster.nowMs > (this.#leasedUntilMs.get(node) ?? 0)) this.cluster.fence(node);
  }

  #restart(): void {
    const node = this.#node();
    if (this.#isLastHolder(node) && !this.#chance(50)) return;
    this.cluster.stop(node);
    this.truth.check();
    this.cluster.start(node);
  }

  #lose(): void {
    const at = this.#up();
    if (this.#isLastHolder(at.node) && !this.#chance(50)) return;
    at.copy.loseData(this.cluster.nowMs);
  }

  #isLastHolder(node: NodeId): boolean {
    const holders = this.cluster.entry.inSync.filter((member) => this.truth.holderOf(member) !== undefined);
    return holders.length <= 1 && holders[0]?.node === node;
  }

  #place(): void {
    const shuffled = [...NODES];
    for (let at = shuffled.length - 1; at > 0; at--) {
      const other = this.#below(at + 1);
      const node = shuffled[at] ?? '';
      shuffled[at] = shuffled[other] ?? '';
      shuffled[other] = node;
    }
    this.cluster.place(shuffled.slice(0, 3));
  }

  #decide(): void {
    const { proposals } = this.cluster;
    const at = this.#below(proposals.length);
    const proposal = proposals[at];
    if (proposal === undefined) return;
    if (!this.#chance(200)) proposals.splice(at, 1);
    if (this.#chance(100) || this.#cutOff.has(proposal.from.node)) return;
    const refusal = this.cluster.apply(proposal.command);
    if (refusal === null && proposal.command.type === 'hand-over') this.counts.handOvers++;
    // Old ones are refused for ever; a few are kept to see that they are.
    if (proposals.length > 20) proposals.splice(0, 10);
  }

  #learn(): void {
    const { cluster } = this;
    for (const { node, seen } of cluster.nodes.values()) {
      if (this.#cutOff.has(node) || this.#chance(300)) continue;
      cluster.learn(node, Math.min(cluster.states.length, seen + 1 + this.#below(4)));
    }
  }

  #readChunk(): void {
    for (const node of this.cluster.nodes.values()) {
      const read = node.reads.shift();
      if (read === undefined) continue;
      this.counts.snapshots++;
      this.cluster.readChunk(node, read.stream, read.cursor);
    }
  }

  #node(): NodeId {
    return NODES[this.#below(NODES.length)] ?? 'a';
  }

  #up(): CopyNode {
    return this.cluster.at(this.#node());
  }

  #chance(permille: number): boolean {
    return this.#below(1000) < permille;
  }

  /** Mulberry32. */
  #below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % Math.max(1, limit);
  }
}
