/** What other threads are told of copies must be told at the right moment: these look in between. */
import test from 'ava';
import { ShardLink } from '../../../../src/cluster/actor/shard-link.ts';
import { commandTable } from '../../../../src/command/table.ts';
import { Barrier } from '../../../../src/shard/barrier.ts';
import { PartitionedWriter } from '../../../../src/store/partitioned-writer.ts';
import { NodesOfShards, PARTITIONS, partitionOf } from './nodes-of-shards.ts';

/** Has `before` called in front of every call of the method, while `act` runs. */
function watching(target: object, method: string, before: (...args: unknown[]) => void, act: () => void): void {
  const original = Object.getOwnPropertyDescriptor(target, method);
  const called: unknown = Reflect.get(target, method);
  if (typeof called !== 'function') throw new Error(`${method} is no method`);
  Object.defineProperty(target, method, {
    configurable: true,
    writable: true,
    value: function (this: unknown, ...args: unknown[]): unknown {
      before.call(this, ...args);
      return Reflect.apply(called, this, args);
    },
  });
  try {
    act();
  } finally {
    if (original === undefined) Reflect.deleteProperty(target, method);
    else Object.defineProperty(target, method, original);
  }
}

function keyOf(partition: number, name = 'k'): string {
  for (let number = 0; ; number++) if (partitionOf(`${name}${number}`) === partition) return `${name}${number}`;
}

test.serial('a read by mailbox in which the lease ends is not answered', (t) => {
  const cluster = new NodesOfShards();
  const a = cluster.at('a');
  t.is(cluster.run('a', 'set k 1'), 'OK');
  const sleep = (): void => {
    cluster.nowMs += 800;
  };
  const read = a.send('get k');
  watching(commandTable.named('get'), 'run', sleep, () => a.turn());
  t.is(a.outcome(read), 'refused: noLease');
});

test.serial('reads are closed before another node may be asked to become primary', (t) => {
  const cluster = new NodesOfShards({ options: { handOverCancelMs: 100_000 } });
  const a = cluster.at('a');
  const key = keyOf(1);
  t.is(cluster.run('a', `set ${key} 1`), 'OK');
  t.is(a.readLocally(key), '1');
  cluster.decides = false;
  const { version } = cluster.entry(1);
  const opened: number[] = [];
  watching(
    ShardLink.prototype,
    'sendProposal',
    () => opened.push(a.gates.openForReads(1)),
    () => {
      cluster.apply({ type: 'place', moves: [{ partition: 1, version, replicas: ['c', 'a', 'b'] }] });
      cluster.rounds(60);
    },
  );
  t.true(opened.length > 0);
  t.deepEqual([...new Set(opened)], [0]);
  t.is(a.readLocally(key), undefined);
});

test.serial('a sweep closes reads of all it empties before it does so', (t) => {
  const cluster = new NodesOfShards();
  const a = cluster.at('a');
  t.is(cluster.run('a', 'set k 1'), 'OK');
  const opened: number[] = [];
  const look = (): void => {
    for (let partition = 0; partition < PARTITIONS; partition++) opened.push(a.gates.openForReads(partition));
  };
  watching(PartitionedWriter.prototype, 'clear', look, () => t.is(cluster.run('a', 'flushall'), 'OK'));
  t.deepEqual(opened, [0, 0, 0, 0]);
});

test.serial('what a new primary takes over unacknowledged is read by nobody before all have it', (t) => {
  const cluster = new NodesOfShards({ options: { shrinkAfterMs: 100_000 } });
  const key = keyOf(1);
  const b = cluster.at('b');
  t.is(cluster.run('a', `set ${key} old`), 'OK');
  cluster.rounds(30);
  cluster.isLost = ({ to }) => to === 'c';
  cluster.at('a').send(`set ${key} new`);
  cluster.rounds(5);
  t.is(b.peek(key), 'old', 'it is not committed');
  cluster.cutOff.add('a');
  cluster.unaware.add('a');
  const staleness: number[] = [];
  watching(
    PartitionedWriter.prototype,
    'applyEffects',
    (partition) => {
      if (partition === 1) staleness.push(b.gates.stalenessMs(1, cluster.nowMs));
    },
    () => {
      cluster.fence('a');
      cluster.rounds(20);
    },
  );
  t.is(cluster.entry(1).primary, 'b');
  t.is(b.peek(key), 'new');
  t.deepEqual(staleness, [Number.POSITIVE_INFINITY], 'nobody takes it for what a replica may answer');
  const read = b.send(`get ${key}`);
  cluster.rounds(20);
  t.is(b.outcome(read), null);
  t.is(b.readLocally(key), undefined);
  cluster.isLost = () => false;
  cluster.rounds(60);
  t.is(b.outcome(read), 'new');
  t.is(b.readLocally(key), 'new');
});

test.serial('what the copies were told of a generation is never told of another one after the actor has died', (t) => {
  const cluster = new NodesOfShards();
  t.is(cluster.run('a', 'set k 1'), 'OK');
  cluster.rounds(30);
  cluster.at('b').restartActor();
  cluster.rounds(200);
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const member = cluster.entry(partition).inSync.find(({ node }) => node === 'b');
    t.is(cluster.at('b').gates.nextGeneration(partition), (member?.generation ?? 0) + 1);
  }
});

test.serial('a part of a transaction that is refused has the others give up, too', (t) => {
  const cluster = new NodesOfShards();
  const b = cluster.at('b');
  const given: unknown[] = [];
  const set = commandTable.named('set').id;
  const part = b.send(`flux.exec 7 0 2 2 0 ${set} 2 ${keyOf(1)} 1`);
  watching(
    Barrier.prototype,
    'giveUp',
    (slot) => given.push(slot),
    () => b.turn(),
  );
  t.is(b.outcome(part), 'refused: notPrimary');
  t.deepEqual(given, [7]);
});
