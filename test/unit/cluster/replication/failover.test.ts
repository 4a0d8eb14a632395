import test from 'ava';
import { type ClusterOfCopies, membersOf, settledCluster } from './cluster-of-copies.ts';

/** a has written `count` records that b and c have, and that are not known to be committed anywhere. */
function withTail(cluster: ClusterOfCopies, count: number): void {
  for (let key = 0; key < count; key++) cluster.write('a', key, key + 100);
  cluster.copy('a').flush(cluster.nowMs);
  for (const letter of cluster.take(({ from }) => from === 'a')) cluster.hand(letter);
  cluster.bag = [];
}

test('a new primary serves what its predecessor acknowledged, and acknowledges its tail once the others confirm it', (t) => {
  const cluster = settledCluster();
  withTail(cluster, 3);
  cluster.stop('a');
  cluster.fence('a');
  cluster.learnAll();
  const { copy } = cluster.at('b');
  t.is(copy.role, 'primary');
  t.is(copy.epochStart, 3);
  t.is(cluster.at('b').store.get(2), 102, 'the whole tail is in its store');
  t.is(copy.pendingSeq(2), 3);
  t.is(copy.committed, 0);
  cluster.flushAll();
  cluster.rest(({ to }) => to !== 'b');
  t.is(copy.committed, 0);
  const member = { node: 'c', boot: 1, generation: 0 };
  const ack = {
    type: 'ack',
    partition: 0,
    epoch: copy.epoch,
    member,
    seq: 1,
    isClean: true,
    version: 99,
    stamp: 1,
  } as const;
  cluster.hand({ from: 'c', to: 'b', message: ack });
  t.is(copy.committed, 0, 'a part of the tail is not enough');
  cluster.run(200);
  t.is(copy.committed, 3);
  t.is(copy.pendingSeq(2), 0);
  t.is(cluster.at('c').store.get(2), 102);
});

test('a deposed primary is told, stops, throws its copy away, and is filled anew', (t) => {
  const cluster = settledCluster();
  // Only a has this write, and nobody will.
  cluster.write('a', 1, 66);
  cluster.fence('a');
  cluster.learn('b');
  cluster.learn('c');
  cluster.write('b', 1, 77);
  const { generation } = cluster.copy('a');
  t.is(cluster.copy('a').role, 'primary');
  cluster.copy('a').flush(cluster.nowMs);
  for (const letter of cluster.take(({ from }) => from === 'a')) cluster.hand(letter);
  for (const letter of cluster.take(({ message }) => message.type === 'nack')) cluster.hand(letter);
  t.is(cluster.copy('a').role, 'replica');
  t.deepEqual(cluster.at('a').abandoned, [0]);
  t.is(cluster.copy('a').writeRefusal(cluster.nowMs)?.reason, 'not-primary');
  cluster.unfence('a');
  cluster.run(2000);
  t.is(cluster.copy('a').generation, generation + 1);
  t.is(cluster.at('a').store.get(1), 77);
  t.is(cluster.entry.inSync.length, 3);
});

test('the only copy in sync keeps what it wrote when it is cut off, is told of a later epoch first, and comes back', (t) => {
  const cluster = settledCluster();
  cluster.stop('b');
  cluster.stop('c');
  cluster.fence('b');
  cluster.fence('c');
  cluster.rest();
  cluster.at('a').lease.endsAtMs = cluster.nowMs;
  const { copy } = cluster.at('a');
  t.is(copy.writeRefusal(cluster.nowMs)?.reason, 'no-lease');
  // A write that was taken just before waits; then the node is fenced, is heard again, and others know it first.
  cluster.at('a').store.set(1, 10);
  copy.append([1], Uint8Array.of(1, 10), cluster.nowMs);
  cluster.fence('a');
  t.is(cluster.entry.primary, null);
  cluster.start('b');
  cluster.unfence('a');
  t.is(cluster.entry.primary, 'a');
  cluster.learn('b');
  cluster.run(300, ({ to }) => to !== 'nobody');
  cluster.at('a').lease.endsAtMs = 1e9;
  cluster.run(2000);
  t.is(cluster.at('a').clears, 0);
  t.is(cluster.at('a').store.get(1), 10);
  t.is(cluster.at('b').store.get(1), 10);
});

test('a primary that hears of a later epoch keeps its copy until another primary shows itself', (t) => {
  const cluster = settledCluster();
  cluster.write('a', 1, 10);
  const { copy } = cluster.at('a');
  const member = { node: 'b', boot: 1, generation: 0 };
  const nack = { type: 'nack', partition: 0, epoch: 9, member, reason: 'newer-epoch', seq: 0, ask: 0 } as const;
  cluster.hand({ from: 'b', to: 'a', message: nack });
  t.is(copy.role, 'replica');
  t.is(copy.last, 1);
  t.false(copy.isClean);
  const append = { type: 'append', partition: 0, epoch: 9, previousSeq: 0, previousEpoch: 0, records: [] } as const;
  cluster.hand({ from: 'b', to: 'a', message: { ...append, committed: 0, echo: -1 } });
  t.is(copy.last, 0);
  t.is(copy.generation, 1 + cluster.copy('b').generation);
});

test('a copy keeps what it has from an earlier epoch, and gives up only what differs', (t) => {
  const cluster = settledCluster();
  withTail(cluster, 2);
  // c alone gets two more of the first primary.
  cluster.write('a', 7, 70);
  cluster.write('a', 8, 80);
  cluster.copy('a').flush(cluster.nowMs);
  for (const letter of cluster.take(({ to }) => to === 'c')) cluster.hand(letter);
  cluster.bag = [];
  t.is(cluster.copy('c').last, 4);
  cluster.stop('a');
  cluster.fence('a');
  cluster.run(10);
  t.is(cluster.copy('b').role, 'primary');
  t.is(cluster.copy('c').last, 4, 'nothing is given up for a new epoch alone');
  t.is(cluster.copy('b').committed, 2);
  cluster.write('b', 9, 90);
  cluster.run(200);
  t.is(cluster.copy('c').last, 3);
  t.is(cluster.copy('c').record(3)?.epoch, cluster.entry.epoch);
  t.false(cluster.at('c').store.has(7));
  t.is(cluster.at('c').clears, 0);
});

test('a stale primary acknowledges nothing that its successor may not have', (t) => {
  const cluster = settledCluster();
  cluster.fence('a');
  cluster.learn('b');
  cluster.learn('c');
  const seq = cluster.write('a', 1, 10);
  cluster.flushAll();
  for (let round = 0; round < 5; round++) for (const letter of cluster.take(() => true)) cluster.hand(letter);
  t.true(cluster.at('a').told < seq);
});

test('an entry that is older than what a message told of makes nobody primary', (t) => {
  const cluster = settledCluster();
  cluster.fence('a');
  const named = cluster.states.length;
  cluster.fence('b');
  t.is(cluster.entry.primary, 'c');
  cluster.learn('c');
  cluster.flushAll();
  for (const letter of cluster.take(({ from }) => from === 'c')) cluster.hand(letter);
  cluster.learn('b', named);
  t.is(cluster.copy('b').role, 'replica');
  t.is(cluster.copy('b').epoch, cluster.entry.epoch);
});

test('of two that claim an epoch a copy follows the one that the entry names', (t) => {
  const cluster = settledCluster();
  const { epoch } = cluster.copy('a');
  const records = [{ seq: 1, epoch, keys: [], effect: Uint8Array.of(1, 1) }];
  const append = {
    type: 'append',
    partition: 0,
    epoch,
    previousSeq: 0,
    previousEpoch: 0,
    committed: 1,
    echo: -1,
  } as const;
  cluster.hand({ from: 'c', to: 'b', message: { ...append, records } });
  cluster.hand({ from: 'c', to: 'a', message: { ...append, records } });
  t.is(cluster.copy('b').last, 0);
  t.is(cluster.copy('a').role, 'primary');
});

test('a restarted node is another copy: it is filled from the beginning, and joins', (t) => {
  const cluster = settledCluster();
  for (let key = 0; key < 5; key++) cluster.write('a', key, key);
  cluster.run(100);
  cluster.stop('b');
  cluster.start('b');
  t.deepEqual(membersOf(cluster.entry), ['a', 'c']);
  cluster.run(1000);
  t.deepEqual(membersOf(cluster.entry).sort(), ['a', 'b', 'c']);
  t.deepEqual(cluster.at('b').contents, cluster.at('a').contents);
});

test('a copy does not confirm what follows a record that differs from its own', (t) => {
  const cluster = settledCluster();
  withTail(cluster, 3);
  const { epoch } = cluster.copy('c');
  const append = { type: 'append', partition: 0, epoch: epoch + 1, records: [], committed: 0, echo: -1 } as const;
  cluster.hand({ from: 'b', to: 'c', message: { ...append, previousSeq: 3, previousEpoch: epoch + 1 } });
  cluster.flushAll();
  const [answer, ...others] = cluster.take(({ from }) => from === 'c');
  t.like(answer?.message, { type: 'nack', reason: 'gap', seq: cluster.copy('c').committed });
  t.deepEqual(others, []);
  t.is(cluster.copy('c').last, 3, 'it may still be right');
});
