import { assert } from '../../base/assert.ts';
import { FRESH, isSameMember, type Member } from '../identity.ts';
import type { ClusterState, NodeEntry, PartitionEntry } from './cluster-state.ts';
import { validateSettings } from './settings.ts';

/**
 * Asserts what holds in every state:
 * - a member in sync is of a registered node, of its registered boot, and no node has two;
 * - a fenced node is in an in-sync set only as its last member;
 * - a partition has a primary, live and in sync, unless it has no member or its last one is on a fenced node;
 * - a node that has stopped is fenced; one that leaves is drained;
 * - replicas are distinct, registered nodes; no epoch is above the version.
 */
export function validateState(state: ClusterState): void {
  validateWhole(state);
  for (const [number, entry] of state.partitions.entries()) validatePartition(entry, number, state.nodes);
}

/**
 * Asserts that `next` is a state, and one that can follow: no epoch, version or count goes back, an entry that changed
 * has a higher version, a primary comes from the committed in-sync set unless the partition began empty, and no boot
 * goes back. Looks closely only at what changed.
 */
export function validateTransition(state: ClusterState, next: ClusterState): void {
  validateWhole(next);
  assert(
    state.partitions.length === next.partitions.length || state.settings === null,
    'the number of partitions changed',
  );
  assert(state.settings === null || state.settings.leaseMs === next.settings?.leaseMs, 'the lease changed');
  const isSameNodes = state.nodes === next.nodes;
  if (!isSameNodes) {
    for (const [id, node] of next.nodes) {
      const before = state.nodes.get(id);
      assert(before === undefined || before.boot <= node.boot, `the boot of node ${id} went back`);
    }
  }
  // By index: this runs over thousands of entries for each command.
  for (let number = 0; number < next.partitions.length; number++) {
    const before = state.partitions[number];
    const after = next.partitions[number];
    if (after === undefined || (after === before && isSameNodes)) continue;
    validatePartition(after, number, next.nodes);
    if (before !== undefined && before !== after) validateChange(before, after, number);
  }
}

function validateWhole({ settings, nodes, removed, partitions }: ClusterState): void {
  for (const node of removed.keys()) assert(!nodes.has(node), `node ${node} is removed and registered`);
  for (const { id, life, isFenced, isDraining, isLeaving } of nodes.values()) {
    assert(life !== 'stopped' || isFenced, `node ${id} has stopped and is not fenced`);
    assert(!isLeaving || isDraining, `node ${id} leaves and is not drained`);
  }
  if (settings === null) assert(partitions.length === 0, 'there are partitions without settings');
  else {
    assert(validateSettings(settings, nodes.size).refusal === null, 'the settings cannot work');
    assert(partitions.length === settings.partitions, 'there are not as many partitions as set');
  }
}

function validatePartition(entry: PartitionEntry, number: number, nodes: ReadonlyMap<string, NodeEntry>): void {
  const { primary, inSync, replicas, epoch, version, resetEpoch } = entry;
  for (const [index, member] of inSync.entries()) {
    const node = nodes.get(member.node);
    assert(node !== undefined, `partition ${number}: member ${member.node} is not registered`);
    assert(node.boot === member.boot, `partition ${number}: member ${member.node} is of another boot`);
    assert(member.generation >= FRESH, `partition ${number}: member ${member.node} is of no generation`);
    assert(!node.isFenced || inSync.length === 1, `partition ${number}: member ${member.node} is fenced, not the last`);
    for (let other = 0; other < index; other++) {
      assert(inSync[other]?.node !== member.node, `partition ${number}: node ${member.node} is in sync twice`);
    }
  }
  const last = inSync[0];
  const isOffline = last === undefined || nodes.get(last.node)?.isFenced === true;
  assert(
    (primary === null) === isOffline,
    `partition ${number} is ${primary === null ? 'offline, though a member is live' : 'online without a live member'}`,
  );
  assert(
    primary === null || inSync.some((member) => member.node === primary),
    `partition ${number}: its primary ${primary} is not in sync`,
  );
  for (const [index, replica] of replicas.entries()) {
    assert(nodes.has(replica), `partition ${number}: replica ${replica} is not registered`);
    assert(replicas.indexOf(replica) === index, `partition ${number}: replica ${replica} is placed twice`);
  }
  assert(epoch <= version, `partition ${number}: epoch ${epoch} is above version ${version}`);
  assert(resetEpoch <= epoch, `partition ${number} was reset in epoch ${resetEpoch}, above ${epoch}`);
}

function validateChange(before: PartitionEntry, after: PartitionEntry, number: number): void {
  assert(after.version === before.version + 1, `partition ${number}: version ${before.version} → ${after.version}`);
  const isSameReign = after.epoch === before.epoch;
  assert(
    isSameReign || after.epoch === before.epoch + 1,
    `partition ${number}: epoch ${before.epoch} → ${after.epoch}`,
  );
  assert(
    !isSameReign || after.primary === before.primary || after.primary === null,
    `partition ${number}: primary ${before.primary} → ${after.primary} in one epoch`,
  );
  assert(after.losses >= before.losses, `partition ${number}: losses ${before.losses} → ${after.losses}`);
  const begins = after.resetEpoch !== before.resetEpoch;
  assert(
    !begins || (after.resetEpoch === after.epoch && !isSameReign),
    `partition ${number} begins empty in an epoch that is not its own`,
  );
  const heir = after.inSync.find(({ node }) => node === after.primary);
  assert(
    isSameReign || begins || (heir !== undefined && before.inSync.some((member) => isContinued(member, heir))),
    `partition ${number}: its new primary ${after.primary} was not in sync`,
  );
  assert(
    !begins || before.epoch === 0 || after.losses > before.losses || before.inSync.length === 0,
    `partition ${number} begins empty though it was not lost`,
  );
}

/** Whether it is the same copy, or what a later start of its node goes on with. */
function isContinued(before: Member, after: Member): boolean {
  if (isSameMember(before, after)) return true;
  const isSameFilling = before.generation === after.generation || before.generation === FRESH;
  return before.node === after.node && before.boot < after.boot && isSameFilling;
}
