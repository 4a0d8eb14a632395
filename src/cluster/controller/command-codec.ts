import { unreachable } from '../../base/assert.ts';
import { ValueReader } from '../../base/msgpack-reader.ts';
import { ValueWriter } from '../../base/msgpack-writer.ts';
import type { Claim } from '../identity.ts';
import {
  readMember,
  readMembers,
  readNodeId,
  readNodeIds,
  writeMember,
  writeMembers,
  writeNodeIds,
} from '../identity-fields.ts';
import { COPIES_MAX, PARTITIONS_MAX } from '../limits.ts';
import type { ClusterCommand } from './cluster-command.ts';
import {
  readAddress,
  readEndpoints,
  readPartition,
  readSettings,
  readTargets,
  readWeight,
  readZone,
  writeEndpoints,
  writeSettings,
  writeTargets,
  writeWeight,
  writeZone,
} from './state-fields.ts';

/**
 * A command is an array: the number of its type, then its fields in the order in which the type names them. Numbers are
 * never used again for another type, as they stand in logs.
 */
const types = [
  'create',
  'register',
  'fence',
  'unfence',
  'alter-in-sync',
  'hand-over',
  'lose',
  'place',
  'drain',
  'remove',
  'reset',
  'set-settings',
  'stop',
  'resume',
] as const satisfies readonly ClusterCommand['type'][];

type CommandType = (typeof types)[number];
const numbers = Object.fromEntries(types.map((type, number) => [type, number])) as Readonly<
  Record<CommandType, number>
>;
/** Of the array, the type included. */
const elementCounts = {
  create: 2,
  register: 8,
  fence: 3,
  unfence: 3,
  'alter-in-sync': 6,
  'hand-over': 6,
  lose: 4,
  place: 2,
  drain: 5,
  remove: 2,
  reset: 4,
  'set-settings': 4,
  stop: 4,
  resume: 3,
} as const satisfies Record<ClusterCommand['type'], number>;

const writer = new ValueWriter();

/** The payload of an entry of the consensus log. */
export function encodeCommand(command: ClusterCommand): Uint8Array {
  writer.clear();
  writeCommand(writer, command);
  return writer.copy();
}

/** Throws a `DecodeError` for anything but what {@link encodeCommand} makes. */
export function decodeCommand(payload: Uint8Array): ClusterCommand {
  const reader = new ValueReader(payload);
  const command = readCommand(reader);
  reader.end('command');
  return command;
}

export function writeCommand(writer: ValueWriter, command: ClusterCommand): void {
  const more = command.type === 'register' && command.claims !== undefined ? 1 : 0;
  writer.array(elementCounts[command.type] + more);
  writer.integer(numbers[command.type]);
  switch (command.type) {
    case 'create':
      writeSettings(writer, command.settings);
      return;
    case 'register':
      writer.string(command.node);
      writer.integer(command.boot);
      writer.string(command.address);
      writeEndpoints(writer, command.endpoints);
      writeWeight(writer, command.weight);
      writeZone(writer, command.zone);
      if (command.partitions === null) writer.nil();
      else writer.integer(command.partitions);
      if (command.claims !== undefined) writeClaims(writer, command.claims);
      return;
    case 'fence':
    case 'unfence':
    case 'resume':
      writer.string(command.node);
      writer.integer(command.boot);
      return;
    case 'alter-in-sync':
      writer.integer(command.partition);
      writeMember(writer, command.by);
      writer.integer(command.epoch);
      writer.integer(command.version);
      writeMembers(writer, command.members);
      return;
    case 'hand-over':
      writer.integer(command.partition);
      writeMember(writer, command.by);
      writer.integer(command.epoch);
      writer.integer(command.version);
      writer.string(command.to);
      return;
    case 'lose':
      writer.integer(command.partition);
      writer.integer(command.epoch);
      writeMember(writer, command.member);
      return;
    case 'place':
      writer.array(command.moves.length);
      for (const { partition, version, replicas } of command.moves) {
        writer.array(3);
        writer.integer(partition);
        writer.integer(version);
        writeNodeIds(writer, replicas);
      }
      return;
    case 'drain':
      writer.string(command.node);
      writer.integer(command.boot);
      writer.boolean(command.isDraining);
      writer.boolean(command.leaves);
      return;
    case 'remove':
      writer.string(command.node);
      return;
    case 'reset':
      writer.integer(command.partition);
      writer.integer(command.version);
      writer.boolean(command.givesUp);
      return;
    case 'set-settings':
      writeTargets(writer, command);
      return;
    case 'stop':
      writer.string(command.node);
      writer.integer(command.boot);
      writer.boolean(command.isOver);
      return;
    default:
      unreachable(command);
  }
}

export function readCommand(reader: ValueReader): ClusterCommand {
  const count = reader.array('command', 1, 16);
  const type = reader.oneOf('command.type', types);
  // A node without claims registers as nodes did that could have none.
  const hasClaims = type === 'register' && count === elementCounts.register + 1;
  if (count !== elementCounts[type] && !hasClaims) {
    reader.fail('command', `must have ${elementCounts[type]} elements`);
  }
  switch (type) {
    case 'create':
      return { type, settings: readSettings(reader) };
    case 'register':
      return {
        type,
        node: readNodeId(reader, 'node'),
        boot: reader.integer('boot'),
        address: readAddress(reader),
        endpoints: readEndpoints(reader),
        weight: readWeight(reader),
        zone: readZone(reader),
        partitions: reader.nil('partitions') ? null : reader.integer('partitions', 1, PARTITIONS_MAX),
        ...(hasClaims ? { claims: readClaims(reader) } : {}),
      };
    case 'fence':
    case 'unfence':
    case 'resume':
      return { type, node: readNodeId(reader, 'node'), boot: reader.integer('boot') };
    case 'alter-in-sync':
      return {
        type,
        partition: readPartition(reader),
        by: readMember(reader, 'by'),
        epoch: reader.integer('epoch'),
        version: reader.integer('version'),
        members: readMembers(reader, 'members'),
      };
    case 'hand-over':
      return {
        type,
        partition: readPartition(reader),
        by: readMember(reader, 'by'),
        epoch: reader.integer('epoch'),
        version: reader.integer('version'),
        to: readNodeId(reader, 'to'),
      };
    case 'lose':
      return {
        type,
        partition: readPartition(reader),
        epoch: reader.integer('epoch'),
        member: readMember(reader, 'member'),
      };
    case 'place':
      return { type, moves: readMoves(reader) };
    case 'drain':
      return {
        type,
        node: readNodeId(reader, 'node'),
        boot: reader.integer('boot'),
        isDraining: reader.boolean('isDraining'),
        leaves: reader.boolean('leaves'),
      };
    case 'remove':
      return { type, node: readNodeId(reader, 'node') };
    case 'reset':
      return {
        type,
        partition: readPartition(reader),
        version: reader.integer('version'),
        givesUp: reader.boolean('givesUp'),
      };
    case 'set-settings':
      return { type, ...readTargets(reader) };
    case 'stop':
      return { type, node: readNodeId(reader, 'node'), boot: reader.integer('boot'), isOver: reader.boolean('isOver') };
    default:
      return unreachable(type);
  }
}

function writeClaims(writer: ValueWriter, claims: readonly Claim[]): void {
  writer.array(claims.length);
  for (const { partition, since, generation, filledInEpoch, wholeSince } of claims) {
    writer.array(5);
    writer.integer(partition);
    writer.integer(since);
    writer.integer(generation);
    writer.integer(filledInEpoch);
    writer.integer(wholeSince);
  }
}

function readClaims(reader: ValueReader): Claim[] {
  const claims: Claim[] = [];
  for (let left = reader.array('claims', 0, PARTITIONS_MAX); left > 0; left--) {
    reader.array('claim', 5, 5);
    claims.push({
      partition: readPartition(reader),
      since: reader.integer('since'),
      generation: reader.integer('generation'),
      filledInEpoch: reader.integer('filledInEpoch'),
      wholeSince: reader.integer('wholeSince'),
    });
  }
  return claims;
}

function readMoves(reader: ValueReader): Extract<ClusterCommand, { type: 'place' }>['moves'] {
  const moves = [];
  for (let left = reader.array('moves', 0, PARTITIONS_MAX); left > 0; left--) {
    reader.array('move', 3, 3);
    moves.push({
      partition: readPartition(reader),
      version: reader.integer('version'),
      replicas: readNodeIds(reader, 'replicas', COPIES_MAX),
    });
  }
  return moves;
}
