import { ValueReader } from '../../base/msgpack-reader.ts';
import { ValueWriter } from '../../base/msgpack-writer.ts';
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
import type { ClusterState, NodeEntry, PartitionEntry } from './cluster-state.ts';
import {
  readAddress,
  readSettings,
  readWeight,
  readZone,
  writeSettings,
  writeWeight,
  writeZone,
} from './state-fields.ts';

/** Of the layout: a node that does not know it must not guess. */
const VERSION = 1;

const writer = new ValueWriter();

/** The whole state, for snapshots. Equal states have equal bytes, however they came about: nodes go by their ids. */
export function encodeState(state: ClusterState): Uint8Array {
  writer.clear();
  writer.array(5);
  writer.integer(VERSION);
  if (state.settings === null) writer.nil();
  else writeSettings(writer, state.settings);
  writer.array(state.nodes.size);
  const nodes = [...state.nodes.values()].sort((left, right) => (left.id < right.id ? -1 : 1));
  for (const node of nodes) writeNode(writer, node);
  writer.array(2 * state.removed.size);
  for (const [id, boot] of state.removed) {
    writer.string(id);
    writer.integer(boot);
  }
  writer.array(state.partitions.length);
  for (const partition of state.partitions) writePartition(writer, partition);
  return writer.copy();
}

/** Throws a `DecodeError` for anything but what {@link encodeState} makes. The nodes come in the order of their ids. */
export function decodeState(bytes: Uint8Array): ClusterState {
  const reader = new ValueReader(bytes);
  reader.array('state', 5, 5);
  reader.integer('version', VERSION, VERSION);
  const settings = reader.nil('settings') ? null : readSettings(reader);
  const nodes = readNodes(reader);
  const removed = new Map<NodeId, number>();
  for (let left = reader.array('removed', 0, 2 * REMOVED_MAX); left > 1; left -= 2) {
    removed.set(readNodeId(reader, 'removed'), reader.integer('removed boot'));
  }
  const count = settings === null ? 0 : settings.partitions;
  const partitions: PartitionEntry[] = [];
  for (let left = reader.array('partitions', count, count); left > 0; left--)
    partitions.push(readPartitionEntry(reader));
  reader.end('state');
  return { settings, nodes, removed, partitions };
}

function writeNode(writer: ValueWriter, node: NodeEntry): void {
  writer.array(7);
  writer.string(node.id);
  writer.string(node.address);
  writer.integer(node.boot);
  writer.boolean(node.isFenced);
  writer.boolean(node.isDraining);
  writeWeight(writer, node.weight);
  writeZone(writer, node.zone);
}

function readNodes(reader: ValueReader): Map<NodeId, NodeEntry> {
  const nodes = new Map<NodeId, NodeEntry>();
  let before = '';
  for (let left = reader.array('nodes', 0, NODES_MAX); left > 0; left--) {
    reader.array('node', 7, 7);
    const id = readNodeId(reader, 'id');
    if (id <= before) reader.fail('nodes', 'must be in the order of their ids');
    before = id;
    nodes.set(id, {
      id,
      address: readAddress(reader),
      boot: reader.integer('boot'),
      isFenced: reader.boolean('isFenced'),
      isDraining: reader.boolean('isDraining'),
      weight: readWeight(reader),
      zone: readZone(reader),
    });
  }
  return nodes;
}

function writePartition(writer: ValueWriter, partition: PartitionEntry): void {
  writer.array(7);
  writer.integer(partition.epoch);
  writer.integer(partition.version);
  writeNodeIdOrNull(writer, partition.primary);
  writeMembers(writer, partition.inSync);
  writeNodeIds(writer, partition.replicas);
  writer.integer(partition.resetEpoch);
  writer.integer(partition.losses);
}

function readPartitionEntry(reader: ValueReader): PartitionEntry {
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
