import { assert } from '../../base/assert.ts';
import { copyBytes } from '../../base/copy-bytes.ts';
import { Doorbell, type DoorbellHandle } from '../../mailbox/doorbell.ts';
import { createLane, type LaneHandle, LaneReceiver, LaneSender } from '../../mailbox/lane.ts';
import type { OutboxLimits } from '../../mailbox/outbox.ts';
import type { NodeId } from '../identity.ts';
import { NodeNames } from './node-names.ts';

/**
 * What the cluster actor and one shard's actor tell each other. Kinds of messages:
 *
 * | kind | to the shard | from the shard |
 * | --- | --- | --- |
 * | 1: configuration | uint32 start, uint32 number, uint8 isFull; if full: uint8 length of the node's own id, the id, float64 boot; then the change of the state | |
 * | 2: replication | uint8 length of the sender's id, the id; then an encoded `ClusterMessage` | the same with the addressee's |
 * | 3: proposal | | an encoded `ClusterCommand` |
 * | 4: status | | `CopyStatus` of its copies (copy-status-codec.ts) |
 *
 * Numbers are little-endian. Configurations are never thrown away, the others are when too much waits: they are sent again.
 *
 * A shard that was started again knows nothing of the configuration and has nothing. It counts its starts in a shared
 * word; only configurations that bear this count are for it, the first of them a full one, and all that came before that
 * is passed over.
 */
export const LinkKind = { configuration: 1, replication: 2, proposal: 3, status: 4 } as const;
export type LinkKind = (typeof LinkKind)[keyof typeof LinkKind];

export interface ShardLinkHandle {
  readonly toShard: LaneHandle;
  readonly fromShard: LaneHandle;
  /** {@link STARTS_WORD}, {@link CONFIGURED_WORD}: both written by the shard. */
  readonly words: SharedArrayBuffer;
}

export interface ShardLinkOptions {
  readonly shardBell: DoorbellHandle;
  readonly actorBell: DoorbellHandle;
  /** Of the largest replication message. */
  readonly messageBytesMax: number;
  /** Of each direction's ring, a power of two. */
  readonly ringBytes?: number;
}

/** Who this node is, as its shards have to know. */
export interface LinkIdentity {
  readonly node: NodeId;
  readonly boot: number;
}

/** How often the shard's actor was started. */
const STARTS_WORD = 0;
/** Number of the last configuration that it has taken in. */
const CONFIGURED_WORD = 1;
/** Words that one thread writes and another looks at often have cache lines of their own. */
const WORDS_BYTES = 128;

const RING_BYTES_DEFAULT = 2 ** 21;
/** A full configuration of 16384 partitions with many copies each has a few megabytes. */
const CONFIGURATION_BYTES_MAX = 2 ** 25;
const NODE_HEAD_BYTES_MAX = 256;
const CONFIGURATION_HEAD_BYTES = 9;

/** Beyond that the other end does not keep up; what is thrown away is sent again by whoever misses it. */
const LIMITS: OutboxLimits = { queuedCountMax: 65_536, queuedBytesMax: 64 * 1024 * 1024 };

export function createShardLink({
  shardBell,
  actorBell,
  messageBytesMax,
  ringBytes = RING_BYTES_DEFAULT,
}: ShardLinkOptions): ShardLinkHandle {
  const largest = Math.max(messageBytesMax, CONFIGURATION_BYTES_MAX) + NODE_HEAD_BYTES_MAX;
  return {
    toShard: createLane({ consumerBell: shardBell, producerBell: actorBell, ringBytes, messageBytesMax: largest }),
    fromShard: createLane({ consumerBell: actorBell, producerBell: shardBell, ringBytes, messageBytesMax: largest }),
    words: new SharedArrayBuffer(WORDS_BYTES),
  };
}

/**
 * The cluster actor's end. `flush` once in a turn and when its bell was rung; `next` until false, then `release`. The
 * message taken is `bytes[offset..offset + length)`, without what stands in front, and `node` its addressee.
 */
export class ActorLink {
  kind: LinkKind = LinkKind.status;
  node: NodeId = '';
  offset = 0;
  length = 0;
  readonly #sender: LaneSender;
  readonly #receiver: LaneReceiver;
  readonly #words: Int32Array;
  readonly #names = new NodeNames();
  /** As of the last full configuration. */
  #starts = 0;
  #number: number;

  constructor(handle: ShardLinkHandle, limits: OutboxLimits = LIMITS) {
    this.#sender = new LaneSender(handle.toShard, limits);
    this.#receiver = new LaneReceiver(handle.fromShard);
    this.#words = new Int32Array(handle.words);
    this.#number = Atomics.load(this.#words, CONFIGURED_WORD);
  }

  get bytes(): Uint8Array {
    return this.#receiver.bytes;
  }

  /** The shard was started since it was last given a full configuration: it needs one. Look whenever the bell was rung. */
  get needsFull(): boolean {
    return Atomics.load(this.#words, STARTS_WORD) !== this.#starts;
  }

  /** Number of the configuration that the shard is sent next. */
  get nextNumber(): number {
    return (this.#number + 1) | 0;
  }

  /**
   * The shard has taken in the configuration of this number: a lease that depends on it may be given. One that has ended, or
   * was started again and waits for a full one, counts as it did before: it answers nothing.
   */
  hasTaken(number: number): boolean {
    return ((Atomics.load(this.#words, CONFIGURED_WORD) - number) | 0) >= 0;
  }

  /** `change` is from nothing to the present state. */
  sendFull(identity: LinkIdentity, change: Uint8Array): void {
    this.#starts = Atomics.load(this.#words, STARTS_WORD);
    const sender = this.#sender;
    const idBytes = identity.node.length;
    const total = CONFIGURATION_HEAD_BYTES + 1 + idBytes + 8 + change.length;
    let at = this.#beginConfiguration(total, true);
    const { bytes } = sender;
    at = writeName(identity.node, bytes, at);
    new DataView(bytes.buffer, bytes.byteOffset).setFloat64(at, identity.boot, true);
    bytes.set(change, at + 8);
    sender.commit(total, LinkKind.configuration);
  }

  /** `change` is from the state that was sent last. Nothing is sent to a shard that waits for a full one. */
  sendChange(change: Uint8Array): void {
    const total = CONFIGURATION_HEAD_BYTES + change.length;
    const at = this.#beginConfiguration(total, false);
    this.#sender.bytes.set(change, at);
    this.#sender.commit(total, LinkKind.configuration);
  }

  /** `message[start..end)` came from that node. False: thrown away. */
  sendReplication(from: NodeId, message: Uint8Array, start: number, end: number): boolean {
    return sendNamed(this.#sender, from, message, start, end);
  }

  flush(): void {
    this.#sender.flush();
  }

  next(): boolean {
    const receiver = this.#receiver;
    if (!receiver.next()) return false;
    this.kind = receiver.kind as LinkKind;
    this.offset = receiver.offset;
    this.length = receiver.length;
    if (this.kind !== LinkKind.replication) return true;
    this.node = this.#names.at(receiver.bytes, receiver.offset);
    const taken = 1 + this.node.length;
    this.offset += taken;
    this.length -= taken;
    return true;
  }

  release(): void {
    this.#receiver.release();
  }

  hasMore(): boolean {
    return this.#receiver.hasMore();
  }

  #beginConfiguration(total: number, isFull: boolean): number {
    this.#number = (this.#number + 1) | 0;
    const at = this.#sender.reserve(total, true);
    assert(at >= 0, 'a configuration fits a message');
    const { bytes } = this.#sender;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    view.setInt32(at, this.#starts, true);
    view.setInt32(at + 4, this.#number, true);
    bytes[at + 8] = isFull ? 1 : 0;
    return at + CONFIGURATION_HEAD_BYTES;
  }
}

/** The shard's end; as for the cluster actor's. `node` is the sender. Nothing comes before the first full configuration. */
export class ShardLink {
  kind: LinkKind = LinkKind.status;
  node: NodeId = '';
  offset = 0;
  length = 0;
  /** Of a configuration: it is from nothing. */
  isFull = false;
  /** As the last full configuration had it; null before. */
  identity: LinkIdentity | null = null;
  readonly #sender: LaneSender;
  readonly #receiver: LaneReceiver;
  readonly #words: Int32Array;
  readonly #names = new NodeNames();
  readonly #starts: number;
  #number = 0;

  /** Asks for a full configuration. */
  constructor(handle: ShardLinkHandle, limits: OutboxLimits = LIMITS) {
    this.#words = new Int32Array(handle.words);
    this.#sender = new LaneSender(handle.fromShard, limits);
    this.#receiver = new LaneReceiver(handle.toShard);
    this.#starts = Atomics.add(this.#words, STARTS_WORD, 1) + 1;
    new Doorbell(handle.fromShard.consumerBell).ring();
  }

  /** How often the shard's actor was started, this time included. */
  get starts(): number {
    return this.#starts;
  }

  get bytes(): Uint8Array {
    return this.#receiver.bytes;
  }

  next(): boolean {
    const receiver = this.#receiver;
    while (receiver.next()) {
      this.kind = receiver.kind as LinkKind;
      this.offset = receiver.offset;
      this.length = receiver.length;
      if (this.kind === LinkKind.configuration ? this.#openConfiguration() : this.#openReplication()) return true;
    }
    return false;
  }

  /** The configuration taken last holds for all that this shard answers from here on. */
  configured(): void {
    Atomics.store(this.#words, CONFIGURED_WORD, this.#number);
  }

  release(): void {
    this.#receiver.release();
  }

  hasMore(): boolean {
    return this.#receiver.hasMore();
  }

  /** The message is `bytes[0..length)`. False: thrown away. */
  sendReplication(to: NodeId, bytes: Uint8Array, length = bytes.length): boolean {
    return sendNamed(this.#sender, to, bytes, 0, length);
  }

  sendProposal(command: Uint8Array): boolean {
    return this.#sender.send(command, LinkKind.proposal);
  }

  sendStatus(status: Uint8Array): boolean {
    return this.#sender.send(status, LinkKind.status);
  }

  flush(): void {
    this.#sender.flush();
  }

  #openConfiguration(): boolean {
    const { bytes } = this;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    let at = this.offset;
    if (view.getInt32(at, true) !== this.#starts) return false;
    this.#number = view.getInt32(at + 4, true);
    this.isFull = bytes[at + 8] === 1;
    at += CONFIGURATION_HEAD_BYTES;
    if (this.isFull) {
      const node = this.#names.at(bytes, at);
      at += 1 + node.length;
      this.identity = { node, boot: view.getFloat64(at, true) };
      at += 8;
    }
    assert(this.identity !== null, 'the first configuration is a full one');
    this.length -= at - this.offset;
    this.offset = at;
    return true;
  }

  #openReplication(): boolean {
    if (this.identity === null) return false;
    this.node = this.#names.at(this.bytes, this.offset);
    const taken = 1 + this.node.length;
    this.offset += taken;
    this.length -= taken;
    return true;
  }
}

function sendNamed(sender: LaneSender, name: NodeId, message: Uint8Array, start: number, end: number): boolean {
  const total = 1 + name.length + end - start;
  const at = sender.reserve(total);
  if (at < 0) return false;
  copyBytes(message, start, sender.bytes, writeName(name, sender.bytes, at), end - start);
  sender.commit(total, LinkKind.replication);
  return true;
}

/** Names of nodes are ASCII. Returns where the name ends. */
function writeName(name: NodeId, bytes: Uint8Array, at: number): number {
  bytes[at] = name.length;
  for (let index = 0; index < name.length; index++) bytes[at + 1 + index] = name.charCodeAt(index);
  return at + 1 + name.length;
}
