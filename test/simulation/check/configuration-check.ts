import { isDeepStrictEqual } from 'node:util';
import type { LogEntry } from '../../../src/cluster/consensus/raft-types.ts';
import { applyCommand } from '../../../src/cluster/controller/apply-command.ts';
import type { ClusterCommand } from '../../../src/cluster/controller/cluster-command.ts';
import {
  type ClusterState,
  emptyClusterState,
  type PartitionEntry,
} from '../../../src/cluster/controller/cluster-state.ts';
import { decodeCommand } from '../../../src/cluster/controller/command-codec.ts';
import { FRESH, isSameMember, type Member, type NodeId } from '../../../src/cluster/identity.ts';
import type { NodeView } from '../witness.ts';
import type { Ground } from './ground.ts';
import { violate } from './violation.ts';

/** One committed change of one partition. */
export interface PartitionChange {
  readonly partition: number;
  readonly before: PartitionEntry;
  readonly after: PartitionEntry;
  readonly command: ClusterCommand;
  /** The partition begins empty with this one. */
  readonly isReset: boolean;
  readonly index: number;
}

/**
 * What the committed configuration may and may not become, judged by the entries before and after each command and by
 * who is in truth alive: invariants 1 and 3 of RELIABILITY section 3, and what a lease promises. Also that all nodes
 * have the same configuration at the same index.
 */
export class ConfigurationCheck {
  /** How often a partition lost all its copies. */
  losses = 0;
  /** By index; 0 is before the first entry. */
  readonly #states: ClusterState[] = [emptyClusterState];
  readonly #primaries = new Map<string, NodeId>();
  /** What was compared last: by node, the state and the truth it was found equal to. */
  readonly #compared = new Map<NodeId, { readonly state: ClusterState; readonly truth: ClusterState }>();
  /** True time at which each partition was reset last. */
  readonly #resetAtMs = new Map<number, number>();
  readonly #ground: Ground;
  readonly #onChange: (change: PartitionChange, nowMs: number) => void;

  constructor(ground: Ground, onChange: (change: PartitionChange, nowMs: number) => void) {
    this.#ground = ground;
    this.#onChange = onChange;
  }

  resetAtMs(partition: number): number {
    return this.#resetAtMs.get(partition) ?? 0;
  }

  /** Who was named primary of an epoch, if anybody was. */
  primaryOf(partition: number, epoch: number): NodeId | undefined {
    return this.#primaries.get(`${partition} ${epoch}`);
  }

  committed(entry: LogEntry, nowMs: number): void {
    const before = this.#ground.state;
    let after = before;
    if (entry.kind === 'command') {
      const command = decodeCommand(entry.payload);
      after = applyCommand(before, command).state;
      this.#judge(before, after, command, entry.index, nowMs);
    }
    this.#states[entry.index] = after;
    this.#ground.state = after;
    this.#ground.index = entry.index;
  }

  /** The node's configuration is that of its index. */
  stepped(node: NodeView): void {
    if (node.node === null) return;
    const { state, appliedIndex } = node.node.coordinator;
    const truth = this.#states[appliedIndex];
    if (truth === undefined) violate(`${node.id} has a configuration of entry ${appliedIndex}, which nobody committed`);
    const compared = this.#compared.get(node.id);
    if (compared?.state === state && compared.truth === truth) return;
    if (!isDeepStrictEqual(state, truth)) violate(`${node.id} has another configuration at entry ${appliedIndex}`);
    this.#compared.set(node.id, { state, truth });
  }

  #judge(before: ClusterState, after: ClusterState, command: ClusterCommand, index: number, nowMs: number): void {
    this.#checkFencing(before, after, index);
    for (const [partition, entry] of after.partitions.entries()) {
      const old = before.partitions[partition];
      if (old === entry || old === undefined) continue;
      const isReset = entry.resetEpoch !== old.resetEpoch;
      this.#checkCounters(partition, old, entry, index);
      this.#checkLoss(partition, old, entry, command, index);
      this.#checkPrimary(partition, old, entry, command, after, isReset, index);
      this.#checkMembers(partition, old, entry, command, isReset, index);
      if (isReset) this.#resetAtMs.set(partition, nowMs);
      this.#onChange({ partition, before: old, after: entry, command, isReset, index }, nowMs);
    }
  }

  /** Whoever is fenced, or has a new process, has no lease left in the process it had, unless it knows already. */
  #checkFencing(before: ClusterState, after: ClusterState, index: number): void {
    for (const [id, entry] of after.nodes) {
      const old = before.nodes.get(id);
      if (old === undefined || old.isFenced || (!entry.isFenced && entry.boot === old.boot)) continue;
      const view = this.#ground.nodes.get(id);
      if (view?.node == null || !view.isRunning || view.boot !== old.boot) continue;
      if (view.node.coordinator.appliedIndex >= index) continue;
      const leftMs = view.node.coordinator.lease.endsAtMs - view.localNowMs;
      if (leftMs > 0) violate(`entry ${index} fences ${id}, whose lease goes on for ${leftMs.toFixed(1)} ms`);
    }
  }

  #checkCounters(partition: number, old: PartitionEntry, entry: PartitionEntry, index: number): void {
    const name = `entry ${index} on partition ${partition}`;
    if (entry.version <= old.version) violate(`${name} leaves version ${old.version} at ${entry.version}`);
    if (entry.epoch < old.epoch) violate(`${name} takes epoch ${old.epoch} back to ${entry.epoch}`);
    if (entry.losses < old.losses) violate(`${name} forgets losses`);
    const isNewPrimary = entry.primary !== null && entry.primary !== old.primary;
    if (isNewPrimary && entry.epoch === old.epoch) violate(`${name} names another primary in epoch ${entry.epoch}`);
  }

  /** Empty in-sync sets and resets need that all copies are gone in truth, or that an administrator gave them up. */
  #checkLoss(
    partition: number,
    old: PartitionEntry,
    entry: PartitionEntry,
    command: ClusterCommand,
    index: number,
  ): void {
    const wasLost = entry.losses > old.losses;
    // A node may end before its disk knows that it began a partition: nothing was ever acknowledged there.
    const isUnbegun = this.#ground.keeps && old.inSync.every(({ generation }) => generation === FRESH);
    const isGivenUp = this.#ground.keeps && command.type === 'reset' && command.givesUp;
    if (wasLost && !isUnbegun && !isGivenUp) this.losses += entry.losses - old.losses;
    const isEmptied = old.inSync.length > 0 && (entry.inSync.length === 0 || entry.resetEpoch !== old.resetEpoch);
    if (!isEmptied) return;
    if (!wasLost) violate(`entry ${index} empties partition ${partition} and counts no loss`);
    if (command.type === 'reset' && command.givesUp) return;
    for (const member of old.inSync) {
      if (this.#ground.isGone(partition, member, this.resetAtMs(partition))) continue;
      violate(`entry ${index} gives partition ${partition} up, whose copy on ${member.node} is alive and in sync`);
    }
  }

  #checkPrimary(
    partition: number,
    old: PartitionEntry,
    entry: PartitionEntry,
    command: ClusterCommand,
    state: ClusterState,
    isReset: boolean,
    index: number,
  ): void {
    const { primary, epoch } = entry;
    if (primary === null) return;
    const name = `entry ${index} names ${primary} primary of partition ${partition} in epoch ${epoch}`;
    const key = `${partition} ${epoch}`;
    const earlier = this.#primaries.get(key) ?? primary;
    if (earlier !== primary) violate(`${name}, which was ${earlier}'s`);
    this.#primaries.set(key, primary);
    const member = entry.inSync.find(({ node }) => node === primary);
    if (member === undefined) violate(`${name}, which is not in sync`);
    if (epoch === old.epoch) return;
    const node = state.nodes.get(primary);
    if (node === undefined || node.isFenced) violate(`${name}, which is fenced`);
    if (node.boot !== member.boot) violate(`${name} by a copy of start ${member.boot}; it is in start ${node.boot}`);
    if (isReset) {
      if (entry.inSync.length !== 1 || member.generation !== FRESH) violate(`${name} empty, but not alone and fresh`);
    } else if (!old.inSync.some((other) => isSameMember(other, member)) && !this.#goesOn(old, member, command)) {
      violate(`${name}, which was not in sync before`);
    }
  }

  /** A node that has started again names what it has, in truth, of the copy that was in the set. */
  #goesOn(old: PartitionEntry, member: Member, command: ClusterCommand): boolean {
    if (command.type !== 'register' || command.node !== member.node || command.boot !== member.boot) return false;
    const before = old.inSync.find(({ node }) => node === member.node);
    if (before === undefined) return false;
    const partition = this.#ground.state.partitions.indexOf(old);
    return this.#ground.nodes.get(member.node)?.keeps(partition, before, old.resetEpoch) === true;
  }

  /** Only the primary brings members in. */
  #checkMembers(
    partition: number,
    old: PartitionEntry,
    entry: PartitionEntry,
    command: ClusterCommand,
    isReset: boolean,
    index: number,
  ): void {
    if (isReset) return;
    const isByPrimary = command.type === 'alter-in-sync' && command.by.node === old.primary;
    for (const member of entry.inSync) {
      if (old.inSync.some((other) => isSameMember(other, member)) || isByPrimary) continue;
      if (this.#goesOn(old, member, command)) continue;
      violate(`entry ${index} brings ${member.node} in sync on partition ${partition} without its primary`);
    }
    if (new Set(entry.inSync.map(({ node }) => node)).size < entry.inSync.length) {
      violate(`entry ${index} names a node twice in partition ${partition}`);
    }
  }
}
