import { applyCommand } from '../../../../src/cluster/controller/apply-command.ts';
import type { ClusterCommand } from '../../../../src/cluster/controller/cluster-command.ts';
import {
  type ClusterSettings,
  type ClusterState,
  emptyClusterState,
  noEndpoints,
  type PartitionEntry,
} from '../../../../src/cluster/controller/cluster-state.ts';
import { Controller, controllerDefaults } from '../../../../src/cluster/controller/controller.ts';
import type { Group, GroupChange } from '../../../../src/cluster/controller/group-plan.ts';
import { type Member, memberOf, type NodeId } from '../../../../src/cluster/identity.ts';

const STEP_MS = 50;
const HEARTBEAT_MS = 150;
/** A quarter of the proposals come to nothing, another is applied only at the next step. */
const LOST_OF_8 = 2;
const LATE_OF_8 = 2;

/** Numbers that look random and are the same for the same seed (xorshift32). */
export function randomOf(seed: number): (below: number) => number {
  let word = (seed | 0) === 0 ? 1 : seed | 0;
  return (below) => {
    word ^= word << 13;
    word ^= word >>> 17;
    word ^= word << 5;
    return (word >>> 0) % below;
  };
}

/**
 * A cluster around a real controller: nodes that live and send heartbeats, a data plane that brings copies to where
 * `replicas` says by the rules of replication, and a consensus group that does as it is asked, or not, or late.
 */
export class FakeCluster {
  state: ClusterState = emptyClusterState;
  group: Group = { voters: ['a'], learners: [] };
  nowMs = 0;
  /** Called with each command that was applied, and the states before and after. */
  onApplied: (command: ClusterCommand, before: ClusterState, after: ClusterState) => void = () => {};
  onGroup: (change: GroupChange, before: Group, after: Group) => void = () => {};
  commandCount = 0;
  readonly alive = new Map<NodeId, number>();
  #boots = new Map<NodeId, number>();
  #late: ClusterCommand[] = [];
  #leader: NodeId = 'a';
  #controller: Controller;
  readonly #random: (below: number) => number;

  constructor(settings: ClusterSettings, nodes: readonly NodeId[], seed: number) {
    this.#random = randomOf(seed);
    this.#controller = this.#lead();
    for (const node of nodes) this.start(node);
    this.apply({ type: 'create', settings });
  }

  get leader(): NodeId {
    return this.#leader;
  }

  /** Starts a node, again or for the first time; its memory is empty. */
  start(node: NodeId): void {
    const boot = (this.#boots.get(node) ?? 0) + 1;
    this.#boots.set(node, boot);
    this.alive.set(node, boot);
  }

  kill(node: NodeId): void {
    this.alive.delete(node);
  }

  /** Another live voter leads from now on, and knows nothing of what the last one knew. */
  changeLeader(): void {
    const live = this.group.voters.filter((node) => this.alive.has(node));
    this.#leader = live[this.#random(Math.max(1, live.length))] ?? this.#leader;
    this.#late = [];
    this.#controller = this.#lead();
  }

  apply(command: ClusterCommand): boolean {
    const before = this.state;
    const { state, refusal } = applyCommand(before, command);
    this.state = state;
    this.commandCount++;
    if (refusal === null) this.onApplied(command, before, state);
    return refusal === null;
  }

  run(forMs: number): void {
    for (const endMs = this.nowMs + forMs; this.nowMs < endMs; this.nowMs += STEP_MS) this.#step();
  }

  #lead(): Controller {
    const controller = new Controller({
      ...controllerDefaults,
      self: this.#leader,
      rebuildAfterMs: 3000,
      moveTimeoutMs: 10_000,
    });
    controller.lead(this.nowMs);
    return controller;
  }

  #step(): void {
    if (!this.alive.has(this.#leader)) this.changeLeader();
    const late = this.#late;
    this.#late = [];
    for (const command of late) this.apply(command);
    for (const [node, boot] of this.alive) this.#live(node, boot);
    this.#copy();
    if (this.#controller.wakeAtMs <= this.nowMs) this.#decide();
  }

  #live(node: NodeId, boot: number): void {
    if (this.state.nodes.get(node)?.boot === boot) {
      if (this.nowMs % HEARTBEAT_MS === 0) this.#controller.heard(node, boot, this.nowMs);
      return;
    }
    const command: ClusterCommand = {
      type: 'register',
      node,
      boot,
      address: `${node}:1`,
      endpoints: noEndpoints,
      weight: 1,
      zone: null,
      partitions: null,
    };
    if (this.#controller.admit(this.state, command, this.nowMs).type === 'now') this.apply(command);
  }

  #decide(): void {
    const isCaughtUp = (node: NodeId) => this.alive.has(node);
    const { commands, membershipChanges, transferTo } = this.#controller.decide(
      this.state,
      this.group,
      (node) => ({ isCaughtUp: isCaughtUp(node) }),
      this.nowMs,
    );
    for (const command of commands) {
      const fate = this.#random(8);
      if (fate < LOST_OF_8) continue;
      if (fate < LOST_OF_8 + LATE_OF_8) this.#late.push(command);
      else this.apply(command);
    }
    for (const change of membershipChanges) if (this.#random(8) >= LOST_OF_8) this.#changeGroup(change);
    if (transferTo !== null && this.alive.has(transferTo)) {
      this.#leader = transferTo;
      this.#controller = this.#lead();
    }
  }

  #changeGroup(change: GroupChange): void {
    const before = this.group;
    const { type, node } = change;
    const voters = before.voters.filter((other) => other !== node);
    const learners = before.learners.filter((other) => other !== node);
    if (type === 'promote') voters.push(node);
    if (type === 'add-learner' || type === 'demote') learners.push(node);
    this.group = { voters, learners };
    this.onGroup(change, before, this.group);
  }

  /** What the primaries do: each of them at most one thing in a step. */
  #copy(): void {
    for (const [partition, entry] of this.state.partitions.entries()) {
      if (entry.primary === null || !this.alive.has(entry.primary) || this.#random(4) > 0) continue;
      const by = memberOf(entry.inSync, entry.primary);
      // A process that has not registered yet acts for nobody.
      if (by === undefined || this.alive.get(by.node) !== by.boot) continue;
      const common = { partition, by, epoch: entry.epoch, version: entry.version };
      const members = this.#nextMembers(entry);
      if (members !== null) {
        this.apply({ type: 'alter-in-sync', ...common, members });
        continue;
      }
      const to = this.#successor(entry);
      if (to !== null) this.apply({ type: 'hand-over', ...common, to });
    }
  }

  /** A live replica that has been filled joins; copies that are not wanted go when all that are wanted are there. */
  #nextMembers({ inSync, replicas, primary }: PartitionEntry): Member[] | null {
    const missing = replicas.filter((node) => memberOf(inSync, node) === undefined);
    const joining = missing.find((node) => {
      const entry = this.state.nodes.get(node);
      return entry?.isFenced === false && this.alive.get(node) === entry.boot;
    });
    if (joining !== undefined) {
      return [...inSync, { node: joining, boot: this.alive.get(joining) ?? 0, generation: 0 }];
    }
    if (missing.length > 0 || !replicas.includes(primary ?? '')) return null;
    const wanted = inSync.filter(({ node }) => replicas.includes(node));
    return wanted.length < inSync.length ? wanted : null;
  }

  #successor({ inSync, replicas, primary }: PartitionEntry): NodeId | null {
    const wanted = replicas.filter((node) => memberOf(inSync, node) !== undefined && this.alive.has(node));
    const to = wanted[0];
    if (to === undefined || to === primary) return null;
    return to === replicas[0] || !replicas.includes(primary ?? '') ? to : null;
  }
}
