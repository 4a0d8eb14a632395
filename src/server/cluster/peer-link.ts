import { type KeyObject, randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { assert } from '../../base/assert.ts';
import { monotonicMs } from '../../base/monotonic.ts';
import type { Random } from '../../base/ports.ts';
import type { RefusalLog } from '../../cluster/bus/refusal-log.ts';
import type { NodeId } from '../../cluster/identity.ts';
import type { Args } from '../../command/args.ts';
import { ReplyKind, ReplyReader } from '../../command/reply.ts';
import type { CommandTable } from '../../command/table.ts';
import { commandBytesMax, encodeCommand } from '../../shard/command-message.ts';
import { Admission } from '../../shard/shard-client.ts';
import { dialPeer, hostAndPort } from './peer-dial.ts';
import {
  PEER_FRAME_HEAD_BYTES,
  PEER_MESSAGE_HEAD_BYTES,
  PeerFrameError,
  PeerFrameReader,
  PeerFrameWriter,
} from './peer-frames.ts';
import { PeerHandshake, type PeerIntroduction } from './peer-handshake.ts';
import type { PeerLimits } from './peer-limits.ts';
import { encodeNames, isRefusalReason, isWholeReply, PeerMessage } from './peer-message.ts';
import { type Forward, PendingForwards } from './pending-forwards.ts';
import type { CommandTarget, TargetSink } from './target.ts';

/** What the links of a node share. */
export interface PeerLinkNode {
  readonly table: CommandTable;
  readonly self: NodeId;
  clusterId(): string;
  readonly secret: KeyObject;
  /** How other nodes' ports are reached; null: they are plain. */
  readonly tls: () => ConnectionOptions | null;
  readonly limits: PeerLimits;
  /** Of links that cannot be had. */
  readonly failures: RefusalLog;
  readonly random: Random;
  /** A link can be used from now on. */
  onUp(node: NodeId): void;
}

/** A frame is sent when it has so many bytes, also within a turn. */
const FRAME_BYTES = 64 * 1024;

const reads = new Set(['read', 'survey']);

/**
 * This node's way to another one: commands go out in frames, one a turn, and are answered in any order. It connects by
 * itself, again and again, until it is closed.
 *
 *     waiting -> greeting     `open`, or its time has come
 *     greeting -> up          both ends have shown that they know the secret
 *     up -> leaving     the other node stops: what it was sent is answered yet
 *     greeting | up | leaving -> waiting     the connection failed, or the other end was silent: see `PendingForwards.abandon`
 *     any -> closed           `close`
 */
export class PeerLink implements CommandTarget {
  readonly node: NodeId;
  /** Since it was made. */
  forwarded = 0;
  refused = 0;
  readonly #node: PeerLinkNode;
  #address: string;
  readonly #pending = new PendingForwards();
  readonly #reply = new ReplyReader();
  #state: 'waiting' | 'greeting' | 'up' | 'leaving' | 'closed' = 'waiting';
  #socket: Socket | null = null;
  #timer: NodeJS.Timeout | null = null;
  #failures = 0;
  #silentPings = 0;
  #handshake: PeerHandshake | null = null;
  #writer: PeerFrameWriter | null = null;
  #reader: PeerFrameReader | null = null;
  #otherFrameBytesMax = 0;
  /** Of the frame being written. */
  readonly #unsent: Forward[] = [];
  #isFlushDue = false;
  readonly #flushDue = (): void => {
    this.#isFlushDue = false;
    this.flush();
  };
  #preparedAt = -1;
  #preparedBytes = 0;
  #preparedFlags = 0;
  #preparedIsRead = false;

  constructor(node: PeerLinkNode, peer: NodeId, address: string) {
    this.#node = node;
    this.node = peer;
    this.#address = address;
  }

  get isUp(): boolean {
    return this.#state === 'up';
  }

  get outstanding(): number {
    return this.#pending.commands;
  }

  /** Begins to connect. */
  open(): void {
    if (this.#state === 'waiting' && this.#timer === null) this.#dial();
  }

  /** The node was started anew, or is to be reached elsewhere now: tries at once if there is no connection. */
  moved(address: string): void {
    this.#address = address;
    if (this.#state !== 'waiting') return;
    this.#stopTimer();
    this.#failures = 0;
    this.#dial();
  }

  /** Gives the connection up for good. */
  close(why: string): void {
    if (this.#state === 'closed') return;
    this.#end('closed');
    this.#pending.abandon(why);
  }

  prepare(rowId: number, args: Args, flags: number): Admission {
    if (this.#state !== 'up') return Admission.unreachable;
    const { forwardsMax, forwardBytesMax } = this.#node.limits;
    const pending = this.#pending;
    const unsent = (this.#socket as Socket).writableLength;
    if (pending.commands >= forwardsMax || pending.bytes > forwardBytesMax || unsent > forwardBytesMax) {
      return Admission.overloaded;
    }
    const bytesMax = commandBytesMax(args);
    if (!this.#hasRoom(bytesMax)) return Admission.tooLarge;
    const writer = this.#writer as PeerFrameWriter;
    const at = writer.reserve(bytesMax);
    this.#preparedBytes = encodeCommand(rowId, args, writer.bytes, at);
    this.#preparedAt = at;
    this.#preparedFlags = flags;
    this.#preparedIsRead = reads.has(this.#node.table.byId(rowId).kind);
    return Admission.taken;
  }

  commit(sink: TargetSink): void {
    assert(this.#preparedAt >= 0, 'a command is prepared before it is sent');
    const forward = this.#pending.addCommand(sink, this.#preparedIsRead, this.#preparedAt, this.#preparedBytes);
    this.#preparedAt = -1;
    this.forwarded++;
    this.#add(forward, PeerMessage.command, this.#preparedFlags, this.#preparedBytes);
  }

  /**
   * Sends a message to those on that node who are subscribed to the channel. `onCount` is told once how many there are;
   * 0, too, when it is not known.
   */
  publish(channel: Uint8Array, payload: Uint8Array, isSharded: boolean, onCount: (count: number) => void): void {
    const bodyBytes = 4 + channel.length + payload.length;
    const isFull = (this.#socket?.writableLength ?? 0) > this.#node.limits.forwardBytesMax;
    if (this.#state !== 'up' || isFull || !this.#hasRoom(bodyBytes)) {
      onCount(0);
      return;
    }
    const writer = this.#writer as PeerFrameWriter;
    const at = writer.reserve(bodyBytes);
    new DataView(writer.bytes.buffer).setUint32(at, channel.length, true);
    writer.bytes.set(channel, at + 4);
    writer.bytes.set(payload, at + 4 + channel.length);
    const forward = this.#pending.take();
    forward.onCount = onCount;
    this.#preparedAt = -1;
    this.#add(forward, PeerMessage.publish, isSharded ? 1 : 0, bodyBytes);
  }

  /**
   * Asks that node of itself. `onAnswer` is told once: a view of the answer for the length of the call, or null when there
   * is none.
   */
  ask(question: Uint8Array, onAnswer: (answer: Uint8Array | null) => void): void {
    assert(question.length <= this.#node.limits.askBytesMax, 'a question is no longer than is answered');
    if (this.#state !== 'up' || !this.#hasRoom(question.length)) {
      onAnswer(null);
      return;
    }
    const writer = this.#writer as PeerFrameWriter;
    writer.bytes.set(question, writer.reserve(question.length));
    const forward = this.#pending.take();
    forward.onAnswer = onAnswer;
    this.#preparedAt = -1;
    this.#add(forward, PeerMessage.ask, 0, question.length);
  }

  flush(): void {
    const writer = this.#writer;
    if (writer === null || writer.isEmpty) return;
    this.#preparedAt = -1;
    const frame = writer.take();
    for (const forward of this.#unsent) {
      forward.bytes = frame;
      forward.isSent = true;
    }
    this.#unsent.length = 0;
    this.#socket?.write(frame);
  }

  /** Whether a message with such a body fits a frame of the other end; one that is begun is sent if need be. */
  #hasRoom(bodyBytes: number): boolean {
    const needed = PEER_MESSAGE_HEAD_BYTES + bodyBytes;
    const writer = this.#writer as PeerFrameWriter;
    if (writer.length - PEER_FRAME_HEAD_BYTES + needed <= this.#otherFrameBytesMax) return true;
    this.flush();
    return needed <= this.#otherFrameBytesMax;
  }

  #add(forward: Forward, kind: number, detail: number, bodyBytes: number): void {
    const writer = this.#writer as PeerFrameWriter;
    writer.add(kind, detail, forward.id, bodyBytes);
    this.#unsent.push(forward);
    if (writer.length > FRAME_BYTES) this.flush();
    else if (!this.#isFlushDue) {
      this.#isFlushDue = true;
      // After all that is readable now was read: commands of many connections make one frame.
      setImmediate(this.#flushDue);
    }
  }

  #dial(): void {
    const { host, port } = hostAndPort(this.#address);
    if (host === '' || !(port > 0 && port < 65_536)) {
      this.#wait(this.#node.limits.redialMsMax, () => this.#dial());
      return;
    }
    this.#state = 'greeting';
    const socket = dialPeer(
      host,
      port,
      this.#node.tls(),
      (made) => this.#greet(made),
      (made, bytes) => this.#onData(made, bytes),
    );
    this.#socket = socket;
    socket.on('error', (error) => this.#lost(socket, error.message));
    socket.on('end', () => this.#lost(socket, 'the other end closed it'));
    socket.on('close', () => this.#lost(socket, 'it was closed'));
    this.#wait(this.#node.limits.handshakeMs, () => this.#lost(socket, 'it took too long to be made'));
  }

  #greet(socket: Socket): void {
    if (socket !== this.#socket) return;
    const { self, secret, limits } = this.#node;
    const introduction: PeerIntroduction = {
      node: self,
      to: this.node,
      clusterId: this.#node.clusterId(),
      frameBytesMax: limits.frameBytesMax,
    };
    const judge = (other: PeerIntroduction): string | null => {
      if (other.node !== this.node) return `it is the node ${other.node}`;
      return other.clusterId === introduction.clusterId ? null : 'it is of another cluster';
    };
    const nonce = randomBytes(32);
    this.#handshake = new PeerHandshake({ role: 'dialer', secret, nonce, introduce: () => introduction, judge });
    this.#sendHandshake(socket);
  }

  #sendHandshake(socket: Socket): void {
    const handshake = this.#handshake as PeerHandshake;
    if (handshake.output !== null) socket.write(handshake.output);
    handshake.output = null;
  }

  #onData(socket: Socket, bytes: Uint8Array): void {
    if (socket !== this.#socket) return;
    this.#silentPings = 0;
    let rest = bytes;
    if (this.#state === 'greeting') {
      const handshake = this.#handshake;
      if (handshake === null) return;
      rest = bytes.subarray(handshake.take(bytes));
      this.#sendHandshake(socket);
      if (handshake.fault !== null) {
        this.#lost(socket, handshake.fault);
        return;
      }
      if (!handshake.isDone) return;
      this.#up(handshake);
    }
    try {
      this.#read(this.#reader as PeerFrameReader, rest);
    } catch (error) {
      if (!(error instanceof PeerFrameError)) throw error;
      this.#lost(socket, error.message);
    }
  }

  #up(handshake: PeerHandshake): void {
    const { limits, table } = this.#node;
    this.#state = 'up';
    this.#failures = 0;
    this.#handshake = null;
    this.#otherFrameBytesMax = (handshake.other as PeerIntroduction).frameBytesMax;
    this.#reader = new PeerFrameReader(handshake.key('acceptor'), limits.frameBytesMax);
    const writer = new PeerFrameWriter(handshake.key('dialer'));
    this.#writer = writer;
    const names = encodeNames(table.commands.map(({ name }) => name));
    writer.bytes.set(names, writer.reserve(names.length));
    writer.add(PeerMessage.names, 0, 0, names.length);
    this.flush();
    this.#stopTimer();
    this.#timer = setInterval(() => this.#ping(), limits.pingMs);
    this.#timer.unref();
    this.#node.onUp(this.node);
  }

  #read(reader: PeerFrameReader, bytes: Uint8Array): void {
    reader.feed(bytes);
    try {
      // What a sink does may end this link.
      while (this.#reader === reader && reader.next()) this.#take(reader);
    } finally {
      reader.keep();
    }
  }

  #take({ kind, detail, id, bytes, start, end }: PeerFrameReader): void {
    if (kind === PeerMessage.pong) return;
    if (kind === PeerMessage.going) {
      this.#leave();
      return;
    }
    const pending = this.#pending;
    const forward = pending.byId(id);
    if (forward === null) throw new PeerFrameError('an answer to nothing');
    if (kind === PeerMessage.refused && isRefusalReason(detail) && forward.sink !== null) {
      this.refused++;
      pending.refuse(forward, detail);
      return;
    }
    if (kind !== PeerMessage.reply || !isWholeReply(bytes, start, end)) throw new PeerFrameError('an answer is none');
    const reply = this.#reply;
    reply.open(bytes, start, end);
    if (forward.onAnswer !== null) pending.tell(forward, reply.kind === ReplyKind.bulk ? reply.view : null);
    else if (forward.onCount === null) pending.answer(forward, reply);
    else pending.count(forward, reply.kind === ReplyKind.integer ? reply.number : 0);
  }

  /** The other node stops: it is sent nothing more, behind what was meant for it already. */
  #leave(): void {
    if (this.#state !== 'up') return;
    this.#state = 'leaving';
    this.#send(PeerMessage.done);
  }

  #ping(): void {
    const socket = this.#socket;
    if (socket === null) return;
    if (this.#silentPings >= this.#node.limits.silentPingsMax) {
      this.#lost(socket, 'the other end was silent');
      return;
    }
    this.#silentPings++;
    this.#send(PeerMessage.ping);
  }

  /** A message without a body, at once. */
  #send(kind: number): void {
    const writer = this.#writer as PeerFrameWriter;
    writer.reserve(0);
    writer.add(kind, 0, 0, 0);
    this.flush();
  }

  #lost(socket: Socket, why: string): void {
    if (socket !== this.#socket || this.#state === 'closed') return;
    const fields = { peer: this.node, address: this.#address };
    // One that said before that it stops is not missed.
    if (this.#state !== 'leaving') {
      this.#node.failures.warn(this.node, monotonicMs(), fields, `no link to another node: ${why}`);
    }
    this.#end('waiting');
    const { redialMsFirst, redialMsMax } = this.#node.limits;
    const delayMs = Math.min(redialMsFirst * 2 ** Math.min(this.#failures++, 20), redialMsMax);
    this.#wait((delayMs * this.#node.random.nextUint32()) / 2 ** 32, () => {
      if (this.#state === 'waiting') this.#dial();
    });
    this.#pending.abandon(`the link to the node ${this.node} was lost`);
  }

  #end(state: 'waiting' | 'closed'): void {
    this.#state = state;
    this.#stopTimer();
    this.#socket?.destroy();
    this.#socket = null;
    this.#handshake = null;
    // What was not sent is refused with its bytes: they are still in the frame that was begun.
    for (const forward of this.#unsent) forward.bytes = (this.#writer as PeerFrameWriter).bytes;
    this.#unsent.length = 0;
    this.#writer = null;
    this.#reader = null;
    this.#preparedAt = -1;
    this.#silentPings = 0;
  }

  #wait(delayMs: number, task: () => void): void {
    this.#stopTimer();
    this.#timer = setTimeout(() => {
      this.#timer = null;
      task();
    }, delayMs);
    this.#timer.unref();
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
