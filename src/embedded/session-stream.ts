import { Buffer } from 'node:buffer';
import { Duplex } from 'node:stream';
import type { OpenSession, Session, SessionConnection } from '../server/session/session.ts';
import { OutputBuffer, type OutputPool } from '../server/tcp/output-buffer.ts';

/** Bytes of answers that the other end has not taken, beyond which commands wait. */
const CONGESTED_BYTES = 1 << 20;

type WriteDone = (error?: Error | null) => void;

/** What a stream needs of the engine whose session it is the other end of. */
export interface SessionHost {
  readonly pool: OutputPool;
  readonly open: OpenSession;
  nowMs(): number;
  closed(stream: SessionStream): void;
  log(message: string): void;
}

/**
 * The client's end of a session in this process: what is written to it is what the session receives, and what the session
 * answers is read from it. It stands where a socket would: it says `connect` once, and `close` at the end.
 */
export class SessionStream extends Duplex {
  readonly #wire: SessionWire;

  constructor(id: number, host: SessionHost) {
    super({ allowHalfOpen: false });
    this.#wire = new SessionWire(id, host, {
      push: (bytes) => this.push(bytes),
      end: () => this.push(null),
      destroy: () => this.destroy(),
      waiting: () => this.readableLength,
    });
    setImmediate(() => {
      if (!this.destroyed) this.emit('connect');
    });
    this.once('close', () => host.closed(this));
  }

  override _read(): void {
    this.#wire.taken();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: WriteDone): void {
    this.#wire.receive(chunk, done);
  }

  override _final(done: WriteDone): void {
    this.#wire.close();
    done();
  }

  override _destroy(error: Error | null, done: WriteDone): void {
    this.#wire.close();
    done(error);
  }
}

interface OtherEnd {
  push(bytes: Uint8Array): void;
  end(): void;
  destroy(): void;
  /** Bytes given to it and not read yet. */
  waiting(): number;
}

/** The session's end: a connection without a socket. */
class SessionWire implements SessionConnection {
  readonly id: number;
  readonly remoteAddress = 'embedded';
  readonly address = 'embedded';
  readonly localAddress = 'embedded';
  readonly connectedAtMs: number;
  lastInputMs: number;
  receivedBytes = 0;
  sentBytes = 0;
  isCongested = false;
  readonly #host: SessionHost;
  readonly #other: OtherEnd;
  readonly #output: OutputBuffer;
  readonly #session: Session;
  #isFlushDue = false;
  #isClosed = false;
  #isPaused = false;
  /** Tells the client that what it wrote is taken, which it is not while the input is paused. */
  #takenLater: WriteDone | null = null;

  constructor(id: number, host: SessionHost, other: OtherEnd) {
    this.id = id;
    this.#host = host;
    this.#other = other;
    this.connectedAtMs = host.nowMs();
    this.lastInputMs = this.connectedAtMs;
    this.#output = new OutputBuffer(host.pool);
    this.#session = host.open(this);
  }

  receive(bytes: Uint8Array, done: WriteDone): void {
    this.lastInputMs = this.#host.nowMs();
    this.receivedBytes += bytes.length;
    this.#session.receive(bytes);
    if (this.#isPaused) this.#takenLater = done;
    else done();
  }

  /** The client has read what it was given. */
  taken(): void {
    if (!this.isCongested) return;
    this.isCongested = false;
    this.#session.resume();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#session.close();
    this.#output.clear();
    this.resumeInput();
  }

  get bytes(): Uint8Array {
    return this.#output.bytes;
  }

  get unsentBytes(): number {
    return this.#output.length + this.#other.waiting();
  }

  reserve(count: number): number {
    if (!this.#isFlushDue) {
      this.#isFlushDue = true;
      // What is answered in one turn is read in one piece.
      setImmediate(() => this.#flush());
    }
    const at = this.#output.reserve(count);
    if (this.#output.length > CONGESTED_BYTES) this.isCongested = true;
    return at;
  }

  giveBack(count: number): void {
    this.#output.giveBack(count);
  }

  pauseInput(): void {
    this.#isPaused = true;
  }

  resumeInput(): void {
    this.#isPaused = false;
    const taken = this.#takenLater;
    this.#takenLater = null;
    taken?.();
  }

  end(): void {
    if (this.#isClosed) return;
    this.#flush();
    this.close();
    this.#other.end();
  }

  destroy(reason: string): void {
    if (this.#isClosed) return;
    if (reason !== '') this.#host.log(`an embedded client was cut off: ${reason}`);
    this.close();
    this.#other.destroy();
  }

  #flush(): void {
    this.#isFlushDue = false;
    if (this.#isClosed) {
      this.#output.clear();
      return;
    }
    this.sentBytes += this.#output.length;
    this.#output.drain((bytes) => {
      // The piece is used again, and what was read may keep views of what it was read from.
      this.#other.push(Buffer.from(bytes));
      return true;
    });
    const wasCongested = this.isCongested;
    this.isCongested = this.#other.waiting() > CONGESTED_BYTES;
    if (wasCongested && !this.isCongested) this.#session.resume();
  }
}
