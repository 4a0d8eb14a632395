import { slotOf } from '../src/base/slot.ts';
import type { EntryInfo, Freshness, VisitKey } from '../src/base/view.ts';
import type { ClusterView } from '../src/cluster/actor/cluster-view.ts';
import { type ClusterState, emptyClusterState, type NodeEntry } from '../src/cluster/controller/cluster-state.ts';
import { GateRole, PartitionGates } from '../src/cluster/partition-gates.ts';
import { Args } from '../src/command/args.ts';
import type { Command } from '../src/command/command.ts';
import { ReplyReader, ReplyWriter } from '../src/command/reply.ts';
import { commandTable } from '../src/command/table.ts';
import { ActorMailbox } from '../src/mailbox/actor-mailbox.ts';
import { createDoorbell } from '../src/mailbox/doorbell.ts';
import { createMailbox } from '../src/mailbox/mailbox.ts';
import { PartitionMap } from '../src/routing/partition-map.ts';
import { ClusterDispatcher, type ClusterDispatcherOptions } from '../src/server/cluster/cluster-dispatcher.ts';
import { PartitionFences } from '../src/server/cluster/partition-fences.ts';
import { type CommandTarget, TargetFlag, type TargetSink } from '../src/server/cluster/target.ts';
import { TouchedPartitions } from '../src/server/cluster/touched-partitions.ts';
import type { LocalReader } from '../src/server/dispatch/local-reader.ts';
import { Barrier } from '../src/shard/barrier.ts';
import { ChangeLog } from '../src/shard/change-log.ts';
import { commandBytesMax, decodeCommand, encodeCommand } from '../src/shard/command-message.ts';
import { GuardedReplies } from '../src/shard/guarded-replies.ts';
import { GuardKind, RESUMES, RefusalReason, WAIT_BYTES, WAITS_HEAD_BYTES } from '../src/shard/guarded-reply.ts';
import { Admission, ShardClient } from '../src/shard/shard-client.ts';
import { ShardControl } from '../src/shard/shard-control.ts';
import { runRow, TransactionExec } from '../src/shard/transaction-exec.ts';
import { TRANSACTION_ROW } from '../src/shard/transaction-message.ts';
import { ModelShardStore, plainNode } from './in-thread-shards.ts';

const execCommand = commandTable.named(TRANSACTION_ROW);

/** What a shard of a cluster does about its mailbox, with copies that are always the same as their primary. */
class ScriptedShard {
  readonly fences = new PartitionFences();
  /** The number of the last write, by partition, and how far these are acknowledged. */
  readonly written = new Map<number, number>();
  /** Why commands of a partition are refused though this is its primary. */
  readonly refusals = new Map<number, RefusalReason>();
  readonly #mailbox: ActorMailbox;
  readonly #node: ClusterNode;
  readonly #touched: TouchedPartitions;
  readonly #transactions: TransactionExec;
  readonly #args = new Args();
  readonly #reply = new ReplyWriter();
  #pending: { readonly partition: number; readonly seq: number; readonly slots: readonly number[] }[] = [];

  constructor(shard: number, mailbox: ActorMailbox, node: ClusterNode) {
    this.#mailbox = mailbox;
    this.#node = node;
    this.#touched = new TouchedPartitions(node.map, commandTable.commands);
    const control = new ShardControl(ShardControl.create());
    this.#transactions = new TransactionExec({
      store: node.store,
      commands: commandTable.commands,
      changes: new ChangeLog(control),
      control,
      random: plainNode.random,
      barrier: new Barrier(Barrier.create(1)),
      shard,
      replyBytesMax: 1_000_000,
      mayStand: () => true,
      onDefect: () => undefined,
    });
  }

  /** Serves up to `limit` commands. */
  serve(limit: number): void {
    for (let served = 0; served < limit && this.#mailbox.next(); served++) this.#serveOne();
    this.#mailbox.flush();
  }

  /** Writes up to now have reached the other copies. */
  acknowledge(count = Number.POSITIVE_INFINITY): void {
    const { gates } = this.#node;
    for (const { partition, seq, slots } of this.#pending.splice(0, count)) {
      gates.setAcknowledged(partition, seq);
      for (const slot of slots) gates.removePending(slot);
    }
  }

  /** This is no primary any more: what is not acknowledged is told so. */
  abandon(partition: number): void {
    const { gates } = this.#node;
    gates.endReign(partition);
    for (const write of this.#pending.filter((other) => other.partition === partition)) {
      for (const slot of write.slots) gates.removePending(slot);
    }
    this.#pending = this.#pending.filter((other) => other.partition !== partition);
  }

  #serveOne(): void {
    const { commands } = this.#mailbox;
    const word = decodeCommand(commands.bytes, commands.offset, commands.length, this.#args);
    const command = commandTable.byId(word & ~RESUMES);
    const partitions = this.#touched.collect(command, this.#args);
    const reason =
      command.kind === 'sweep'
        ? null
        : (this.fences.reasonFor(partitions, (word & RESUMES) !== 0) ?? this.#refusal(partitions));
    if (reason !== null) {
      this.fences.refused(reason, partitions);
      const head = Uint8Array.of(GuardKind.refused, reason);
      this.#mailbox.replyBehind(head, 2, commands.bytes, commands.offset, commands.offset + commands.length);
      return;
    }
    const slots = [...this.#touched.slots];
    const reply = this.#reply;
    reply.clear();
    if (command === execCommand) this.#transactions.run(this.#args, reply);
    else runRow(command, this.#node.store, this.#args, reply);
    this.#node.world.ran(command, this.#args);
    if (command.kind !== 'read') this.#note(partitions, slots);
    const head = this.#waits(partitions);
    this.#mailbox.replyBehind(head, head.length, reply.bytes, 0, reply.length);
  }

  #refusal(partitions: readonly number[]): RefusalReason | null {
    for (const partition of partitions) {
      if (this.#node.gates.role(partition) !== GateRole.primary) return RefusalReason.notPrimary;
      const reason = this.refusals.get(partition);
      if (reason !== undefined) return reason;
    }
    return null;
  }

  #note(partitions: readonly number[], slots: readonly number[]): void {
    for (const partition of partitions) {
      const own = slots.filter((slot) => this.#node.map.partitionOfSlot(slot) === partition);
      for (const slot of own) this.#node.gates.addPending(slot);
      const seq = (this.written.get(partition) ?? 0) + 1;
      this.written.set(partition, seq);
      this.#pending.push({ partition, seq, slots: own });
    }
  }

  /** A reply waits for all writes of its partitions before it. */
  #waits(partitions: readonly number[]): Uint8Array {
    if (partitions.length === 0) return Uint8Array.of(GuardKind.plain);
    const head = new Uint8Array(WAITS_HEAD_BYTES + partitions.length * WAIT_BYTES);
    const words = new DataView(head.buffer);
    head[0] = GuardKind.waits;
    words.setUint16(1, partitions.length, true);
    for (const [index, partition] of partitions.entries()) {
      const at = WAITS_HEAD_BYTES + index * WAIT_BYTES;
      words.setUint16(at, partition, true);
      words.setInt32(at + 2, this.#node.gates.reign(partition), true);
      words.setInt32(at + 6, this.written.get(partition) ?? 0, true);
    }
    return head;
  }
}

/** What one shard holds of the store, and its reader may show of it. */
class ShardReader implements LocalReader {
  shown: Uint8Array | null = null;
  readonly #store: ModelShardStore;
  readonly #map: PartitionMap;
  readonly #shard: number;

  constructor(store: ModelShardStore, map: PartitionMap, shard: number) {
    this.#store = store;
    this.#map = map;
    this.#shard = shard;
  }

  get entry(): EntryInfo {
    return this.#store.entry;
  }

  get keyCount(): number {
    let count = 0;
    this.scan(0, Number.POSITIVE_INFINITY, () => count++);
    return count;
  }

  get expiringKeyCount(): number {
    return 0;
  }

  nowMs(): number {
    return this.#store.nowMs();
  }

  lookup(source: Uint8Array, start: number, end: number): boolean {
    return this.#store.lookup(source, start, end);
  }

  peek(source: Uint8Array, start: number, end: number): boolean {
    return this.#store.peek(source, start, end);
  }

  lookupStale(source: Uint8Array, start: number, end: number): Freshness {
    return this.#store.lookupStale(source, start, end);
  }

  peekStale(source: Uint8Array, start: number, end: number): Freshness {
    return this.#store.peekStale(source, start, end);
  }

  noteLookup(): void {}

  copyTags(target: Uint8Array, at: number): void {
    this.#store.copyTags(target, at);
  }

  copyValue(target: Uint8Array, at: number): void {
    this.#store.copyValue(target, at);
  }

  copyValueRange(from: number, length: number, target: Uint8Array, at: number): void {
    this.#store.copyValueRange(from, length, target, at);
  }

  copyContentType(target: Uint8Array, at: number): void {
    this.#store.copyContentType(target, at);
  }

  scan(cursor: number, count: number, visit: VisitKey, withStale = false): number {
    const visitShown: VisitKey = (keys, start, end, entry) => {
      if (this.#isShown(keys, start, end)) visit(keys, start, end, entry);
    };
    return this.#store.scan(cursor, count, visitShown, withStale);
  }

  randomKey(target: Uint8Array, random: number): number {
    const found: Uint8Array[] = [];
    this.scan(0, Number.POSITIVE_INFINITY, (keys, start, end) => found.push(keys.slice(start, end)));
    const chosen = found[random % Math.max(found.length, 1)];
    if (chosen === undefined) return -1;
    target.set(chosen);
    return chosen.length;
  }

  enter(): boolean {
    return this.#store.enter();
  }

  leave(): boolean {
    return this.#store.leave();
  }

  hold(): void {}

  release(): void {}

  #isShown(keys: Uint8Array, start: number, end: number): boolean {
    const partition = this.#map.partitionOfSlot(slotOf(keys, start, end));
    return (
      this.#map.shardOfPartition(partition) === this.#shard && (this.shown === null || this.shown[partition] === 1)
    );
  }
}

/** A way from one node to another: what is on it moves when the test says so. */
export class ScriptedLink implements CommandTarget {
  isUp = true;
  readonly #to: ClusterNode;
  #prepared: { bytes: Uint8Array; flags: number } | null = null;
  #asked: { readonly bytes: Uint8Array; readonly flags: number; readonly sink: TargetSink }[] = [];
  #answered: (() => void)[] = [];
  #inFlight = new Set<TargetSink>();
  #fences = new PartitionFences();
  #round = 0;
  readonly #touched: TouchedPartitions;

  constructor(to: ClusterNode) {
    this.#to = to;
    this.#touched = new TouchedPartitions(to.map, commandTable.commands);
  }

  get outstanding(): number {
    return this.#inFlight.size;
  }

  prepare(rowId: number, args: Args, flags: number): Admission {
    if (!this.isUp) return Admission.unreachable;
    const bytes = new Uint8Array(commandBytesMax(args));
    this.#prepared = { bytes: bytes.slice(0, encodeCommand(rowId, args, bytes, 0)), flags };
    return Admission.taken;
  }

  commit(sink: TargetSink): void {
    if (this.#prepared === null) throw new Error('nothing is prepared');
    this.#asked.push({ ...this.#prepared, sink });
    this.#prepared = null;
    this.#inFlight.add(sink);
  }

  flush(): void {}

  /** The other node takes up to so many commands. */
  deliver(limit: number): void {
    for (const { bytes, flags, sink } of this.#asked.splice(0, limit)) this.#run(bytes, flags, sink);
  }

  /** This node takes up to so many answers. */
  receive(limit: number): void {
    for (const tell of this.#answered.splice(0, limit)) tell();
  }

  /** The connection breaks: reads are refused, and of writes nobody knows. */
  lose(): void {
    this.#round++;
    this.#asked = [];
    this.#answered = [];
    this.#fences = new PartitionFences();
    const lost = [...this.#inFlight];
    this.#inFlight = new Set();
    for (const sink of lost) {
      const writer = new ReplyWriter();
      writer.error('indeterminate', 'the link was lost');
      sink.onReply(opened(writer));
    }
  }

  #run(bytes: Uint8Array, flags: number, sink: TargetSink): void {
    const args = new Args();
    const command = commandTable.byId(decodeCommand(bytes, 0, bytes.length, args));
    const partitions = [...this.#touched.collect(command, args)];
    const round = this.#round;
    const back = (tell: () => void): void => {
      if (round !== this.#round) return;
      this.#answered.push(() => {
        if (this.#inFlight.delete(sink)) tell();
      });
    };
    const refuse = (reason: RefusalReason): void => {
      this.#fences.refused(reason, partitions);
      back(() => sink.onRefused(reason, bytes, 0, bytes.length));
    };
    const reason = this.#fences.reasonFor(partitions, (flags & TargetFlag.resumes) !== 0);
    if (reason !== null) {
      refuse(reason);
      return;
    }
    this.#to.dispatcher.runForwarded(command, args, flags, {
      onReply: (reply) => {
        const copy = reply.bytes.slice(reply.partStart, endOf(reply));
        back(() => {
          const reader = new ReplyReader();
          reader.open(copy, 0, copy.length);
          sink.onReply(reader);
        });
      },
      onRefused: refuse,
    });
  }
}

export class ClusterNode {
  readonly id: string;
  readonly world: InThreadCluster;
  readonly map: PartitionMap;
  readonly gates: PartitionGates;
  readonly store: ModelShardStore;
  readonly shards: readonly ScriptedShard[];
  readonly clients: readonly ShardClient[];
  readonly dispatcher: ClusterDispatcher;
  readonly links = new Map<string, ScriptedLink>();
  /** The configuration as this node knows it. */
  state: ClusterState;
  readonly #listeners = new Set<() => void>();

  constructor(id: string, world: InThreadCluster) {
    this.id = id;
    this.world = world;
    this.map = new PartitionMap(world.partitionCount, world.shardCount);
    this.gates = new PartitionGates(PartitionGates.create(world.partitionCount));
    this.gates.setLease(world.leaseEndsMs);
    this.store = world.store;
    this.state = emptyClusterState;
    const frontBell = createDoorbell();
    const boxes = Array.from({ length: world.shardCount }, () =>
      createMailbox({ actorBell: createDoorbell(), frontBell, commandRingBytes: 65_536, replyRingBytes: 65_536 }),
    );
    this.shards = boxes.map((box, shard) => new ScriptedShard(shard, new ActorMailbox(box), this));
    this.clients = boxes.map(
      (box, shard) => new ShardClient(shard, box, undefined, new GuardedReplies(this.gates, () => world.nowMs)),
    );
    const view = this.#view();
    this.dispatcher = new ClusterDispatcher(
      {
        table: commandTable,
        map: this.map,
        node: plainNode,
        clients: this.clients,
        readers: boxes.map((_, shard) => new ShardReader(this.store, this.map, shard)),
        onSent: () => undefined,
        onDefect: (command, error) => world.defects.push(`${command.name}: ${error}`),
      },
      {
        view,
        links: { target: (node) => this.links.get(node) ?? null },
        redirects: 'asked',
        forwardTimeoutMs: 3000,
        replicaStalenessMs: 1000,
        nowMs: () => world.nowMs,
        ...world.options,
      },
    );
  }

  /** Hears of a new configuration. */
  hear(state: ClusterState): void {
    this.state = state;
    for (const listener of this.#listeners) listener();
  }

  primaryOf(partition: number, isPrimary: boolean): void {
    const shard = this.shards[this.map.shardOfPartition(partition)] as ScriptedShard;
    if (isPrimary) {
      this.gates.beginReign(partition, 1, shard.written.get(partition) ?? 0);
      this.gates.setRole(partition, GateRole.primary);
      this.gates.setOpenForReads(partition, true);
    } else {
      this.gates.setOpenForReads(partition, false);
      this.gates.setRole(partition, GateRole.none);
      shard.abandon(partition);
    }
  }

  serve(limit = 1000): void {
    for (const client of this.clients) client.flush();
    for (const shard of this.shards) shard.serve(limit);
  }

  receive(limit = 1000): void {
    for (const client of this.clients) client.receive(limit);
  }

  acknowledge(): void {
    for (const shard of this.shards) shard.acknowledge();
  }

  #view(): ClusterView {
    const node = this;
    return {
      self: this.id,
      boot: 1,
      clusterId: '0'.repeat(40),
      get state() {
        return node.state;
      },
      stateAtMs: 0,
      gates: this.gates,
      onChange: (listener) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
      submit: () => Promise.reject(new Error('nothing is changed here')),
      onStatus: () => () => undefined,
      get status(): never {
        throw new Error('nobody asks for the status');
      },
    };
  }
}

export interface InThreadClusterOptions {
  readonly nodes?: number;
  readonly partitions?: number;
  readonly shards?: number;
  readonly leaseEndsMs?: number;
  readonly dispatcher?: Partial<ClusterDispatcherOptions>;
}

/**
 * Nodes of a cluster in this thread, without replication: all read and write one store, each what it is primary of. What
 * moves does so when the test says: commands and answers, acknowledgements, and who knows of which configuration.
 */
export class InThreadCluster {
  readonly partitionCount: number;
  readonly shardCount: number;
  readonly options: Partial<ClusterDispatcherOptions>;
  readonly store = new ModelShardStore();
  readonly nodes: readonly ClusterNode[];
  readonly defects: string[] = [];
  /** Names of the commands that shards ran, in order. */
  readonly log: string[] = [];
  readonly leaseEndsMs: number;
  nowMs = 1000;
  state: ClusterState;
  readonly #primaries: (ClusterNode | null)[];

  constructor({
    nodes = 3,
    partitions = 8,
    shards = 1,
    leaseEndsMs = 2_000_000_000,
    dispatcher = {},
  }: InThreadClusterOptions = {}) {
    this.partitionCount = partitions;
    this.shardCount = shards;
    this.leaseEndsMs = leaseEndsMs;
    this.options = dispatcher;
    this.nodes = Array.from({ length: nodes }, (_, number) => new ClusterNode(`node-${number}`, this));
    for (const from of this.nodes) {
      for (const to of this.nodes) if (to !== from) from.links.set(to.id, new ScriptedLink(to));
    }
    this.#primaries = Array.from({ length: partitions }, (_, partition) => this.node(partition % nodes));
    for (const [partition, node] of this.#primaries.entries()) node?.primaryOf(partition, true);
    this.state = this.#stateNow();
    for (const node of this.nodes) node.hear(this.state);
  }

  node(number: number): ClusterNode {
    return this.nodes[number % this.nodes.length] as ClusterNode;
  }

  primary(partition: number): ClusterNode | null {
    return this.#primaries[partition] ?? null;
  }

  /** The present primary ends; the next begins when it is told to. Nobody hears of it yet. */
  retire(partition: number): void {
    this.#primaries[partition]?.primaryOf(partition, false);
    this.#primaries[partition] = null;
    this.state = this.#stateNow();
  }

  promote(partition: number, node: ClusterNode): void {
    if (this.#primaries[partition] !== null) this.retire(partition);
    this.#primaries[partition] = node;
    node.primaryOf(partition, true);
    this.state = this.#stateNow();
  }

  tellAll(): void {
    for (const node of this.nodes) if (node.state !== this.state) node.hear(this.state);
  }

  ran(command: Command, args: Args): void {
    const texts = Array.from({ length: args.count }, (_, index) => Buffer.from(args.view(index)).toString('latin1'));
    this.log.push([command.name, ...texts].join(' '));
  }

  /** Everything moves once. */
  turn(): void {
    for (const node of this.nodes) {
      node.serve();
      node.acknowledge();
      node.receive();
      for (const link of node.links.values()) {
        link.deliver(1000);
        link.receive(1000);
      }
      node.dispatcher.look();
    }
  }

  /** Until nothing is in flight; time goes on meanwhile. */
  async settle(): Promise<void> {
    for (let turns = 0; this.nodes.some(({ dispatcher }) => dispatcher.inFlight > 0); turns++) {
      if (turns > 10_000) throw new Error('something stays in flight');
      this.turn();
      this.nowMs += 5;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  stop(): void {
    for (const { dispatcher } of this.nodes) dispatcher.stop();
  }

  #stateNow(): ClusterState {
    const nodes = this.nodes.map(
      ({ id }): NodeEntry => ({
        id,
        address: `${id}:17379`,
        endpoints: { tcp: `${id}:6379`, http: `${id}:8080`, link: `${id}:6379` },
        boot: 1,
        isFenced: false,
        isDraining: false,
        isLeaving: false,
        life: 'running',
        weight: 1,
        zone: null,
      }),
    );
    const { partitionCount: partitions } = this;
    return {
      settings: { partitions, leaseMs: 700, copies: 2, minInSync: 1, onLoss: 'offline' },
      nodes: new Map(nodes.map((node) => [node.id, node])),
      removed: new Map(),
      partitions: this.#primaries.map((primary) => ({
        epoch: 1,
        version: 1,
        primary: primary?.id ?? null,
        inSync: [],
        replicas: [],
        resetEpoch: 0,
        losses: 0,
      })),
    };
  }
}

function endOf(reply: ReplyReader): number {
  reply.skip();
  return reply.nextStart;
}

function opened(writer: ReplyWriter): ReplyReader {
  const reader = new ReplyReader();
  reader.openWritten(writer);
  return reader;
}
