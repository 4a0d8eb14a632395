import { ValueReader } from '../../base/msgpack-reader.ts';
import { ValueWriter } from '../../base/msgpack-writer.ts';
import { readPartition } from '../controller/state-fields.ts';
import { readNodeId } from '../identity-fields.ts';
import { MEMBERS_MAX, PARTITIONS_MAX } from '../limits.ts';
import type { CopyStatus } from './cluster-view.ts';

/**
 * What a shard tells of its copies, as an array of arrays: partition, number of the role, epoch, last, committed, keys,
 * and the followers one behind the other: node, acked + 1, whether it is being filled.
 */

const roles = ['none', 'replica', 'primary', 'handing-over'] as const;
const FIELDS = 7;
const FOLLOWER_FIELDS = 3;

const writer = new ValueWriter();

export function encodeCopyStatus(copies: readonly CopyStatus[]): Uint8Array {
  writer.clear();
  writer.array(copies.length);
  for (const { partition, role, epoch, last, committed, keys, followers } of copies) {
    writer.array(FIELDS);
    writer.integer(partition);
    writer.integer(roles.indexOf(role));
    writer.integer(epoch);
    writer.integer(last);
    writer.integer(committed);
    writer.integer(keys);
    writer.array(FOLLOWER_FIELDS * followers.length);
    for (const { node, acked, isFilling } of followers) {
      writer.string(node);
      // -1: nothing is known of it.
      writer.integer(acked + 1);
      writer.boolean(isFilling);
    }
  }
  return writer.copy();
}

/** Throws a `DecodeError` for anything but what {@link encodeCopyStatus} makes. */
export function decodeCopyStatus(bytes: Uint8Array): CopyStatus[] {
  const reader = new ValueReader(bytes);
  const copies: CopyStatus[] = [];
  for (let left = reader.array('copies', 0, PARTITIONS_MAX); left > 0; left--) {
    reader.array('copy', FIELDS, FIELDS);
    copies.push({
      partition: readPartition(reader),
      role: reader.oneOf('role', roles),
      epoch: reader.integer('epoch'),
      last: reader.integer('last'),
      committed: reader.integer('committed'),
      keys: reader.integer('keys'),
      followers: readFollowers(reader),
    });
  }
  reader.end('copies');
  return copies;
}

function readFollowers(reader: ValueReader): CopyStatus['followers'] {
  const followers: { node: string; acked: number; isFilling: boolean }[] = [];
  for (let left = reader.array('followers', 0, FOLLOWER_FIELDS * 2 * MEMBERS_MAX); left > 0; left -= FOLLOWER_FIELDS) {
    followers.push({
      node: readNodeId(reader, 'follower'),
      acked: reader.integer('acked') - 1,
      isFilling: reader.boolean('isFilling'),
    });
  }
  return followers;
}
