import type { KeyObject } from 'node:crypto';
import type { Socket } from 'node:net';
import { assert } from '../../base/assert.ts';
import { copyBytes } from '../../base/copy-bytes.ts';
import { monotonicMs } from '../../base/monotonic.ts';
import type { NodeId } from '../identity.ts';
import { FrameDecoder, FrameError } from '../transport/frame.ts';
import type { BusLimits } from './bus-options.ts';
import { Handshake, type HandshakeHost, type HandshakeStep } from './handshake.ts';
import {
  GREETING_BYTES,
  HANDSHAKE_FRAME_BYTES_MAX,
  type Introduction,
  isGreetingSoFar,
  type RefusalCode,
} from './handshake-codec.ts';
import { MESSAGE_HEAD_BYTES, MessageReader } from './message-batch.ts';
import { OutgoingFrames } from './outgoing-frames.ts';
import { type FrameOpener, SEAL_BYTES, SEALED_AT } from './sealed-frames.ts';
import type { Role } from './session-keys.ts';

/** How long an end that is told good-bye may take to read that. */
const FAREWELL_MS = 500;

/** Why a connection ended. */
export interface Ending {
  /** A clause about the other end, for the log. */
  readonly reason: string;
  /** Whether one of the ends does not take the other for a node of its cluster. */
  readonly isRefusal: boolean;
  /** Why one end refused the other, where it said so. */
  readonly code: RefusalCode | null;
  /** Who is at the other end, when it has shown that. */
  readonly node: NodeId | null;
}

/** Whom a connection tells what happens to it. */
export interface ConnectionHost {
  /** For the handshake. */
  party(connection: BusConnection): HandshakeHost;
  opened(connection: BusConnection): void;
  received(connection: BusConnection, channel: number, bytes: Uint8Array): void;
  /** After the messages of one read. */
  batchEnded(): void;
  /** Once, whether it had opened or not. */
  ended(connection: BusConnection, ending: Ending): void;
}

export interface ConnectionSettings {
  readonly secret: KeyObject;
  readonly limits: BusLimits;
  readonly messageBytesMax: number;
}

/** One socket of the bus: the handshake, then sealed frames both ways. */
export class BusConnection {
  readonly role: Role;
  /** The address of the other end, without port. */
  readonly remoteHost: string;
  /** Milliseconds since the Unix epoch; 0 before it is open. */
  openedAtMs = 0;
  /** By `monotonicMs`, likewise. */
  openedMs = 0;
  /** By `monotonicMs`. */
  sentMs = monotonicMs();
  receivedMs = this.sentMs;
  sentBytes = 0;
  receivedBytes = 0;
  readonly #socket: Socket;
  readonly #host: ConnectionHost;
  readonly #settings: ConnectionSettings;
  readonly #handshake: Handshake;
  readonly #greeting = new Uint8Array(GREETING_BYTES);
  #greetingBytes = 0;
  readonly #decoder = new FrameDecoder(HANDSHAKE_FRAME_BYTES_MAX);
  #introduction: Introduction | null = null;
  #opener: FrameOpener | null = null;
  #outgoing: OutgoingFrames | null = null;
  /** Frames the socket has not sent yet, in order. */
  readonly #unsent: Buffer[] = [];
  #hasReceived = false;
  #isEnded = false;
  #timer: NodeJS.Timeout;

  /** `socket` is connected, and nothing of it was read. */
  constructor(role: Role, socket: Socket, host: ConnectionHost, settings: ConnectionSettings) {
    this.role = role;
    this.#socket = socket;
    this.#host = host;
    this.#settings = settings;
    this.remoteHost = plainHost(socket.remoteAddress ?? '');
    this.#handshake = new Handshake(role, settings.secret, host.party(this), (bytes) => this.#write(bytes));
    const { handshakeMs } = settings.limits;
    this.#timer = setTimeout(() => this.refuse(`did not say within ${handshakeMs} ms who it is`), handshakeMs);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 10_000);
    socket.on('data', (bytes: Buffer) => this.#take(bytes));
    socket.on('drain', () => this.flush());
    socket.on('error', (error) => this.end(error.message));
    socket.on('end', () => this.end('has closed the connection'));
    socket.on('close', () => this.end('was cut off'));
  }

  get #node(): NodeId | null {
    return this.#introduction?.hello.node ?? null;
  }

  start(): void {
    this.#handshake.start();
  }

  get nonce(): Uint8Array {
    return this.#handshake.nonce;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  get isOpen(): boolean {
    return this.#opener !== null && !this.#isEnded;
  }

  /** What the other end says of itself; null until it is open. */
  get introduction(): Introduction | null {
    return this.#introduction;
  }

  /** Bytes that wait here or in the socket. */
  get queuedBytes(): number {
    return (this.#outgoing?.bytes ?? 0) + this.#socket.writableLength;
  }

  /** Has a message sent with the next `flush`. False: too much waits. */
  send(channel: number, bytes: Uint8Array): boolean {
    const outgoing = this.#outgoing;
    if (outgoing === null || this.#isEnded) return false;
    const queued = outgoing.bytes + this.#socket.writableLength + MESSAGE_HEAD_BYTES + bytes.length;
    if (queued > this.#settings.limits.queuedBytesMax) return false;
    outgoing.append(channel, bytes);
    return true;
  }

  /** Gives the socket what waits, as far as it has got rid of what it was given before. */
  flush(): void {
    const outgoing = this.#outgoing;
    if (outgoing === null || this.#isEnded || outgoing.bytes === 0) return;
    while (this.#socket.writableLength < this.#settings.limits.socketBytesMax) {
      const frame = outgoing.take();
      if (frame === null) return;
      this.#writeFrame(frame);
    }
  }

  /** Tells the other end that this one is there, unless something waits that will. */
  ping(): void {
    const outgoing = this.#outgoing;
    if (outgoing === null || this.queuedBytes > 0 || this.#isEnded) return;
    outgoing.shrink();
    this.#writeFrame(outgoing.takeEmpty());
  }

  /** Ends it at once. `reason` is a clause about the other end. */
  end(reason: string): void {
    this.#end({ reason, isRefusal: false, code: null, node: this.#node });
  }

  /** Ends it once what waits is sent. */
  close(reason: string): void {
    this.flush();
    this.#end({ reason, isRefusal: false, code: null, node: this.#node }, true);
  }

  /** Ends it at once for what the other end did, which no node of the cluster does. */
  refuse(reason: string): void {
    this.#end({ reason, isRefusal: true, code: null, node: this.#node });
  }

  #end(ending: Ending, isGentle = false): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    clearTimeout(this.#timer);
    const socket = this.#socket;
    if (isGentle) {
      socket.end();
      this.#timer = setTimeout(() => socket.destroy(), FAREWELL_MS);
      socket.once('close', () => clearTimeout(this.#timer));
    } else {
      socket.destroy();
    }
    this.#host.ended(this, ending);
  }

  #write(bytes: Uint8Array): void {
    if (this.#isEnded) return;
    this.sentMs = monotonicMs();
    this.sentBytes += bytes.length;
    this.#socket.write(bytes);
  }

  #writeFrame(frame: Buffer): void {
    this.sentMs = monotonicMs();
    this.sentBytes += frame.length;
    this.#unsent.push(frame);
    this.#socket.write(frame, this.#onWritten);
  }

  readonly #onWritten = (): void => {
    const frame = this.#unsent.shift();
    assert(frame !== undefined, 'frames are told of as sent in the order in which they were written');
    this.#outgoing?.giveBack(frame);
  };

  #take(bytes: Uint8Array): void {
    if (this.#isEnded) return;
    this.receivedMs = monotonicMs();
    this.receivedBytes += bytes.length;
    let at = 0;
    if (this.#greetingBytes < GREETING_BYTES) at = this.#takeGreeting(bytes);
    if (this.#isEnded || at === bytes.length) return;
    try {
      this.#decoder.push(at === 0 ? bytes : bytes.subarray(at), this.#onPayload);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.refuse(`sent what is no frame: ${error.message}`);
    }
    if (!this.#hasReceived) return;
    this.#hasReceived = false;
    this.#host.batchEnded();
  }

  /** Returns how many of the bytes were of the greeting. */
  #takeGreeting(bytes: Uint8Array): number {
    const taken = Math.min(bytes.length, GREETING_BYTES - this.#greetingBytes);
    copyBytes(bytes, 0, this.#greeting, this.#greetingBytes, taken);
    this.#greetingBytes += taken;
    if (!isGreetingSoFar(this.#greeting, this.#greetingBytes)) {
      this.refuse('does not speak the protocol of the bus');
    } else if (this.#greetingBytes === GREETING_BYTES) {
      this.#proceed(this.#handshake.greeted(this.#greeting));
    }
    return taken;
  }

  readonly #onPayload = (payload: Uint8Array): void => {
    if (this.#isEnded) return;
    if (this.#opener === null) this.#proceed(this.#handshake.told(payload));
    else this.#open(this.#opener, payload);
  };

  #proceed(step: HandshakeStep): void {
    if (step.next === 'wait') return;
    if (step.next === 'end') {
      this.#end({ reason: step.reason, isRefusal: true, code: step.code, node: step.node }, true);
      return;
    }
    clearTimeout(this.#timer);
    const { limits, messageBytesMax } = this.#settings;
    this.#decoder.setFrameBytesMax(Math.max(limits.frameBytes, SEALED_AT + MESSAGE_HEAD_BYTES + messageBytesMax));
    this.#introduction = step.introduction;
    this.#opener = step.opener;
    this.#outgoing = new OutgoingFrames(step.sealer, limits.frameBytes);
    this.openedAtMs = Date.now();
    this.openedMs = monotonicMs();
    this.#host.opened(this);
  }

  #open(opener: FrameOpener, payload: Uint8Array): void {
    if (!opener.opens(payload)) {
      this.refuse('sent a frame that is forged, repeated or out of order');
      return;
    }
    const messages = new MessageReader(payload, SEAL_BYTES);
    while (!this.#isEnded && messages.next()) {
      this.#hasReceived = true;
      this.#host.received(this, messages.channel, messages.bytes);
    }
    if (!this.#isEnded && !messages.isAtEnd) this.end('sent a frame with a message that is cut off');
  }
}

/** An IPv4 address that is written as one of IPv6, as IPv4 again. */
export function plainHost(host: string): string {
  return host.replace(/^::ffff:(?=\d+\.)/i, '');
}
