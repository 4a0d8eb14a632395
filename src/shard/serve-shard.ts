import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../base/assert.ts';
import { LookupSampler } from '../base/lookup-sample.ts';
import { monotonicMs } from '../base/monotonic.ts';
import { plainRandom, systemClock } from '../base/ports.ts';
import type { Claim } from '../cluster/identity.ts';
import type { RecoveredCopy } from '../cluster/replication/copy-recovery.ts';
import type { Command } from '../command/command.ts';
import type { CommandTable } from '../command/table.ts';
import { ActorMailbox } from '../mailbox/actor-mailbox.ts';
import { Doorbell } from '../mailbox/doorbell.ts';
import { RecoveryWords } from '../persistence/recovery-words.ts';
import type { Recovered } from '../persistence/shard-data-file.ts';
import { ShardLog } from '../persistence/shard-log.ts';
import { EffectLog } from '../store/effect-log.ts';
import { PartitionedWriter } from '../store/partitioned-writer.ts';
import { StoreWriter } from '../store/writer.ts';
import { Barrier } from './barrier.ts';
import { LoggedRun } from './logged/logged-run.ts';
import { LoggedShard } from './logged/logged-shard.ts';
import { recoverShard } from './logged/recover-shard.ts';
import type { ShardLogData } from './logged/shard-log-data.ts';
import { GuardedRun } from './replicated/guarded-run.ts';
import { contentsOf, RecoveredCopies } from './replicated/recovered-copies.ts';
import { type KeptCopies, ReplicatedShard, type ReplicatedShardParts } from './replicated/replicated-shard.ts';
import type { ShardClusterData } from './replicated/shard-cluster-data.ts';
import { ShardActor, type ShardActorParts } from './shard-actor.ts';
import { ShardControl } from './shard-control.ts';
import type { ShardThreadData, ShardThreadMessage } from './shard-thread-data.ts';
import { TRANSACTION_ROW } from './transaction-message.ts';
import { TurnClock } from './turn-clock.ts';

/** Commands that fail one after the other are reported once in this time, with their number. */
const REPORT_INTERVAL_MS = 1000;
/** How often a shard that reads what was kept of it gives a sign of life. */
const RECOVERING_INTERVAL_MS = 250;

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
  let recoveringAtMs = Number.NEGATIVE_INFINITY;
  const kept = keptStore(data, clock, groupStands, sampler, barrier, table, {
    onStep: () => control.began(),
    onTrouble: (what) => post({ kind: 'trouble', what }),
    onRecovering: () => {
      const nowMs = performance.now();
      if (nowMs - recoveringAtMs < RECOVERING_INTERVAL_MS) return;
      recoveringAtMs = nowMs;
      post({ kind: 'recovering' });
    },
    onRecovered: (folders, claims) => post({ kind: 'recovered', folders, claims }),
    onUnreadable: (message) => post({ kind: 'unreadable', message }),
  });
  barrier.leave(data.shard);
  const actor = new ShardActor({
    ...kept,
    barrier,
    shard: data.shard,
    clock,
    table,
    mailboxes: data.mailboxes.map((handle) => new ActorMailbox(handle)),
    bell: new Doorbell(data.bell),
    control,
    random: plainRandom,
    onDefect,
  });
  post({ kind: 'serving' });
  actor.run();
}

interface KeptStore extends Pick<ShardActorParts, 'guard' | 'companion'> {
  readonly store: StoreWriter;
}

interface KeptListeners extends Pick<ReplicatedShardParts, 'onStep' | 'onTrouble'> {
  readonly onRecovering: () => void;
  readonly onRecovered: (folders: readonly Recovered[], claims: readonly Claim[]) => void;
  readonly onUnreadable: (message: string) => void;
}

/** The store, and what stands between it and the commands. */
function keptStore(
  data: ShardThreadData,
  clock: TurnClock,
  groupStands: boolean,
  sampler: LookupSampler,
  barrier: Barrier,
  table: CommandTable,
  listeners: KeptListeners,
): KeptStore {
  const { memory, mailboxes, cluster } = data;
  const transactionRow = table.commands.find(({ name }) => name === TRANSACTION_ROW);
  if (cluster === null && data.log !== null) {
    const { store, shard } = loggedShard(data, data.log, clock, groupStands, sampler, listeners);
    const guard = new LoggedRun({ shard, commands: table.commands, transactionRow, barrier });
    return { store, guard, companion: shard };
  }
  if (cluster === null) {
    return { store: new StoreWriter(memory, clock, groupStands, sampler), guard: null, companion: null };
  }
  const store = new PartitionedWriter(memory, clock, groupStands, sampler);
  const shard = new ReplicatedShard({
    data: cluster,
    store,
    kept: data.log === null ? null : keptCopies(data.log, cluster, store, clock, listeners),
    effects: new EffectLog(),
    frontBells: mailboxes.map(({ frontBell }) => new Doorbell(frontBell)),
    nowMs: monotonicMs,
    ...listeners,
  });
  const { commands } = table;
  const guard = new GuardedRun({ shard, commands, transactionRow, barrier, mailboxes: mailboxes.length });
  return { store, guard, companion: shard };
}

/** The store of a node by itself that keeps a log, with what was kept before. */
function loggedShard(
  { memory }: ShardThreadData,
  data: ShardLogData,
  clock: TurnClock,
  groupStands: boolean,
  sampler: LookupSampler,
  { onRecovering, onRecovered, onUnreadable }: KeptListeners,
): { readonly store: PartitionedWriter; readonly shard: LoggedShard } {
  const store = new PartitionedWriter(memory, clock, groupStands, sampler);
  try {
    const recovered = recoverShard({ data, store, clock, onStep: onRecovering });
    if (recovered !== null) onRecovered(recovered, []);
  } catch (error) {
    onUnreadable(error instanceof Error ? error.message : String(error));
    throw error;
  }
  const log = new ShardLog(data, new RecoveryWords(data.recovery).get('next'));
  return { store, shard: new LoggedShard(store, new EffectLog(), log) };
}

/** What a shard in a cluster has kept of its copies, and goes on to keep. */
function keptCopies(
  data: ShardLogData,
  { replication }: ShardClusterData,
  store: PartitionedWriter,
  clock: TurnClock,
  { onRecovering, onRecovered, onUnreadable }: KeptListeners,
): KeptCopies {
  const read = new RecoveredCopies(contentsOf(store), replication.retainedBytesMax);
  let recovered: ReadonlyMap<number, RecoveredCopy> | null = null;
  try {
    const folders = recoverShard({ data, store, clock, onStep: onRecovering, copies: read });
    if (folders !== null) {
      const { copies, claims } = read.finish();
      recovered = copies;
      onRecovered(folders, claims);
    }
  } catch (error) {
    onUnreadable(error instanceof Error ? error.message : String(error));
    throw error;
  }
  return { log: new ShardLog(data, new RecoveryWords(data.recovery).get('next')), recovered };
}
