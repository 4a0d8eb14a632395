import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { AssertionError } from '../../base/assert.ts';
import type { Counters } from '../../base/counters.ts';
import { FrontEnd, Tally } from '../../base/counters.ts';
import type { Clock, Logger } from '../../base/ports.ts';
import type { OpenSession, Session, SessionConnection } from '../session/session.ts';
import type { TcpFrontOptions } from './options.ts';
import { OutputPool } from './output-buffer.ts';
import type { WireProtocol } from './protocol-of.ts';
import { type ConnectionOwner, TcpConnection } from './tcp-connection.ts';

/** How the protocols of the port are spoken, and what the front needs of its node. */
export interface TcpNode {
  readonly counters: Counters;
  readonly clock: Clock;
  readonly log: Logger;
  readonly openResp: OpenSession;
  readonly openRpc: OpenSession;
  /** For the other nodes of a cluster; without it the node is of none. */
  readonly openPeer?: OpenSession;
  /** The certificate and the rules of TLS; null: connections are plain. */
  readonly tls: TlsOptions | null;
}

/** Beyond this share of the limit of its output a connection's commands wait. */
const CONGESTED_SHARE = 1 / 8;
const CONGESTED_BYTES_MAX = 1 << 20;
/** How often time limits are looked at, and how exactly they are kept. */
const SWEEP_MS = 250;
/** How long a connection that was ended waits for its other end. */
const LINGER_MS = 2000;
/** Connections beyond the limit of clients that are heard out, since they may be other nodes'. */
const SPARE_CONNECTIONS = 32;
/** The words that Redis's clients know; another protocol's client sees a connection that is closed. */
const FULL = '-ERR max number of clients reached\r\n';
/** How often a drain looks whether all is answered. */
const DRAIN_LOOK_MS = 5;

const frontEnds = { resp: FrontEnd.resp, 'msgpack-rpc': FrontEnd.msgpack } as const;

/** The TCP listener: accepts connections, tells their protocol by the first byte, and keeps their limits. */
export class TcpFront implements ConnectionOwner {
  readonly pool = new OutputPool();
  isReading = false;
  readonly #options: TcpFrontOptions;
  readonly #node: TcpNode;
  readonly #server: Server;
  readonly #connections = new Set<TcpConnection>();
  readonly #flushDue: TcpConnection[] = [];
  readonly #flush = (): void => this.#flushAll();
  readonly #sweepTimer: NodeJS.Timeout;
  #nextId = 1;
  /** Connections of other nodes, which no limit of clients is for. */
  #peers = 0;
  #sweptMs = 0;
  #isDraining = false;

  constructor(options: TcpFrontOptions, node: TcpNode) {
    this.#options = options;
    this.#node = node;
    const settings = { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: 300_000 };
    const onSocket = (socket: Socket): void => this.#accept(socket);
    this.#server =
      node.tls === null
        ? // Paused, so that the connection may read in its own way.
          createServer({ ...settings, pauseOnConnect: true }, onSocket)
        : createTlsServer({ ...settings, ...node.tls, handshakeTimeout: options.requestTimeoutMs }, onSocket);
    // Failed handshakes and the like concern the one connection.
    this.#server.on('tlsClientError', (error: Error) => node.log.debug({ err: error }, 'a TLS handshake failed'));
    this.#sweepTimer = setInterval(() => this.#sweep(), SWEEP_MS);
    this.#sweepTimer.unref();
  }

  get outputBytesMax(): number {
    return this.#options.connectionOutputBytesMax;
  }

  get congestedBytes(): number {
    return Math.min(CONGESTED_BYTES_MAX, this.#options.connectionOutputBytesMax * CONGESTED_SHARE);
  }

  /** The port listened on. */
  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : this.#options.port;
  }

  /** Commands taken and not yet answered. */
  get inFlight(): number {
    let total = 0;
    for (const { session } of this.#connections) total += session?.inFlight ?? 0;
    return total;
  }

  /** Resolves when the port is open. */
  listen(): Promise<void> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port, backlog: 1024 }, () => {
        this.#server.off('error', reject);
        this.#server.on('error', (error) => this.#node.log.error({ err: error }, 'the TCP port failed to accept'));
        resolve();
      });
    });
  }

  /** New connections get the certificate of `tls` from now on. Only for a front that has one. */
  setCertificate(tls: TlsOptions): void {
    if ('setSecureContext' in this.#server && typeof this.#server.setSecureContext === 'function') {
      this.#server.setSecureContext(tls);
    }
  }

  /**
   * Ends gracefully: accepts no more connections and reads no more commands, answers those taken, then closes. Of other
   * nodes all is read that they send before they know. After `drainTimeoutMs` the rest is cut off. True when nothing was.
   */
  async drain(): Promise<boolean> {
    this.#isDraining = true;
    this.#server.close();
    const endMs = performance.now() + this.#options.drainTimeoutMs;
    for (const connection of this.#connections) connection.leave();
    for (;;) {
      for (const connection of this.#connections) if (connection.hasLeft) connection.end();
      const isOver = performance.now() >= endMs;
      if (this.#connections.size === 0 || isOver || this.#isLingering()) break;
      await new Promise((resolve) => setTimeout(resolve, DRAIN_LOOK_MS));
    }
    let isComplete = true;
    for (const connection of this.#connections) if (!connection.isQuiet) isComplete = false;
    this.close();
    return isComplete;
  }

  /** Closes every connection at once. */
  close(): void {
    clearInterval(this.#sweepTimer);
    this.#server.close();
    for (const connection of [...this.#connections]) connection.destroy('');
  }

  nowMs(): number {
    return this.#node.clock.nowMs();
  }

  open(protocol: WireProtocol, connection: SessionConnection): Session | null {
    const { counters, openPeer } = this.#node;
    if (protocol === 'peer') {
      this.#peers++;
      return openPeer?.(connection) ?? null;
    }
    if (protocol !== 'resp' && protocol !== 'msgpack-rpc') return null;
    if (this.#isOverfull) {
      counters.add(Tally.connectionsRejected, FrontEnd.resp, 1);
      const at = connection.reserve(FULL.length);
      connection.bytes.set(Buffer.from(FULL), at);
      connection.end();
      return null;
    }
    counters.add(Tally.clients, frontEnds[protocol], 1);
    counters.add(Tally.connectionsReceived, frontEnds[protocol], 1);
    return protocol === 'resp' ? this.#node.openResp(connection) : this.#node.openRpc(connection);
  }

  /**
   * One flush for all that is written in a turn. What is written while sockets are read goes out when all that are
   * readable were read: other ends that wait are woken once rather than by every answer. The rest goes out when whoever
   * writes now has returned.
   */
  flushSoon(connection: TcpConnection): void {
    if (this.#flushDue.length === 0) {
      if (this.isReading) setImmediate(this.#flush);
      else queueMicrotask(this.#flush);
    }
    this.#flushDue.push(connection);
  }

  received({ protocol }: TcpConnection, bytes: number): void {
    if (protocol === 'resp' || protocol === 'msgpack-rpc') {
      this.#node.counters.add(Tally.bytesReceived, frontEnds[protocol], bytes);
    }
  }

  sent({ protocol }: TcpConnection, bytes: number): void {
    if (protocol === 'resp' || protocol === 'msgpack-rpc') {
      this.#node.counters.add(Tally.bytesSent, frontEnds[protocol], bytes);
    }
  }

  closed(connection: TcpConnection): void {
    this.#connections.delete(connection);
    const { protocol } = connection;
    if (protocol === 'peer') this.#peers--;
    else if ((protocol === 'resp' || protocol === 'msgpack-rpc') && connection.session !== null) {
      this.#node.counters.add(Tally.clients, frontEnds[protocol], -1);
    }
  }

  log(message: string, { id, address }: TcpConnection): void {
    this.#node.log.warn({ client: id, address }, message);
  }

  /** Whether there are more clients than may be, as there can be while some may be other nodes. */
  get #isOverfull(): boolean {
    return this.#connections.size - this.#peers > this.#options.connectionsMax;
  }

  #accept(socket: Socket): void {
    const spare = this.#node.openPeer === undefined ? 0 : SPARE_CONNECTIONS;
    if (this.#isDraining || this.#connections.size - this.#peers >= this.#options.connectionsMax + spare) {
      this.#node.counters.add(Tally.connectionsRejected, FrontEnd.resp, 1);
      socket.on('error', () => undefined);
      socket.end(this.#isDraining ? '' : FULL, () => socket.destroy());
      return;
    }
    this.#connections.add(new TcpConnection(this.#nextId++, socket, this));
  }

  #flushAll(): void {
    const due = this.#flushDue;
    // Flushing may have more written, by these connections or others: the list grows meanwhile.
    for (let index = 0; index < due.length; index++) {
      const connection = due[index] as TcpConnection;
      try {
        connection.flush();
      } catch (error) {
        if (error instanceof AssertionError) throw error;
        this.#node.log.error({ err: error, client: connection.id }, 'a connection failed in a way it must not');
        connection.destroy('it failed in a way it must not');
      }
    }
    due.length = 0;
  }

  /** Whether nothing is left but other ends that do not close. */
  #isLingering(): boolean {
    const nowMs = this.nowMs();
    for (const connection of this.#connections) {
      if (!connection.isClosing || !connection.isQuiet || connection.waitedMs(nowMs) < LINGER_MS) return false;
    }
    return true;
  }

  #sweep(): void {
    const nowMs = this.nowMs();
    const isLate = nowMs - this.#sweptMs > 2 * SWEEP_MS;
    this.#sweptMs = nowMs;
    // After a stall of this thread, or a leap of the clock, what has arrived meanwhile is read before anybody is blamed.
    if (isLate) return;
    const { idleTimeoutMs, requestTimeoutMs } = this.#options;
    for (const connection of this.#connections) {
      const { session, lastInputMs } = connection;
      if (connection.isClosing) {
        const limitMs = connection.unsentBytes === 0 ? LINGER_MS : Math.max(LINGER_MS, requestTimeoutMs);
        if (connection.waitedMs(nowMs) > limitMs) connection.destroy('');
        continue;
      }
      connection.endWhenDone();
      const silentMs = nowMs - lastInputMs;
      // A link of another node sees for itself whether its other end is there.
      if (connection.protocol === 'peer') continue;
      // Who says nothing keeps no node out.
      if (session === null && silentMs > LINGER_MS && this.#isOverfull) {
        connection.destroy('');
        continue;
      }
      const isWaiting = session !== null && session.inFlight > 0;
      if (isWaiting) continue;
      if (connection.isBehind(requestTimeoutMs, nowMs)) {
        connection.destroy(`a command was begun and not whole after ${requestTimeoutMs} ms`);
      } else if (idleTimeoutMs > 0 && silentMs > idleTimeoutMs && !isSubscriber(session)) {
        connection.destroy('');
      }
    }
  }
}

/** Who listens to channels sends nothing and is not idle. */
function isSubscriber(session: Session | null): boolean {
  const client = session?.client;
  return client !== undefined && client !== null && client.channelCount + client.patternCount > 0;
}
