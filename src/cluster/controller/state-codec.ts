import { ValueReader } from '../../base/msgpack-reader.ts';
import { ValueWriter } from '../../base/msgpack-writer.ts';
import type { ClusterState, PartitionEntry } from './cluster-state.ts';
import {
  readNodes,
  readPartitionEntry,
  readRemoved,
  writeNodes,
  writePartition,
  writeRemoved,
} from './entry-fields.ts';
import { readSettings, writeSettings } from './state-fields.ts';

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
  writeNodes(writer, state);
  writeRemoved(writer, state);
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
  const removed = readRemoved(reader);
  const count = settings === null ? 0 : settings.partitions;
  const partitions: PartitionEntry[] = [];
  for (let left = reader.array('partitions', count, count); left > 0; left--)
    partitions.push(readPartitionEntry(reader));
  reader.end('state');
  return { settings, nodes, removed, partitions };
}
