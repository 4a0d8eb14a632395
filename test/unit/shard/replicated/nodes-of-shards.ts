import { assert } from '../../../../src/base/assert.ts';
import { SLOT_COUNT, slotOf } from '../../../../src/base/slot.ts';
import { WaitState } from '../../../../src/base/wait-state.ts';
import type { CopyStatus } from '../../../../src/cluster/actor/cluster-view.ts';
import { decodeCopyStatus } from '../../../../src/cluster/actor/copy-status-codec.ts';
import {
  ActorLink,
  createShardLink,
  LinkKind,
  type ShardLinkHandle,
} from '../../../../src/cluster/actor/shard-link.ts';
import { applyCommand } from '../../../../src/cluster/controller/apply-command.ts';
import type { ClusterCommand } from '../../../../src/cluster/controller/cluster-command.ts';
import {
  type ClusterSettings,
  type ClusterState,
  emptyClusterState,
  noEndpoints,
  type PartitionEntry,
} from '../../../../src/cluster/controller/cluster-state.ts';
import { decodeCommand as decodeClusterCommand } from '../../../../src/cluster/controller/command-codec.ts';
import { encodeStateDelta } from '../../../../src/cluster/controller/state-delta-codec.ts';
import type { NodeId } from '../../../../src/cluster/identity.ts';
import { PartitionGates } from '../../../../src/cluster/partition-gates.ts';
import {
  defaultReplicationOptions,
  type ReplicationOptions,
} from '../../../../src/cluster/replication/replication-options.ts';
import { ArgsBuffer } from '../../../../src/command/args-buffer.ts';
import { ReplyReader } from '../../../../src/command/reply.ts';
import { commandTable } from '../../../../src/command/table.ts';
import { ActorMailbox } from '../../../../src/mailbox/actor-mailbox.ts';
import { createDoorbell, Doorbell } from '../../../../src/mailbox/doorbell.ts';
import { FrontMailbox } from '../../../../src/mailbox/front-mailbox.ts';
import { createMailbox, type MailboxHandle } from '../../../../src/mailbox/mailbox.ts';
import { Barrier } from '../../../../src/shard/barrier.ts';
import { commandBytesMax, encodeCommand } from '../../../../src/shard/command-message.ts';
import { GuardKind, RESUMES, RefusalReason, WAIT_BYTES } from '../../../../src/shard/guarded-reply.ts';
import { GuardedRun } from '../../../../src/shard/replicated/guarded-run.ts';
import { ReplicatedShard } from '../../../../src/shard/replicated/replicated-shard.ts';
import { ShardActor } from '../../../../src/shard/shard-actor.ts';
import { ShardControl } from '../../../../src/shard/shard-control.ts';
import { TRANSACTION_ROW } from '../../../../src/shard/transaction-message.ts';
import { TurnClock } from '../../../../src/shard/turn-clock.ts';
import { createStoreMemory, type StoreMemory } from '../../../../src/store/arena.ts';
import { EffectLog } from '../../../../src/store/effect-log.ts';
import { PartitionedWriter } from '../../../../src/store/partitioned-writer.ts';
import { StoreReader } from '../../../../src/store/reader.ts';
import { ErrorReply, readValue, type Value } from '../../../command-runner.ts';

export const PARTITIONS = 4;
const WALL_MS = 1_700_000_000_000;

export function partitionOf(key: string): number {
  const bytes = new TextEncoder().encode(key);
  return Math.floor((slotOf(bytes, 0, bytes.length) * PARTITIONS) / SLOT_COUNT);
}

/** What a node's front end was told of one command. */
export class Answer {
  readonly command: string;
  /** What it waits for; null: nothing, or it is not there. */
  waits: { partition: number; reign: number; seq: number }[] = [];
  refusal: keyof typeof RefusalReason | null = null;
  text: string | null = null;

  constructor(command: string) {
    this.command = command;
  }
}

interface Letter {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly bytes: Uint8Array;
}

/** One node: a shard with all partitions, whose actor has its turns when the test says so. */
export class ShardNode {
  readonly node: NodeId;
  readonly boot: number;
  readonly gates: PartitionGates;
  readonly gatesHandle = PartitionGates.create(PARTITIONS);
  readonly memory: StoreMemory;
  readonly reader: StoreReader;
  store: PartitionedWriter;
  link: ActorLink;
  status: CopyStatus[] = [];
  readonly troubles: string[] = [];
  /** Bounded pieces of work that the shard's copies have told of. */
  steps = 0;
  readonly #cluster: NodesOfShards;
  readonly #mailbox: MailboxHandle;
  readonly #front: FrontMailbox;
  readonly #linkHandle: ShardLinkHandle;
  readonly #bell = createDoorbell();
  readonly #control = ShardControl.create();
  readonly #barrier = Barrier.create(1);
  readonly #waiting: Answer[] = [];
  readonly #args = new ArgsBuffer();
  readonly #reply = new ReplyReader();
  #actor: ShardActor;
  /** The states it was told of. */
  #told: ClusterState = emptyClusterState;

  constructor(cluster: NodesOfShards, node: NodeId, boot: number) {
    this.#cluster = cluster;
    this.node = node;
    this.boot = boot;
    this.gates = new PartitionGates(this.gatesHandle);
    this.memory = createStoreMemory({
      budgetBytes: cluster.budgetBytes,
      readersMax: 2,
      eviction: cluster.eviction,
      hashKey: [1, 2],
      partitions: { first: 0, count: PARTITIONS, total: PARTITIONS },
    });
    this.reader = new StoreReader(this.memory, 0, { nowMs: () => cluster.wallMs });
    this.#mailbox = createMailbox({ actorBell: this.#bell, frontBell: createDoorbell(), messageBytesMax: 2 ** 20 });
    this.#front = new FrontMailbox(this.#mailbox);
    this.#linkHandle = createShardLink({
      shardBell: this.#bell,
      actorBell: createDoorbell(),
      messageBytesMax: 2 ** 21,
    });
    this.link = new ActorLink(this.#linkHandle);
    const { store, actor } = this.#newActor();
    this.store = store;
    this.#actor = actor;
  }

  /** The actor dies where it stands, and another takes its place. */
  restartActor(): void {
    const { store, actor } = this.#newActor();
    this.store = store;
    this.#actor = actor;
  }

  #newActor(): { store: PartitionedWriter; actor: ShardActor } {
    const cluster = this.#cluster;
    const clock = new TurnClock({ nowMs: () => cluster.wallMs });
    const store = new PartitionedWriter(this.memory, clock);
    const replicated = new ReplicatedShard({
      data: {
        gates: this.gatesHandle,
        link: this.#linkHandle,
        partitions: PARTITIONS,
        first: 0,
        count: PARTITIONS,
        replication: cluster.options,
        recordBytesMax: 1_000_000,
      },
      store,
      effects: new EffectLog(),
      frontBells: [new Doorbell(this.#mailbox.frontBell)],
      nowMs: () => cluster.nowMs,
      onStep: () => {
        this.steps++;
      },
      onTrouble: (what) => this.troubles.push(what),
      kept: null,
    });
    const barrier = new Barrier(this.#barrier);
    const { commands } = commandTable;
    const transactionRow = commands.find(({ name }) => name === TRANSACTION_ROW);
    const guard = new GuardedRun({ shard: replicated, commands, transactionRow, barrier, mailboxes: 1 });
    const actor = new ShardActor({
      store,
      clock,
      table: commandTable,
      mailboxes: [new ActorMailbox(this.#mailbox)],
      bell: new Doorbell(this.#bell),
      control: new ShardControl(this.#control),
      random: { nextUint32: () => 7 },
      barrier,
      shard: 0,
      guard,
      companion: replicated,
      onDefect: (command, error) => {
        throw new Error(command.name, { cause: error });
      },
    });
    return { store, actor };
  }

  /** Sends a command; it is run in the actor's next turn. */
  send(text: string, resumes = false): Answer {
    const [name = '', ...args] = text.split(' ');
    const row = commandTable.named(name);
    this.#args.begin();
    for (const arg of args) this.#args.text(arg);
    const bytesMax = commandBytesMax(this.#args.args);
    const at = this.#front.reserve(bytesMax);
    assert(at >= 0, 'the mailbox takes it');
    const id = resumes ? row.id + RESUMES : row.id;
    const count = encodeCommand(id, this.#args.args, this.#front.bytes, at);
    this.#front.commit(count, 0);
    this.#front.flush();
    const answer = new Answer(text);
    this.#waiting.push(answer);
    return answer;
  }

  /** Tells the node's shard of the configuration as it is now. */
  learn(): void {
    const state = this.#cluster.state;
    if (this.link.needsFull) this.link.sendFull(this, encodeStateDelta(null, state));
    else if (state !== this.#told) this.link.sendChange(encodeStateDelta(this.#told, state));
    this.#told = state;
    this.link.flush();
  }

  receive(from: NodeId, bytes: Uint8Array): void {
    this.link.sendReplication(from, bytes, 0, bytes.length);
    this.link.flush();
  }

  turn(): boolean {
    const worked = this.#actor.turn();
    this.#takeReplies();
    return worked;
  }

  /** What the shard has sent. */
  takeMessages(): { letters: Letter[]; proposals: ClusterCommand[] } {
    const letters: Letter[] = [];
    const proposals: ClusterCommand[] = [];
    const { link } = this;
    while (link.next()) {
      const bytes = link.bytes.slice(link.offset, link.offset + link.length);
      if (link.kind === LinkKind.replication) letters.push({ from: this.node, to: link.node, bytes });
      else if (link.kind === LinkKind.proposal) proposals.push(decodeClusterCommand(bytes));
      else if (link.kind === LinkKind.status) this.status = decodeCopyStatus(bytes);
    }
    link.release();
    return { letters, proposals };
  }

  /** What would be told to the client by now: null while it has to wait. */
  outcome(answer: Answer): string | null {
    if (answer.refusal !== null) return `refused: ${answer.refusal}`;
    if (answer.text === null) return null;
    for (const { partition, reign, seq } of answer.waits) {
      const state = this.gates.waitState(partition, reign, seq);
      if (state === WaitState.abandoned) return 'indeterminate';
      if (state === WaitState.waiting) return null;
    }
    return answer.text;
  }

  /** As a front end reads a key of a primary by itself; undefined: it must not. */
  readLocally(key: string): string | null | undefined {
    const bytes = new TextEncoder().encode(key);
    const partition = partitionOf(key);
    const opened = this.gates.openForReads(partition);
    if (opened === 0) return undefined;
    const value = this.peek(key);
    const slot = slotOf(bytes, 0, bytes.length);
    return this.gates.mayAnswer(partition, slot, opened, this.#cluster.nowMs) ? value : undefined;
  }

  /** What the store holds, whoever may see it. */
  peek(key: string): string | null {
    const bytes = new TextEncoder().encode(key);
    const { reader } = this;
    assert(reader.enter(), 'no group is under way between turns');
    let value: string | null = null;
    if (reader.lookup(bytes, 0, bytes.length)) {
      const target = new Uint8Array(reader.entry.valueBytes);
      reader.copyValue(target, 0);
      value = new TextDecoder().decode(target);
    }
    reader.leave();
    return value;
  }

  /** All that the store holds of the partition: keys with values, versions and expiries. */
  contents(partition: number): string[] {
    const names: string[] = [];
    const { reader } = this;
    assert(reader.enter(), 'no group is under way between turns');
    let cursor = 0;
    do {
      cursor = reader.scan(cursor, 1000, (keys, start, end, entry) => {
        const key = new TextDecoder().decode(keys.slice(start, end));
        if (partitionOf(key) === partition) names.push(`${key} ${entry.version} ${entry.expiresAtMs} ${entry.type}`);
      });
    } while (cursor !== 0);
    reader.leave();
    return names.map((name) => `${name} ${this.peek(name.split(' ')[0] as string)}`).sort();
  }

  #takeReplies(): void {
    while (this.#front.nextReply()) {
      const { replies } = this.#front;
      if (replies.isNotice) continue;
      const answer = this.#waiting.shift();
      assert(answer !== undefined, 'a reply for each command');
      const bytes = replies.bytes.slice(replies.offset, replies.offset + replies.length);
      this.#open(bytes, answer);
    }
    this.#front.releaseReplies();
  }

  #open(bytes: Uint8Array, answer: Answer): void {
    const view = new DataView(bytes.buffer);
    let at = 1;
    if (bytes[0] === GuardKind.refused) {
      const reason = Object.entries(RefusalReason).find(([, number]) => number === bytes[1])?.[0];
      answer.refusal = reason as keyof typeof RefusalReason;
      return;
    }
    if (bytes[0] === GuardKind.waits) {
      const count = view.getUint16(1, true);
      at = 3;
      for (let wait = 0; wait < count; wait++) {
        answer.waits.push({
          partition: view.getUint16(at, true),
          reign: view.getInt32(at + 2, true),
          seq: view.getInt32(at + 6, true),
        });
        at += WAIT_BYTES;
      }
    }
    this.#reply.open(bytes, at, bytes.length);
    answer.text = show(readValue(this.#reply));
  }
}

export interface NodesSetup {
  readonly nodes?: readonly NodeId[];
  readonly replicas?: readonly NodeId[];
  readonly settings?: Partial<ClusterSettings>;
  readonly options?: Partial<ReplicationOptions>;
  readonly budgetBytes?: number;
  readonly eviction?: 'flux' | 'noeviction';
}

/**
 * Nodes with a shard each, under the real configuration's rules: this is their controller, their bus and their clock.
 * Time and messages move in `round` alone.
 */
export class NodesOfShards {
  nowMs = 1000;
  readonly options: ReplicationOptions;
  readonly budgetBytes: number;
  readonly eviction: 'flux' | 'noeviction';
  readonly nodes = new Map<NodeId, ShardNode>();
  state: ClusterState = emptyClusterState;
  /** Nodes that no message reaches, and none leaves. */
  readonly cutOff = new Set<NodeId>();
  /** Nodes whose configuration stays as it is, and whose lease is not renewed. */
  readonly unaware = new Set<NodeId>();
  /** Says which messages are lost. */
  isLost: (letter: Letter) => boolean = () => false;
  /** Whether proposals come through. */
  decides = true;
  readonly refusals: string[] = [];
  #letters: Letter[] = [];

  constructor(setup: NodesSetup = {}) {
    const { nodes = ['a', 'b', 'c'], replicas = nodes, budgetBytes = 2 ** 23, eviction = 'flux' } = setup;
    this.options = { ...defaultReplicationOptions, ...setup.options };
    this.budgetBytes = budgetBytes;
    this.eviction = eviction;
    for (const node of nodes) {
      this.apply({
        type: 'register',
        node,
        boot: 1,
        address: `${node}:1`,
        endpoints: noEndpoints,
        weight: 1,
        zone: null,
        partitions: null,
      });
      this.nodes.set(node, new ShardNode(this, node, 1));
    }
    const settings = { partitions: PARTITIONS, leaseMs: 700, copies: 3, minInSync: 1, onLoss: 'offline' as const };
    this.apply({ type: 'create', settings: { ...settings, ...setup.settings } });
    this.place(replicas);
    this.rounds(30);
  }

  get wallMs(): number {
    return WALL_MS + this.nowMs;
  }

  at(node: NodeId): ShardNode {
    const found = this.nodes.get(node);
    assert(found !== undefined, `${node} is there`);
    return found;
  }

  entry(partition: number): PartitionEntry {
    const entry = this.state.partitions[partition];
    assert(entry !== undefined, 'the cluster is created');
    return entry;
  }

  inSync(partition: number): NodeId[] {
    return this.entry(partition)
      .inSync.map(({ node }) => node)
      .sort();
  }

  apply(command: ClusterCommand): void {
    const { state, refusal } = applyCommand(this.state, command);
    if (refusal !== null) this.refusals.push(refusal);
    this.state = state;
  }

  /** Where the copies of all partitions should be, the primary first. */
  place(replicas: readonly NodeId[]): void {
    const moves = this.state.partitions.map(({ version }, partition) => ({
      partition,
      version,
      replicas: [...replicas],
    }));
    this.apply({ type: 'place', moves });
  }

  fence(node: NodeId): void {
    this.apply({ type: 'fence', node, boot: 1 });
  }

  /** Configuration, messages and a turn for everybody, `count` times, 10 ms each. */
  rounds(count: number): void {
    for (let round = 0; round < count; round++) this.round();
  }

  round(): void {
    this.nowMs += 10;
    for (const node of this.nodes.values()) {
      if (this.unaware.has(node.node)) continue;
      node.learn();
    }
    const arriving = this.#letters;
    this.#letters = [];
    for (const letter of arriving) {
      const { from, to, bytes } = letter;
      if (this.cutOff.has(from) || this.cutOff.has(to) || this.isLost(letter)) continue;
      this.nodes.get(to)?.receive(from, bytes);
    }
    for (const node of this.nodes.values()) {
      // As the cluster actor does: a lease for who has taken in all it was told.
      if (!this.unaware.has(node.node) && node.link.hasTaken(node.link.nextNumber - 1))
        node.gates.setLease(this.nowMs + 700);
      while (node.turn());
      const { letters, proposals } = node.takeMessages();
      this.#letters.push(...letters);
      if (this.decides && !this.cutOff.has(node.node)) for (const proposal of proposals) this.apply(proposal);
    }
  }

  /** Has the node run the command, and gives everybody time until it is answered. */
  run(node: NodeId, text: string): string | null {
    const answer = this.at(node).send(text);
    for (let round = 0; round < 100; round++) {
      this.round();
      const outcome = this.at(node).outcome(answer);
      if (outcome !== null) return outcome;
    }
    return null;
  }
}

function show(value: Value): string {
  if (value === null) return 'null';
  if (value instanceof ErrorReply) return `error ${value.text}`;
  return Array.isArray(value) ? `[${value.map(show).join(' ')}]` : String(value);
}
