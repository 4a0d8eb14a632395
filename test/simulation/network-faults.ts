import type { NodeId } from '../../src/cluster/identity.ts';
import type { LinkQuality } from './network.ts';
import type { SeededRandom } from './random.ts';
import type { SimulatedNode } from './simulated-node.ts';
import type { Troubles } from './troubles.ts';
import type { World } from './world.ts';

/** Faults of links. Each answers whether it could be done now. */
export class NetworkFaults {
  readonly #world: World;
  readonly #random: SeededRandom;
  readonly #troubles: Troubles;
  #isDegraded = false;

  constructor(world: World, random: SeededRandom, troubles: Troubles) {
    this.#world = world;
    this.#random = random;
    this.#troubles = troubles;
  }

  isolate(node: SimulatedNode): void {
    const others = this.#peersOf(node);
    for (const other of others) this.#cutBoth(node.id, other);
    this.#troubles.ofNode(`isolate ${node.id}`, node.id, this.#random.exponential(1500), () => {
      for (const other of others) this.#mendBoth(node.id, other);
    });
  }

  isolateForEver(node: SimulatedNode): void {
    for (const other of this.#peersOf(node)) this.#cutBoth(node.id, other);
  }

  oneWay(node: SimulatedNode): void {
    const others = this.#peersOf(node);
    const isDeaf = this.#random.chance(0.5);
    const { network } = this.#world;
    for (const other of others) {
      if (isDeaf) network.cut(other, node.id);
      else network.cut(node.id, other);
    }
    const name = `one-way ${node.id} ${isDeaf ? 'hears' : 'is heard by'} nobody`;
    this.#say(name);
    this.#troubles.ofNode(name, node.id, this.#random.exponential(1500), () => {
      for (const other of others) {
        if (isDeaf) network.mend(other, node.id);
        else network.mend(node.id, other);
      }
    });
  }

  split(): boolean {
    const ids = this.#random.shuffled(this.#world.nodeIds());
    if (ids.length < 2 || this.#troubles.general > 2) return false;
    const accomplices = this.#accomplices();
    const left = accomplices ?? ids.slice(0, this.#random.integer(1, ids.length - 1));
    // Long enough for the others to have another primary, and for that to have written something.
    const forMs = (accomplices === null ? 0 : 1500) + this.#random.exponential(1500);
    const right = ids.filter((id) => !left.includes(id));
    const name = `split ${left.join(' ')} | ${right.join(' ')}`;
    this.#say(name);
    for (const one of left) for (const other of right) this.#cutBoth(one, other);
    this.#troubles.ofAll(name, forMs, () => {
      for (const one of left) for (const other of right) this.#mendBoth(one, other);
    });
    return true;
  }

  /** Now and then: a primary with one of its replicas, who believes it for as long as they are by themselves. */
  #accomplices(): NodeId[] | null {
    const members = this.#random.chance(0.4) ? this.#primaryWithReplicas() : null;
    if (members === null) return null;
    const [primary, ...replicas] = members;
    return [primary, this.#random.pick(replicas)];
  }

  /** Of some partition with at least two replicas in sync besides. */
  #primaryWithReplicas(): [NodeId, NodeId, ...NodeId[]] | null {
    const { partitions } = this.#world.newestState;
    if (partitions.length === 0) return null;
    const { primary, inSync } = this.#random.pick(partitions);
    const [one, other, ...more] = inSync.map(({ node }) => node).filter((node) => node !== primary);
    return primary === null || one === undefined || other === undefined ? null : [primary, one, other, ...more];
  }

  /** For a moment, too short for the replica to be taken out of the set. Answers the primary; null: there is none. */
  cutOffReplica(): NodeId | null {
    const members = this.#primaryWithReplicas();
    if (members === null) return null;
    const [primary, ...replicas] = members;
    const replica = this.#random.pick(replicas);
    const name = `strand ${primary} ${replica}`;
    this.#say(name);
    this.#cutBoth(primary, replica);
    this.#troubles.ofAll(name, 400, () => this.#mendBoth(primary, replica));
    return primary;
  }

  cutLink(): boolean {
    const pair = this.#pair();
    if (pair === null) return false;
    const [one, other] = pair;
    this.#say(`cut-link ${one} ${other}`);
    this.#cutBoth(one, other);
    this.#troubles.ofAll(`cut-link ${one} ${other}`, this.#random.exponential(1500), () => this.#mendBoth(one, other));
    return true;
  }

  flap(): boolean {
    const pair = this.#pair();
    if (pair === null) return false;
    const [one, other] = pair;
    const name = `flap ${one} ${other}`;
    this.#say(name);
    const everyMs = this.#random.logBetween(5, 400);
    let left = this.#random.integer(3, 12);
    const next = (): void => {
      this.#cutBoth(one, other);
      this.#troubles.ofAll(name, this.#random.exponential(everyMs), () => {
        this.#mendBoth(one, other);
        if (--left > 0) this.#troubles.ofAll(`${name}: pause`, this.#random.exponential(everyMs), next);
      });
    };
    next();
    return true;
  }

  clog(): boolean {
    const pair = this.#pair();
    if (pair === null) return false;
    const { network } = this.#world;
    const [from] = pair;
    const tos = this.#random.chance(0.5) ? [pair[1]] : this.#world.nodeIds().filter((id) => id !== from);
    const name = `clog ${from} to ${tos.join(' ')}`;
    this.#say(name);
    for (const to of tos) network.clog(from, to);
    this.#troubles.ofAll(name, this.#random.logBetween(50, 3000), () => {
      for (const to of tos) network.unclog(from, to);
    });
    return true;
  }

  degrade(): boolean {
    if (this.#isDegraded) return false;
    this.#isDegraded = true;
    const random = this.#random;
    const { network } = this.#world;
    const bad: LinkQuality = {
      minDelayMs: 0.1,
      meanDelayMs: random.chance(0.5) ? random.between(30, 100) : random.logBetween(0.2, 10),
      loss: random.chance(0.7) ? random.between(0, 0.3) : 0,
      duplication: random.chance(0.7) ? random.between(0, 0.5) : 0,
      corruption: random.chance(0.3) ? 0.02 : 0,
      isReordering: random.chance(0.8),
    };
    const ids = this.#world.nodeIds();
    this.#say(`degrade ${JSON.stringify(bad)}`);
    for (const from of ids) for (const to of ids) if (from !== to) network.setQuality(from, to, bad);
    this.#troubles.ofAll('degrade', random.exponential(2000), () => {
      this.#isDegraded = false;
      const usual = this.#world.plan.network;
      for (const from of ids) for (const to of ids) if (from !== to) network.setQuality(from, to, usual);
    });
    return true;
  }

  #pair(): [NodeId, NodeId] | null {
    const [one, other] = this.#random.shuffled(this.#world.present);
    return one === undefined || other === undefined ? null : [one.id, other.id];
  }

  #peersOf(node: SimulatedNode): NodeId[] {
    return this.#world.nodeIds().filter((id) => id !== node.id);
  }

  #cutBoth(one: NodeId, other: NodeId): void {
    this.#world.network.cut(one, other);
    this.#world.network.cut(other, one);
  }

  #mendBoth(one: NodeId, other: NodeId): void {
    this.#world.network.mend(one, other);
    this.#world.network.mend(other, one);
  }

  #say(detail: string): void {
    const { trace, nowMs } = this.#world;
    trace.say(nowMs, '!!!', () => detail);
  }
}
