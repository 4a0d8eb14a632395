import { unreachable } from '../../base/assert.ts';
import { ValueReader } from '../../base/msgpack-reader.ts';
import { ValueWriter } from '../../base/msgpack-writer.ts';
import {
  readEntries,
  readHardState,
  readSnapshot,
  writeEntries,
  writeHardState,
  writeSnapshot,
} from './raft-fields.ts';
import type { HardState, LogEntry, RaftSnapshot, RaftState } from './raft-types.ts';

/** What one step of consensus makes durable: the fields of its `persist` action. */
export interface Save {
  readonly hard: HardState | null;
  readonly snapshot: RaftSnapshot | null;
  readonly entries: readonly LogEntry[];
}

/** What a record of the journal says. */
export type JournalPayload =
  /** All there is: what a file begins with. */
  | { readonly type: 'image'; readonly boot: number; readonly raft: RaftState }
  | { readonly type: 'save'; readonly save: Save }
  /** Nothing: it is written for what its header says. */
  | { readonly type: 'mark' };

/** Of the layout: a node that does not know it must not guess. */
const VERSION = 1;
const types = ['image', 'save', 'mark'] as const;
const elementCounts = { image: 6, save: 5, mark: 1 } as const;

const writer = new ValueWriter();

export function encodeJournalPayload(payload: JournalPayload): Uint8Array {
  writer.clear();
  writer.array(elementCounts[payload.type]);
  writer.integer(types.indexOf(payload.type));
  switch (payload.type) {
    case 'image': {
      const { hard, snapshot, entries } = payload.raft;
      writer.integer(VERSION);
      writer.integer(payload.boot);
      writeHardState(writer, hard);
      writeSnapshotOrNull(snapshot);
      writeEntries(writer, entries, (snapshot?.index ?? 0) + 1);
      break;
    }
    case 'save': {
      const { hard, snapshot, entries } = payload.save;
      const firstIndex = entries[0]?.index ?? 1;
      if (hard === null) writer.nil();
      else writeHardState(writer, hard);
      writeSnapshotOrNull(snapshot);
      writer.integer(firstIndex);
      writeEntries(writer, entries, firstIndex);
      break;
    }
    case 'mark':
      break;
    default:
      unreachable(payload);
  }
  return writer.copy();
}

function writeSnapshotOrNull(snapshot: RaftSnapshot | null): void {
  if (snapshot === null) writer.nil();
  else writeSnapshot(writer, snapshot);
}

/** What it holds are views of `bytes`. Throws a `DecodeError` for anything but what was encoded. */
export function decodeJournalPayload(bytes: Uint8Array): JournalPayload {
  const reader = new ValueReader(bytes);
  const count = reader.array('record', 1, 6);
  const type = reader.oneOf('record.type', types);
  if (count !== elementCounts[type]) reader.fail('record', `must have ${elementCounts[type]} elements`);
  const payload = readPayload(reader, type);
  reader.end('record');
  return payload;
}

function readPayload(reader: ValueReader, type: JournalPayload['type']): JournalPayload {
  switch (type) {
    case 'image': {
      reader.integer('version', VERSION, VERSION);
      const boot = reader.integer('boot');
      const hard = readHardState(reader);
      const snapshot = reader.nil('snapshot') ? null : readSnapshot(reader);
      const entries = readEntries(reader, (snapshot?.index ?? 0) + 1, Number.POSITIVE_INFINITY);
      return { type, boot, raft: { hard, snapshot, entries } };
    }
    case 'save': {
      const hard = reader.nil('hard') ? null : readHardState(reader);
      const snapshot = reader.nil('snapshot') ? null : readSnapshot(reader);
      const firstIndex = reader.integer('firstIndex', 1);
      const entries = readEntries(reader, firstIndex, Number.POSITIVE_INFINITY);
      return { type, save: { hard, snapshot, entries } };
    }
    case 'mark':
      return { type };
    default:
      return unreachable(type);
  }
}
