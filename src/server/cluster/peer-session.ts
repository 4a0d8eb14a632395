import { type KeyObject, randomBytes } from 'node:crypto';
import { isLoopback } from '../../base/addresses.ts';
import { AssertionError, assert } from '../../base/assert.ts';
import { copyBytes } from '../../base/copy-bytes.ts';
import { monotonicMs } from '../../base/monotonic.ts';
import type { Logger } from '../../base/ports.ts';
import { ValueType } from '../../base/view.ts';
import type { RefusalLog } from '../../cluster/bus/refusal-log.ts';
import type { NodeId } from '../../cluster/identity.ts';
import { Args } from '../../command/args.ts';
import type { Command } from '../../command/command.ts';
import type { PublisherPort } from '../../command/publisher.ts';
import { ReplyReader, ReplyWriter } from '../../command/reply.ts';
import type { CommandTable } from '../../command/table.ts';
import type { RefusalReason } from '../../shard/guarded-reply.ts';
import { TRANSACTION_ROW } from '../../shard/transaction-message.ts';
import type { OpenSession, Session, SessionConnection } from '../session/session.ts';
import { forwardFault } from './forward-fault.ts';
import { PartitionFences } from './partition-fences.ts';
import { PEER_MESSAGE_HEAD_BYTES, PeerFrameError, PeerFrameReader, PeerFrameWriter } from './peer-frames.ts';
import { PeerHandshake, type PeerIntroduction } from './peer-handshake.ts';
import type { PeerLimits } from './peer-limits.ts';
import { decodeForwarded, decodeNames, PeerMessage } from './peer-message.ts';
import { type ForwardedCommands, TargetFlag, type TargetSink } from './target.ts';

/** What the sessions of other nodes need of this one. */
export interface PeerSessionNode {
  readonly table: CommandTable;
  readonly commands: ForwardedCommands;
  /** The partitions of a command's keys, each once; valid until the next call. */
  readonly partitionsOf: (command: Command, args: Args) => readonly number[];
  /** The channels of this node alone. */
  readonly channels: Pick<PublisherPort, 'publish' | 'publishToShard'>;
  /** What this node tells another one of itself; null: it does not understand the question. `question` is a view. */
  readonly answer: (question: Uint8Array) => Uint8Array | null;
  readonly self: NodeId;
  /** '' while it is not known. */
  clusterId(): string;
  readonly secret: KeyObject;
  readonly limits: PeerLimits;
  readonly keyBytesMax: number;
  readonly log: Logger;
  /** Of connections that are refused. */
  readonly refusals: RefusalLog;
}

/** A frame is sent when it has so many bytes, also within a turn. */
const FRAME_BYTES = 64 * 1024;
const ATTRIBUTE_BYTES = 10;

/** Opens the sessions of other nodes on the node's TCP port. */
export function openPeerSessions(node: PeerSessionNode): OpenSession {
  const strangers = new Set<PeerSession>();
  return (connection) => new PeerSession(node, connection, strangers);
}

/** The place of a request that is being run. Used again for another. */
class PeerSlot implements TargetSink {
  id = 0;
  /** Of the command's keys. */
  readonly partitions: number[] = [];
  readonly #session: PeerSession;

  constructor(session: PeerSession) {
    this.#session = session;
  }

  onReply(reply: ReplyReader): void {
    this.#session.answer(this, reply);
  }

  onRefused(reason: RefusalReason): void {
    this.#session.refuse(this, reason);
  }
}

/**
 * A link of another node, at the end that runs its commands; `PeerLink` is the other. Nothing is believed before that
 * node has shown that it knows the secret.
 */
export class PeerSession implements Session {
  readonly client = null;
  isHeld = false;
  isLeaving = false;
  inFlight = 0;
  readonly #node: PeerSessionNode;
  readonly #connection: SessionConnection;
  /** Those that have shown nothing yet, the oldest first. */
  readonly #strangers: Set<PeerSession>;
  #handshake: PeerHandshake | null;
  #reader: PeerFrameReader | null = null;
  #writer: PeerFrameWriter | null = null;
  #other = '';
  #otherFrameBytesMax = 0;
  /** The other node's commands by its ids; null: this node has no such command. */
  #commands: readonly (Command | null)[] | null = null;
  #isSameTable = false;
  readonly #fences = new PartitionFences();
  readonly #args = new Args();
  readonly #free: PeerSlot[] = [];
  readonly #scratch = new ReplyWriter();
  readonly #reply = new ReplyReader();
  #timer: NodeJS.Timeout;
  #silentPings = 0;
  #isRunning = false;
  #isFlushDue = false;
  #isClosed = false;
  readonly #flushDue = (): void => {
    this.#isFlushDue = false;
    this.#flush();
  };

  constructor(node: PeerSessionNode, connection: SessionConnection, strangers: Set<PeerSession>) {
    this.#node = node;
    this.#connection = connection;
    this.#strangers = strangers;
    const introduce = (other: PeerIntroduction | null): PeerIntroduction => {
      assert(other !== null, 'the dialer says first who it is');
      const { self, limits } = node;
      return { node: self, to: other.node, clusterId: node.clusterId(), frameBytesMax: limits.frameBytesMax };
    };
    const judge = (other: PeerIntroduction): string | null => {
      if (other.to !== node.self) return `it means to speak to the node ${other.to}`;
      if (other.node === node.self) return 'it has the name of this node';
      const clusterId = node.clusterId();
      return clusterId !== '' && other.clusterId === clusterId ? null : 'it is of another cluster';
    };
    const { secret, limits } = node;
    this.#handshake = new PeerHandshake({ role: 'acceptor', secret, nonce: randomBytes(32), introduce, judge });
    const [oldest] = strangers;
    if (strangers.size >= limits.handshakesMax) oldest?.destroy('too many connections have not shown who they are');
    strangers.add(this);
    this.#timer = setTimeout(() => this.destroy('it did not show in time who it is'), limits.handshakeMs);
    this.#timer.unref();
  }

  /** What has come of a frame is another node's, and nothing to hurry for. */
  get bufferedBytes(): number {
    return 0;
  }

  receive(bytes: Uint8Array): void {
    let rest = bytes;
    if (this.#handshake !== null) {
      // Else whoever reaches the port could have any command run.
      if (this.#node.secret.symmetricKeySize === 0 && !isLoopback(this.#connection.remoteAddress)) {
        this.destroy('without a clusterSecret, nodes of other machines are not spoken to');
        return;
      }
      rest = bytes.subarray(this.#greet(this.#handshake, bytes));
      if (this.#handshake !== null) return;
    }
    this.#silentPings = 0;
    this.#reader?.feed(rest);
    this.#run();
  }

  resume(): void {
    this.#run();
  }

  /** The asker sends its new commands elsewhere, and says behind the last one that was for here that it was. */
  leave(): void {
    if (this.#isClosed || this.isLeaving) return;
    if (this.#handshake !== null) {
      this.#connection.end();
      return;
    }
    this.isLeaving = true;
    this.#writerWith(0);
    this.#add(PeerMessage.going, 0, 0, 0);
  }

  close(): void {
    this.#isClosed = true;
    this.#strangers.delete(this);
    clearTimeout(this.#timer);
  }

  /** Closes the connection for a reason that is logged, though not each time. */
  destroy(why: string): void {
    if (this.#isClosed) return;
    const { remoteAddress, address } = this.#connection;
    const fields = this.#other === '' ? { address } : { address, node: this.#other };
    this.#node.refusals.warn(remoteAddress, monotonicMs(), fields, `a link of another node was closed: ${why}`);
    this.#connection.destroy('');
  }

  answer(slot: PeerSlot, reply: ReplyReader): void {
    if (!this.#isClosed) this.#writeReply(slot.id, reply);
    this.#ended(slot);
  }

  refuse(slot: PeerSlot, reason: RefusalReason): void {
    if (!this.#isClosed) {
      this.#fences.refused(reason, slot.partitions);
      this.#writeRefusal(slot.id, reason);
    }
    this.#ended(slot);
  }

  /** Returns how many of the bytes belong to the handshake; it is over when `#handshake` is null. */
  #greet(handshake: PeerHandshake, bytes: Uint8Array): number {
    const taken = handshake.take(bytes);
    const { output, fault, other } = handshake;
    if (output !== null) this.#write(output, output.length);
    handshake.output = null;
    if (fault !== null) this.destroy(fault);
    if (!handshake.isDone || other === null) return taken;
    const { frameBytesMax, pingMs, silentPingsMax } = this.#node.limits;
    this.#handshake = null;
    this.#strangers.delete(this);
    this.#other = other.node;
    this.#otherFrameBytesMax = other.frameBytesMax;
    this.#reader = new PeerFrameReader(handshake.key('dialer'), frameBytesMax);
    this.#writer = new PeerFrameWriter(handshake.key('acceptor'));
    clearTimeout(this.#timer);
    this.#timer = setInterval(() => {
      this.#silentPings++;
      if (this.#silentPings > 2 * silentPingsMax) this.destroy('it was silent');
    }, pingMs);
    this.#timer.unref();
    return taken;
  }

  #mayTake(): boolean {
    return !this.#isClosed && !this.#connection.isCongested && this.inFlight < this.#node.limits.forwardsMax;
  }

  #run(): void {
    const reader = this.#reader;
    // A reply that is there at once calls this from within.
    if (this.#isRunning || this.#isClosed || reader === null) return;
    this.#isRunning = true;
    try {
      let isMore = true;
      while (isMore && this.#mayTake()) {
        isMore = reader.next();
        if (isMore) this.#take(reader);
      }
      this.#hold(isMore);
      if (!this.#isClosed) reader.keep();
      this.#flush();
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#isRunning = false;
    }
  }

  #fail(error: unknown): void {
    if (error instanceof AssertionError) throw error;
    if (!(error instanceof PeerFrameError)) {
      this.#node.log.error({ err: error, node: this.#other }, 'a link of another node failed in a way it must not');
    }
    this.destroy(error instanceof PeerFrameError ? error.message : 'it failed in a way it must not');
  }

  #hold(isHeld: boolean): void {
    if (isHeld === this.isHeld || this.#isClosed) return;
    this.isHeld = isHeld;
    if (isHeld) this.#connection.pauseInput();
    else this.#connection.resumeInput();
  }

  #take(reader: PeerFrameReader): void {
    const { kind, detail, id, bytes, start, end } = reader;
    switch (kind) {
      case PeerMessage.command:
        this.#command(id, detail, bytes, start, end);
        return;
      case PeerMessage.publish:
        this.#publish(id, detail === 1, bytes, start, end);
        return;
      case PeerMessage.ask:
        this.#answer(id, bytes, start, end);
        return;
      case PeerMessage.ping:
        this.#add(PeerMessage.pong, 0, 0, 0);
        return;
      case PeerMessage.done:
        this.isLeaving = false;
        return;
      case PeerMessage.names: {
        const names = decodeNames(bytes, start, end);
        if (names === null) throw new PeerFrameError('a list of names is none');
        const byName = new Map(this.#node.table.commands.map((command) => [command.name, command]));
        this.#commands = names.map((name) => byName.get(name) ?? null);
        this.#isSameTable = names.length === byName.size && this.#commands.every((command, id) => command?.id === id);
        return;
      }
      default:
        throw new PeerFrameError('a message is of no known kind');
    }
  }

  #command(id: number, flags: number, bytes: Uint8Array, start: number, end: number): void {
    const args = this.#args;
    const number = decodeForwarded(bytes, start, end, args);
    const commands = this.#commands;
    if (number < 0 || commands === null || number >= commands.length) throw new PeerFrameError('a command is none');
    const command = commands[number] ?? null;
    const fault =
      command?.name === TRANSACTION_ROW && !this.#isSameTable
        ? 'a transaction is not run for a node of another version'
        : forwardFault(command, args, this.#node.keyBytesMax);
    if (command === null || fault !== null) {
      this.#scratch.clear();
      this.#scratch.error('internal', fault ?? '');
      this.#reply.openWritten(this.#scratch);
      this.#writeReply(id, this.#reply);
      return;
    }
    const partitions = this.#node.partitionsOf(command, args);
    const reason = this.#fences.reasonFor(partitions, (flags & TargetFlag.resumes) !== 0);
    if (reason !== null) {
      this.#writeRefusal(id, reason);
      return;
    }
    const slot = this.#free.pop() ?? new PeerSlot(this);
    slot.id = id;
    slot.partitions.length = 0;
    for (const partition of partitions) slot.partitions.push(partition);
    this.inFlight++;
    this.#node.commands.runForwarded(command, args, flags, slot);
  }

  #publish(id: number, isSharded: boolean, bytes: Uint8Array, start: number, end: number): void {
    const body = new DataView(bytes.buffer, bytes.byteOffset + start, end - start);
    const channelBytes = body.byteLength < 4 ? Number.POSITIVE_INFINITY : body.getUint32(0, true);
    if (channelBytes > body.byteLength - 4) throw new PeerFrameError('a message to a channel is none');
    const channel = bytes.subarray(start + 4, start + 4 + channelBytes);
    const payload = bytes.subarray(start + 4 + channelBytes, end);
    const { channels } = this.#node;
    const count = isSharded ? channels.publishToShard(channel, payload) : channels.publish(channel, payload);
    this.#scratch.clear();
    // The channels of one node answer at once.
    this.#scratch.integer(typeof count === 'number' ? count : 0);
    this.#reply.openWritten(this.#scratch);
    this.#writeReply(id, this.#reply);
  }

  #answer(id: number, bytes: Uint8Array, start: number, end: number): void {
    if (end - start > this.#node.limits.askBytesMax) throw new PeerFrameError('a question is too long');
    const answer = this.#node.answer(bytes.subarray(start, end));
    this.#scratch.clear();
    if (answer === null) this.#scratch.null();
    else this.#scratch.bulk(ValueType.string, answer, 0, answer.length);
    this.#reply.openWritten(this.#scratch);
    this.#writeReply(id, this.#reply);
  }

  #ended(slot: PeerSlot): void {
    this.inFlight--;
    this.#free.push(slot);
    if (this.isHeld && this.#mayTake()) this.#run();
  }

  #writeReply(id: number, reply: ReplyReader): void {
    const { bytes, partStart, version, created } = reply;
    reply.skip();
    const partBytes = reply.nextStart - partStart;
    const bodyBytes = (version === 0 ? 0 : ATTRIBUTE_BYTES) + partBytes;
    if (PEER_MESSAGE_HEAD_BYTES + bodyBytes > this.#otherFrameBytesMax) {
      this.#writeTooLarge(id, bodyBytes);
      return;
    }
    const writer = this.#writerWith(bodyBytes);
    let at = writer.reserve(bodyBytes);
    if (version !== 0) {
      this.#scratch.clear();
      this.#scratch.attribute(version, created);
      copyBytes(this.#scratch.bytes, 0, writer.bytes, at, ATTRIBUTE_BYTES);
      at += ATTRIBUTE_BYTES;
    }
    copyBytes(bytes, partStart, writer.bytes, at, partBytes);
    this.#add(PeerMessage.reply, 0, id, bodyBytes);
  }

  #writeTooLarge(id: number, replyBytes: number): void {
    this.#scratch.clear();
    const text = `the reply has ${replyBytes} bytes, more than go from node to node; what the command changed stands`;
    this.#scratch.error('request-too-large', text);
    this.#reply.openWritten(this.#scratch);
    this.#writeReply(id, this.#reply);
  }

  #writeRefusal(id: number, reason: RefusalReason): void {
    this.#writerWith(0).reserve(0);
    this.#add(PeerMessage.refused, reason, id, 0);
  }

  /** The writer, with room in its frame for such a body as far as the other end takes it. */
  #writerWith(bodyBytes: number): PeerFrameWriter {
    const writer = this.#writer as PeerFrameWriter;
    if (writer.length + PEER_MESSAGE_HEAD_BYTES + bodyBytes > this.#otherFrameBytesMax) this.#flush();
    return writer;
  }

  /** Adds a message whose body is where `reserve` said; it leaves when the turn ends. */
  #add(kind: number, detail: number, id: number, bodyBytes: number): void {
    const writer = this.#writer as PeerFrameWriter;
    if (bodyBytes === 0) writer.reserve(0);
    writer.add(kind, detail, id, bodyBytes);
    if (writer.length > FRAME_BYTES) this.#flush();
    else if (!this.#isRunning && !this.#isFlushDue) {
      this.#isFlushDue = true;
      queueMicrotask(this.#flushDue);
    }
  }

  #flush(): void {
    const writer = this.#writer;
    if (this.#isClosed || writer === null || writer.isEmpty) return;
    writer.seal();
    this.#write(writer.bytes, writer.length);
    writer.clear();
  }

  #write(bytes: Uint8Array, length: number): void {
    const at = this.#connection.reserve(length);
    copyBytes(bytes, 0, this.#connection.bytes, at, length);
  }
}
