import test, { type ExecutionContext } from 'ava';
import { isSameMember } from '../../src/cluster/identity.ts';
import { CopyRecovery } from '../../src/cluster/replication/copy-recovery.ts';
import type { KeptItem } from '../../src/cluster/replication/kept-item.ts';
import { defaultReplicationOptions, PartitionCopy } from '../../src/cluster/replication/partition-copy.ts';
import type { ReplicationHost } from '../../src/cluster/replication/replication-host.ts';
import type { ReplicationMessage } from '../../src/cluster/replication/replication-message.ts';
import { silentWitness } from './silent-witness.ts';
import { steadyPlan } from './steady-plan.ts';
import { Trace } from './trace.ts';
import { createRealNode, World } from './world.ts';

/** What the simulator found once, each as the short script of the run that showed it (found.md). */

function steadyWorld(seed: number): World {
  const world = new World(seed, steadyPlan, new Trace(), { createNode: createRealNode, witness: silentWitness() });
  world.begin();
  return world;
}

function runUntil(t: ExecutionContext, world: World, withinMs: number, what: string, isSo: () => boolean): void {
  const endMs = world.nowMs + withinMs;
  while (!isSo() && world.nowMs < endMs) world.schedule.runUntil(world.nowMs + 5);
  t.true(isSo(), `not within ${withinMs} ms: ${what}; ${world.whatIsMissing()}`);
}

function runUntilWhole(t: ExecutionContext, world: World, withinMs: number): void {
  runUntil(t, world, withinMs, 'the cluster is whole', () => world.whatIsMissing() === null);
}

test('a node that joins is registered although the leader it is told of has just died', (t) => {
  for (let seed = 1; seed <= 5; seed++) {
    const world = steadyWorld(seed);
    runUntilWhole(t, world, 10_000);
    const { leader } = world;
    leader?.crash('killed');
    const joined = world.join();
    runUntil(t, world, 8000, 'it is registered', () => world.newestState.nodes.has(joined.id));
  }
});

test('a copy whose memory is lost, once out of the in-sync set, does not come back but filled anew', (t) => {
  for (let seed = 1; seed <= 5; seed++) {
    const world = steadyWorld(seed);
    runUntilWhole(t, world, 10_000);
    const [entry] = world.newestState.partitions;
    const lost = entry?.inSync.find(({ node }) => node !== entry.primary);
    if (lost === undefined) throw new Error('a whole cluster has two copies of a partition');
    const isInSync = () => world.newestState.partitions[0]?.inSync.some((member) => isSameMember(member, lost));
    let wasOut = false;
    let hasComeBack = false;
    world.onStepped = () => {
      if (isInSync() === false) wasOut = true;
      else if (wasOut) hasComeBack = true;
    };
    world.nodeOf(lost.node)?.loseData(0);
    runUntil(t, world, 1000, 'the lost copy is out', () => wasOut);
    runUntilWhole(t, world, 5000);
    t.false(hasComeBack, `seed ${seed}`);
  }
});

test('a copy of an earlier life confirms nothing of a new one before it has seen the partition begin anew', (t) => {
  const sent: ReplicationMessage[] = [];
  const host: ReplicationHost = {
    lease: { endsAtMs: 0 },
    send: (_to, message) => sent.push(message),
    apply: () => {},
    load: () => {},
    clear: () => {},
    readChunk: () => {},
    acknowledge: () => {},
    abandon: () => {},
    propose: () => {},
  };
  const options = { ...defaultReplicationOptions, retainedBytesMax: 1 };
  const copy = new PartitionCopy(0, { node: 'b', boot: 1 }, options, host, 0);
  const inSync = ['a', 'b'].map((node) => ({ node, boot: 1, generation: 0 }));
  const entry = { epoch: 1, version: 2, primary: 'a', inSync, replicas: ['a', 'b'], resetEpoch: 1, losses: 0 };
  const settings = { partitions: 1, leaseMs: 700, copies: 2, minInSync: 1, onLoss: 'reset' } as const;
  copy.configure(entry, settings, () => false, 1);
  const append = (epoch: number, seqs: readonly number[], committed: number, nowMs: number) => {
    const records = seqs.map((seq) => ({ seq, epoch, keys: [seq], effect: Uint8Array.of(seq) }));
    const message = { type: 'append', partition: 0, epoch, previousSeq: 0, previousEpoch: 0, echo: -1 } as const;
    copy.receive('a', { ...message, records, committed }, nowMs);
    copy.flush(nowMs);
  };
  append(1, [1, 2, 3], 3, 2);
  t.is(copy.trimmed, 3);
  sent.length = 0;
  append(3, [1], 0, 3);
  t.deepEqual(
    sent.filter((message) => message.type === 'ack' && message.epoch === 3 && message.seq > 0),
    [],
  );
});

test('a copy whose filling was committed before its last piece came is on its disk as a whole one', (t) => {
  const kept: KeptItem[] = [];
  const host: ReplicationHost = {
    lease: { endsAtMs: 0 },
    send: () => {},
    apply: () => {},
    load: () => {},
    clear: () => {},
    readChunk: () => {},
    acknowledge: () => {},
    abandon: () => {},
    keep: (_, item) => kept.push(item),
    propose: () => {},
  };
  const copy = new PartitionCopy(0, { node: 'b', boot: 1 }, defaultReplicationOptions, host, 0);
  const inSync = [{ node: 'a', boot: 1, generation: 0 }];
  const entry = { epoch: 1, version: 2, primary: 'a', inSync, replicas: ['a', 'b'], resetEpoch: 1, losses: 0 };
  const settings = { partitions: 1, leaseMs: 700, copies: 2, minInSync: 1, onLoss: 'offline' } as const;
  copy.configure(entry, settings, () => false, 1);
  const append = (previousSeq: number, committed: number) => {
    const message = { type: 'append', partition: 0, epoch: 1, previousEpoch: 1, echo: -1 } as const;
    copy.receive('a', { ...message, previousSeq, records: [], committed }, 1);
    copy.flush(1);
  };
  const chunk = (index: number, isLast: boolean) => {
    const message = { type: 'chunk', partition: 0, epoch: 1, stream: 1, ask: 1, atSeq: 3, atEpoch: 1 } as const;
    copy.receive('a', { ...message, index, entries: [Uint8Array.of(index)], isLast }, 1);
    copy.flush(1);
  };
  append(3, 3);
  chunk(0, false);
  append(3, 3);
  chunk(1, true);
  t.is(copy.dirtyUntil, 3);
  t.is(copy.committed, 3);
  t.false(copy.isClean, 'its disk does not know yet');
  copy.reached(kept.length, 2);
  t.true(copy.isClean);
  const store = { apply: () => {}, load: () => {}, clear: () => {} };
  const recovery = new CopyRecovery(0, store, 1000);
  for (const item of kept) t.true(recovery.take(item), JSON.stringify(item));
  t.is(recovery.finish()?.claim?.generation, copy.generation);
});
