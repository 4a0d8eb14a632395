import type { ClusterCommand } from '../../src/cluster/controller/cluster-command.ts';
import type { ClusterState, NodeEntry, PartitionEntry } from '../../src/cluster/controller/cluster-state.ts';
import type { Member } from '../../src/cluster/identity.ts';

/** What is asked for, in a few words: `fence n3`, `hand-over p2: n1 → n2`. */
export function describeCommand(command: ClusterCommand): string {
  switch (command.type) {
    case 'create':
    case 'set-settings': {
      const { type, ...settings } = command;
      return `${type} ${JSON.stringify(settings)}`;
    }
    case 'register':
    case 'fence':
    case 'unfence':
    case 'resume':
      return `${command.type} ${command.node}, boot ${command.boot}`;
    case 'alter-in-sync':
      return `alter-in-sync p${command.partition} by ${command.by.node}: ${describeMembers(command.members)}`;
    case 'hand-over':
      return `hand-over p${command.partition}: ${command.by.node} → ${command.to}`;
    case 'lose':
      return `lose p${command.partition} of ${describeMembers([command.member])}`;
    case 'place':
      return `place ${command.moves.map(({ partition, replicas }) => `p${partition} on ${replicas.join(', ')}`).join('; ')}`;
    case 'drain':
      return `${command.isDraining ? 'drain' : 'drain no more'} ${command.node}${command.leaves ? ', which leaves' : ''}`;
    case 'stop':
      return `${command.isOver ? 'stopped' : 'stop'} ${command.node}`;
    case 'remove':
      return `remove ${command.node}`;
    case 'reset':
      return `reset p${command.partition}${command.givesUp ? ', giving up its last copy' : ''}`;
  }
}

/** What became different from one configuration to the next; empty: nothing. */
export function describeChanges(before: ClusterState, after: ClusterState): string[] {
  const changes: string[] = [];
  for (const [id, entry] of after.nodes) {
    const was = before.nodes.get(id);
    if (was !== entry) changes.push(`${id} ${describeNode(was, entry)}`);
  }
  for (const id of before.nodes.keys()) if (!after.nodes.has(id)) changes.push(`${id} removed`);
  for (const [partition, entry] of after.partitions.entries()) {
    const was = before.partitions[partition];
    // Created, but not placed yet: there is nothing to tell.
    if (was === undefined && entry.replicas.length === 0) continue;
    if (was !== entry) changes.push(`p${partition} ${describePartition(was, entry)}`);
  }
  return changes;
}

function describeNode(before: NodeEntry | undefined, after: NodeEntry): string {
  const parts = before?.boot === after.boot ? [] : [`boot ${after.boot}`];
  if ((before?.isFenced ?? false) !== after.isFenced) parts.push(after.isFenced ? 'fenced' : 'not fenced');
  if ((before?.isDraining ?? false) !== after.isDraining) parts.push(after.isDraining ? 'draining' : 'not draining');
  if ((before?.isLeaving ?? false) !== after.isLeaving) parts.push(after.isLeaving ? 'leaving' : 'not leaving');
  if ((before?.life ?? 'running') !== after.life) parts.push(after.life);
  return parts.length === 0 ? 'as before, but for its address, weight or zone' : parts.join(', ');
}

function describePartition(before: PartitionEntry | undefined, after: PartitionEntry): string {
  const parts = [`epoch ${after.epoch}`];
  if (before !== undefined && before.primary !== after.primary) {
    parts.push(`primary ${before.primary ?? 'nobody'} → ${after.primary ?? 'nobody'}`);
  }
  const inSync = describeMembers(after.inSync);
  if (before !== undefined && describeMembers(before.inSync) !== inSync) parts.push(`in sync ${inSync}`);
  const replicas = after.replicas.join(', ');
  if (before?.replicas.join(', ') !== replicas) parts.push(`placed on ${replicas || 'nobody'}`);
  if (before !== undefined && before.losses !== after.losses) parts.push('all copies lost');
  if (before !== undefined && before.resetEpoch !== after.resetEpoch) parts.push('begun empty');
  if (parts.length === 1) parts.push(`version ${after.version}`);
  return parts.join(' ');
}

/** The first filling of a copy in a process is not told of. */
function describeMembers(members: readonly Member[]): string {
  const names = members.map(({ node, generation }) => (generation > 0 ? `${node} (filling ${generation})` : node));
  return names.join(', ') || 'nobody';
}
