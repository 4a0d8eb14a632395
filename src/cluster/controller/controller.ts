import { unreachable } from '../../base/assert.ts';
import type { NodeId } from '../identity.ts';
import { VOTERS_MAX } from '../limits.ts';
import type { ClusterCommand } from './cluster-command.ts';
import type { ClusterState } from './cluster-state.ts';
import { commandFault } from './command-fault.ts';
import { type Group, type GroupChange, type GroupView, nextGroupChange, successorOf } from './group-plan.ts';
import { unfitness } from './node-commands.ts';
import { NodeWatch } from './node-watch.ts';
import { Proposals } from './proposals.ts';
import { Rebalancer, type RebalancerOptions } from './rebalancer.ts';

export interface ControllerOptions extends RebalancerOptions {
  /** The node it runs on. */
  readonly self: NodeId;
  /** By how much, at most, one clock runs faster than another: 0.1 is 10%. */
  readonly drift: number;
  /** How long a node must have been fenced until its copies are placed elsewhere and another votes in its stead. */
  readonly rebuildAfterMs: number;
  /** What was proposed and has not come true after so long is proposed again. */
  readonly proposalTimeoutMs: number;
  /** Least time between two looks at all partitions. */
  readonly planEveryMs: number;
  /** Further nodes only listen. */
  readonly votersMax: number;
}

export const controllerDefaults: Omit<ControllerOptions, 'self'> = {
  drift: 0.1,
  rebuildAfterMs: 10_000,
  proposalTimeoutMs: 1000,
  planEveryMs: 100,
  votersMax: VOTERS_MAX,
  movesMax: null,
  moveTimeoutMs: 60_000,
  giveUpAfterMs: 60_000,
};

/** What was refused is proposed again after so long: a group that changes its leader refuses all until it has. */
const AGAIN_AFTER_MS = 20;

/** What the leader knows of the progress of a member of its group; null: nothing. */
export type GroupProgress = (node: NodeId) => { readonly isCaughtUp: boolean } | null;

export type Admission =
  | { readonly type: 'now' }
  /** To be asked again then: it may have to wait longer. */
  | { readonly type: 'wait'; readonly untilMs: number }
  | {
      readonly type: 'refuse';
      readonly reason: string;
      readonly isRetryable: boolean;
      /** Whoever asks can never be of this cluster as it is. */
      readonly isForGood?: true;
    };

export interface Decision {
  /** To be proposed in this order. */
  readonly commands: readonly ClusterCommand[];
  /** At most one at a time. */
  readonly membershipChanges: readonly GroupChange[];
  /** Leadership should go to this node, for this one is being drained. */
  readonly transferTo: NodeId | null;
}

type RegisterCommand = Extract<ClusterCommand, { type: 'register' }>;

const NOTHING: Decision = { commands: [], membershipChanges: [], transferTo: null };

/**
 * What the leader of the consensus group does on its own account: it fences nodes that are silent and takes them back,
 * places partitions, and looks after the group itself. All it knows beyond the {@link ClusterState} is forgotten when
 * it leads no more; the next leader begins by waiting, as if it had heard of everybody when it became leader.
 *
 * Whatever it proposes may be refused, late or lost: commands name the boot or the version they were decided on.
 *
 * Its caller answers no heartbeat with a read index below what has been proposed here before the heartbeat came.
 */
export class Controller {
  readonly #options: ControllerOptions;
  readonly #watch: NodeWatch;
  readonly #proposals: Proposals;
  readonly #rebalancer: Rebalancer;
  #isLeading = false;
  #wakeAtMs = Number.POSITIVE_INFINITY;
  #plannedAtMs = Number.NEGATIVE_INFINITY;
  /** What the last plan looked at, and when another could come out of the same. */
  #plannedState: ClusterState | null = null;
  #planAgainAtMs = Number.POSITIVE_INFINITY;
  /** Members of the group without an entry in the state, and since when. */
  #strangers = new Map<NodeId, number>();

  constructor(options: ControllerOptions) {
    this.#options = options;
    this.#watch = new NodeWatch(options.self, options.drift);
    this.#proposals = new Proposals(options.proposalTimeoutMs);
    this.#rebalancer = new Rebalancer(options, this.#proposals);
  }

  /** When `decide` is next due, without anything happening before; Infinity while it does not lead. */
  get wakeAtMs(): number {
    return this.#wakeAtMs;
  }

  lead(nowMs: number): void {
    this.#forget();
    this.#isLeading = true;
    this.#watch.lead(nowMs);
    this.#wakeAtMs = nowMs;
  }

  resign(): void {
    this.#forget();
    this.#isLeading = false;
    this.#wakeAtMs = Number.POSITIVE_INFINITY;
  }

  /**
   * A heartbeat of this start of a node came. `hasLease`: it held one when it sent that. False: the heartbeat must not
   * be answered; the node is not registered so, or it is heard of but hears nothing, and is about to be fenced.
   */
  heard(node: NodeId, boot: number, nowMs: number, hasLease = true): boolean {
    if (!this.#isLeading) return false;
    const isCounted = this.#watch.heard(node, boot, nowMs, hasLease);
    if (isCounted && this.#watch.isBack(node)) this.#wakeAtMs = Math.min(this.#wakeAtMs, nowMs);
    return isCounted;
  }

  /** Whether what a node or an administrator asks for may be proposed. */
  admit(state: ClusterState, command: ClusterCommand, nowMs: number): Admission {
    if (!this.#isLeading) return { type: 'refuse', reason: 'this node does not lead the cluster', isRetryable: true };
    const fault = commandFault(command);
    if (fault !== null) return { type: 'refuse', reason: fault, isRetryable: false };
    this.#watch.observe(state, nowMs);
    switch (command.type) {
      case 'fence':
      case 'unfence':
      case 'place':
        return {
          type: 'refuse',
          reason: `'${command.type}' is for the controller alone to decide`,
          isRetryable: false,
        };
      case 'register':
        return this.#admitRegister(state, command, nowMs);
      case 'create':
      case 'alter-in-sync':
      case 'hand-over':
      case 'lose':
      case 'drain':
      case 'remove':
      case 'reset':
      case 'set-settings':
      case 'stop':
      case 'resume':
        return { type: 'now' };
      default:
        return unreachable(command);
    }
  }

  /** The node's earlier process may still answer reads by its lease: the new one must not be a primary before that ends. */
  #admitRegister(state: ClusterState, command: RegisterCommand, nowMs: number): Admission {
    const reason = unfitness(state, command);
    if (reason !== null) return { type: 'refuse', reason, isRetryable: false, isForGood: true };
    const { node, boot } = command;
    const before = state.nodes.get(node);
    if (before === undefined || boot <= before.boot) return { type: 'now' };
    // Without settings this leader may not have applied all there is yet: the cluster may exist, and leases with it.
    const untilMs = state.settings === null ? nowMs + this.#options.planEveryMs : this.#watch.silentAtMs(node);
    return untilMs > nowMs ? { type: 'wait', untilMs } : { type: 'now' };
  }

  /**
   * What became of a command that {@link decide} named. When it was refused, by a group that is changing its leader or
   * because the state has changed, it is proposed again soon if it is still due: nobody waits for its time-out.
   */
  settled(command: ClusterCommand, isApplied: boolean, nowMs: number): void {
    for (const name of proposalNamesOf(command)) {
      if (isApplied) this.#proposals.settle(name);
      else this.#proposals.postpone(name, nowMs + AGAIN_AFTER_MS);
    }
    if (this.#isLeading) this.#wakeAtMs = Math.min(this.#wakeAtMs, nowMs + AGAIN_AFTER_MS);
  }

  /** What is to be proposed now. To be called when the state or the group has changed, and at {@link wakeAtMs}. */
  decide(state: ClusterState, group: Group, progress: GroupProgress, nowMs: number): Decision {
    if (!this.#isLeading) return NOTHING;
    this.#watch.observe(state, nowMs);
    this.#proposals.giveUp(nowMs);
    const commands = [...this.#fencing(state, nowMs), ...this.#planning(state, nowMs)];
    const view = this.#viewOf(state, group, progress, nowMs);
    const change = this.#groupChange(view, nowMs);
    const successor = successorOf(view);
    const transferTo = successor !== null && this.#proposals.tryBegin('transfer', nowMs) ? successor : null;
    this.#wakeAtMs = this.#nextWakeMs(state, nowMs);
    return { commands, membershipChanges: change === null ? [] : [change], transferTo };
  }

  #fencing(state: ClusterState, nowMs: number): ClusterCommand[] {
    const commands: ClusterCommand[] = [];
    for (const { id, boot, isFenced } of state.nodes.values()) {
      this.#proposals.settle(nameOf(isFenced ? 'fence' : 'unfence', { node: id, boot }));
      const isDue = isFenced ? this.#watch.isBack(id) : this.#watch.silentAtMs(id) <= nowMs;
      const type = isFenced ? 'unfence' : 'fence';
      if (!isDue || !this.#proposals.tryBegin(nameOf(type, { node: id, boot }), nowMs)) continue;
      commands.push({ type, node: id, boot });
    }
    return commands;
  }

  #planning(state: ClusterState, nowMs: number): ClusterCommand[] {
    if (state === this.#plannedState && nowMs < this.#planAgainAtMs) return [];
    if (nowMs < this.#plannedAtMs + this.#options.planEveryMs) return [];
    this.#plannedAtMs = nowMs;
    this.#plannedState = state;
    const fencedForMs = (node: NodeId) => this.#fencedForMs(node, nowMs);
    const commands = this.#rebalancer.plan(state, fencedForMs, this.#options.rebuildAfterMs, nowMs);
    for (const node of emptyLeaving(state)) {
      // The leader hands over first: removed, it would have to stop.
      if (node === this.#options.self || !this.#proposals.tryBegin(`remove ${node}`, nowMs)) continue;
      commands.push({ type: 'remove', node });
    }
    this.#planAgainAtMs = Math.min(
      this.#rebalancer.timeoutAfter(nowMs),
      this.#proposals.wakeAtMs,
      this.#nextRebuildMs(state, nowMs),
    );
    return commands;
  }

  /** Less than 0: it is not fenced. */
  #fencedForMs(node: NodeId, nowMs: number): number {
    const sinceMs = this.#watch.fencedSinceMs(node);
    return sinceMs === null ? -1 : nowMs - sinceMs;
  }

  /** When a fenced node has been so for long enough that something is done about it. */
  #nextRebuildMs(state: ClusterState, nowMs: number): number {
    const { rebuildAfterMs, giveUpAfterMs } = this.#options;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const id of state.nodes.keys()) {
      const sinceMs = this.#watch.fencedSinceMs(id);
      if (sinceMs === null) continue;
      for (const dueMs of [sinceMs + rebuildAfterMs, sinceMs + giveUpAfterMs]) {
        if (dueMs > nowMs) nextMs = Math.min(nextMs, dueMs);
      }
    }
    return nextMs;
  }

  #groupChange(view: GroupView, nowMs: number): GroupChange | null {
    // Nobody is taken into the group before there is a cluster: only founders can create it.
    const { settings } = view.state;
    const change = settings === null ? null : nextGroupChange(view);
    if (settings === null || change === null) return null;
    const { voters, learners } = view.group;
    const name = `${change.type} ${change.node} of ${voters.join()} and ${learners.join()}`;
    // Refused while the last one is not committed, which takes no longer than a round.
    return this.#proposals.tryBegin(name, nowMs, settings.leaseMs / 4) ? change : null;
  }

  #viewOf(state: ClusterState, group: Group, progress: GroupProgress, nowMs: number): GroupView {
    const { self, votersMax, rebuildAfterMs } = this.#options;
    const strangers = new Map<NodeId, number>();
    for (const node of [...group.voters, ...group.learners]) {
      if (!state.nodes.has(node)) strangers.set(node, this.#strangers.get(node) ?? nowMs);
    }
    this.#strangers = strangers;
    return {
      self,
      state,
      group,
      votersMax,
      isCaughtUp: (node) => progress(node)?.isCaughtUp === true,
      isGone: (node) => this.#fencedForMs(node, nowMs) >= rebuildAfterMs,
      isForeign: (node) => this.#watch.hasLeft(node) || nowMs - (strangers.get(node) ?? nowMs) >= rebuildAfterMs,
    };
  }

  #nextWakeMs(state: ClusterState, nowMs: number): number {
    // Often enough that a gap between two calls can only mean that this process slept.
    const restMs = state.settings === null ? this.#options.planEveryMs : state.settings.leaseMs / 4;
    let wakeAtMs = Math.min(nowMs + restMs, this.#proposals.wakeAtMs);
    for (const { id, isFenced } of state.nodes.values()) {
      const silentAtMs = this.#watch.silentAtMs(id);
      // Who is silent already is proposed to be fenced, and that has a time-out of its own.
      if (!isFenced && silentAtMs > nowMs) wakeAtMs = Math.min(wakeAtMs, silentAtMs);
    }
    const planAtMs = this.#plannedAtMs + this.#options.planEveryMs;
    if (state !== this.#plannedState) wakeAtMs = Math.min(wakeAtMs, planAtMs);
    else wakeAtMs = Math.min(wakeAtMs, Math.max(planAtMs, this.#planAgainAtMs));
    return Math.max(wakeAtMs, nowMs);
  }

  #forget(): void {
    this.#proposals.clear();
    this.#rebalancer.forget();
    this.#strangers.clear();
    this.#plannedAtMs = Number.NEGATIVE_INFINITY;
    this.#plannedState = null;
    this.#planAgainAtMs = Number.POSITIVE_INFINITY;
  }
}

/** Nodes that are to leave, and have not a copy any more. */
function emptyLeaving({ nodes, partitions }: ClusterState): NodeId[] {
  const leaving = new Set<NodeId>();
  for (const { id, isLeaving } of nodes.values()) if (isLeaving) leaving.add(id);
  for (const { inSync, replicas } of leaving.size > 0 ? partitions : []) {
    for (const { node } of inSync) leaving.delete(node);
    for (const node of replicas) leaving.delete(node);
  }
  return [...leaving];
}

/** The names under which what a command asks for is waited for. */
function proposalNamesOf(command: ClusterCommand): string[] {
  switch (command.type) {
    case 'fence':
    case 'unfence':
      return [nameOf(command.type, command)];
    case 'remove':
      return [`remove ${command.node}`];
    case 'place':
      return command.moves.map(({ partition, version }) => `place ${partition} ${version}`);
    default:
      // Others are not the controller's, or (resets) concern an entry that is another one once they are applied.
      return [];
  }
}

function nameOf(type: 'fence' | 'unfence', { node, boot }: { readonly node: NodeId; readonly boot: number }): string {
  return `${type} ${node} ${boot}`;
}
