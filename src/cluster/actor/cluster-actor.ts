import { assert } from '../../base/assert.ts';
import { copyOf } from '../../base/copy-bytes.ts';
import { monotonicMs } from '../../base/monotonic.ts';
import { DecodeError, ValueReader } from '../../base/msgpack-reader.ts';
import { type Logger, plainRandom } from '../../base/ports.ts';
import { Doorbell } from '../../mailbox/doorbell.ts';
import { DoorbellFront, Drained } from '../../mailbox/doorbell-front.ts';
import { announcedAddress } from '../bus/announced-address.ts';
import { BusChannel, type BusHello } from '../bus/bus.ts';
import { busOptions } from '../bus/bus-options.ts';
import { SocketBus } from '../bus/socket-bus.ts';
import type { ClusterMessage } from '../cluster-message.ts';
import { openRaftLog, type RaftLog } from '../consensus/raft-log-file.ts';
import type { RaftState } from '../consensus/raft-types.ts';
import type { ClusterState, NodeEndpoints } from '../controller/cluster-state.ts';
import { emptyClusterState } from '../controller/cluster-state.ts';
import { decodeCommand } from '../controller/command-codec.ts';
import type { Founding } from '../founding/founding.ts';
import { decodeFoundingMessage, encodeFoundingMessage, type Whereabouts } from '../founding/founding-message.ts';
import type { Claim, NodeId } from '../identity.ts';
import { PartitionGates } from '../partition-gates.ts';
import { decodeMessage, encodeMessage } from '../transport/message-codec.ts';
import { MessageKind } from '../transport/message-kind.ts';
import type { ClusterThreadData, FromClusterThread, ToClusterThread } from './cluster-thread-data.ts';
import { Entrance } from './entrance.ts';
import { keepingOf, validClaims } from './keeping.ts';
import { machineStart } from './machine-start-file.ts';
import { Membership } from './membership.ts';
import { NodeIdentityFile } from './node-identity-file.ts';
import { PeerAddresses } from './peer-addresses.ts';
import { ShardLinks } from './shard-links.ts';
import { waitReport } from './wait-report.ts';

const STATUS_EVERY_MS = 500;
const TELL_WAIT_EVERY_MS = 10_000;
/** What is due later is looked at again then. */
const TIMER_MS_MAX = 1000;
/** A snapshot of the largest configuration has a few megabytes. */
const MESSAGE_BYTES_MIN = 32 * 1024 * 1024;
/** What stands around a replication message of the largest size. */
const MESSAGE_MARGIN_BYTES = 64 * 1024;
/** Of messages that are not understood one is logged in this time. */
const COMPLAIN_EVERY_MS = 60_000;

/**
 * The cluster's thread of a node: it owns the bus, the log of consensus and the timers, looks for a cluster or founds one,
 * and carries messages between its shards and other nodes.
 *
 *     looking   a founding or a cluster is looked for, however long that takes
 *     member    the coordinator runs; shards and the main thread are told of each state
 *     closed    it was told to stop, or cannot go on
 */
export class ClusterActor {
  readonly #data: ClusterThreadData;
  readonly #post: (message: FromClusterThread) => void;
  readonly #log: Logger;
  readonly #identity: NodeIdentityFile;
  readonly #links: ShardLinks;
  readonly #gates: PartitionGates;
  readonly #front: DoorbellFront;
  readonly #bus: SocketBus;
  readonly #addresses: PeerAddresses;
  #raftLog: RaftLog | null = null;
  #claims: readonly Claim[] = [];
  #entrance: Entrance | null = null;
  #member: Membership | null = null;
  #busPort = 0;
  #announced = '';
  #timer: NodeJS.Timeout | null = null;
  #timerAtMs = Number.POSITIVE_INFINITY;
  #statusTimer: NodeJS.Timeout | null = null;
  #toldLeader: NodeId | null = null;
  #toldNodes: ClusterState['nodes'] | null = null;
  #isClosed = false;
  #isWorking = false;
  /** When the log was last told of what the node waits for: not at once, it has been told that it begins to look. */
  #waitToldMs = monotonicMs();
  #complainedMs = Number.NEGATIVE_INFINITY;

  constructor(data: ClusterThreadData, post: (message: FromClusterThread) => void, log: Logger) {
    this.#data = data;
    this.#post = post;
    this.#log = log;
    this.#identity = new NodeIdentityFile(data.dataDir, data.nodeName);
    this.#gates = new PartitionGates(data.gates);
    this.#links = new ShardLinks(data.links, data.shardOfPartition, {
      replication: (to, bytes, start, end) => this.#bus.send(to, BusChannel.cluster, bytes.subarray(start, end)),
      proposal: (command) => this.#member?.propose(decodeCommand(copyOf(command))),
    });
    this.#addresses = new PeerAddresses(this.#node);
    const { host, port, secret, seeds, defaultPort, messageBytesMax, tls } = data.bus;
    this.#bus = new SocketBus(
      busOptions({
        host,
        port,
        secret,
        seeds,
        defaultPort,
        messageBytesMax: Math.max(messageBytesMax + MESSAGE_MARGIN_BYTES, MESSAGE_BYTES_MIN),
        tls,
        log,
      }),
      {
        hello: () => this.#hello(),
        connected: (peer) => this.#work(() => this.#connected(peer)),
        disconnected: (node) => this.#work(() => this.#disconnected(node)),
        received: (from, channel, bytes) => this.#received(from, channel, bytes),
        batchEnded: () => {
          this.#settle();
          // Shards that were sent something will answer soon.
          this.#front.schedule();
        },
      },
    );
    this.#front = new DoorbellFront(new Doorbell(data.bell), {
      flush: () => this.#links.flush(),
      drain: () => this.#drain(),
      hasWork: () => this.#links.hasWork(),
    });
  }

  /** Resolves once the bus listens. Rejects, with everything closed, when the disk or the port refuses. */
  async start(): Promise<void> {
    try {
      const log = await openRaftLog(this.#data.dataDir);
      this.#raftLog = log;
      this.#claims = this.#claimsOf(log.boot);
      this.#busPort = await this.#bus.start();
      this.#post({ kind: 'listening', boot: log.boot, port: this.#busPort });
    } catch (error) {
      await this.close();
      throw error;
    }
    if (this.#isClosed) return;
    await this.#begin(this.#raftLog);
    if (this.#isClosed) return;
    this.#statusTimer = setInterval(() => this.#tellStatus(), STATUS_EVERY_MS);
    this.#front.schedule();
    this.#settle();
  }

  /** What of its earlier starts' copies this one stands for. */
  #claimsOf(boot: number): readonly Claim[] {
    const { kept } = this.#data;
    const { identity } = this.#identity;
    const next = keepingOf(identity.keeping, kept?.outlives ?? null, boot, machineStart());
    // Of a node that keeps nothing there is nothing to write.
    if (next !== null || identity.keeping !== null) this.#identity.write({ ...identity, keeping: next });
    return next === null ? [] : validClaims(kept?.claims ?? [], next);
  }

  take(message: ToClusterThread): void {
    if (this.#isClosed) return;
    switch (message.kind) {
      case 'submit':
        this.#submit(message.request, message.command);
        break;
      case 'hand-over':
        this.#handOver(message.deadlineMs);
        break;
      case 'stop':
        this.#stop(message.deadlineMs);
        break;
      case 'tls':
        this.#bus.setTls(message.tls);
    }
    this.#settle();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#gates.setLease(Number.NEGATIVE_INFINITY);
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#statusTimer !== null) clearInterval(this.#statusTimer);
    this.#front.stop();
    await this.#bus.close();
    if (this.#member !== null) await this.#member.close();
    else await this.#raftLog?.close();
  }

  get #node(): NodeId {
    return this.#identity.identity.node;
  }

  get #founding(): Founding | null {
    return this.#entrance?.founding ?? null;
  }

  get #boot(): number {
    assert(this.#raftLog !== null, 'the log is open');
    return this.#raftLog.boot;
  }

  #address(): string {
    const { announced, host } = this.#data.bus;
    return announcedAddress(announced, host, this.#busPort, this.#bus.seenHost);
  }

  #endpoints(): NodeEndpoints {
    const { tcp, http, link } = this.#data.endpoints;
    // Without a host of their own they are reached where the bus is.
    const host = this.#address().replace(/:\d+$/, '');
    const whole = (endpoint: string): string => (endpoint.startsWith(':') ? host + endpoint : endpoint);
    return { tcp: whole(tcp), http: whole(http), link: whole(link) };
  }

  #hello(): BusHello {
    const { node, clusterId } = this.#identity.identity;
    return { node, boot: this.#boot, address: this.#address(), clusterId };
  }

  async #begin(log: RaftLog): Promise<void> {
    this.#entrance = new Entrance(this.#data, this.#identity, log, this.#log, {
      send: (to, message) => this.#bus.send(to, BusChannel.founding, encodeFoundingMessage(message)),
      work: (event) => this.#work(event),
      heardOf: (nodes) => {
        this.#addresses.heardOf(nodes);
        this.#setPeers();
      },
      entered: (clusterId, restored) => this.#entered(clusterId, log, restored),
      failed: (reason) => this.#fail(reason),
    });
    await this.#entrance.begin();
  }

  #entered(clusterId: string, log: RaftLog, restored: RaftState): void {
    if (this.#isClosed) return;
    this.#post({ kind: 'member', clusterId });
    this.#member = this.#becomeMember(log, restored);
    if (this.#isClosed) return;
    for (const peer of this.#bus.connected.values()) this.#connected(peer);
    this.#announce();
    this.#settle();
  }

  #becomeMember(log: RaftLog, restored: RaftState): Membership {
    const { weight, zone, settings: made } = this.#data;
    const { node, settings } = this.#identity.identity;
    return new Membership(
      {
        node,
        boot: log.boot,
        settings,
        weight,
        claims: this.#claims,
        zone,
        partitions: made.partitions,
        random: plainRandom,
        address: () => this.#address(),
        endpoints: () => this.#endpoints(),
        nowMs: monotonicMs,
      },
      log,
      restored,
      this.#links,
      this.#gates,
      {
        send: (to, message: ClusterMessage) => this.#bus.send(to, BusChannel.cluster, encodeMessage(message)),
        configured: (state, change, atMs) => {
          // Whoever notes that a node is lost is to know since when nothing was heard from it.
          if (state.nodes !== this.#toldNodes && this.#statusTimer !== null) this.#tellStatus();
          this.#toldNodes = state.nodes;
          this.#post({ kind: 'state', change, atMs });
          this.#addresses.configure(state);
          this.#setPeers();
          this.#checkPartitions(state);
        },
        registrationRefused: (reason) => this.#log.warn({ reason }, 'the cluster does not take this node, for now'),
        removed: () => this.#noteRemoval(),
        failed: (reason) => this.#fail(reason),
        journalChanged: (trouble) => this.#noteJournal(trouble),
        worked: () => this.#settle(),
      },
    );
  }

  #noteJournal(trouble: string | null): void {
    if (trouble === null) this.#log.info({}, 'the log of consensus is written again');
    else this.#log.error({ reason: trouble }, 'the node has no say in consensus until its disk takes the log again');
    this.#tellStatus();
  }

  #noteRemoval(): void {
    try {
      this.#identity.write({ ...this.#identity.identity, isRemoved: true });
    } catch (error) {
      this.#log.error({ reason: String(error) }, 'that the node was removed could not be written down');
    }
  }

  #checkPartitions({ settings }: ClusterState): void {
    const { partitions } = this.#data.settings;
    if (settings === null || settings.partitions === partitions) return;
    this.#fail(
      `the cluster has ${settings.partitions} partitions, and this node is set to ${partitions}; set partitions to ${settings.partitions}`,
    );
  }

  #connected(peer: BusHello): void {
    this.#addresses.connected(peer);
    this.#setPeers();
    // The other end may have said how it sees this node.
    if (this.#announced !== this.#address()) queueMicrotask(() => this.#announce());
    this.#founding?.connected(peer.node, peer.address, peer.clusterId, monotonicMs());
    if (this.#member === null || !this.#isOfCluster(peer.node)) return;
    const { seeds } = this.#member;
    if (!seeds.includes(peer.node)) seeds.push(peer.node);
    this.#introduce(peer);
  }

  #announce(): void {
    if (this.#isClosed) return;
    this.#announced = this.#address();
    this.#bus.announce();
  }

  /** Tells a node of the others, and the others of the node. */
  #introduce({ node, boot, address }: BusHello): void {
    const tell = (to: NodeId, nodes: readonly Whereabouts[]): void => {
      this.#bus.send(to, BusChannel.founding, encodeFoundingMessage({ type: 'known', nodes }));
    };
    tell(
      node,
      this.#addresses.known().filter((other) => other.node !== node),
    );
    if (address === '') return;
    for (const other of this.#member?.seeds ?? []) if (other !== node) tell(other, [{ node, boot, address }]);
  }

  #disconnected(node: NodeId): void {
    this.#addresses.disconnected(node);
    this.#founding?.disconnected(node);
    if (this.#statusTimer !== null) this.#tellStatus();
    const seeds = this.#member?.seeds;
    const at = seeds?.indexOf(node) ?? -1;
    if (at >= 0) seeds?.splice(at, 1);
  }

  #setPeers(): void {
    if (this.#addresses.hasChanged()) this.#bus.setPeers(this.#addresses.peers);
  }

  /** Nodes of no cluster, or of another one, have nothing to say in this. */
  #isOfCluster(node: NodeId): boolean {
    const { clusterId } = this.#identity.identity;
    return clusterId !== '' && this.#bus.connected.get(node)?.clusterId === clusterId;
  }

  #received(from: NodeId, channel: BusChannel, bytes: Uint8Array): void {
    this.#isWorking = true;
    try {
      if (channel === BusChannel.founding) {
        this.#receiveFounding(from, bytes);
      } else if (this.#member !== null && this.#isOfCluster(from)) this.#receive(this.#member, from, bytes);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#complain(from, error);
    } finally {
      this.#isWorking = false;
    }
  }

  #receiveFounding(from: NodeId, bytes: Uint8Array): void {
    const message = decodeFoundingMessage(bytes);
    if (message.type !== 'known') {
      this.#founding?.receive(from, message, monotonicMs());
    } else if (this.#member !== null && this.#isOfCluster(from)) {
      this.#addresses.hinted(message.nodes);
      this.#setPeers();
    }
  }

  #receive({ coordinator }: Membership, from: NodeId, bytes: Uint8Array): void {
    const partition = partitionOf(bytes);
    if (partition !== null) {
      this.#links.receive(from, partition, bytes);
      return;
    }
    // Entries of the log are kept: not as views of a frame.
    const message = decodeMessage(copyOf(bytes));
    const nowMs = monotonicMs();
    if (message.kind === 'raft') coordinator.receiveRaft(from, message.message, nowMs);
    else if (message.kind !== 'replication') coordinator.receive(from, message, nowMs);
  }

  #complain(from: NodeId, error: DecodeError): void {
    const nowMs = monotonicMs();
    if (nowMs - this.#complainedMs < COMPLAIN_EVERY_MS) return;
    this.#complainedMs = nowMs;
    this.#log.warn({ peer: from, reason: error.message }, 'a message of another node is not understood');
  }

  #drain(): Drained {
    this.#isWorking = true;
    const { hadAny, hasMore } = this.#links.drain();
    this.#isWorking = false;
    this.#settle();
    if (hasMore) return Drained.more;
    return hadAny ? Drained.some : Drained.nothing;
  }

  /** Runs an event; what it leads to leaves with its batch. */
  #work(event: () => void): void {
    if (this.#isClosed) return;
    const wasWorking = this.#isWorking;
    this.#isWorking = true;
    event();
    this.#isWorking = wasWorking;
    if (!wasWorking) this.#settle();
  }

  /** After each batch of events. */
  #settle(): void {
    if (this.#isClosed || this.#isWorking) return;
    const nowMs = monotonicMs();
    this.#member?.departure.tick(nowMs);
    this.#member?.publishLease(nowMs);
    this.#bus.flush();
    this.#links.flush();
    const leader = this.#member?.coordinator.raft.leader ?? null;
    if (leader !== this.#toldLeader && this.#statusTimer !== null) this.#tellStatus();
    this.#arm(nowMs);
  }

  #arm(nowMs: number): void {
    const wakeAtMs = Math.min(
      this.#founding?.wakeAtMs ?? Number.POSITIVE_INFINITY,
      this.#member?.wakeAtMs ?? Number.POSITIVE_INFINITY,
    );
    if (wakeAtMs >= this.#timerAtMs && this.#timer !== null) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#timerAtMs = wakeAtMs;
    if (wakeAtMs === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.#tick(), Math.max(0, Math.min(Math.ceil(wakeAtMs - nowMs), TIMER_MS_MAX)));
  }

  #tick(): void {
    this.#timer = null;
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    this.#work(() => {
      const nowMs = monotonicMs();
      this.#founding?.tick(nowMs);
      this.#member?.tick(nowMs);
    });
  }

  #submit(request: number, command: Extract<ToClusterThread, { kind: 'submit' }>['command']): void {
    if (this.#member === null) {
      const reason = 'the node is of no cluster yet';
      this.#post({ kind: 'answered', request, answer: { type: 'refused', reason, isRetryable: true } });
      return;
    }
    this.#member.submit(command, (answer) => this.#post({ kind: 'answered', request, answer }));
  }

  #handOver(deadlineMs: number): void {
    const done = (primariesLeft: number): void => this.#post({ kind: 'handed-over', primariesLeft });
    const nowMs = monotonicMs();
    if (this.#member === null) done(0);
    else this.#member.departure.handOver(nowMs + deadlineMs, done, nowMs);
  }

  #stop(deadlineMs: number): void {
    const end = (): void => {
      // The last word is to leave before the connections end.
      setImmediate(() => {
        void this.close().then(() => this.#post({ kind: 'stopped' }));
      });
    };
    const nowMs = monotonicMs();
    if (this.#member === null) end();
    else this.#member.departure.leave(nowMs + deadlineMs, end, nowMs);
  }

  #fail(reason: string): void {
    if (this.#isClosed) return;
    this.#post({ kind: 'failed', reason });
    void this.close();
  }

  /** Also tells the log now and then, so that a node that waits shows a sign of life. */
  #waitsFor(): string | null {
    const report = waitReport({
      self: this.#node,
      boot: this.#boot,
      clusterId: this.#identity.identity.clusterId,
      bootstrapExpect: this.#data.bootstrapExpect,
      state: this.#member?.coordinator.state ?? emptyClusterState,
      connected: this.#bus.connected.values(),
      seedTroubles: this.#bus.seedTroubles,
    });
    const nowMs = monotonicMs();
    if (report !== null && nowMs - this.#waitToldMs >= TELL_WAIT_EVERY_MS) {
      this.#waitToldMs = nowMs;
      this.#log.info({}, report);
    }
    return report;
  }

  #tellStatus(): void {
    const member = this.#member;
    const raft = member?.coordinator.raft;
    this.#toldLeader = raft?.leader ?? null;
    this.#post({
      kind: 'status',
      status: {
        atMs: Date.now(),
        leader: this.#toldLeader,
        term: raft?.term ?? 0,
        voters: raft?.membership.voters ?? [],
        learners: raft?.membership.learners ?? [],
        registrationRefusal: member?.refusal ?? null,
        waitsFor: this.#waitsFor(),
        journalTrouble: member?.journal.trouble(monotonicMs()) ?? null,
        journalFailures: member?.journal.failures ?? 0,
        links: this.#bus.links(),
        copies: this.#links.copies,
      },
    });
  }
}

/** Of a replication message: whose it is. Null: it is another. */
function partitionOf(bytes: Uint8Array): number | null {
  const reader = new ValueReader(bytes);
  reader.array('message', 1, 16);
  const kind = reader.integer('kind');
  return kind >= MessageKind.append && kind <= MessageKind.chunkAck ? reader.integer('partition') : null;
}
