import type { ValueReader } from '../../base/msgpack-reader.ts';
import type { ValueWriter } from '../../base/msgpack-writer.ts';
import type { NodeId } from '../identity.ts';
import {
  readMembers,
  readNodeId,
  readNodeIdOrNull,
  readNodeIds,
  writeMembers,
  writeNodeIdOrNull,
  writeNodeIds,
} from '../identity-fields.ts';
import { COPIES_MAX, NODES_MAX, REMOVED_MAX } from '../limits.ts';
import type { ClusterState, NodeEntry, NodeLife, PartitionEntry } from './cluster-state.ts';
import {
  readAddress,
  readEndpoints,
  readWeight,
  readZone,
  writeEndpoints,
  writeWeight,
  writeZone,
} from './state-fields.ts';

/** How the parts of a state are written, in the whole and in what has changed of it. */

const lives = ['running', 'stopping', 'stopped'] as const satisfies readonly NodeLife[];

export function writeNode(writer: ValueWriter, node: NodeEntry): void {
  writer.array(10);
  writer.string(node.id);
  writer.string(node.address);
  writeEndpoints(writer, node.endpoints);
  writer.integer(node.boot);
  writer.boolean(node.isFenced);
  writer.boolean(node.isDraining);
  writer.boolean(node.isLeaving);
  writer.integer(lives.indexOf(node.life));
  writeWeight(writer, node.weight);
  writeZone(writer, node.zone);
}

export function readNodes(reader: ValueReader): Map<NodeId, NodeEntry> {
  const nodes = new Map<NodeId, NodeEntry>();
  let before = '';
  for (let left = reader.array('nodes', 0, NODES_MAX); left > 0; left--) {
    reader.array('node', 10, 10);
    const id = readNodeId(reader, 'id');
    if (id <= before) reader.fail('nodes', 'must be in the order of their ids');
    before = id;
    nodes.set(id, {
      id,
      address: readAddress(reader),
      endpoints: readEndpoints(reader),
      boot: reader.integer('boot'),
      isFenced: reader.boolean('isFenced'),
      isDraining: reader.boolean('isDraining'),
      isLeaving: reader.boolean('isLeaving'),
      life: reader.oneOf('life', lives),
      weight: readWeight(reader),
      zone: readZone(reader),
    });
  }
  return nodes;
}

export function writePartition(writer: ValueWriter, partition: PartitionEntry): void {
  writer.array(7);
  writer.integer(partition.epoch);
  writer.integer(partition.version);
  writeNodeIdOrNull(writer, partition.primary);
  writeMembers(writer, partition.inSync);
  writeNodeIds(writer, partition.replicas);
  writer.integer(partition.resetEpoch);
  writer.integer(partition.losses);
}

export function readPartitionEntry(reader: ValueReader): PartitionEntry {
  reader.array('partition', 7, 7);
  return {
    epoch: reader.integer('epoch'),
    version: reader.integer('version'),
    primary: readNodeIdOrNull(reader, 'primary'),
    inSync: readMembers(reader, 'inSync'),
    replicas: readNodeIds(reader, 'replicas', COPIES_MAX),
    resetEpoch: reader.integer('resetEpoch'),
    losses: reader.integer('losses'),
  };
}

/** Nodes go by their ids: equal states have equal bytes. */
export function writeNodes(writer: ValueWriter, { nodes }: ClusterState): void {
  writer.array(nodes.size);
  for (const node of [...nodes.values()].sort((left, right) => (left.id < right.id ? -1 : 1))) writeNode(writer, node);
}

export function writeRemoved(writer: ValueWriter, { removed }: ClusterState): void {
  writer.array(2 * removed.size);
  for (const [id, boot] of removed) {
    writer.string(id);
    writer.integer(boot);
  }
}

export function readRemoved(reader: ValueReader): Map<NodeId, number> {
  const removed = new Map<NodeId, number>();
  for (let left = reader.array('removed', 0, 2 * REMOVED_MAX); left > 1; left -= 2) {
    removed.set(readNodeId(reader, 'removed'), reader.integer('removed boot'));
  }
  return removed;
}
