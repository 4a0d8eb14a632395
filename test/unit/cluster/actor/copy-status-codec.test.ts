import test from 'ava';
import { DecodeError } from '../../../../src/base/msgpack-reader.ts';
import type { CopyStatus } from '../../../../src/cluster/actor/cluster-view.ts';
import { decodeCopyStatus, encodeCopyStatus } from '../../../../src/cluster/actor/copy-status-codec.ts';

const copies: CopyStatus[] = [
  { partition: 0, role: 'none', epoch: 0, last: 0, committed: 0, keys: 0, followers: [] },
  {
    partition: 16_383,
    role: 'handing-over',
    epoch: 70_000,
    last: 2 ** 40,
    committed: 2 ** 40 - 1,
    keys: 12,
    followers: [
      { node: 'b', acked: -1, isFilling: true },
      { node: 'c', acked: 99, isFilling: false },
    ],
  },
];

test('what a shard tells of its copies comes out as it went in', (t) => {
  t.deepEqual(decodeCopyStatus(encodeCopyStatus(copies)), copies);
  t.deepEqual(decodeCopyStatus(encodeCopyStatus([])), []);
});

test('half a report is refused', (t) => {
  const bytes = encodeCopyStatus(copies);
  t.throws(() => decodeCopyStatus(bytes.subarray(0, bytes.length - 1)), { instanceOf: DecodeError });
});
