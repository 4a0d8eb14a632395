import { assert } from '../../base/assert.ts';
import { ValueReader } from '../../base/msgpack-reader.ts';
import { ValueWriter } from '../../base/msgpack-writer.ts';
import { PARTITIONS_MAX } from '../limits.ts';
import { type ClusterState, emptyClusterState, type PartitionEntry } from './cluster-state.ts';
import {
  readNodes,
  readPartitionEntry,
  readRemoved,
  writeNodes,
  writePartition,
  writeRemoved,
} from './entry-fields.ts';
import { readSettings, writeSettings } from './state-fields.ts';

/**
 * What has changed from one state to the next, for the other threads of the node: an array of four elements, settings,
 * nodes, removed nodes (nil where they are as before) and an array of the number of partitions and, in turns, the
 * number and the entry of each that is another one.
 */

const writer = new ValueWriter();

/** `before` null: everything, for who knows nothing. What is the same object in both is taken for unchanged. */
export function encodeStateDelta(before: ClusterState | null, after: ClusterState): Uint8Array {
  const known = before ?? emptyClusterState;
  writer.clear();
  writer.array(4);
  if (after.settings === null || after.settings === known.settings) writer.nil();
  else writeSettings(writer, after.settings);
  if (after.nodes === known.nodes) writer.nil();
  else writeNodes(writer, after);
  if (after.removed === known.removed) writer.nil();
  else writeRemoved(writer, after);
  writeChanges(known.partitions, after.partitions);
  return writer.copy();
}

function writeChanges(before: readonly PartitionEntry[], after: readonly PartitionEntry[]): void {
  assert(after.length >= before.length, 'partitions stay');
  let count = 0;
  for (let number = 0; number < after.length; number++) if (after[number] !== before[number]) count++;
  writer.array(1 + 2 * count);
  writer.integer(after.length);
  for (const [number, entry] of after.entries()) {
    if (entry === before[number]) continue;
    writer.integer(number);
    writePartition(writer, entry);
  }
}

/**
 * The state after, given the one before (null: of a delta of everything). Entries that have not changed are the very
 * same objects. Throws a `DecodeError` for anything but what {@link encodeStateDelta} makes.
 */
export function applyStateDelta(before: ClusterState | null, bytes: Uint8Array): ClusterState {
  const known = before ?? emptyClusterState;
  const reader = new ValueReader(bytes);
  reader.array('delta', 4, 4);
  const settings = reader.nil('settings') ? known.settings : readSettings(reader);
  const nodes = reader.nil('nodes') ? known.nodes : readNodes(reader);
  const removed = reader.nil('removed') ? known.removed : readRemoved(reader);
  const partitions = readChanges(reader, known.partitions, settings?.partitions ?? 0);
  reader.end('delta');
  return { settings, nodes, removed, partitions };
}

function readChanges(
  reader: ValueReader,
  before: readonly PartitionEntry[],
  countWanted: number,
): readonly PartitionEntry[] {
  const elements = reader.array('partitions', 1, 1 + 2 * PARTITIONS_MAX);
  const count = reader.integer('partition count', countWanted, countWanted);
  if (elements === 1 && count === before.length) return before;
  const partitions = before.slice();
  let left = elements - 1;
  for (; left > 1; left -= 2) {
    // In their order: those that are new come one behind the other.
    const number = reader.integer('partition', 0, Math.min(partitions.length, count - 1));
    partitions[number] = readPartitionEntry(reader);
  }
  if (left > 0 || partitions.length < count) reader.fail('partitions', 'must be whole');
  return partitions;
}
