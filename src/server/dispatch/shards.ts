import { createLookupSample, type LookupSampleHandle, LookupSampler } from '../../base/lookup-sample.ts';
import { monotonicMs } from '../../base/monotonic.ts';
import type { Logger } from '../../base/ports.ts';
import { plainRandom, systemClock } from '../../base/ports.ts';
import type { EntryInfo } from '../../base/view.ts';
import { GateRole, PartitionGates } from '../../cluster/partition-gates.ts';
import type { Command, NodePort } from '../../command/command.ts';
import { type CommandTable, commandTable } from '../../command/table.ts';
import { createDoorbell, Doorbell, type DoorbellHandle } from '../../mailbox/doorbell.ts';
import { createMailbox, MESSAGE_BYTES_MAX_DEFAULT } from '../../mailbox/mailbox.ts';
import type { OutboxLimits } from '../../mailbox/outbox.ts';
import { LogGate } from '../../persistence/log-gate.ts';
import { PartitionMap } from '../../routing/partition-map.ts';
import { Barrier, type BarrierHandle } from '../../shard/barrier.ts';
import { GuardedReplies } from '../../shard/guarded-replies.ts';
import type { ShardLogData } from '../../shard/logged/shard-log-data.ts';
import type { ShardClusterData } from '../../shard/replicated/shard-cluster-data.ts';
import { ReplyPump } from '../../shard/reply-pump.ts';
import { ShardClient } from '../../shard/shard-client.ts';
import { ShardControl } from '../../shard/shard-control.ts';
import { ShardSupervisor, type SupervisorOptions } from '../../shard/shard-supervisor.ts';
import type { ShardThreadData } from '../../shard/shard-thread-data.ts';
import { Arena, createStoreMemory, type EvictionName, type StoreMemory } from '../../store/arena.ts';
import { forgetReader } from '../../store/forget-reader.ts';
import { StoreReader } from '../../store/reader.ts';
import { ChangeHub } from './change-hub.ts';
import type { CommandDispatcher } from './command-dispatcher.ts';
import { Dispatcher, type DispatcherParts } from './dispatcher.ts';

/** How often a stop looks whether all commands in flight are answered. */
const DRAIN_LOOK_MS = 2;
/** A reply that waited so long for the disk is told without it. */
const LOG_WAIT_MS_MAX = 5000;
const REPLY_BYTES_MAX_DEFAULT = 64 * 2 ** 20;

/** Who reads the shards' memory beside its writers, by the number of the slot where it announces that it does. */
const READERS = { main: 0, job: 1 } as const;
const READERS_MAX = 2;

export interface ShardsOptions {
  readonly shardCount: number;
  readonly partitionCount: number;
  /** Memory of all shards together, in bytes; each has an equal part. */
  readonly budgetBytes: number;
  readonly eviction: EvictionName;
  /** 64 secret bits as two 32-bit integers. */
  readonly hashKey: readonly [number, number];
  /** Versions of entries start above this; see `StoreMemoryOptions`. */
  readonly versionBase?: number;
  /** No longer value is taken, nor made by a command. */
  readonly valueBytesMax?: number;
  readonly node: NodePort;
  readonly supervisor: SupervisorOptions;
  /** Bytes of the largest command or reply; see `createMailbox`. */
  readonly messageBytesMax?: number;
  /** Bytes that a reply may have which is put together on this thread, if that is more than a shard's may. */
  readonly replyBytesMax?: () => number;
  readonly commandRingBytes?: number;
  readonly replyRingBytes?: number;
  /** What may wait in front of a full ring of commands. */
  readonly outbox?: OutboxLimits;
  readonly table?: CommandTable;
  /** Null, or left out: the node is in no cluster. */
  readonly cluster?: ShardsInCluster | null;
  /** Null, or left out: nothing is kept on the disk. */
  readonly onDisk?: ShardsOnDisk | null;
}

/** What the shards of a node in a cluster are made with. */
export interface ShardsInCluster {
  /** What a shard's thread is told of the cluster; `bell` is that of the thread. */
  threadData(shard: number, bell: DoorbellHandle, partitions: ShardPartitions): ShardClusterData;
  /** Makes what runs commands, of what any dispatcher needs. */
  openDispatcher(parts: DispatcherParts): CommandDispatcher;
}

/** What the shards of a node are made with that keeps its keys on the disk. */
export interface ShardsOnDisk {
  threadData(shard: number, bells: ShardBells): ShardLogData;
}

export interface ShardBells {
  /** Of those who wait for replies. */
  readonly fronts: readonly DoorbellHandle[];
  readonly actor: DoorbellHandle;
}

/** The partitions of a shard: `first` up to `first + count - 1`, of the cluster's `total`. */
export interface ShardPartitions {
  readonly first: number;
  readonly count: number;
  readonly total: number;
}

/** All shards of a node, and the way to them from the front ends of this thread. */
export class Shards {
  readonly map: PartitionMap;
  readonly dispatcher: CommandDispatcher;
  readonly supervisor: ShardSupervisor;
  /** What becomes of keys, for whoever wants to know. */
  readonly changes: ChangeHub;
  /** What each shard's thread works on; its metrics are read from its memory. */
  readonly threads: readonly ShardThreadData[];
  /** Where lookups and writes are sampled, if somebody wants it: of this thread, then of each shard. */
  readonly lookups: readonly LookupSampleHandle[];
  readonly #readers: readonly StoreReader[];
  /** By shard; null: the node is in no cluster. */
  readonly #primaries: readonly (PrimaryMask | null)[];
  readonly #clients: readonly ShardClient[];
  readonly #pump: ReplyPump;
  #stopped: Promise<void> | null = null;

  /** Reserves the memory of all shards and starts their threads. `started` tells when they serve. */
  constructor(options: ShardsOptions) {
    const { shardCount } = options;
    this.map = new PartitionMap(options.partitionCount, shardCount);
    const frontBell = createDoorbell();
    const barrierHandle = Barrier.create(shardCount);
    const barrier = new Barrier(barrierHandle);
    const lookups = createLookupSample();
    this.threads = Array.from({ length: shardCount }, (_, shard) =>
      shardMemory(shard, frontBell, barrierHandle, this.map, lookups.numbers, options),
    );
    this.lookups = [lookups, ...this.threads.map((thread) => thread.lookups)];
    this.#clients = this.threads.map((thread) => {
      const { shard, mailboxes, cluster } = thread;
      return new ShardClient(shard, mailboxes[0], options.outbox, guardOf(thread), cluster === null);
    });
    this.#pump = new ReplyPump(new Doorbell(frontBell), this.#clients);
    const { table = commandTable, messageBytesMax = MESSAGE_BYTES_MAX_DEFAULT } = options;
    const { replyBytesMax = () => REPLY_BYTES_MAX_DEFAULT } = options;
    const controls = this.threads.map(({ control }) => new ShardControl(control));
    const { logger } = options.supervisor;
    this.changes = new ChangeHub(
      table,
      controls,
      () => this.#pump.attend(),
      (err) => logger.error({ err }, 'a listener of changes failed in a way it must not'),
    );
    for (const client of this.#clients) client.notices = this.changes;
    const sampler = new LookupSampler(lookups, plainRandom.nextUint32());
    this.#readers = this.threads.map(({ memory }) => new StoreReader(memory, READERS.main, systemClock, sampler));
    this.#primaries = this.threads.map(({ cluster }) => {
      if (cluster === null) return null;
      const gates = new PartitionGates(cluster.gates);
      return { gates, mask: new Uint8Array(gates.partitions) };
    });
    const parts: DispatcherParts = {
      table,
      map: this.map,
      node: options.node,
      clients: this.#clients,
      readers: this.#readers,
      barrier,
      replyBytesMax: () => Math.max(replyBytesMax(), messageBytesMax),
      onSent: () => this.#pump.sent(),
      onDefect: reportTo(options.supervisor.logger),
    };
    const { cluster = null } = options;
    this.dispatcher = cluster === null ? new Dispatcher(parts) : cluster.openDispatcher(parts);
    const { onDeath } = options.supervisor;
    this.supervisor = new ShardSupervisor(this.threads, {
      ...options.supervisor,
      onDeath: (shard, reason) => {
        // Others may wait for it in a transaction.
        barrier.settle(shard);
        // What it had changed and not told is not known; its successor tells of what it changes itself.
        this.changes.lost(shard);
        onDeath?.(shard, reason);
      },
    });
  }

  /** What a job's thread needs to read the keys of all shards: by shard. Only one thread may do so at a time. */
  get jobMemory(): { readonly memories: readonly StoreMemory[]; readonly reader: number } {
    return { memories: this.threads.map(({ memory }) => memory), reader: READERS.job };
  }

  /** The thread that read as a job has ended, perhaps amidst that: writers do not wait for it any longer. */
  forgetJob(): void {
    for (const { memory } of this.threads) forgetReader(memory, READERS.job);
  }

  /**
   * The entry of a key in this node's memory, without marking it as used, valid until the next look; null: there is none;
   * undefined: a group of writes is just being published. Not to be called while something else is read.
   */
  peek(key: Uint8Array): EntryInfo | null | undefined {
    const reader = this.#readers[this.map.shardOfKey(key, 0, key.length)] as StoreReader;
    if (!reader.enter()) return undefined;
    const found = reader.peek(key, 0, key.length);
    reader.leave();
    return found ? reader.entry : null;
  }

  /** Bytes of the longest key that every shard can store. */
  get keyBytesMax(): number {
    return Math.min(...this.threads.map(({ memory }) => new Arena(memory).keyBytesMax));
  }

  /** Keys that this node is primary of, in a cluster, or all there are. */
  get ownKeyCount(): number {
    let keys = 0;
    for (const [shard, reader] of this.#readers.entries()) {
      const primaries = this.#primaries[shard] ?? null;
      keys += primaries === null ? reader.keyCount : reader.keyCountOf(maskNow(primaries));
    }
    return keys;
  }

  /** Resolves when every shard serves; rejects when one did not start. */
  started(): Promise<void> {
    return this.supervisor.started();
  }

  /**
   * Refuses further commands, waits up to `drainMs` for those in flight, then ends the threads. A command that is still
   * unanswered after that is answered `indeterminate`.
   */
  stop(drainMs: number): Promise<void> {
    this.#stopped ??= this.#stop(drainMs);
    return this.#stopped;
  }

  async #stop(drainMs: number): Promise<void> {
    this.dispatcher.close();
    const deadlineMs = performance.now() + drainMs;
    while (this.dispatcher.inFlight > 0 && performance.now() < deadlineMs) {
      await new Promise((resolve) => setTimeout(resolve, DRAIN_LOOK_MS));
    }
    this.dispatcher.stop();
    await this.supervisor.stop(Math.max(deadlineMs - performance.now(), 0));
    this.#pump.stop();
    for (const client of this.#clients) client.abandon();
  }
}

function shardMemory(
  shard: number,
  frontBell: DoorbellHandle,
  barrier: BarrierHandle,
  map: PartitionMap,
  lookupNumbers: SharedArrayBuffer,
  options: ShardsOptions,
): ShardThreadData {
  const { shardCount, messageBytesMax = MESSAGE_BYTES_MAX_DEFAULT, commandRingBytes, replyRingBytes } = options;
  const actorBell = createDoorbell();
  const partitions = partitionsOf(shard, map);
  const { cluster = null, onDisk = null } = options;
  return {
    shard,
    memory: createStoreMemory({
      budgetBytes: Math.floor(options.budgetBytes / shardCount),
      readersMax: READERS_MAX,
      eviction: options.eviction,
      hashKey: options.hashKey,
      ...(options.versionBase === undefined ? {} : { versionBase: options.versionBase }),
      ...(options.valueBytesMax === undefined ? {} : { valueBytesMax: options.valueBytesMax }),
      ...(cluster === null && onDisk === null ? {} : { partitions }),
    }),
    bell: actorBell,
    control: ShardControl.create(),
    barrier,
    lookups: createLookupSample(lookupNumbers),
    cluster: cluster === null ? null : cluster.threadData(shard, actorBell, partitions),
    log: onDisk === null ? null : onDisk.threadData(shard, { fronts: [frontBell], actor: actorBell }),
    mailboxes: [
      createMailbox({
        actorBell,
        frontBell,
        messageBytesMax,
        ...(commandRingBytes === undefined ? {} : { commandRingBytes }),
        ...(replyRingBytes === undefined ? {} : { replyRingBytes }),
      }),
    ],
  };
}

/** What stands behind the replies of a shard; null: nothing. */
function guardOf({ cluster, log }: ShardThreadData): GuardedReplies | null {
  if (cluster !== null) return new GuardedReplies(new PartitionGates(cluster.gates), monotonicMs);
  if (log === null) return null;
  const unknown = 'the write is not known to be on the disk; it has taken effect, and may be lost with this process';
  return new GuardedReplies(new LogGate(log.gate), monotonicMs, unknown, { waitMsMax: LOG_WAIT_MS_MAX });
}

interface PrimaryMask {
  readonly gates: PartitionGates;
  /** Filled anew at each use. */
  readonly mask: Uint8Array;
}

/** 1 for each partition that this node is primary of. */
function maskNow({ gates, mask }: PrimaryMask): Uint8Array {
  for (let partition = 0; partition < mask.length; partition++) {
    mask[partition] = Number(gates.role(partition) === GateRole.primary);
  }
  return mask;
}

export function partitionsOf(shard: number, map: PartitionMap): ShardPartitions {
  const total = map.partitionCount;
  const own = Array.from({ length: total }, (_, partition) => partition).filter(
    (partition) => map.shardOfPartition(partition) === shard,
  );
  return { first: own[0] ?? 0, count: own.length, total };
}

function reportTo(logger: Logger): (command: Command, error: unknown) => void {
  return (command, error) => logger.error({ command: command.name, err: error }, 'a command failed on the front end');
}
