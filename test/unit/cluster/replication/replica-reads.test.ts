import test from 'ava';
import { settledCluster } from './cluster-of-copies.ts';

test('a copy in touch with its primary is fresh, and one that is cut off grows stale', (t) => {
  const cluster = settledCluster();
  const { copy } = cluster.at('b');
  t.is(copy.replicaReadRefusal(cluster.nowMs, 250, null), null);
  cluster.nowMs += 500;
  t.deepEqual(copy.replicaReadRefusal(cluster.nowMs, 250, null), { reason: 'stale', primary: 'a', isRetryable: true });
  t.is(copy.replicaReadRefusal(cluster.nowMs, 1000, null), null);
});

test('a primary without a lease vouches for nothing', (t) => {
  const cluster = settledCluster();
  cluster.at('a').lease.endsAtMs = cluster.nowMs;
  cluster.run(500);
  t.is(cluster.copy('b').replicaReadRefusal(cluster.nowMs, 250, null)?.reason, 'stale');
});

test('a new primary vouches for nothing before its tail is confirmed', (t) => {
  const cluster = settledCluster({ nodes: ['a', 'b', 'c', 'd'] });
  for (let key = 0; key < 3; key++) cluster.write('a', key, key);
  // a acknowledges; the others hear of the commit no more.
  cluster.flushAll();
  for (const letter of cluster.take(() => true)) cluster.hand(letter);
  cluster.flushAll();
  for (const letter of cluster.take(() => true)) cluster.hand(letter);
  cluster.bag = [];
  t.is(cluster.at('a').told, 3);
  cluster.stop('a');
  cluster.fence('a');
  cluster.run(400, ({ from }) => from !== 'd');
  t.is(cluster.copy('b').role, 'primary');
  t.is(cluster.copy('b').committed, 0, 'd has not confirmed it');
  const { copy } = cluster.at('c');
  t.is(copy.applied, 0);
  t.is(copy.replicaReadRefusal(cluster.nowMs, 250, null)?.reason, 'stale');
  cluster.run(500);
  t.is(copy.applied, 3);
  t.is(copy.replicaReadRefusal(cluster.nowMs, 250, null), null);
});

test('a token makes a reader see his own write', (t) => {
  const cluster = settledCluster();
  const { copy } = cluster.at('b');
  const seq = cluster.write('a', 1, 10);
  const { epoch } = cluster.copy('a');
  t.deepEqual(copy.replicaReadRefusal(cluster.nowMs, 1e9, { epoch, seq }), {
    reason: 'before-token',
    primary: 'a',
    isRetryable: true,
  });
  cluster.run(300);
  t.is(copy.replicaReadRefusal(cluster.nowMs, 1e9, { epoch, seq }), null);
  t.is(copy.replicaReadRefusal(cluster.nowMs, 1e9, { epoch: epoch + 1, seq })?.reason, 'before-token');
  t.is(copy.replicaReadRefusal(cluster.nowMs, 1e9, { epoch: 0, seq: 99 }), null, 'what was lost is not waited for');
});

test('a primary is to be read as one, and a node without a copy not at all', (t) => {
  const cluster = settledCluster({ nodes: ['a', 'b', 'c', 'd'], replicas: ['a', 'b', 'c'] });
  t.is(cluster.copy('a').replicaReadRefusal(cluster.nowMs, 1e9, null)?.reason, 'is-primary');
  t.is(cluster.copy('d').replicaReadRefusal(cluster.nowMs, 1e9, null)?.reason, 'not-ready');
});
