import test from 'ava';
import { type ClusterOfCopies, membersOf, settledCluster } from './cluster-of-copies.ts';

/** a is primary, all are in sync, and from now on b is the preferred one. What is asked for is not decided. */
function withBetterPlace(): ClusterOfCopies {
  const cluster = settledCluster();
  cluster.place(['b', 'a', 'c']);
  cluster.learnAll();
  return cluster;
}

function runUndecided(cluster: ClusterOfCopies, ms: number, isDelivered = (_: { from: string; to: string }) => true) {
  const untilMs = cluster.nowMs + ms;
  while (cluster.nowMs < untilMs) {
    cluster.nowMs += 10;
    for (const { copy } of cluster.nodes.values()) copy.tick(cluster.nowMs);
    for (const letter of cluster.take(() => true)) if (isDelivered(letter)) cluster.hand(letter);
    cluster.flushAll();
  }
}

function typesOf(cluster: ClusterOfCopies): string[] {
  return cluster.proposals.map(({ command }) => command.type);
}

test('the preferred copy becomes primary once it is in sync, and nobody has to be filled for it', (t) => {
  const cluster = withBetterPlace();
  cluster.run(500);
  t.is(cluster.entry.primary, 'b');
  t.deepEqual(membersOf(cluster.entry), ['a', 'b', 'c']);
  t.deepEqual(
    ['a', 'b', 'c'].map((node) => cluster.at(node).clears),
    [0, 0, 0],
  );
  cluster.write('b', 1, 10);
  cluster.run(200);
  t.is(cluster.at('a').store.get(1), 10);
});

test('writes stop until all are acknowledged; then nothing is answered until the entry moves', (t) => {
  const cluster = settledCluster();
  const { copy } = cluster.at('a');
  cluster.write('a', 1, 10);
  cluster.place(['b', 'a', 'c']);
  cluster.learn('a');
  copy.flush(cluster.nowMs);
  t.is(copy.role, 'handing-over');
  t.deepEqual(copy.writeRefusal(cluster.nowMs), { reason: 'handing-over', primary: 'b', isRetryable: true });
  t.is(copy.readRefusal(cluster.nowMs), null, 'reads go on');
  t.false(typesOf(cluster).includes('hand-over'));
  runUndecided(cluster, 50);
  t.is(cluster.at('a').told, 1);
  t.true(typesOf(cluster).includes('hand-over'));
  t.is(copy.readRefusal(cluster.nowMs)?.reason, 'handing-over');
  t.throws(() => copy.append([], new Uint8Array(), cluster.nowMs), { message: /takes no writes/ });
});

test('a hand-over of which nothing is heard stays in force, and is called off in the end', (t) => {
  const cluster = withBetterPlace();
  runUndecided(cluster, 900);
  t.true(typesOf(cluster).filter((type) => type === 'hand-over').length > 2, 'it is repeated');
  t.is(cluster.copy('a').readRefusal(cluster.nowMs)?.reason, 'handing-over');
  cluster.proposals.length = 0;
  runUndecided(cluster, 500);
  t.true(typesOf(cluster).includes('alter-in-sync'));
  t.is(cluster.copy('a').readRefusal(cluster.nowMs)?.reason, 'handing-over', 'the request may still be applied');
  const { version } = cluster.entry;
  cluster.decide();
  t.is(cluster.entry.version, version + 1, 'one of both is applied, and the rest is dead');
  t.is(cluster.entry.primary, 'a');
  cluster.learnAll();
  t.is(cluster.copy('a').writeRefusal(cluster.nowMs), null);
  runUndecided(cluster, 500);
  t.deepEqual(typesOf(cluster), [], 'it does not try again at once');
  cluster.run(3000);
  t.is(cluster.entry.primary, 'b');
});

test('any other change of the entry refuses the hand-over, and the primary goes on', (t) => {
  const cluster = withBetterPlace();
  cluster.flushAll();
  t.deepEqual(typesOf(cluster), ['hand-over']);
  cluster.place(['b', 'a']);
  t.is(cluster.decide().length, 1);
  cluster.learnAll();
  t.is(cluster.copy('a').role, 'primary');
  t.is(cluster.copy('a').writeRefusal(cluster.nowMs), null);
});

test('a hand-over whose writes are not acknowledged in time is given up', (t) => {
  const cluster = settledCluster();
  cluster.write('a', 1, 10);
  cluster.place(['b', 'a', 'c']);
  cluster.learn('a');
  runUndecided(cluster, 350, ({ from, to }) => from !== 'c' && to !== 'c');
  t.false(typesOf(cluster).includes('hand-over'));
  t.is(cluster.copy('a').role, 'primary');
  t.is(cluster.copy('a').writeRefusal(cluster.nowMs), null);
});

test('nothing is handed to a copy that is fenced, behind, or not in sync', (t) => {
  const cluster = settledCluster();
  cluster.stop('b');
  cluster.start('b');
  cluster.place(['b', 'a', 'c']);
  cluster.learnAll();
  cluster.flushAll();
  t.is(cluster.copy('a').role, 'primary');

  const silent = settledCluster();
  runUndecided(silent, 400, ({ from }) => from !== 'b');
  silent.place(['b', 'a', 'c']);
  silent.learn('a');
  runUndecided(silent, 50, ({ from }) => from !== 'b');
  t.is(silent.copy('a').role, 'primary');
});

test('a primary that should be elsewhere hands over to a copy that is placed, and leaves', (t) => {
  const cluster = settledCluster({ nodes: ['a', 'b', 'c', 'd'], replicas: ['a', 'b', 'c'] });
  cluster.write('a', 1, 10);
  cluster.run(100);
  cluster.place(['d', 'b', 'c']);
  cluster.run(3000);
  t.is(cluster.entry.primary, 'd');
  t.deepEqual(membersOf(cluster.entry).sort(), ['b', 'c', 'd']);
  t.is(cluster.copy('a').role, 'none');
  t.is(cluster.at('d').store.get(1), 10);
});
