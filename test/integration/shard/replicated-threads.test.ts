import test, { type ExecutionContext } from 'ava';
import { createLookupSample } from '../../../src/base/lookup-sample.ts';
import { monotonicMs } from '../../../src/base/monotonic.ts';
import type { Logger } from '../../../src/base/ports.ts';
import { WaitState } from '../../../src/base/wait-state.ts';
import { ActorLink, createShardLink, LinkKind } from '../../../src/cluster/actor/shard-link.ts';
import { applyCommand } from '../../../src/cluster/controller/apply-command.ts';
import type { ClusterCommand } from '../../../src/cluster/controller/cluster-command.ts';
import { type ClusterState, emptyClusterState, noEndpoints } from '../../../src/cluster/controller/cluster-state.ts';
import { decodeCommand } from '../../../src/cluster/controller/command-codec.ts';
import { encodeStateDelta } from '../../../src/cluster/controller/state-delta-codec.ts';
import { PartitionGates } from '../../../src/cluster/partition-gates.ts';
import { defaultReplicationOptions } from '../../../src/cluster/replication/replication-options.ts';
import { ArgsBuffer } from '../../../src/command/args-buffer.ts';
import { ReplyReader } from '../../../src/command/reply.ts';
import { commandTable } from '../../../src/command/table.ts';
import { createDoorbell } from '../../../src/mailbox/doorbell.ts';
import { FrontMailbox } from '../../../src/mailbox/front-mailbox.ts';
import { createMailbox } from '../../../src/mailbox/mailbox.ts';
import { Barrier } from '../../../src/shard/barrier.ts';
import { commandBytesMax, encodeCommand } from '../../../src/shard/command-message.ts';
import { GuardKind, WAIT_BYTES, WAITS_HEAD_BYTES } from '../../../src/shard/guarded-reply.ts';
import { ShardControl } from '../../../src/shard/shard-control.ts';
import { ShardSupervisor } from '../../../src/shard/shard-supervisor.ts';
import { createStoreMemory } from '../../../src/store/arena.ts';
import { readValue } from '../../command-runner.ts';

const PARTITIONS = 8;
const TIMEOUT_MS = 20_000;
/** Longer than a busy machine lets this thread wait. */
const LEASE_MS = 30_000;
const logger: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** A node's shard in a thread of its own; this thread is its front end and its cluster actor. */
class ThreadNode {
  readonly node: string;
  readonly boot = 1;
  readonly link: ActorLink;
  readonly gates: PartitionGates;
  readonly supervisor: ShardSupervisor;
  readonly front: FrontMailbox;
  told: ClusterState = emptyClusterState;
  readonly #args = new ArgsBuffer();
  readonly #reply = new ReplyReader();

  constructor(node: string) {
    this.node = node;
    const bell = createDoorbell();
    const mailbox = createMailbox({ actorBell: bell, frontBell: createDoorbell() });
    const link = createShardLink({ shardBell: bell, actorBell: createDoorbell(), messageBytesMax: 2 ** 24 });
    const gates = PartitionGates.create(PARTITIONS);
    this.gates = new PartitionGates(gates);
    this.front = new FrontMailbox(mailbox);
    this.link = new ActorLink(link);
    this.supervisor = new ShardSupervisor(
      [
        {
          shard: 0,
          memory: createStoreMemory({
            budgetBytes: 2 ** 24,
            readersMax: 1,
            eviction: 'noeviction',
            hashKey: [1, 2],
            partitions: { first: 0, count: PARTITIONS, total: PARTITIONS },
          }),
          bell,
          control: ShardControl.create(),
          barrier: Barrier.create(1),
          lookups: createLookupSample(),
          mailboxes: [mailbox],
          log: null,
          cluster: {
            gates,
            link,
            partitions: PARTITIONS,
            first: 0,
            count: PARTITIONS,
            replication: { ...defaultReplicationOptions, shrinkAfterMs: 20_000 },
            recordBytesMax: 2 ** 23,
          },
        },
      ],
      { logger },
    );
  }

  send(text: string): void {
    const [name = '', ...words] = text.split(' ');
    this.#args.begin();
    for (const word of words) this.#args.text(word);
    const at = this.front.reserve(commandBytesMax(this.#args.args));
    this.front.commit(encodeCommand(commandTable.named(name).id, this.#args.args, this.front.bytes, at), 0);
    this.front.flush();
  }

  /** The next reply and what it waits for; undefined: none is there. */
  take(): { value: unknown; isOver: () => WaitState } | undefined {
    if (!this.front.nextReply()) return undefined;
    const { bytes, offset, length } = this.front.replies;
    const own = bytes.slice(offset, offset + length);
    this.front.releaseReplies();
    const view = new DataView(own.buffer);
    if (own[0] === GuardKind.refused) return { value: `refused ${own[1]}`, isOver: () => WaitState.acknowledged };
    const hasWaits = own[0] === GuardKind.waits;
    this.#reply.open(own, hasWaits ? WAITS_HEAD_BYTES + WAIT_BYTES * view.getUint16(1, true) : 1, own.length);
    const value = readValue(this.#reply);
    if (!hasWaits) return { value, isOver: () => WaitState.acknowledged };
    const at = WAITS_HEAD_BYTES;
    const wait = [view.getUint16(at, true), view.getInt32(at + 2, true), view.getInt32(at + 6, true)] as const;
    return { value, isOver: () => this.gates.waitState(...wait) };
  }
}

class ThreadNodes {
  readonly nodes: readonly ThreadNode[];
  state: ClusterState = emptyClusterState;
  readonly #t: ExecutionContext;

  constructor(t: ExecutionContext, names: readonly string[]) {
    this.#t = t;
    this.nodes = names.map((name) => new ThreadNode(name));
    t.teardown(() => Promise.all(this.nodes.map(({ supervisor }) => supervisor.stop(1000))));
    const founded = { boot: 1, endpoints: noEndpoints, weight: 1, zone: null, partitions: null };
    for (const node of names) this.#apply({ type: 'register', node, address: `${node}:1`, ...founded });
    const settings = { partitions: PARTITIONS, leaseMs: 700, copies: 2, minInSync: 1, onLoss: 'offline' as const };
    this.#apply({ type: 'create', settings });
    const moves = this.state.partitions.map(({ version }, partition) => ({ partition, version, replicas: [...names] }));
    this.#apply({ type: 'place', moves });
  }

  #apply(command: ClusterCommand): void {
    this.state = applyCommand(this.state, command).state;
  }

  /** Carries what there is, as the cluster actor and the bus do. */
  pump(): void {
    for (const node of this.nodes) {
      const { link } = node;
      if (link.needsFull) link.sendFull(node, encodeStateDelta(null, this.state));
      else if (node.told !== this.state) link.sendChange(encodeStateDelta(node.told, this.state));
      node.told = this.state;
      if (isConfigured(link)) node.gates.setLease(monotonicMs() + LEASE_MS);
      while (link.next()) {
        const { bytes, offset, length } = link;
        if (link.kind === LinkKind.proposal) this.#apply(decodeCommand(bytes.slice(offset, offset + length)));
        if (link.kind !== LinkKind.replication) continue;
        const to = this.nodes.find((other) => other.node === link.node);
        to?.link.sendReplication(node.node, bytes, offset, offset + length);
      }
      link.release();
    }
    for (const { link } of this.nodes) link.flush();
  }

  async until(what: string, isSo: () => boolean): Promise<void> {
    const endMs = performance.now() + TIMEOUT_MS;
    while (!isSo()) {
      this.#t.true(performance.now() < endMs, `in time: ${what}`);
      this.pump();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

/** The shard has taken in all that it was sent. */
function isConfigured(link: ActorLink): boolean {
  return link.hasTaken(link.nextNumber - 1);
}

test('shards in threads of their own take writes, copy them, and go on when one dies', async (t) => {
  const cluster = new ThreadNodes(t, ['a', 'b']);
  const [a, b] = cluster.nodes as [ThreadNode, ThreadNode];
  const allInSync = (): boolean => cluster.state.partitions.every(({ inSync }) => inSync.length === 2);
  await cluster.until('both copies are in sync', allInSync);
  const count = 2000;
  const waiting: (() => WaitState)[] = [];
  const startMs = performance.now();
  for (let number = 0; number < count; number++) a.send(`set key:${number} ${number}`);
  await cluster.until('all are answered', () => {
    for (let reply = a.take(); reply !== undefined; reply = a.take()) {
      t.is(reply.value, 'OK');
      waiting.push(reply.isOver);
    }
    return waiting.length === count;
  });
  await cluster.until('all are acknowledged', () => waiting.every((isOver) => isOver() === WaitState.acknowledged));
  t.log(`${count} writes to two threads in ${Math.round(performance.now() - startMs)} ms`);

  const before = cluster.state;
  a.send('get key:7');
  await cluster.until('a read is answered', () => a.take()?.value === '7');
  // Nobody hears of `a` any more: what it was primary of goes to `b`.
  await a.supervisor.stop(1000);
  const boot = before.nodes.get('a')?.boot ?? 0;
  cluster.state = applyCommand(cluster.state, { type: 'fence', node: 'a', boot }).state;
  await cluster.until('b is primary', () => b.gates.role(0) === 2 && isConfigured(b.link));
  b.send('mget key:0 key:1 key:1999');
  let value: unknown;
  await cluster.until('b answers', () => {
    const reply = b.take();
    if (reply === undefined) return false;
    value = reply.value;
    return true;
  });
  t.deepEqual(value, ['0', '1', '1999']);
});
