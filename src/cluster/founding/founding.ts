import { unreachable } from '../../base/assert.ts';
import type { Random } from '../../base/ports.ts';
import type { ClusterSettings } from '../controller/cluster-state.ts';
import type { NodeId } from '../identity.ts';
import type { FoundingMessage, Proposal } from './founding-message.ts';

export interface FoundingOptions {
  readonly self: NodeId;
  /** Higher at each start of the node. */
  readonly boot: number;
  /** How many nodes found a cluster together; 0: this one only joins one. */
  readonly expect: number;
  /** What the cluster is to be created with; all founders must be set up alike. */
  readonly settings: ClusterSettings;
  /** Whether there are others to ask: a lone founder looks first whether there is a cluster. */
  readonly hasSeeds: boolean;
  readonly random: Random;
  newClusterId(): string;
}

export interface FoundingHost {
  send(to: NodeId, message: FoundingMessage): void;
  /** To be made durable in order; `held` is due after each. Null: promised to nobody. */
  hold(proposal: Proposal | null): void;
  /** This node is a founder of the cluster: the last thing it says. To be made durable before anybody is told. */
  found(proposal: Proposal): void;
  /** This node is to join the cluster: the last thing it says. */
  join(clusterId: string): void;
  /** What an administrator should know; said again and again as long as it is so. */
  hindered(reason: string): void;
  /** Other nodes of no cluster, by address. */
  heardOf(nodes: ReadonlyMap<NodeId, string>): void;
}

const TELL_EVERY_MS = 300;
/** Nodes that start together are seen together. */
const SETTLE_MS = 250;
const SETTLE_ALONE_MS = 1000;
/** For each lower node that should propose first and may not be able to. */
const DEFER_MS = 1500;
const PROPOSAL_MS = 2000;
const BACK_OFF_MS = 300;
const BACK_OFF_RANDOM_MS = 1200;
const HINDERED_EVERY_MS = 10_000;

interface Peer {
  readonly address: string;
  here: Extract<FoundingMessage, { type: 'here' }> | null;
}

interface Open {
  readonly proposal: Proposal;
  readonly promised: Set<NodeId>;
  readonly untilMs: number;
}

/**
 * How nodes that are of no cluster come to be of one, and of only one.
 *
 * A node that hears of a cluster joins it. Else one of those that expect each other, as a rule the lowest by id, names
 * the founders and asks for their promises; it has founded the cluster when all of them have promised. Whoever has
 * promised itself to one proposal promises itself to no other until the proposer has given the first one up, and neither
 * forgets that over a restart. So of two proposals that have a founder in common at most one is ever founded: all proposals
 * have, as long as there are fewer than twice as many founders-to-be as each of them expects.
 *
 * The proposer alone decides, and gives up what it had not decided when it starts again. If it is gone for good in between,
 * those who had promised wait for it: then their directories, which hold nothing yet, are to be emptied.
 */
export class Founding {
  #held: Proposal | null;
  /** Promises on their way to the disk. */
  #holding = 0;
  #open: Open | null = null;
  #number = 0;
  #isOver = false;
  #tellAtMs: number;
  #candidates = '';
  #changedMs: number;
  #notBeforeMs: number;
  #hinderedMs = Number.NEGATIVE_INFINITY;
  readonly #peers = new Map<NodeId, Peer>();
  readonly #options: FoundingOptions;
  readonly #host: FoundingHost;

  /** `held`: what this node had promised itself to before it started. */
  constructor(options: FoundingOptions, held: Proposal | null, host: FoundingHost, nowMs: number) {
    this.#options = options;
    this.#host = host;
    this.#held = held;
    this.#tellAtMs = nowMs;
    this.#changedMs = nowMs;
    this.#notBeforeMs = nowMs;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get wakeAtMs(): number {
    return this.#isOver ? Number.POSITIVE_INFINITY : this.#tellAtMs;
  }

  connected(node: NodeId, address: string, clusterId: string, nowMs: number): void {
    if (this.#isOver) return;
    if (clusterId !== '') {
      this.#peers.delete(node);
      this.#meetCluster(node, clusterId, nowMs);
      return;
    }
    this.#peers.set(node, { address, here: this.#peers.get(node)?.here ?? null });
    this.#host.send(node, this.#here());
  }

  disconnected(node: NodeId): void {
    this.#peers.delete(node);
  }

  receive(from: NodeId, message: FoundingMessage, nowMs: number): void {
    if (this.#isOver) return;
    switch (message.type) {
      case 'here':
        this.#onHere(from, message);
        return;
      case 'propose':
        this.#onPropose(from, message.proposal, nowMs);
        return;
      case 'promise':
        if (this.#open?.proposal.clusterId !== message.clusterId) return;
        this.#open.promised.add(from);
        this.#decide();
        return;
      case 'refuse':
        if (this.#open?.proposal.clusterId !== message.clusterId) return;
        if (!message.isForNow) this.#hindered(`node ${from} refuses to found a cluster: ${message.reason}`, nowMs);
        this.#giveUp(nowMs);
        return;
      case 'known':
        // Of a cluster: its connections tell of it.
        return;
      default:
        unreachable(message);
    }
  }

  /** What `FoundingHost.hold` was told last, and has not been confirmed, is durable. */
  held(): void {
    this.#holding--;
    if (this.#isOver || this.#holding > 0 || this.#held === null) return;
    this.#host.send(this.#held.proposer, { type: 'promise', clusterId: this.#held.clusterId });
  }

  tick(nowMs: number): void {
    if (this.#isOver || nowMs < this.#tellAtMs) return;
    this.#tellAtMs = nowMs + TELL_EVERY_MS;
    if (this.#open !== null && nowMs >= this.#open.untilMs) this.#giveUp(nowMs);
    else this.#press();
    this.#propose(nowMs);
    if (this.#isOver) return;
    this.#tellAll();
    if (this.#held !== null && !this.#peers.has(this.#held.proposer)) {
      this.#hindered(
        `it has promised to found a cluster with node ${this.#held.proposer}, which is not connected; if that node is gone for good, stop this one and empty its dataDir`,
        nowMs,
      );
    }
  }

  /** A cluster is there. */
  #meetCluster(node: NodeId, clusterId: string, nowMs: number): void {
    const held = this.#held;
    if (held?.clusterId === clusterId) this.#end(() => this.#host.found(held));
    else if (held === null || held.founders.includes(node)) {
      // A founder that is of another cluster was never promised to what this node waits for, or has been let go by its proposer.
      this.#end(() => this.#host.join(clusterId));
    } else {
      const reason = `node ${node} is of cluster ${clusterId}, but this one has promised to found another with node ${held.proposer}`;
      this.#hindered(reason, nowMs);
    }
  }

  #onHere(from: NodeId, here: Extract<FoundingMessage, { type: 'here' }>): void {
    const peer = this.#peers.get(from);
    if (peer === undefined) return;
    // Two connections may overtake each other.
    if (peer.here !== null && isLater(peer.here, here)) return;
    peer.here = here;
    const unknown = new Map([...here.known].filter(([node]) => node !== this.#options.self && !this.#peers.has(node)));
    if (unknown.size > 0) this.#host.heardOf(unknown);
    const held = this.#held;
    if (held?.proposer !== from) return;
    if (isLater(here, held) || (!isLater(held, here) && !here.isOpen)) this.#hold(null);
  }

  #onPropose(from: NodeId, proposal: Proposal, nowMs: number): void {
    const { self } = this.#options;
    const { clusterId } = proposal;
    if (proposal.proposer !== from || from === self || !proposal.founders.includes(self)) return;
    const fault = this.#faultOf(proposal);
    if (fault !== null) {
      this.#hindered(`node ${from} would found a cluster with this one, but ${fault}`, nowMs);
      this.#host.send(from, { type: 'refuse', clusterId, isForNow: false, reason: fault });
      return;
    }
    if (this.#held?.clusterId === clusterId) {
      if (this.#holding === 0) this.#host.send(from, { type: 'promise', clusterId });
      return;
    }
    if (this.#held !== null || (this.#open !== null && from > self)) {
      const reason = 'it has promised itself elsewhere';
      this.#host.send(from, { type: 'refuse', clusterId, isForNow: true, reason });
      return;
    }
    // Of two that propose the lower one goes on.
    if (this.#open !== null) this.#giveUp(nowMs);
    this.#hold(proposal);
  }

  #faultOf({ founders, settings }: Proposal): string | null {
    const { expect, settings: own } = this.#options;
    if (founders.length !== expect) {
      return `bootstrapExpect is ${founders.length} on one and ${expect} on the other; set both alike`;
    }
    for (const name of ['partitions', 'leaseMs', 'copies', 'minInSync', 'onLoss'] as const) {
      if (settings[name] === own[name]) continue;
      return `${name} is ${settings[name]} on one and ${own[name]} on the other; set both alike`;
    }
    return null;
  }

  #propose(nowMs: number): void {
    const { self, expect, boot, settings, hasSeeds, random } = this.#options;
    if (expect === 0 || this.#open !== null || this.#held !== null || nowMs < this.#notBeforeMs) return;
    const others: NodeId[] = [];
    for (const [node, { here }] of this.#peers) {
      if (here?.expect === expect && here.promised === '') others.push(node);
    }
    others.sort();
    const seen = others.join();
    if (seen !== this.#candidates) {
      this.#candidates = seen;
      this.#changedMs = nowMs;
    }
    if (others.length + 1 < expect) return;
    const rank = others.filter((node) => node < self).length;
    const settleMs = expect === 1 ? (hasSeeds ? SETTLE_ALONE_MS : 0) : SETTLE_MS + rank * DEFER_MS;
    if (nowMs - this.#changedMs < settleMs) return;
    const founders = [self, ...others.slice(0, expect - 1)].sort();
    const clusterId = this.#options.newClusterId();
    const proposal = { clusterId, proposer: self, boot, number: ++this.#number, founders, settings };
    const untilMs = nowMs + PROPOSAL_MS + (random.nextUint32() % BACK_OFF_RANDOM_MS);
    this.#open = { proposal, promised: new Set([self]), untilMs };
    this.#press();
    this.#decide();
  }

  #press(): void {
    if (this.#open === null) return;
    const { proposal, promised } = this.#open;
    for (const node of proposal.founders) {
      if (!promised.has(node)) this.#host.send(node, { type: 'propose', proposal });
    }
  }

  #decide(): void {
    if (this.#open === null) return;
    const { proposal, promised } = this.#open;
    if (proposal.founders.every((node) => promised.has(node))) this.#end(() => this.#host.found(proposal));
  }

  #giveUp(nowMs: number): void {
    this.#open = null;
    this.#notBeforeMs = nowMs + BACK_OFF_MS + (this.#options.random.nextUint32() % BACK_OFF_RANDOM_MS);
    this.#tellAll();
  }

  #hold(proposal: Proposal | null): void {
    this.#held = proposal;
    this.#holding++;
    this.#host.hold(proposal);
  }

  #end(act: () => void): void {
    this.#isOver = true;
    this.#open = null;
    act();
  }

  #tellAll(): void {
    const here = this.#here();
    for (const node of this.#peers.keys()) this.#host.send(node, here);
  }

  #here(): FoundingMessage {
    const { expect, boot } = this.#options;
    const known = new Map<NodeId, string>();
    for (const [node, { address }] of this.#peers) if (address !== '') known.set(node, address);
    const promised = this.#held?.clusterId ?? '';
    return { type: 'here', expect, boot, number: this.#number, isOpen: this.#open !== null, promised, known };
  }

  #hindered(reason: string, nowMs: number): void {
    if (nowMs - this.#hinderedMs < HINDERED_EVERY_MS) return;
    this.#hinderedMs = nowMs;
    this.#host.hindered(reason);
  }
}

interface Numbered {
  readonly boot: number;
  readonly number: number;
}

function isLater(left: Numbered, right: Numbered): boolean {
  return left.boot > right.boot || (left.boot === right.boot && left.number > right.number);
}
