import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../base/assert.ts';
import { LookupSampler } from '../base/lookup-sample.ts';
import { monotonicMs } from '../base/monotonic.ts';
import { plainRandom, systemClock } from '../base/ports.ts';
import type { Command } from '../command/command.ts';
import type { CommandTable } from '../command/table.ts';
import { ActorMailbox } from '../mailbox/actor-mailbox.ts';
import { Doorbell } from '../mailbox/doorbell.ts';
import { EffectLog } from '../store/effect-log.ts';
import { PartitionedWriter } from '../store/partitioned-writer.ts';
import { StoreWriter } from '../store/writer.ts';
import { Barrier } from './barrier.ts';
import { ReplicatedShard, type ReplicatedShardParts } from './replicated/replicated-shard.ts';
import type { ShardClusterData } from './replicated/shard-cluster-data.ts';
import { ShardActor } from './shard-actor.ts';
import { ShardControl } from './shard-control.ts';
import type { ShardThreadData, ShardThreadMessage } from './shard-thread-data.ts';
import { TurnClock } from './turn-clock.ts';

/** Commands that fail one after the other are reported once in this time, with their number. */
const REPORT_INTERVAL_MS = 1000;

/**
 * Serves the shard whose memory this thread was given, until its supervisor asks it to stop. Blocks: the thread has no
 * event loop meanwhile.
 */
export function serveShard(table: CommandTable): void {
  const port = parentPort;
  assert(port !== null, 'a shard is served by a thread of its own');
  const data = workerData as ShardThreadData;
  const post = (message: ShardThreadMessage): void => port.postMessage(message);

  let reportedAtMs = Number.NEGATIVE_INFINITY;
  let unreported = 0;
  const onDefect = (command: Command, error: unknown): void => {
    const nowMs = performance.now();
    if (nowMs - reportedAtMs < REPORT_INTERVAL_MS) {
      unreported++;
      return;
    }
    // As text: not everything that can be thrown can be posted.
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    post({ kind: 'defect', command: command.name, error: text, unreported });
    reportedAtMs = nowMs;
    unreported = 0;
  };

  const clock = new TurnClock(systemClock);
  const control = new ShardControl(data.control);
  const barrier = new Barrier(data.barrier);
  // A predecessor may have died in a transaction with other shards, which go by what is decided here or was already.
  const groupStands = barrier.settle(data.shard);
  const sampler = new LookupSampler(data.lookups, plainRandom.nextUint32());
  const { store, replicated } =
    data.cluster === null
      ? { store: new StoreWriter(data.memory, clock, groupStands, sampler), replicated: null }
      : replicatedStore(data, data.cluster, clock, groupStands, sampler, {
          onStep: () => control.began(),
          onTrouble: (what) => post({ kind: 'trouble', what }),
        });
  barrier.leave(data.shard);
  const actor = new ShardActor({
    store,
    barrier,
    shard: data.shard,
    clock,
    table,
    mailboxes: data.mailboxes.map((handle) => new ActorMailbox(handle)),
    bell: new Doorbell(data.bell),
    control,
    random: plainRandom,
    replicated,
    onDefect,
  });
  post({ kind: 'serving' });
  actor.run();
}

/** The store of a node that is in a cluster, and the copies that are kept in it. */
function replicatedStore(
  { memory, mailboxes }: ShardThreadData,
  cluster: ShardClusterData,
  clock: TurnClock,
  groupStands: boolean,
  sampler: LookupSampler,
  listeners: Pick<ReplicatedShardParts, 'onStep' | 'onTrouble'>,
): { store: PartitionedWriter; replicated: ReplicatedShard } {
  const store = new PartitionedWriter(memory, clock, groupStands, sampler);
  const replicated = new ReplicatedShard({
    data: cluster,
    store,
    effects: new EffectLog(),
    frontBells: mailboxes.map(({ frontBell }) => new Doorbell(frontBell)),
    nowMs: monotonicMs,
    ...listeners,
  });
  return { store, replicated };
}
