import { assert, unreachable } from '../../base/assert.ts';
import type { ValueReader } from '../../base/msgpack-reader.ts';
import type { ValueWriter } from '../../base/msgpack-writer.ts';
import { readPartition } from '../controller/state-fields.ts';
import { readMember, writeMember } from '../identity-fields.ts';
import type { LogRecord, ReplicationMessage } from '../replication/replication-message.ts';
import { MessageKind, recordsMax } from './message-kind.ts';

/**
 * Each message is an array: its kind, then its fields in the order in which `ReplicationMessage` names them. The records
 * of an append come last, without the numbers that follow from `previousSeq`.
 */

export type ReplicationKind = 16 | 17 | 18 | 19 | 20;

export const replicationElementCounts = {
  16: 8,
  17: 8,
  18: 7,
  19: 10,
  20: 7,
} as const satisfies Record<ReplicationKind, number>;

const HASH_MAX = 2 ** 32 - 1;
const nackReasons = ['newer-epoch', 'gap', 'unusable'] as const;
const reasonNumbers = { 'newer-epoch': 0, gap: 1, unusable: 2 } as const;

export function writeReplicationMessage(writer: ValueWriter, message: ReplicationMessage): void {
  switch (message.type) {
    case 'append':
      begin(writer, MessageKind.append, message);
      writer.integer(message.previousSeq);
      writer.integer(message.previousEpoch);
      writer.integer(message.committed);
      writer.double(message.echo);
      writeRecords(writer, message.records, message.previousSeq);
      return;
    case 'ack':
      begin(writer, MessageKind.ack, message);
      writeMember(writer, message.member);
      writer.integer(message.seq);
      writer.boolean(message.isClean);
      writer.integer(message.version);
      writer.double(message.stamp);
      return;
    case 'nack':
      begin(writer, MessageKind.nack, message);
      writeMember(writer, message.member);
      writer.integer(reasonNumbers[message.reason]);
      writer.integer(message.seq);
      writer.integer(message.ask);
      return;
    case 'chunk':
      assert(message.entries.length <= recordsMax, 'a piece has no more entries than a reader takes');
      begin(writer, MessageKind.chunk, message);
      writer.integer(message.stream);
      writer.integer(message.index);
      writer.integer(message.ask);
      writer.integer(message.atSeq);
      writer.integer(message.atEpoch);
      writer.boolean(message.isLast);
      writer.array(message.entries.length);
      for (const entry of message.entries) writer.bin(entry, 0, entry.length);
      return;
    case 'chunk-ack':
      begin(writer, MessageKind.chunkAck, message);
      writeMember(writer, message.member);
      writer.integer(message.stream);
      writer.integer(message.index);
      writer.integer(message.seq);
      return;
    default:
      unreachable(message);
  }
}

function begin(writer: ValueWriter, kind: ReplicationKind, message: ReplicationMessage): void {
  writer.array(replicationElementCounts[kind]);
  writer.integer(kind);
  writer.integer(message.partition);
  writer.integer(message.epoch);
}

function writeRecords(writer: ValueWriter, records: readonly LogRecord[], previousSeq: number): void {
  assert(records.length <= recordsMax, 'a message has no more records than a reader takes');
  writer.array(records.length);
  let seq = previousSeq;
  for (const record of records) {
    seq++;
    assert(record.seq === seq, 'records follow one another without a gap');
    writer.array(3);
    writer.integer(record.epoch);
    writer.array(record.keys.length);
    for (const key of record.keys) writer.integer(key);
    writer.bin(record.effect, 0, record.effect.length);
  }
}

/** Reads what follows the kind. */
export function readReplicationMessage(reader: ValueReader, kind: ReplicationKind): ReplicationMessage {
  const partition = readPartition(reader);
  const epoch = reader.integer('epoch');
  switch (kind) {
    case MessageKind.append: {
      const previousSeq = reader.integer('previousSeq');
      const previousEpoch = reader.integer('previousEpoch');
      const committed = reader.integer('committed');
      const echo = reader.double('echo');
      const records = readRecords(reader, previousSeq);
      return { type: 'append', partition, epoch, previousSeq, previousEpoch, records, committed, echo };
    }
    case MessageKind.ack:
      return {
        type: 'ack',
        partition,
        epoch,
        member: readMember(reader, 'member'),
        seq: reader.integer('seq'),
        isClean: reader.boolean('isClean'),
        version: reader.integer('version'),
        stamp: reader.double('stamp'),
      };
    case MessageKind.nack:
      return {
        type: 'nack',
        partition,
        epoch,
        member: readMember(reader, 'member'),
        reason: reader.oneOf('reason', nackReasons),
        seq: reader.integer('seq'),
        ask: reader.integer('ask'),
      };
    case MessageKind.chunk: {
      const stream = reader.integer('stream');
      const index = reader.integer('index');
      const ask = reader.integer('ask');
      const atSeq = reader.integer('atSeq');
      const atEpoch = reader.integer('atEpoch');
      const isLast = reader.boolean('isLast');
      const entries = readChunkEntries(reader);
      return { type: 'chunk', partition, epoch, stream, index, ask, atSeq, atEpoch, entries, isLast };
    }
    case MessageKind.chunkAck:
      return {
        type: 'chunk-ack',
        partition,
        epoch,
        member: readMember(reader, 'member'),
        stream: reader.integer('stream'),
        index: reader.integer('index'),
        seq: reader.integer('seq'),
      };
    default:
      return unreachable(kind);
  }
}

function readRecords(reader: ValueReader, previousSeq: number): LogRecord[] {
  const records: LogRecord[] = [];
  const count = reader.array('records', 0, recordsMax);
  if (previousSeq > Number.MAX_SAFE_INTEGER - count) reader.fail('records', 'must have numbers that are integers');
  for (let seq = previousSeq + 1; seq <= previousSeq + count; seq++) {
    reader.array('record', 3, 3);
    const epoch = reader.integer('record.epoch');
    const keys: number[] = [];
    for (let left = reader.array('record.keys', 0, HASH_MAX); left > 0; left--) {
      keys.push(reader.integer('record.key', 0, HASH_MAX));
    }
    records.push({ seq, epoch, keys, effect: reader.bytes('record.effect') });
  }
  return records;
}

function readChunkEntries(reader: ValueReader): Uint8Array[] {
  const entries: Uint8Array[] = [];
  for (let left = reader.array('entries', 0, recordsMax); left > 0; left--) entries.push(reader.bytes('entry'));
  return entries;
}
