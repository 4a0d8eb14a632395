import test from 'ava';
import { ClusterOfCopies, membersOf, settledCluster } from './cluster-of-copies.ts';

const without = (node: string) => (letter: { from: string; to: string }) => letter.from !== node && letter.to !== node;

/** Runs without anything being decided; the proposals stay. */
function runUndecided(cluster: ClusterOfCopies, ms: number, isDelivered = (_: { from: string; to: string }) => true) {
  const untilMs = cluster.nowMs + ms;
  while (cluster.nowMs < untilMs) {
    cluster.nowMs += 10;
    for (const { copy } of cluster.nodes.values()) copy.tick(cluster.nowMs);
    for (const letter of cluster.take(() => true)) if (isDelivered(letter)) cluster.hand(letter);
    cluster.readChunks();
    cluster.flushAll();
  }
}

function setsOf(cluster: ClusterOfCopies): string[] {
  return cluster.proposals.map(({ command }) =>
    command.type === 'alter-in-sync' ? command.members.map(({ node }) => node).join('') : command.type,
  );
}

test('a new partition begins on its first replica, and the others join when they have everything', (t) => {
  const cluster = settledCluster();
  t.is(cluster.entry.primary, 'a');
  t.deepEqual(membersOf(cluster.entry), ['a', 'b', 'c']);
  t.true(
    cluster.entry.inSync.every(({ generation }) => generation >= 0),
    'the first set that changes names the beginner by its real generation',
  );
});

test('a copy that is silent leaves the set; until that is committed nothing is acknowledged without it', (t) => {
  const cluster = settledCluster();
  const seq = cluster.write('a', 1, 10);
  runUndecided(cluster, 450, without('c'));
  t.deepEqual(setsOf(cluster), []);
  runUndecided(cluster, 200, without('c'));
  t.true(setsOf(cluster).includes('ab'));
  t.true(cluster.at('a').told < seq);
  cluster.decide();
  t.deepEqual(membersOf(cluster.entry), ['a', 'b']);
  t.true(cluster.at('a').told < seq);
  cluster.learn('a');
  t.is(cluster.at('a').told, seq);
});

test('a set is not made smaller than could acknowledge anything', (t) => {
  const cluster = settledCluster({ settings: { minInSync: 2 } });
  cluster.write('a', 1, 10);
  cluster.run(3000, ({ from, to }) => from !== 'b' && to !== 'b' && from !== 'c' && to !== 'c');
  t.is(cluster.entry.inSync.length, 2);
  t.is(cluster.at('a').told, 0);
  cluster.run(3000);
  t.deepEqual(membersOf(cluster.entry).sort(), ['a', 'b', 'c']);
  t.is(cluster.at('a').told, 1);
});

test('with fewer copies in sync than wanted writes are refused, and what was written stays unacknowledged', (t) => {
  const cluster = settledCluster({ settings: { minInSync: 2 } });
  cluster.stop('c');
  cluster.fence('c');
  cluster.learnAll();
  const seq = cluster.write('a', 1, 10);
  cluster.stop('b');
  cluster.fence('b');
  cluster.run(1000);
  t.deepEqual(membersOf(cluster.entry), ['a']);
  t.is(cluster.copy('a').writeRefusal(cluster.nowMs)?.reason, 'too-few-in-sync');
  t.true(cluster.at('a').told < seq);
  t.is(cluster.copy('a').pendingSeq(1), seq);
  t.is(cluster.copy('a').committed, seq, 'it cannot be undone, so others can join with it');
});

test('a set that became too small grows again, although what waits in it is not acknowledged', (t) => {
  const cluster = settledCluster({ settings: { minInSync: 2 }, options: { retainedBytesMax: 100 } });
  for (let key = 0; key < 20; key++) cluster.write('a', key, key);
  cluster.run(100);
  cluster.stop('b');
  cluster.stop('c');
  const seq = cluster.write('a', 1, 99);
  cluster.fence('b');
  cluster.fence('c');
  cluster.run(1000);
  t.deepEqual(membersOf(cluster.entry), ['a']);
  // The new copy is filled by a snapshot, which shows the write that waits.
  cluster.start('b');
  cluster.run(3000);
  t.deepEqual(membersOf(cluster.entry).sort(), ['a', 'b']);
  t.is(cluster.at('a').told, seq);
});

test('every copy of a set that was asked for is needed until the version moves', (t) => {
  const cluster = settledCluster();
  cluster.stop('c');
  cluster.start('c');
  cluster.learnAll();
  t.deepEqual(membersOf(cluster.entry), ['a', 'b']);
  // c catches up and is asked for; nobody knows what comes of it.
  runUndecided(cluster, 300);
  t.true(setsOf(cluster).includes('abc'));
  const seq = cluster.write('a', 1, 10);
  runUndecided(cluster, 100, without('c'));
  t.true(cluster.at('a').told < seq, 'c may be in the set already');
  // Silent again, it is no longer wanted: the present set is asked for, which kills the other request.
  cluster.proposals.length = 0;
  runUndecided(cluster, 800, without('c'));
  t.is(setsOf(cluster).at(-1), 'ab');
  t.true(cluster.at('a').told < seq);
  cluster.proposals.splice(0, cluster.proposals.length - 1);
  const { version } = cluster.entry;
  cluster.decide();
  t.is(cluster.entry.version, version + 1);
  cluster.learn('a');
  t.is(cluster.at('a').told, seq);
});

test('a request for a set is repeated until something comes of it', (t) => {
  const cluster = settledCluster();
  runUndecided(cluster, 1200, without('c'));
  t.true(setsOf(cluster).filter((set) => set === 'ab').length >= 3);
  t.deepEqual([...new Set(setsOf(cluster))], ['ab']);
});

test('a copy may not join before it has what an earlier primary may have acknowledged', (t) => {
  const cluster = settledCluster({ nodes: ['a', 'b', 'c', 'd'], replicas: ['a', 'b', 'c'] });
  // All have a write, which a acknowledges; the others hear of the commit no more.
  const seq = cluster.write('a', 1, 10);
  cluster.flushAll();
  for (const letter of cluster.take(() => true)) cluster.hand(letter);
  cluster.flushAll();
  for (const letter of cluster.take(({ to }) => to === 'a')) cluster.hand(letter);
  t.is(cluster.at('a').told, seq);
  cluster.bag = [];
  cluster.place(['b', 'c', 'd']);
  cluster.stop('a');
  cluster.fence('a');
  cluster.learnAll();
  t.is(cluster.copy('b').role, 'primary');
  const { epoch } = cluster.copy('b');
  // d says it is clean and stands at the beginning, where b knows of no more that is committed.
  const member = { node: 'd', boot: 1, generation: 0 };
  const ack = { type: 'ack', partition: 0, epoch, member, seq: seq - 1, isClean: true, version: 99, stamp: 1 } as const;
  cluster.hand({ from: 'd', to: 'b', message: ack });
  cluster.copy('b').tick(cluster.nowMs);
  t.false(setsOf(cluster).some((set) => set.includes('d')));
  cluster.hand({ from: 'd', to: 'b', message: { ...ack, seq } });
  cluster.copy('b').tick(cluster.nowMs);
  t.true(setsOf(cluster).includes('bcd'));
});

test('a copy moves: the new one joins first, then the old one leaves', (t) => {
  const cluster = settledCluster({ nodes: ['a', 'b', 'c', 'd'], replicas: ['a', 'b', 'c'] });
  cluster.write('a', 1, 10);
  cluster.run(100);
  cluster.place(['a', 'b', 'd']);
  const sizes: number[] = [];
  for (let step = 0; step < 100; step++) {
    cluster.run(20);
    sizes.push(cluster.entry.inSync.length);
  }
  t.deepEqual(membersOf(cluster.entry).sort(), ['a', 'b', 'd']);
  t.true(Math.min(...sizes) === 3);
  t.is(cluster.copy('c').role, 'none');
  t.is(cluster.at('c').store.size, 0, 'its memory is given back');
  t.is(cluster.at('d').store.get(1), 10);
});

test('a primary that slept does not take it out on the others', (t) => {
  const cluster = settledCluster();
  cluster.nowMs += 5000;
  cluster.copy('a').tick(cluster.nowMs);
  t.deepEqual(setsOf(cluster), []);
  cluster.run(1000);
  t.deepEqual(membersOf(cluster.entry), ['a', 'b', 'c']);
});

test('fences alone change what is asked for', (t) => {
  const cluster = settledCluster({ nodes: ['a', 'b'] });
  cluster.stop('b');
  cluster.start('b');
  cluster.fence('b');
  cluster.run(1000);
  t.deepEqual(membersOf(cluster.entry), ['a']);
  t.deepEqual(setsOf(cluster), []);
  cluster.unfence('b');
  cluster.run(1000);
  t.deepEqual(membersOf(cluster.entry), ['a', 'b']);
});

test('a copy whose node has not applied the present entry does not join: an older one may still have it discard itself', (t) => {
  const cluster = new ClusterOfCopies({ nodes: ['a', 'b'] });
  cluster.learnAll();
  // b is placed elsewhere and back, in one epoch, and hears of it late.
  cluster.place(['a']);
  cluster.place(['a', 'b']);
  const rounds = (isBehind: boolean): void => {
    for (let round = 0; round < 30; round++) {
      cluster.nowMs += 20;
      if (isBehind) cluster.learn('a');
      else cluster.learnAll();
      for (const { copy } of cluster.nodes.values()) copy.tick(cluster.nowMs);
      for (const letter of cluster.take(() => true)) cluster.hand(letter);
      cluster.decide();
    }
  };
  rounds(true);
  t.true(cluster.copy('b').isClean);
  t.deepEqual(membersOf(cluster.entry), ['a']);
  rounds(false);
  t.deepEqual(membersOf(cluster.entry), ['a', 'b']);
  cluster.write('a', 1, 10);
  cluster.run(100);
  t.is(cluster.copy('b').committed, 1);
});
