import type { Socket } from 'node:net';
import { formatAddress } from '../../base/addresses.ts';
import type { Session, SessionConnection } from '../session/session.ts';
import { withDirectReads } from './direct-reads.ts';
import { OutputBuffer, type OutputPool } from './output-buffer.ts';
import { protocolOf, type WireProtocol } from './protocol-of.ts';

/** What a connection needs of the front that accepted it. */
export interface ConnectionOwner {
  readonly pool: OutputPool;
  /** Unsent bytes of a connection beyond which its commands wait, and beyond which it is closed. */
  readonly congestedBytes: number;
  readonly outputBytesMax: number;
  /** A connection has what arrived looked at. */
  isReading: boolean;
  nowMs(): number;
  /** The session of a protocol, or null when it is not spoken here. */
  open(protocol: WireProtocol, connection: SessionConnection): Session | null;
  /** The connection has something to send: `flush` is to be called at the end of the turn. */
  flushSoon(connection: TcpConnection): void;
  received(connection: TcpConnection, bytes: number): void;
  sent(connection: TcpConnection, bytes: number): void;
  closed(connection: TcpConnection): void;
  log(message: string, connection: TcpConnection): void;
}

const refusals: Readonly<Record<'tls' | 'unknown', string>> = {
  tls: 'a TLS hello on a port without TLS',
  unknown: 'neither RESP nor MessagePack-RPC',
};

/** One socket: hands what arrives to the session of its protocol, and sends what that wrote in one piece a turn. */
export class TcpConnection implements SessionConnection {
  readonly id: number;
  readonly remoteAddress: string;
  readonly address: string;
  readonly localAddress: string;
  readonly connectedAtMs: number;
  receivedBytes = 0;
  sentBytes = 0;
  isCongested = false;
  /** When bytes arrived last, by the owner's clock. */
  lastInputMs: number;
  session: Session | null = null;
  /** Which protocol it turned out to speak. */
  protocol: WireProtocol | null = null;
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #output: OutputBuffer;
  readonly #write = (bytes: Uint8Array): boolean => this.#writeNow(bytes);
  /**
   *     open -> ending     `end`: all is answered; what arrives is dropped, and so is what is still written
   *     open | ending -> closed     the other end closed too, or `destroy`
   */
  #state: 'open' | 'ending' | 'closed' = 'open';
  #isFlushDue = false;
  /** The other end sends no more. */
  #inputEnded = false;
  /** The session takes nothing now; the front wants nothing more, whatever the session says. */
  #isInputPaused = false;
  #isInputStopped = false;
  /** While ending: how much was unsent at the last look, and when that was less than before. */
  #unsentBefore = 0;
  #progressMs = 0;
  /** Bytes of all commands before the one that was found incomplete, and when it was; -1: none was. */
  #bytesBefore = -1;
  #incompleteSinceMs = 0;

  constructor(id: number, socket: Socket, owner: ConnectionOwner) {
    this.id = id;
    const direct = withDirectReads(socket, (bytes) => this.#onData(bytes));
    this.#socket = direct;
    this.#owner = owner;
    this.#output = new OutputBuffer(owner.pool);
    this.connectedAtMs = owner.nowMs();
    this.lastInputMs = this.connectedAtMs;
    this.remoteAddress = socket.remoteAddress ?? '';
    this.address = formatAddress(this.remoteAddress, socket.remotePort ?? 0);
    this.localAddress = formatAddress(socket.localAddress ?? '', socket.localPort ?? 0);
    direct.on('drain', () => this.#onDrain());
    direct.on('end', () => this.#onInputEnd());
    direct.on('error', () => undefined);
    direct.on('close', () => this.#onClose());
  }

  get bytes(): Uint8Array {
    return this.#output.bytes;
  }

  reserve(count: number): number {
    if (!this.#isFlushDue) {
      this.#isFlushDue = true;
      this.#owner.flushSoon(this);
    }
    const at = this.#output.reserve(count);
    if (!this.isCongested && this.#output.length > this.#owner.congestedBytes) this.isCongested = true;
    return at;
  }

  giveBack(count: number): void {
    this.#output.giveBack(count);
  }

  get unsentBytes(): number {
    return this.#output.length + this.#socket.writableLength;
  }

  /** Sends what was written; the end of the turn. */
  flush(): void {
    this.#isFlushDue = false;
    if (this.#state !== 'open') {
      this.#output.clear();
      return;
    }
    const length = this.#output.length;
    this.sentBytes += length;
    this.#owner.sent(this, length);
    this.#output.drain(this.#write);
    const unsent = this.#socket.writableLength;
    if (unsent > this.#owner.outputBytesMax) {
      this.destroy(`it left ${unsent} bytes of answers unread, the limit is ${this.#owner.outputBytesMax}`);
      return;
    }
    const wasCongested = this.isCongested;
    this.isCongested = unsent > this.#owner.congestedBytes;
    // What was written went out at once: nothing will drain.
    if (wasCongested && !this.isCongested) this.session?.resume();
    this.endWhenDone();
  }

  pauseInput(): void {
    this.#isInputPaused = true;
    this.#socket.pause();
  }

  resumeInput(): void {
    if (this.#state === 'closed' || this.#isInputStopped) return;
    this.#isInputPaused = false;
    // Nobody can be silent whom nobody listened to.
    this.lastInputMs = this.#owner.nowMs();
    this.#socket.resume();
  }

  /** Reads nothing more, whatever the session asks for; what was read is still run and answered. */
  stopInput(): void {
    this.#isInputStopped = true;
    this.pauseInput();
  }

  /** The node stops: a session that sees to its end by itself is told so; of others nothing more is read. */
  leave(): void {
    if (this.session?.leave === undefined) this.stopInput();
    else this.session.leave();
  }

  end(): void {
    if (this.#state !== 'open') return;
    if (this.#isFlushDue) this.flush();
    if (this.isClosing) return;
    this.#state = 'ending';
    this.#unsentBefore = this.#socket.writableLength;
    this.#progressMs = this.#owner.nowMs();
    this.#socket.end();
    // Unread input would make the kernel answer with a reset, which can overtake the last replies.
    this.#socket.resume();
  }

  destroy(reason: string): void {
    if (this.#state === 'closed') return;
    if (reason !== '') this.#owner.log(`connection closed: ${reason}`, this);
    this.#socket.destroy();
    this.#onClose();
  }

  /** `end` or `destroy` was called, or the other end is gone. */
  get isClosing(): boolean {
    return this.#state !== 'open';
  }

  /** Whether nothing is under way: no command, no unsent byte. */
  get isQuiet(): boolean {
    return this.#isDone && this.unsentBytes === 0;
  }

  /** Whether a node that stops may end the connection. */
  get hasLeft(): boolean {
    return this.isQuiet && this.session?.isLeaving !== true;
  }

  /**
   * For how long an ending connection has waited for nothing but its other end's closing (`unsent` 0), or for it to
   * take what is still unsent.
   */
  waitedMs(nowMs: number): number {
    const unsent = this.#socket.writableLength;
    if (unsent < this.#unsentBefore) this.#progressMs = nowMs;
    this.#unsentBefore = unsent;
    return nowMs - this.#progressMs;
  }

  /** Whether the same command has been arriving for longer than `limitMs`, as far as this was asked meanwhile. */
  isBehind(limitMs: number, nowMs: number): boolean {
    const buffered = this.session?.bufferedBytes ?? 0;
    if (buffered === 0 || this.#isInputPaused) {
      this.#bytesBefore = -1;
      return false;
    }
    const before = this.receivedBytes - buffered;
    if (before !== this.#bytesBefore) {
      this.#bytesBefore = before;
      this.#incompleteSinceMs = nowMs;
    }
    return nowMs - this.#incompleteSinceMs > limitMs;
  }

  #onData(bytes: Uint8Array): void {
    if (this.#state !== 'open') return;
    this.lastInputMs = this.#owner.nowMs();
    this.receivedBytes += bytes.length;
    this.#owner.received(this, bytes.length);
    if (this.session === null && !this.#begin(bytes[0] as number)) return;
    this.#owner.isReading = true;
    try {
      this.session?.receive(bytes);
    } finally {
      this.#owner.isReading = false;
    }
  }

  #begin(firstByte: number): boolean {
    const protocol = protocolOf(firstByte);
    this.protocol = protocol;
    this.session = this.#owner.open(protocol, this);
    if (this.session !== null) return true;
    // The owner may have ended it in its own words.
    if (this.isClosing) return false;
    this.destroy(protocol === 'tls' || protocol === 'unknown' ? refusals[protocol] : 'not spoken here');
    return false;
  }

  /** Whether the kernel has taken the bytes, so that their memory is free. */
  #writeNow(bytes: Uint8Array): boolean {
    this.#socket.write(bytes);
    return this.#socket.writableLength === 0;
  }

  #onDrain(): void {
    if (!this.isCongested || this.#state !== 'open') return;
    this.isCongested = false;
    this.session?.resume();
  }

  #onInputEnd(): void {
    this.#inputEnded = true;
    this.session?.inputEnded?.();
    this.endWhenDone();
  }

  /** Ends the connection when its other end sends no more and all that it sent is answered. */
  endWhenDone(): void {
    if (this.#inputEnded && this.#isDone) this.end();
  }

  /** No command is under way, and none is kept that waits to be taken. */
  get #isDone(): boolean {
    return this.session === null || (this.session.inFlight === 0 && !this.session.isHeld);
  }

  #onClose(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.session?.close();
    this.#output.clear();
    this.#owner.closed(this);
  }
}
