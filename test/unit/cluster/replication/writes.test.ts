import test from 'ava';
import { type ClusterOfCopies, effectOf, type Letter, type Message, settledCluster } from './cluster-of-copies.ts';

function appendsTo(cluster: ClusterOfCopies, node: string): Message<'append'>[] {
  return cluster
    .take(({ to, message }) => to === node && message.type === 'append')
    .map(({ message }) => message as Message<'append'>);
}

function handAll(cluster: ClusterOfCopies, matches: (letter: Letter) => boolean): void {
  for (const letter of cluster.take(matches)) cluster.hand(letter);
  cluster.flushAll();
}

test('a write is acknowledged when every copy in sync has it, and not before', (t) => {
  const cluster = settledCluster();
  const seq = cluster.write('a', 1, 10);
  cluster.flushAll();
  handAll(cluster, ({ to }) => to === 'b');
  handAll(cluster, ({ to }) => to === 'a');
  t.true(cluster.at('a').told < seq);
  t.is(cluster.copy('a').replicated, seq, 'one other has it');
  handAll(cluster, ({ to }) => to === 'c');
  handAll(cluster, ({ to }) => to === 'a');
  t.is(cluster.at('a').told, seq);
});

test('a copy holds back what is not committed, and puts it into its store when it is', (t) => {
  const cluster = settledCluster();
  cluster.write('a', 1, 10);
  cluster.flushAll();
  handAll(cluster, ({ to }) => to === 'b');
  t.is(cluster.copy('b').last, 1);
  t.is(cluster.at('b').store.get(1), undefined);
  cluster.run(200);
  t.is(cluster.at('b').store.get(1), 10);
  t.is(cluster.at('c').store.get(1), 10);
});

test('the writes of a batch travel together, once to each follower', (t) => {
  const cluster = settledCluster();
  for (let key = 0; key < 5; key++) cluster.write('a', key, key);
  cluster.flushAll();
  for (const node of ['b', 'c']) {
    const appends = appendsTo(cluster, node);
    t.is(appends.length, 1);
    t.is(appends[0]?.records.length, 5);
  }
});

test('messages with writes follow each other without waiting, but only so many', (t) => {
  const cluster = settledCluster({ options: { inFlightMax: 3, resendMs: 1000 } });
  for (let key = 0; key < 10; key++) {
    cluster.write('a', key, key);
    cluster.copy('a').flush(cluster.nowMs);
  }
  t.deepEqual(
    appendsTo(cluster, 'b').map(({ records }) => records.map(({ seq }) => seq)),
    [[1], [2], [3]],
  );
});

test('a lone copy acknowledges by itself while its lease holds', (t) => {
  const cluster = settledCluster({ nodes: ['a'] });
  const seq = cluster.write('a', 1, 1);
  cluster.flushAll();
  t.is(cluster.at('a').told, seq);
  t.is(cluster.entry.version, 1, 'it asked for nothing');
});

test('without a lease nothing is acknowledged, read or written; with it, what waited is acknowledged', (t) => {
  const cluster = settledCluster({ nodes: ['a'] });
  const seq = cluster.write('a', 1, 1);
  const { copy, lease } = cluster.at('a');
  lease.endsAtMs = cluster.nowMs;
  cluster.flushAll();
  t.is(cluster.at('a').told, 0);
  t.is(copy.writeRefusal(cluster.nowMs)?.reason, 'no-lease');
  t.deepEqual(copy.readRefusal(cluster.nowMs), { reason: 'no-lease', primary: 'a', isRetryable: true });
  lease.endsAtMs = cluster.nowMs + 10_000;
  cluster.run(100);
  t.is(cluster.at('a').told, seq, 'it looks for the lease by itself');
});

test('a read waits for the last write to its key that is not acknowledged', (t) => {
  const cluster = settledCluster();
  const { copy } = cluster.at('a');
  cluster.write('a', 1, 10);
  const second = cluster.write('a', 1, 11);
  cluster.write('a', 2, 20);
  t.is(copy.pendingSeq(1), second);
  t.is(copy.pendingSeq(3), 0);
  cluster.run(50);
  t.is(copy.pendingSeq(1), 0);
});

test('writes are refused while too much waits, by number and by bytes', (t) => {
  const cluster = settledCluster({ options: { uncommittedRecordsMax: 3 } });
  for (let key = 0; key < 3; key++) cluster.write('a', key, key);
  t.deepEqual(cluster.copy('a').writeRefusal(cluster.nowMs), { reason: 'overloaded', primary: 'a', isRetryable: true });
  cluster.run(50);
  t.is(cluster.copy('a').writeRefusal(cluster.nowMs), null);

  const narrow = settledCluster({ options: { uncommittedBytesMax: 100 } });
  narrow.write('a', 1, 1);
  narrow.write('a', 2, 2);
  t.is(narrow.copy('a').writeRefusal(narrow.nowMs)?.reason, 'overloaded');
});

test('lost messages are sent again', (t) => {
  const cluster = settledCluster();
  const seq = cluster.write('a', 1, 10);
  cluster.flushAll();
  cluster.bag = [];
  cluster.run(300);
  t.is(cluster.at('a').told, seq);
});

test('a copy that misses records says so, and gets them at once', (t) => {
  const cluster = settledCluster();
  cluster.write('a', 1, 10);
  cluster.flushAll();
  appendsTo(cluster, 'b');
  cluster.write('a', 2, 20);
  cluster.flushAll();
  const atMs = cluster.nowMs;
  cluster.rest();
  t.is(cluster.nowMs, atMs);
  t.is(cluster.at('a').told, 2);
});

test('messages that come twice, late or in another order change nothing', (t) => {
  const cluster = settledCluster();
  const late: Letter[] = [];
  for (let round = 0; round < 6; round++) {
    cluster.write('a', round, round + 1);
    cluster.flushAll();
    late.push(...cluster.bag);
    cluster.bag.reverse();
    cluster.rest();
  }
  cluster.run(300);
  const { last, committed } = cluster.copy('b');
  for (const letter of late) cluster.hand(letter);
  cluster.rest();
  t.is(cluster.copy('b').last, last);
  t.is(cluster.copy('b').committed, committed);
  t.deepEqual(cluster.at('b').contents, cluster.at('a').contents);
  t.is(cluster.at('a').told, 6);
});

test('an acknowledgement of another epoch, another copy or beyond the log counts for nothing', (t) => {
  const cluster = settledCluster();
  const seq = cluster.write('a', 1, 10);
  cluster.flushAll();
  handAll(cluster, ({ to }) => to === 'c');
  cluster.rest(({ to, from }) => to === 'a' && from === 'c');
  const { epoch } = cluster.copy('a');
  const ack = (changed: Partial<Message<'ack'>>) => {
    const member = { node: 'b', boot: 1, generation: 0 };
    const message = {
      type: 'ack',
      partition: 0,
      epoch,
      member,
      seq,
      isClean: true,
      version: 99,
      stamp: 1,
      ...changed,
    } as const;
    cluster.hand({ from: 'b', to: 'a', message });
  };
  ack({ epoch: epoch - 1 });
  ack({ epoch: epoch + 1 });
  ack({ seq: seq + 1 });
  ack({ member: { node: 'c', boot: 1, generation: 0 } });
  ack({ member: { node: 'b', boot: 0, generation: 9 } });
  ack({ member: { node: 'b', boot: 1, generation: 1 } });
  t.true(cluster.at('a').told < seq);
  ack({});
  t.true(cluster.at('a').told < seq, 'b has told of a later generation: the named one is no more');
});

test('records are kept for copies that were away for a moment, but not without bound', (t) => {
  const cluster = settledCluster({ options: { retainedBytesMax: 1000 } });
  for (let round = 0; round < 100; round++) {
    cluster.write('a', round % 50, round);
    cluster.run(10);
  }
  cluster.run(200);
  for (const node of ['a', 'b', 'c']) {
    t.true(cluster.copy(node).retainedBytes <= 1000);
    t.true(cluster.copy(node).trimmed > 50);
  }
});

test('a write on a copy that is no primary is a defect', (t) => {
  const cluster = settledCluster();
  t.throws(() => cluster.copy('b').append([], new Uint8Array(), 0), { message: /whose primary is elsewhere/ });
  t.deepEqual(cluster.copy('b').writeRefusal(cluster.nowMs), {
    reason: 'not-primary',
    primary: 'a',
    isRetryable: true,
  });
});

test('a primary without followers acknowledges what waited for its lease once it has one', (t) => {
  const cluster = settledCluster({ nodes: ['a'], settings: { copies: 1 } });
  const { copy, lease } = cluster.at('a');
  lease.endsAtMs = cluster.nowMs;
  copy.append([1], effectOf(1, 100), cluster.nowMs);
  copy.flush(cluster.nowMs);
  t.deepEqual([copy.committed, copy.acknowledged], [1, 0]);
  const dueMs = copy.wakeAtMs;
  lease.endsAtMs = dueMs + 500;
  t.true(copy.wakeAtMs <= dueMs, 'it is looked at');
  copy.tick(dueMs);
  t.is(copy.acknowledged, 1);
  t.true(copy.wakeAtMs > dueMs);
});
