import test from 'ava';
import { createShardLink } from '../../../../src/cluster/actor/shard-link.ts';
import { type ClusterState, emptyClusterState } from '../../../../src/cluster/controller/cluster-state.ts';
import { PartitionGates } from '../../../../src/cluster/partition-gates.ts';
import { defaultReplicationOptions } from '../../../../src/cluster/replication/replication-options.ts';
import { createDoorbell } from '../../../../src/mailbox/doorbell.ts';
import { Survivors } from '../../../../src/shard/replicated/survivors.ts';

const self = { node: 'a', boot: 4 };

/** Partition 0 of two, of which this node's copy was primary in epoch 3, with 9 as its last write. */
function survivorsOf(generation = 2): Survivors {
  const handle = PartitionGates.create(2);
  const gates = new PartitionGates(handle);
  gates.setGeneration(0, generation);
  gates.beginReign(0, 3, 8);
  gates.setLast(0, 9);
  const link = createShardLink({ shardBell: createDoorbell(), actorBell: createDoorbell(), messageBytesMax: 2 ** 16 });
  const data = { gates: handle, link, partitions: 2, first: 0, count: 2, recordBytesMax: 2 ** 15 };
  return new Survivors({ ...data, replication: defaultReplicationOptions }, gates);
}

function stateOf(version: number, others: readonly string[] = [], generation = 2): ClusterState {
  const inSync = ['a', ...others].map((node) => ({ node, boot: 4, generation }));
  const entry = { epoch: 3, version, primary: 'a', replicas: ['a'], inSync, resetEpoch: 1, losses: 0 };
  return { ...emptyClusterState, partitions: [entry] };
}

test('a copy goes on only once the version has moved since it asked, behind a number that nobody has', (t) => {
  const survivors = survivorsOf();
  t.true(survivors.has(0));
  t.false(survivors.has(1));
  t.is(survivors.judge(stateOf(7), self, 100).released.size, 0);
  t.is(survivors.askAtMs, 100);
  const [asked] = survivors.ask(stateOf(7), 100);
  t.like(asked, { type: 'alter-in-sync', partition: 0, epoch: 3, version: 7 });
  // Something else of the configuration has changed.
  t.is(survivors.judge(stateOf(7), self, 200).released.size, 0);
  const { released, lost } = survivors.judge(stateOf(8), self, 300);
  t.deepEqual(released.get(0), { generation: 2, kept: { epoch: 3, last: 10, resetEpoch: 1 } });
  t.deepEqual(lost, []);
  t.true(survivors.isEmpty);
  t.is(survivors.askAtMs, Number.POSITIVE_INFINITY);
});

test('a copy is lost when others are in sync, or another filling of it is', (t) => {
  t.deepEqual(survivorsOf().judge(stateOf(7, ['b']), self, 100).lost, [0]);
  t.deepEqual(survivorsOf().judge(stateOf(7, [], 1), self, 100).lost, [0]);
  const late = survivorsOf();
  late.judge(stateOf(7), self, 100);
  t.deepEqual(late.judge(stateOf(8, ['b']), self, 100).lost, [0]);
});
