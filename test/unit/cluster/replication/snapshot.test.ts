import test from 'ava';
import { type ClusterOfCopies, type Letter, type Message, membersOf, settledCluster } from './cluster-of-copies.ts';

/** b has started again, after more was written than is kept; what it needs is a snapshot of four pieces. */
function withEmptyCopy(): ClusterOfCopies {
  const cluster = settledCluster({ nodes: ['a', 'b'], options: { retainedBytesMax: 200 } });
  for (let key = 0; key < 10; key++) {
    cluster.write('a', key, key + 100);
    cluster.run(5);
  }
  cluster.run(200);
  cluster.stop('b');
  cluster.start('b');
  cluster.learnAll();
  return cluster;
}

function handAll(cluster: ClusterOfCopies, matches: (letter: Letter) => boolean = () => true): void {
  cluster.flushAll();
  for (const letter of cluster.take(matches)) cluster.hand(letter);
  cluster.flushAll();
}

/** Runs until the primary has been asked for a piece. */
function untilPieceIsAsked(cluster: ClusterOfCopies): void {
  for (let round = 0; round < 20 && cluster.at('a').reads.length === 0; round++) {
    cluster.nowMs += 20;
    for (const { copy } of cluster.nodes.values()) copy.tick(cluster.nowMs);
    handAll(cluster);
  }
}

function chunksIn(cluster: ClusterOfCopies): Message<'chunk'>[] {
  return cluster.bag.map(({ message }) => message).filter((message) => message.type === 'chunk');
}

test('a copy that needs more than is kept is filled piece by piece, while writes go on', (t) => {
  const cluster = withEmptyCopy();
  let pieces = 0;
  for (let round = 0; round < 12; round++) {
    untilPieceIsAsked(cluster);
    if (cluster.at('a').reads.length === 0) break;
    pieces++;
    // Written between two pieces: before what was read already, and behind it.
    cluster.write('a', round, round);
    cluster.write('a', 9 - round, round + 50);
    cluster.readChunks();
    handAll(cluster);
  }
  t.true(pieces >= 4);
  cluster.run(1000);
  t.deepEqual(membersOf(cluster.entry), ['a', 'b']);
  t.deepEqual(cluster.at('b').contents, cluster.at('a').contents);
  t.true(cluster.copy('b').isClean);
});

test('a copy that is being filled is dirty, and does not join before all that it shows is committed', (t) => {
  const cluster = withEmptyCopy();
  untilPieceIsAsked(cluster);
  cluster.readChunks();
  handAll(cluster);
  const { copy } = cluster.at('b');
  t.is(copy.dirtyUntil, Number.POSITIVE_INFINITY);
  t.false(copy.isClean);
  t.is(copy.replicaReadRefusal(cluster.nowMs, 1e9, null)?.reason, 'not-ready');
  t.deepEqual(membersOf(cluster.entry), ['a']);
  cluster.run(1000);
  t.true(copy.dirtyUntil <= copy.committed);
});

test('taking the first piece makes another copy of it', (t) => {
  const cluster = withEmptyCopy();
  untilPieceIsAsked(cluster);
  const { copy } = cluster.at('b');
  t.is(copy.generation, 0);
  cluster.readChunks();
  handAll(cluster);
  t.is(copy.generation, 1);
  cluster.run(1000);
  t.is(cluster.entry.inSync.find(({ node }) => node === 'b')?.generation, 1);
});

test('a piece is taken only where it belongs: not again, not too early, and not between other records', (t) => {
  const cluster = withEmptyCopy();
  untilPieceIsAsked(cluster);
  cluster.readChunks();
  cluster.copy('a').flush(cluster.nowMs);
  const [first] = chunksIn(cluster);
  if (first === undefined) return t.fail('there is a piece');
  handAll(cluster);
  const { copy, store } = cluster.at('b');
  const hand = (changed: Partial<Message<'chunk'>>) => {
    cluster.hand({ from: 'a', to: 'b', message: { ...first, entries: [Uint8Array.of(200, 1)], ...changed } });
  };
  hand({});
  hand({ index: 2 });
  hand({ index: 1, atSeq: first.atSeq + 1 });
  hand({ stream: first.stream - 1 });
  hand({ stream: first.stream + 1, index: 1 });
  t.is(copy.generation, 1);
  t.false(store.has(200));
  hand({ index: 1 });
  t.true(store.has(200));
});

test('a first piece that comes late does not undo what the copy has become', (t) => {
  const cluster = withEmptyCopy();
  untilPieceIsAsked(cluster);
  cluster.readChunks();
  cluster.copy('a').flush(cluster.nowMs);
  const late = cluster.bag.filter(({ message }) => message.type === 'chunk');
  cluster.run(1000);
  const { copy } = cluster.at('b');
  const { generation, last } = copy;
  const { settings } = cluster.state;
  for (const { from, to, message } of late) {
    cluster.hand({ from, to, message });
    // Also one that it never saw, when it does not know yet that it is in sync.
    if (settings === null) return t.fail('the cluster is created');
    const entry = { ...cluster.entry, inSync: cluster.entry.inSync.slice(0, 1) };
    cluster.copy('b').configure(entry, settings, () => false, cluster.nowMs);
    if (message.type === 'chunk') cluster.hand({ from, to, message: { ...message, stream: message.stream + 5 } });
  }
  t.is(copy.generation, generation);
  t.is(copy.last, last);
});

test('a copy that is in sync takes no snapshot, even when it misses something', (t) => {
  const cluster = settledCluster();
  const { copy } = cluster.at('b');
  const to = {
    type: 'append',
    partition: 0,
    epoch: copy.epoch,
    previousSeq: 99,
    previousEpoch: 1,
    records: [],
  } as const;
  cluster.hand({ from: 'a', to: 'b', message: { ...to, committed: 0, echo: -1 } });
  copy.flush(cluster.nowMs);
  const chunk = {
    type: 'chunk',
    partition: 0,
    epoch: copy.epoch,
    stream: 7,
    index: 0,
    ask: 1,
    atSeq: 9,
    atEpoch: 1,
  } as const;
  cluster.hand({ from: 'a', to: 'b', message: { ...chunk, entries: [], isLast: false } });
  t.is(copy.generation, 0);
  t.is(copy.last, 0);
});

test('a first piece is taken as an answer to the last thing that was asked for, and not as one to an earlier thing', (t) => {
  const cluster = withEmptyCopy();
  const { copy } = cluster.at('b');
  const { epoch } = cluster.copy('a');
  const gap = { type: 'append', partition: 0, epoch, previousSeq: 99, previousEpoch: 1, records: [] } as const;
  for (let times = 0; times < 2; times++) {
    cluster.hand({ from: 'a', to: 'b', message: { ...gap, committed: 0, echo: -1 } });
    copy.flush(cluster.nowMs);
  }
  const before = copy.generation;
  const piece = { type: 'chunk', partition: 0, epoch, stream: 1, index: 0, atSeq: 9, atEpoch: 1, entries: [] } as const;
  cluster.hand({ from: 'a', to: 'b', message: { ...piece, ask: 1, isLast: false } });
  t.is(copy.generation, before);
  cluster.hand({ from: 'a', to: 'b', message: { ...piece, ask: 2, isLast: false } });
  t.is(copy.generation, before + 1);
  t.is(copy.last, 9);
});

test('records that are written while a piece is on its way follow it', (t) => {
  const cluster = withEmptyCopy();
  untilPieceIsAsked(cluster);
  cluster.readChunks();
  handAll(cluster);
  handAll(cluster);
  t.is(cluster.at('a').reads.length, 1);
  const atSeq = cluster.write('a', 1, 11);
  cluster.readChunks();
  cluster.write('a', 2, 22);
  cluster.copy('a').flush(cluster.nowMs);
  cluster.copy('a').flush(cluster.nowMs);
  const sent = cluster.bag.filter(({ to }) => to === 'b').map(({ message }) => message);
  const records = sent.flatMap((message) => (message.type === 'append' ? message.records : []));
  t.deepEqual(
    records.map(({ seq }) => seq),
    [atSeq],
  );
  t.like(sent.at(-1), { type: 'chunk', index: 1, atSeq });
});

test('lost pieces and lost answers are sent again', (t) => {
  const cluster = withEmptyCopy();
  let count = 0;
  cluster.run(20_000, ({ message }) => !message.type.startsWith('chunk') || ![0, 2, 3].includes(count++ % 7));
  t.deepEqual(membersOf(cluster.entry), ['a', 'b']);
  t.deepEqual(cluster.at('b').contents, cluster.at('a').contents);
});

test('a store that never gives the piece is asked again', (t) => {
  const cluster = withEmptyCopy();
  untilPieceIsAsked(cluster);
  const [lost] = cluster.at('a').reads.splice(0);
  cluster.run(5000);
  t.deepEqual(membersOf(cluster.entry), ['a', 'b']);
  // The answer to the first question comes after all: it is for nobody.
  cluster.copy('a').chunkRead(lost?.stream ?? 0, [], null, cluster.nowMs);
  cluster.run(500);
  t.deepEqual(cluster.at('b').contents, cluster.at('a').contents);
});

test('half a snapshot of a primary that is none any more is thrown away', (t) => {
  const cluster = settledCluster({ nodes: ['a', 'b', 'c'], options: { retainedBytesMax: 200 } });
  for (let key = 0; key < 10; key++) {
    cluster.write('a', key, key + 100);
    cluster.run(5);
  }
  cluster.run(200);
  cluster.stop('c');
  cluster.start('c');
  cluster.learnAll();
  untilPieceIsAsked(cluster);
  // The piece shows a write that only the old primary has.
  cluster.write('a', 0, 66);
  cluster.readChunks();
  cluster.copy('a').flush(cluster.nowMs);
  for (const letter of cluster.take(({ to }) => to === 'c')) cluster.hand(letter);
  t.is(cluster.at('c').store.get(0), 66);
  const { generation } = cluster.copy('c');
  cluster.stop('a');
  cluster.fence('a');
  cluster.bag = [];
  cluster.run(3000);
  t.is(cluster.entry.primary, 'b');
  t.deepEqual(membersOf(cluster.entry).sort(), ['b', 'c']);
  t.true(cluster.copy('c').generation > generation);
  t.is(cluster.at('c').store.get(0), 100);
});

test('what is written while a copy is filled is kept for it, up to a limit; beyond, it is begun anew', (t) => {
  const cluster = settledCluster({ nodes: ['a', 'b'], options: { retainedBytesMax: 200, catchUpBytesMax: 2000 } });
  for (let key = 0; key < 10; key++) cluster.write('a', key, key + 100);
  cluster.run(200);
  cluster.stop('b');
  cluster.start('b');
  cluster.learnAll();
  untilPieceIsAsked(cluster);
  cluster.readChunks();
  handAll(cluster);
  for (let round = 0; round < 100; round++) {
    cluster.write('a', round % 10, round);
    cluster.copy('a').flush(cluster.nowMs);
    t.true(cluster.copy('a').retainedBytes <= 2000);
  }
  cluster.bag = [];
  cluster.run(5000);
  t.deepEqual(membersOf(cluster.entry), ['a', 'b']);
  t.deepEqual(cluster.at('b').contents, cluster.at('a').contents);
});
