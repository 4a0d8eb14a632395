import { Founding } from '../../../../src/cluster/founding/founding.ts';
import {
  decodeFoundingMessage,
  encodeFoundingMessage,
  type Proposal,
} from '../../../../src/cluster/founding/founding-message.ts';
import type { NodeId } from '../../../../src/cluster/identity.ts';

const settings = { partitions: 8, leaseMs: 700, copies: 2, minInSync: 1, onLoss: 'offline' } as const;

/** What a node's disk holds. */
interface Disk {
  boot: number;
  clusterId: string;
  held: Proposal | null;
}

interface Running {
  /** Null: it is of a cluster already. */
  readonly founding: Founding | null;
  /** What is on its way to the disk, in order. */
  readonly writes: (() => void)[];
}

interface Sent {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly boots: string;
  readonly bytes: Uint8Array;
}

/** Nodes that look for each other, in virtual time: messages may be late, lost and overtake each other, nodes may crash. */
export class FoundingNodes {
  nowMs = 0;
  readonly disks = new Map<NodeId, Disk>();
  /** All that was ever decided. */
  readonly clusters = new Set<string>();
  readonly hindrances: string[] = [];
  readonly #running = new Map<NodeId, Running>();
  readonly #cut = new Set<string>();
  #sent: Sent[] = [];
  #lastId = 0;
  readonly #expect: number;
  readonly #random: () => number;

  constructor(nodes: readonly NodeId[], expect: number, random: () => number) {
    this.#expect = expect;
    this.#random = random;
    for (const node of nodes) this.disks.set(node, { boot: 0, clusterId: '', held: null });
  }

  get nodes(): NodeId[] {
    return [...this.disks.keys()];
  }

  isRunning(node: NodeId): boolean {
    return this.#running.has(node);
  }

  start(node: NodeId): void {
    const disk = this.#disk(node);
    disk.boot++;
    if (disk.clusterId === '') this.#seek(node, disk);
    else this.#running.set(node, { founding: null, writes: [] });
    for (const other of this.nodes) if (other !== node) this.#meet(node, other);
  }

  crash(node: NodeId): void {
    this.#running.delete(node);
    for (const other of this.#running.values()) other.founding?.disconnected(node);
  }

  /** No message passes between the two, until they are linked again. */
  cut(left: NodeId, right: NodeId): void {
    this.#cut.add(pairOf(left, right));
    this.#running.get(left)?.founding?.disconnected(right);
    this.#running.get(right)?.founding?.disconnected(left);
  }

  heal(): void {
    const cut = [...this.#cut];
    this.#cut.clear();
    for (const pair of cut) {
      const [left, right] = pair.split(' ') as [NodeId, NodeId];
      this.#meet(left, right);
    }
  }

  /** Any of the messages under way comes, or is lost. */
  deliver(isLost: boolean): void {
    const index = Math.floor(this.#random() * this.#sent.length);
    const [sent] = this.#sent.splice(index, 1);
    if (sent === undefined || isLost || !this.#isLinked(sent.from, sent.to)) return;
    // Of a connection that is gone nothing comes.
    if (this.#bootsOf(sent.from, sent.to) !== sent.boots) return;
    this.#running.get(sent.to)?.founding?.receive(sent.from, decodeFoundingMessage(sent.bytes), this.nowMs);
  }

  write(node: NodeId): void {
    this.#running.get(node)?.writes.shift()?.();
  }

  pass(ms: number): void {
    this.nowMs += ms;
    for (const { founding } of this.#running.values()) founding?.tick(this.nowMs);
  }

  /** Nothing fails, for so long. */
  settle(ms: number): void {
    this.heal();
    for (const node of this.nodes) if (!this.isRunning(node)) this.start(node);
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; ) {
      this.pass(50);
      for (let turn = 0; turn < 50; turn++) {
        for (const node of this.nodes) this.write(node);
        this.deliver(false);
      }
    }
  }

  #seek(node: NodeId, disk: Disk): void {
    const writes: (() => void)[] = [];
    const founding: Founding = new Founding(
      {
        self: node,
        boot: disk.boot,
        expect: this.#expect,
        settings,
        hasSeeds: true,
        random: { nextUint32: () => Math.floor(this.#random() * 2 ** 32) },
        newClusterId: () => (++this.#lastId).toString(16).padStart(40, '0'),
      },
      disk.held,
      {
        send: (to, message) => {
          if (!this.#isLinked(node, to)) return;
          const boots = this.#bootsOf(node, to);
          this.#sent.push({ from: node, to, boots, bytes: encodeFoundingMessage(message) });
        },
        hold: (proposal) => {
          writes.push(() => {
            disk.held = proposal;
            founding.held();
          });
        },
        found: (proposal) => writes.push(() => this.#enter(node, proposal.clusterId)),
        join: (clusterId) => writes.push(() => this.#enter(node, clusterId)),
        hindered: (reason) => this.hindrances.push(reason),
        heardOf: () => undefined,
      },
      this.nowMs,
    );
    this.#running.set(node, { founding, writes });
  }

  #enter(node: NodeId, clusterId: string): void {
    const disk = this.#disk(node);
    disk.clusterId = clusterId;
    disk.held = null;
    this.clusters.add(clusterId);
    for (const other of this.nodes) if (other !== node) this.#meet(node, other);
  }

  #meet(left: NodeId, right: NodeId): void {
    if (!this.#isLinked(left, right) || !this.isRunning(left) || !this.isRunning(right)) return;
    this.#running.get(left)?.founding?.connected(right, `${right}:1`, this.#disk(right).clusterId, this.nowMs);
    this.#running.get(right)?.founding?.connected(left, `${left}:1`, this.#disk(left).clusterId, this.nowMs);
  }

  #isLinked(left: NodeId, right: NodeId): boolean {
    return !this.#cut.has(pairOf(left, right));
  }

  #bootsOf(left: NodeId, right: NodeId): string {
    return `${this.#disk(left).boot} ${this.#disk(right).boot}`;
  }

  #disk(node: NodeId): Disk {
    const disk = this.disks.get(node);
    if (disk === undefined) throw new Error(`there is no node ${node}`);
    return disk;
  }
}

function pairOf(left: NodeId, right: NodeId): string {
  return [left, right].sort().join(' ');
}
