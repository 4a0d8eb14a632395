import { unreachable } from '../../base/assert.ts';
import { ValueReader } from '../../base/msgpack-reader.ts';
import { ValueWriter } from '../../base/msgpack-writer.ts';
import type { ClusterMessage } from '../cluster-message.ts';
import { readCommand, writeCommand } from '../controller/command-codec.ts';
import type { CoordinatorAnswer } from '../coordinator.ts';
import { readNodeIdOrNull, writeNodeIdOrNull } from '../identity-fields.ts';
import { MessageKind } from './message-kind.ts';
import { raftElementCounts, readRaftMessage, writeRaftMessage } from './raft-message-codec.ts';
import {
  readReplicationMessage,
  replicationElementCounts,
  writeReplicationMessage,
} from './replication-message-codec.ts';

/**
 * A message on the bus is one MessagePack array of known length: the number of its kind, then its fields by place.
 * Unsigned and signed integers, doubles (of clocks), booleans, nil, str (names and reasons), bin (what is opaque) and
 * arrays occur, and nothing else. Each field has one kind and one range, so a message either is well-formed or is
 * refused; a node that sends one that is refused speaks another version or is not a node.
 */

/** Of the text of a refusal; the rest is left out. */
const REASON_CHARS_MAX = 1000;
const REASON_BYTES_MAX = 4 * REASON_CHARS_MAX;

const answerTypes = ['applied', 'refused', 'unknown', 'refused for now', 'refused for good'] as const;

const elementCounts: Readonly<Record<number, number>> = {
  ...raftElementCounts,
  ...replicationElementCounts,
  [MessageKind.request]: 3,
  [MessageKind.answer]: 4,
  [MessageKind.heartbeat]: 4,
  [MessageKind.heartbeatOk]: 4,
  [MessageKind.notLeader]: 2,
};
const ELEMENTS_MAX = 10;

const writer = new ValueWriter();

export function encodeMessage(message: ClusterMessage): Uint8Array {
  return encodeMessageInPlace(message).copy();
}

/** As {@link encodeMessage}, for who takes the bytes at once: what is returned holds them until the next call. */
export function encodeMessageInPlace(message: ClusterMessage): ValueWriter {
  writer.clear();
  writeMessage(message);
  return writer;
}

/**
 * What {@link encodeMessage} was given. Effects, entries and payloads are views of `bytes`, which must stay as they are
 * as long as the message is used. Throws a `DecodeError` for anything else.
 */
export function decodeMessage(bytes: Uint8Array): ClusterMessage {
  const reader = new ValueReader(bytes);
  const count = reader.array('message', 1, ELEMENTS_MAX);
  const kind = reader.integer('kind') as MessageKind;
  const expected = elementCounts[kind];
  if (expected === undefined) reader.fail('kind', `is unknown: ${kind}`);
  if (count !== expected) reader.fail('message', `must have ${expected} elements`);
  const message = readMessage(reader, kind);
  reader.end('message');
  return message;
}

function writeMessage(message: ClusterMessage): void {
  switch (message.kind) {
    case 'raft':
      writeRaftMessage(writer, message.message);
      return;
    case 'replication':
      writeReplicationMessage(writer, message.message);
      return;
    case 'request':
      begin(MessageKind.request);
      writer.integer(message.request);
      writeCommand(writer, message.command);
      return;
    case 'answer':
      begin(MessageKind.answer);
      writer.integer(message.request);
      writeAnswer(message.answer);
      return;
    case 'heartbeat':
      begin(MessageKind.heartbeat);
      writer.integer(message.boot);
      writer.double(message.sentAtMs);
      writer.boolean(message.hasLease);
      return;
    case 'heartbeat-ok':
      begin(MessageKind.heartbeatOk);
      writer.integer(message.boot);
      writer.double(message.sentAtMs);
      writer.integer(message.index);
      return;
    case 'not-leader':
      begin(MessageKind.notLeader);
      writeNodeIdOrNull(writer, message.leader);
      return;
    default:
      unreachable(message);
  }
}

function begin(kind: MessageKind): void {
  writer.array(elementCounts[kind] as number);
  writer.integer(kind);
}

/** Its type, and its one field or nil. A refusal has a type for each of whether it is for now only, or for good. */
function writeAnswer(answer: CoordinatorAnswer): void {
  switch (answer.type) {
    case 'applied':
      writer.integer(0);
      writer.integer(answer.index);
      return;
    case 'refused':
      writer.integer(answer.isForGood === true ? 4 : answer.isRetryable ? 3 : 1);
      writer.string(answer.reason.slice(0, REASON_CHARS_MAX));
      return;
    case 'unknown':
      writer.integer(2);
      writer.nil();
      return;
    default:
      unreachable(answer);
  }
}

function readMessage(reader: ValueReader, kind: MessageKind): ClusterMessage {
  switch (kind) {
    case MessageKind.vote:
    case MessageKind.voted:
    case MessageKind.raftAppend:
    case MessageKind.raftAppended:
    case MessageKind.raftSnapshot:
    case MessageKind.timeoutNow:
      return { kind: 'raft', message: readRaftMessage(reader, kind) };
    case MessageKind.append:
    case MessageKind.ack:
    case MessageKind.nack:
    case MessageKind.chunk:
    case MessageKind.chunkAck:
      return { kind: 'replication', message: readReplicationMessage(reader, kind) };
    case MessageKind.request:
      return { kind: 'request', request: reader.integer('request'), command: readCommand(reader) };
    case MessageKind.answer:
      return { kind: 'answer', request: reader.integer('request'), answer: readAnswer(reader) };
    case MessageKind.heartbeat:
      return {
        kind: 'heartbeat',
        boot: reader.integer('boot'),
        sentAtMs: reader.double('sentAtMs'),
        hasLease: reader.boolean('hasLease'),
      };
    case MessageKind.heartbeatOk:
      return {
        kind: 'heartbeat-ok',
        boot: reader.integer('boot'),
        sentAtMs: reader.double('sentAtMs'),
        index: reader.integer('index'),
      };
    case MessageKind.notLeader:
      return { kind: 'not-leader', leader: readNodeIdOrNull(reader, 'leader') };
    default:
      return unreachable(kind);
  }
}

function readAnswer(reader: ValueReader): CoordinatorAnswer {
  const type = reader.oneOf('answer.type', answerTypes);
  switch (type) {
    case 'applied':
      return { type, index: reader.integer('answer.index') };
    case 'refused':
      return { type, reason: reader.string('answer.reason', REASON_BYTES_MAX), isRetryable: false };
    case 'refused for now':
      return { type: 'refused', reason: reader.string('answer.reason', REASON_BYTES_MAX), isRetryable: true };
    case 'refused for good':
      return {
        type: 'refused',
        reason: reader.string('answer.reason', REASON_BYTES_MAX),
        isRetryable: false,
        isForGood: true,
      };
    case 'unknown':
      if (!reader.nil('answer')) reader.fail('answer', 'must be nil');
      return { type };
    default:
      return unreachable(type);
  }
}
