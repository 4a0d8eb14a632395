import type { ValueReader } from '../base/msgpack-reader.ts';
import type { ValueWriter } from '../base/msgpack-writer.ts';
import { FRESH, isNodeId, type Member, type NodeId } from './identity.ts';
import { MEMBERS_MAX, NODE_ID_BYTES_MAX } from './limits.ts';

/** How nodes and copies are written, on the bus and on disks. */

export function readNodeId(reader: ValueReader, field: string): NodeId {
  const id = reader.word(field, NODE_ID_BYTES_MAX);
  if (!isNodeId(id)) reader.fail(field, 'must be the name of a node');
  return id;
}

export function writeNodeIdOrNull(writer: ValueWriter, id: NodeId | null): void {
  if (id === null) writer.nil();
  else writer.string(id);
}

export function readNodeIdOrNull(reader: ValueReader, field: string): NodeId | null {
  return reader.nil(field) ? null : readNodeId(reader, field);
}

export function writeNodeIds(writer: ValueWriter, ids: readonly NodeId[]): void {
  writer.array(ids.length);
  for (const id of ids) writer.string(id);
}

export function readNodeIds(reader: ValueReader, field: string, countMax: number): NodeId[] {
  const ids: NodeId[] = [];
  for (let left = reader.array(field, 0, countMax); left > 0; left--) ids.push(readNodeId(reader, field));
  return ids;
}

export function writeMember(writer: ValueWriter, member: Member): void {
  writer.array(3);
  writer.string(member.node);
  writer.integer(member.boot);
  writer.integer(member.generation);
}

export function readMember(reader: ValueReader, field: string): Member {
  reader.array(field, 3, 3);
  return {
    node: readNodeId(reader, field),
    boot: reader.integer(field),
    generation: reader.integer(field, FRESH),
  };
}

export function writeMembers(writer: ValueWriter, members: readonly Member[]): void {
  writer.array(members.length);
  for (const member of members) writeMember(writer, member);
}

export function readMembers(reader: ValueReader, field: string): Member[] {
  const members: Member[] = [];
  for (let left = reader.array(field, 0, MEMBERS_MAX); left > 0; left--) members.push(readMember(reader, field));
  return members;
}
