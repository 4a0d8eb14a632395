import { connect as connectTcp, isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ByteStream } from './byte-stream.ts';
import { ClosedError, ConnectionError, type FluxCacheError } from './errors.ts';
import type { Endpoint } from './options.ts';
import { isRecord, replyErrorOf } from './reply-error.ts';
import type { Request } from './request.ts';
import { RequestEncoder } from './request-encoder.ts';
import { ResponseDecoder, type ServerMessage } from './response-decoder.ts';
import { malformed } from './response-framing.ts';
import { strangerOf } from './wrong-port.ts';

/** Bytes in front of a request's body: array of four, type 0, id as unsigned 32 bits. */
const HEADER_BYTES = 7;
/** What is gathered before it is given to the socket, even within one turn of the event loop. */
const BATCH_BYTES_MAX = 256 * 1024;
/** A body of this size is given to the socket as it is, rather than copied into the batch. */
const COPIED_BYTES_MAX = 32 * 1024;
const KEEP_ALIVE_MS = 30_000;
const handshakeEncoder = new RequestEncoder();

export interface ConnectionObserver {
  /** Made and logged in: `canSend` from now on. */
  onReady(connection: RpcConnection): void;
  /** `canSend` is true again. */
  onRoom(connection: RpcConnection): void;
  onNotification(method: string, params: readonly unknown[]): void;
  /** Nothing more comes; called once, before the requests in flight are told. */
  onClosed(connection: RpcConnection, error: FluxCacheError): void;
}

/**
 * One connection that speaks MessagePack-RPC: `connecting -> ready -> ending -> closed`, or straight to `closed`.
 * Requests of one turn of the event loop leave in one write; answers find their requests by id, in whatever order.
 */
export class RpcConnection {
  readonly #endpoint: Endpoint;
  readonly #observer: ConnectionObserver;
  readonly #socket: ByteStream;
  readonly #decoder: ResponseDecoder;
  /** Requests by id: those sent, and those of the batch. */
  readonly #pending = new Map<number, Request>();
  #batch: number[] = [];
  /** Bytes of the batch, and those of them that are copied together. */
  #batchBytes = 0;
  #copiedBytes = 0;
  #isFlushDue = false;
  #state: 'connecting' | 'ready' | 'ending' | 'closed' = 'connecting';
  /** Whether the login was sent. */
  #isMade = false;
  #isCongested = false;
  #inFlightMax: number;
  #nextId = 1;
  /** Since when there is a sign to wait for: the first request, the last byte, or the attempt to connect. */
  #lastHeardMs = performance.now();
  #isInCluster = false;
  #connectTimer: NodeJS.Timeout | undefined;

  constructor(endpoint: Endpoint, observer: ConnectionObserver) {
    this.#endpoint = endpoint;
    this.#observer = observer;
    this.#inFlightMax = endpoint.inFlightMax;
    this.#decoder = new ResponseDecoder(endpoint.responseBytesMax);
    this.#socket = openSocket(endpoint);
    this.#connectTimer = setTimeout(() => {
      const { connectTimeoutMs } = endpoint;
      const silence = this.silence;
      this.#fail(
        silence === null ? `could not be made within ${connectTimeoutMs} ms` : `${silence} for ${connectTimeoutMs} ms`,
      );
    }, endpoint.connectTimeoutMs);
    const socket = this.#socket;
    socket.on(endpoint.tls === null ? 'connect' : 'secureConnect', () => this.#logIn());
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('drain', () => this.#drained());
    socket.on('error', (error: Error) => this.#fail(`failed: ${error.message}`, error));
    socket.on('end', () => {
      const isEarly = this.#state === 'connecting';
      this.#fail(
        isEarly ? `was closed by the server before it answered${portHint(endpoint)}` : 'was closed by the server',
      );
    });
    socket.on('close', () => this.#fail('was closed'));
  }

  get endpoint(): Endpoint {
    return this.#endpoint;
  }

  /** Whether the server said that it is one node of several. */
  get isInCluster(): boolean {
    return this.#isInCluster;
  }

  /** Requests that wait for their answers. */
  get outstanding(): number {
    return this.#pending.size;
  }

  get isConnecting(): boolean {
    return this.#state === 'connecting';
  }

  /** While a server that was reached does not answer the login: so much of a sentence; null: it is another matter. */
  get silence(): string | null {
    if (!this.isConnecting || !this.#isMade) return null;
    return `was made, but nothing answers${portHint(this.#endpoint)}`;
  }

  get isClosed(): boolean {
    return this.#state === 'closed';
  }

  /** Whether there is room for one more request. */
  get canSend(): boolean {
    return this.#state === 'ready' && !this.#isCongested && this.#pending.size < this.#inFlightMax;
  }

  /** Sends a request with the others of this turn. Only while `canSend`. */
  send(request: Request): void {
    this.#enqueue(request);
    if (this.#batchBytes >= BATCH_BYTES_MAX) this.#flush();
  }

  /** Takes no more requests, and closes once those in flight are answered. */
  end(): void {
    if (this.#state === 'connecting') this.#close(new ClosedError());
    else if (this.#state === 'ready') {
      this.#state = 'ending';
      this.#endWhenIdle();
    }
  }

  /** Closes at once; what is in flight is told `error`. */
  destroy(error: FluxCacheError): void {
    this.#close(error);
  }

  /** Told when a request got no answer in time: closes the connection if nothing at all was heard for long. */
  doubt(nowMs: number): void {
    const { silenceMsMax } = this.#endpoint;
    // A tenth less, since a request leaves a little after its time began.
    if (silenceMsMax > 0 && nowMs - this.#lastHeardMs >= silenceMsMax * 0.9) {
      this.#fail(`gave no sign of life for ${silenceMsMax} ms`);
    }
  }

  /** How long nothing was heard while something should be. */
  silentMs(nowMs: number): number {
    return this.isConnecting || this.#pending.size > 0 ? nowMs - this.#lastHeardMs : 0;
  }

  #logIn(): void {
    this.#isMade = true;
    const { user, password, clientName, wantsRedirects, isReadOnly } = this.#endpoint;
    const greeting = {
      user: user ?? (password === undefined ? undefined : 'default'),
      password,
      name: clientName,
      redirects: wantsRedirects ? true : undefined,
      readsReplicas: isReadOnly ? true : undefined,
    };
    this.#enqueue({
      body: handshakeEncoder.encode('hello', [greeting]),
      isSettled: false,
      wasSent: false,
      onAnswer: (error, result) => this.#loggedIn(error, result),
      onLost: () => undefined,
    });
    this.#flush();
  }

  #loggedIn(error: unknown, result: unknown): void {
    if (error !== null) {
      this.#close(replyErrorOf(error, false));
      return;
    }
    clearTimeout(this.#connectTimer);
    this.#state = 'ready';
    this.#inFlightMax = Math.min(this.#inFlightMax, requestsInFlightOf(result));
    this.#isInCluster = hasFeature(result, 'cluster');
    this.#observer.onReady(this);
  }

  #enqueue(request: Request): void {
    // An idle connection has been silent for as long as nobody asked it anything.
    if (this.#pending.size === 0) this.#lastHeardMs = performance.now();
    let id = this.#nextId;
    while (this.#pending.has(id)) id = (id + 1) >>> 0;
    this.#nextId = (id + 1) >>> 0;
    this.#pending.set(id, request);
    this.#batch.push(id);
    const { length } = request.body;
    this.#batchBytes += HEADER_BYTES + length;
    this.#copiedBytes += HEADER_BYTES + (length <= COPIED_BYTES_MAX ? length : 0);
    if (!this.#isFlushDue) {
      this.#isFlushDue = true;
      // After the callbacks and promises of this turn, which may make more calls.
      setImmediate(() => {
        this.#isFlushDue = false;
        this.#flush();
      });
    }
  }

  #flush(): void {
    if (this.#batch.length === 0 || this.#state === 'closed') return;
    const ids = this.#batch;
    const chunk = Buffer.allocUnsafe(this.#copiedBytes);
    this.#batch = [];
    this.#batchBytes = 0;
    this.#copiedBytes = 0;
    const socket = this.#socket;
    let written = 0;
    let at = 0;
    socket.cork();
    for (const id of ids) {
      const request = this.#pending.get(id);
      if (request === undefined) continue;
      if (request.isSettled) {
        this.#pending.delete(id);
        continue;
      }
      request.wasSent = true;
      const { body } = request;
      at = writeHeader(chunk, at, id);
      if (body.length <= COPIED_BYTES_MAX) {
        chunk.set(body, at);
        at += body.length;
      } else {
        socket.write(chunk.subarray(written, at));
        socket.write(body);
        written = at;
      }
    }
    if (at > written) socket.write(chunk.subarray(written, at));
    socket.uncork();
    this.#isCongested = socket.writableNeedDrain;
    if (this.#state === 'ending') this.#endWhenIdle();
  }

  #receive(chunk: Buffer): void {
    if (this.#state === 'closed') return;
    this.#lastHeardMs = performance.now();
    if (this.#state === 'connecting') {
      const stranger = strangerOf(chunk);
      if (stranger !== null) {
        this.#fail(stranger);
        return;
      }
    }
    const hadRoom = this.canSend;
    try {
      // A plain view: msgpackr makes of bytes what it was given bytes in.
      this.#decoder.push(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length));
      for (let message = this.#decoder.next(); message !== null; message = this.#decoder.next()) {
        this.#take(message);
        if (this.isClosed) return;
      }
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.#close(error);
      return;
    }
    if (this.#state === 'ending') this.#endWhenIdle();
    else if (!hadRoom && this.canSend) this.#observer.onRoom(this);
  }

  #take(message: ServerMessage): void {
    if (message.kind === 'notification') {
      this.#observer.onNotification(message.method, message.params);
      return;
    }
    const request = message.id === null ? undefined : this.#pending.get(message.id);
    if (request === undefined || message.id === null) {
      this.#closeFor(message.error);
      return;
    }
    this.#pending.delete(message.id);
    if (!request.isSettled) request.onAnswer(message.error, message.result, this);
  }

  /** An answer to no request: on the id nil the server says why it is about to close. */
  #closeFor(error: unknown): void {
    if (error === null || error === undefined) this.#close(malformed('answers a request nobody made'));
    else {
      const cause = replyErrorOf(error, false);
      this.#fail(`was given up by the server: ${cause.message}`, cause);
    }
  }

  #drained(): void {
    this.#isCongested = false;
    if (this.canSend) this.#observer.onRoom(this);
  }

  #endWhenIdle(): void {
    // Answers that nobody waits for any longer are not waited for here either.
    for (const request of this.#pending.values()) if (!request.isSettled) return;
    this.#close(new ClosedError());
  }

  #fail(what: string, cause?: Error): void {
    if (this.#state === 'closed') return;
    const { host, port } = this.#endpoint;
    const message = `The connection to ${host}:${port} ${what}.`;
    this.#close(new ConnectionError('connection', message, { retryable: true, ...(cause && { cause }) }));
  }

  #close(error: FluxCacheError): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    clearTimeout(this.#connectTimer);
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    this.#batch = [];
    this.#socket.destroy();
    this.#observer.onClosed(this, error);
    for (const request of pending) if (!request.isSettled) request.onLost(error);
  }
}

/** What to look at when a server says nothing, or nothing more. */
function portHint({ tls }: Endpoint): string {
  return tls === null ? ' (is it the port of MessagePack-RPC, 7379 by default, and without TLS?)' : '';
}

function openSocket({ host, port, tls, open }: Endpoint): ByteStream {
  if (open !== undefined) return open();
  const where = { host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS };
  if (tls === null) return connectTcp(where);
  const { ca, cert, key, servername, ...rest } = tls;
  // A name for the server to choose its certificate by; addresses are none (RFC 6066).
  const name = servername ?? (isIP(host) === 0 ? host : undefined);
  return connectTls({
    ...where,
    ...rest,
    ...(name !== undefined && { servername: name }),
    ...(ca !== undefined && { ca: pem(ca) }),
    ...(cert !== undefined && { cert: Buffer.from(cert) }),
    ...(key !== undefined && { key: Buffer.from(key) }),
  });
}

function pem(ca: string | Uint8Array | readonly (string | Uint8Array)[]): Buffer[] {
  const certificates = typeof ca === 'string' || ca instanceof Uint8Array ? [ca] : ca;
  return certificates.map((certificate) => Buffer.from(certificate));
}

function writeHeader(chunk: Buffer, at: number, id: number): number {
  chunk[at] = 0x94;
  chunk[at + 1] = 0;
  chunk[at + 2] = 0xce;
  return chunk.writeUInt32BE(id, at + 3);
}

function hasFeature(hello: unknown, name: string): boolean {
  const features = isRecord(hello) ? hello['features'] : undefined;
  return Array.isArray(features) && features.includes(name);
}

/** How many requests the server reads ahead of its answers, as `hello` told. */
function requestsInFlightOf(hello: unknown): number {
  const limits = isRecord(hello) ? hello['limits'] : undefined;
  const told = isRecord(limits) ? limits['requestsInFlight'] : undefined;
  return typeof told === 'number' && told >= 1 ? told : Number.POSITIVE_INFINITY;
}
