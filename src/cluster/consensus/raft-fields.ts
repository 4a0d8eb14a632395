import { assert } from '../../base/assert.ts';
import { ValueReader } from '../../base/msgpack-reader.ts';
import { ValueWriter } from '../../base/msgpack-writer.ts';
import type { NodeId } from '../identity.ts';
import { readNodeIdOrNull, readNodeIds, writeNodeIdOrNull, writeNodeIds } from '../identity-fields.ts';
import { FOUNDERS_MAX, LEARNERS_MAX } from '../limits.ts';
import type { HardState, LogEntry, Membership, RaftSnapshot } from './raft-types.ts';

/** How what consensus keeps is written, on the bus and on disks. */

const entryKinds = ['command', 'membership', 'blank'] as const;
const kindNumbers = { command: 0, membership: 1, blank: 2 } as const satisfies Record<LogEntry['kind'], number>;

export function writeMembership(writer: ValueWriter, membership: Membership): void {
  writer.array(2);
  writeNodeIds(writer, membership.voters);
  writeNodeIds(writer, membership.learners);
}

export function readMembership(reader: ValueReader): Membership {
  reader.array('membership', 2, 2);
  const voters = readNodeIds(reader, 'voters', FOUNDERS_MAX);
  const learners = readNodeIds(reader, 'learners', LEARNERS_MAX);
  const all: ReadonlySet<NodeId> = new Set([...voters, ...learners]);
  if (all.size !== voters.length + learners.length) reader.fail('membership', 'must name each node once');
  return { voters, learners };
}

const writer = new ValueWriter();

/** The payload of an entry of kind `membership`. */
export function encodeMembership(membership: Membership): Uint8Array {
  writer.clear();
  writeMembership(writer, membership);
  return writer.copy();
}

export function decodeMembership(payload: Uint8Array): Membership {
  const reader = new ValueReader(payload);
  const membership = readMembership(reader);
  reader.end('membership');
  return membership;
}

export function writeHardState(writer: ValueWriter, hard: HardState): void {
  writer.array(2);
  writer.integer(hard.term);
  writeNodeIdOrNull(writer, hard.vote);
}

export function readHardState(reader: ValueReader): HardState {
  reader.array('hard', 2, 2);
  return { term: reader.integer('term'), vote: readNodeIdOrNull(reader, 'vote') };
}

/** Entries from `firstIndex` on; only the first's index is written, by the caller. */
export function writeEntries(writer: ValueWriter, entries: readonly LogEntry[], firstIndex: number): void {
  writer.array(entries.length);
  let index = firstIndex;
  for (const entry of entries) {
    assert(entry.index === index, 'entries follow one another without a gap');
    index++;
    writer.array(3);
    writer.integer(entry.term);
    writer.integer(kindNumbers[entry.kind]);
    writer.bin(entry.payload, 0, entry.payload.length);
  }
}

export function readEntries(reader: ValueReader, firstIndex: number, countMax: number): LogEntry[] {
  const entries: LogEntry[] = [];
  const count = reader.array('entries', 0, countMax);
  if (firstIndex > Number.MAX_SAFE_INTEGER - count) reader.fail('entries', 'must have indexes that are integers');
  for (let index = firstIndex; index < firstIndex + count; index++) {
    reader.array('entry', 3, 3);
    const term = reader.integer('entry.term');
    const kind = reader.oneOf('entry.kind', entryKinds);
    entries.push({ index, term, kind, payload: reader.bytes('entry.payload') });
  }
  return entries;
}

export function writeSnapshot(writer: ValueWriter, snapshot: RaftSnapshot): void {
  writer.array(4);
  writer.integer(snapshot.index);
  writer.integer(snapshot.term);
  writeMembership(writer, snapshot.membership);
  writer.bin(snapshot.data, 0, snapshot.data.length);
}

export function readSnapshot(reader: ValueReader): RaftSnapshot {
  reader.array('snapshot', 4, 4);
  return {
    index: reader.integer('snapshot.index'),
    term: reader.integer('snapshot.term'),
    membership: readMembership(reader),
    data: reader.bytes('snapshot.data'),
  };
}
