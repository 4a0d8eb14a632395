import { assert, unreachable } from '../../base/assert.ts';
import type { ValueReader } from '../../base/msgpack-reader.ts';
import type { ValueWriter } from '../../base/msgpack-writer.ts';
import { readEntries, readSnapshot, writeEntries, writeSnapshot } from '../consensus/raft-fields.ts';
import type { RaftMessage } from '../consensus/raft-types.ts';
import { entriesMax, MessageKind } from './message-kind.ts';

/** Each message is an array: its kind, then its fields in the order in which `RaftMessage` names them. */

export type RaftKind = 1 | 2 | 3 | 4 | 5 | 6;

export const raftElementCounts = { 1: 6, 2: 4, 3: 7, 4: 6, 5: 4, 6: 2 } as const satisfies Record<RaftKind, number>;

export function writeRaftMessage(writer: ValueWriter, message: RaftMessage): void {
  switch (message.type) {
    case 'vote':
      begin(writer, MessageKind.vote, message.term);
      writer.boolean(message.isPreVote);
      writer.boolean(message.isTransfer);
      writer.integer(message.lastIndex);
      writer.integer(message.lastTerm);
      return;
    case 'voted':
      begin(writer, MessageKind.voted, message.term);
      writer.boolean(message.isPreVote);
      writer.boolean(message.isGranted);
      return;
    case 'append':
      assert(message.entries.length <= entriesMax, 'a message has no more entries than a reader takes');
      begin(writer, MessageKind.raftAppend, message.term);
      writer.integer(message.previousIndex);
      writer.integer(message.previousTerm);
      writer.integer(message.commit);
      writer.integer(message.round);
      writeEntries(writer, message.entries, message.previousIndex + 1);
      return;
    case 'appended':
      begin(writer, MessageKind.raftAppended, message.term);
      writer.boolean(message.isAccepted);
      writer.integer(message.index);
      writer.integer(message.hintTerm);
      writer.integer(message.round);
      return;
    case 'snapshot':
      begin(writer, MessageKind.raftSnapshot, message.term);
      writeSnapshot(writer, message.snapshot);
      writer.integer(message.round);
      return;
    case 'timeout-now':
      begin(writer, MessageKind.timeoutNow, message.term);
      return;
    default:
      unreachable(message);
  }
}

function begin(writer: ValueWriter, kind: RaftKind, term: number): void {
  writer.array(raftElementCounts[kind]);
  writer.integer(kind);
  writer.integer(term);
}

/** Reads what follows the kind. */
export function readRaftMessage(reader: ValueReader, kind: RaftKind): RaftMessage {
  const term = reader.integer('term');
  switch (kind) {
    case MessageKind.vote:
      return {
        type: 'vote',
        term,
        isPreVote: reader.boolean('isPreVote'),
        isTransfer: reader.boolean('isTransfer'),
        lastIndex: reader.integer('lastIndex'),
        lastTerm: reader.integer('lastTerm'),
      };
    case MessageKind.voted:
      return { type: 'voted', term, isPreVote: reader.boolean('isPreVote'), isGranted: reader.boolean('isGranted') };
    case MessageKind.raftAppend: {
      const previousIndex = reader.integer('previousIndex');
      const previousTerm = reader.integer('previousTerm');
      const commit = reader.integer('commit');
      const round = reader.integer('round');
      const entries = readEntries(reader, previousIndex + 1, entriesMax);
      return { type: 'append', term, previousIndex, previousTerm, entries, commit, round };
    }
    case MessageKind.raftAppended:
      return {
        type: 'appended',
        term,
        isAccepted: reader.boolean('isAccepted'),
        index: reader.integer('index'),
        hintTerm: reader.integer('hintTerm'),
        round: reader.integer('round'),
      };
    case MessageKind.raftSnapshot:
      return { type: 'snapshot', term, snapshot: readSnapshot(reader), round: reader.integer('round') };
    case MessageKind.timeoutNow:
      return { type: 'timeout-now', term };
    default:
      return unreachable(kind);
  }
}
