import test from 'ava';
import { FRESH } from '../../../../src/cluster/identity.ts';
import { membersOf, settledCluster } from './cluster-of-copies.ts';

test('a copy that lost its memory says so until it is no longer named, and acknowledges nothing meanwhile', (t) => {
  const cluster = settledCluster();
  cluster.at('b').copy.loseData(cluster.nowMs);
  t.is(cluster.copy('b').generation, 1);
  cluster.write('a', 1, 10);
  for (let step = 0; step < 50; step++) {
    cluster.nowMs += 10;
    cluster.flushAll();
    for (const { copy } of cluster.nodes.values()) copy.tick(cluster.nowMs);
    t.false(cluster.bag.some(({ from }) => from === 'b'));
    for (const letter of cluster.take(() => true)) cluster.hand(letter);
  }
  const loses = cluster.proposals.map(({ command }) => command).filter(({ type }) => type === 'lose');
  t.true(loses.length > 1);
  t.like(loses[0], { member: { node: 'b', boot: 1, generation: 0 } });
  t.is(cluster.at('a').told, 0);
  cluster.run(1000);
  t.is(cluster.entry.inSync.find(({ node }) => node === 'b')?.generation, 1);
  t.is(cluster.at('b').store.get(1), 10);
});

test('a primary that lost its memory stops, and another one takes over', (t) => {
  const cluster = settledCluster();
  cluster.write('a', 1, 10);
  cluster.run(200);
  cluster.write('a', 2, 20);
  cluster.at('a').copy.loseData(cluster.nowMs);
  t.deepEqual(cluster.at('a').abandoned, [1]);
  t.not(cluster.copy('a').writeRefusal(cluster.nowMs), null);
  cluster.run(2000);
  t.true(cluster.at('a').store.get(1) === 10, 'it was filled again');
  t.is(cluster.entry.inSync.length, 3);
});

test('a copy that is named primary but lost what it was named for does not act', (t) => {
  const cluster = settledCluster();
  cluster.write('a', 1, 10);
  cluster.run(200);
  cluster.at('b').copy.loseData(cluster.nowMs);
  cluster.fence('a');
  t.is(cluster.entry.primary, 'b');
  cluster.learnAll();
  t.is(cluster.copy('b').role, 'replica');
  t.not(cluster.copy('b').readRefusal(cluster.nowMs), null);
  cluster.run(1000);
  t.is(cluster.entry.primary, 'c');
  t.is(cluster.at('c').store.get(1), 10);
});

test('the last copy gone, the partition is lost and says so', (t) => {
  const cluster = settledCluster({ nodes: ['a', 'b'], replicas: ['a'] });
  cluster.write('a', 1, 10);
  cluster.run(100);
  cluster.at('a').copy.loseData(cluster.nowMs);
  cluster.run(1000);
  t.deepEqual(membersOf(cluster.entry), []);
  t.is(cluster.entry.losses, 1);
  t.deepEqual(cluster.copy('a').readRefusal(cluster.nowMs), { reason: 'lost', primary: null, isRetryable: false });
});

test('a partition that begins anew does not show what an old copy holds', (t) => {
  const cluster = settledCluster({ nodes: ['a', 'b', 'c'], replicas: ['a', 'b'], settings: { onLoss: 'reset' } });
  cluster.write('a', 1, 10);
  cluster.run(200);
  // b is cut off with a copy; a, alone in the set by now, dies.
  cluster.fence('b');
  cluster.rest(({ from, to }) => from !== 'b' && to !== 'b');
  const seen = cluster.at('b').seen;
  cluster.stop('a');
  cluster.start('a');
  t.is(cluster.entry.losses, 1);
  t.is(cluster.entry.inSync[0]?.generation, FRESH);
  cluster.learn('a');
  // Messages of the new life come before its entry: b neither confirms them as a clean copy nor answers reads.
  cluster.at('b').seen = cluster.states.length;
  for (let step = 0; step < 30; step++) {
    cluster.nowMs += 10;
    cluster.copy('a').tick(cluster.nowMs);
    cluster.copy('b').tick(cluster.nowMs);
    for (const { message } of cluster.bag) t.false(message.type === 'ack' && message.isClean);
    for (const letter of cluster.take(() => true)) cluster.hand(letter);
    t.not(cluster.copy('b').replicaReadRefusal(cluster.nowMs, 1e9, null), null);
  }
  t.is(cluster.copy('b').epoch, cluster.entry.epoch);
  cluster.at('b').seen = seen;
  cluster.unfence('b');
  cluster.run(2000);
  t.is(cluster.entry.inSync.length, 2);
  t.is(cluster.at('b').store.size, 0);
});

test('a fresh beginning is taken up once: after a loss the same entry makes nobody primary', (t) => {
  const cluster = settledCluster({ nodes: ['a'], replicas: ['a'], settings: { onLoss: 'offline' } });
  cluster.write('a', 1, 10);
  cluster.run(100);
  t.is(cluster.entry.inSync[0]?.generation, FRESH);
  cluster.at('a').copy.loseData(cluster.nowMs);
  t.is(cluster.copy('a').role, 'replica');
  cluster.run(500);
  t.is(cluster.entry.primary, null);
  cluster.apply({ type: 'reset', partition: 0, version: cluster.entry.version, givesUp: false });
  cluster.run(500);
  t.is(cluster.copy('a').role, 'primary');
  t.is(cluster.at('a').store.size, 0);
});

test('a node replaying entries of its earlier starts says nothing', (t) => {
  const cluster = settledCluster();
  cluster.stop('b');
  cluster.start('b');
  cluster.learn('b', cluster.states.length - 1);
  cluster.flushAll();
  t.deepEqual(cluster.proposals, []);
});

test('an offline partition is told from a lost one', (t) => {
  const cluster = settledCluster({ nodes: ['a', 'b'], replicas: ['a'] });
  cluster.fence('a');
  cluster.learnAll();
  const expected = { reason: 'offline', primary: null, isRetryable: true };
  t.deepEqual(cluster.copy('a').writeRefusal(cluster.nowMs), expected);
  t.deepEqual(cluster.copy('b').readRefusal(cluster.nowMs), expected);
});

test('a copy that may be of an earlier life confirms nothing that it cannot compare', (t) => {
  const cluster = settledCluster({ nodes: ['a', 'b'], options: { retainedBytesMax: 100 } });
  for (let key = 0; key < 5; key++) {
    cluster.write('a', key, key);
    cluster.run(150);
  }
  const { copy } = cluster.at('b');
  t.true(copy.trimmed > 2);
  // A later epoch, of which b knows no entry: its record 1 is not the one that b had and keeps no more.
  const epoch = copy.epoch + 1;
  const records = [{ seq: 1, epoch, keys: [], effect: Uint8Array.of(9, 9) }];
  const append = {
    type: 'append',
    partition: 0,
    epoch,
    previousSeq: 0,
    previousEpoch: 0,
    committed: 0,
    echo: -1,
  } as const;
  cluster.hand({ from: 'a', to: 'b', message: { ...append, records } });
  copy.flush(cluster.nowMs);
  t.deepEqual(
    cluster.take(({ from }) => from === 'b'),
    [],
  );
});
