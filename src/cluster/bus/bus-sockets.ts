import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import {
  createServer as createTlsServer,
  type SecureContextOptions,
  type TLSSocket,
  connect as tlsConnect,
} from 'node:tls';
import { formatAddress } from '../../base/addresses.ts';
import { FluxError } from '../../base/errors.ts';
import type { HostPort } from './bus-address.ts';
import type { BusLimits, BusTls } from './bus-options.ts';

export interface BusSocketsHost {
  /** Somebody has dialled this node, and with TLS has shown a certificate. */
  accepted(socket: Socket): void;
  /** Somebody has dialled this node, and shown no certificate; or could not be taken. `reason` is a clause about it. */
  failed(address: string, reason: string): void;
}

/** The sockets of a bus, from listening or dialling until they can be spoken on; with TLS inside, when there is any. */
export class BusSockets {
  readonly #limits: BusLimits;
  readonly #host: BusSocketsHost;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** With TLS: accepted, and without a certificate so far, by address and port at the other end. The oldest first. */
  readonly #bare = new Map<string, Socket>();
  /** Dialled, and not connected so far. */
  readonly #dialling = new Set<Socket>();
  readonly #hasTls: boolean;
  #context: SecureContextOptions | null;

  constructor(tls: BusTls | null, limits: BusLimits, host: BusSocketsHost) {
    this.#limits = limits;
    this.#host = host;
    this.#context = tls;
    this.#hasTls = tls !== null;
    this.#server = tls === null ? createServer((socket) => this.#accepted(socket)) : this.#tlsServer(tls);
  }

  /** Resolves to the port. */
  async listen(host: string, port: number): Promise<number> {
    const server = this.#server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) => {
        const where = formatAddress(host, port);
        reject(new FluxError('internal', `The cluster bus cannot listen on ${where}: ${cause.message}.`, { cause }));
      });
      server.listen({ host, port, exclusive: true }, resolve);
    });
    server.on('error', (error) => this.#host.failed('', `could not be taken: ${error.message}`));
    return (server.address() as AddressInfo).port;
  }

  /** Calls one of both, once: with a socket that is connected, or why there is none. */
  dial(to: HostPort, connected: (socket: Socket) => void, failed: (reason: string) => void): void {
    const context = this.#context;
    const socket =
      context === null
        ? connect(to)
        : // A node is known by its authority and by the secret; it has no address that a certificate could name.
          tlsConnect({ ...to, ...context, rejectUnauthorized: true, checkServerIdentity: () => undefined });
    this.#track(socket);
    this.#dialling.add(socket);
    const { handshakeMs } = this.#limits;
    const isFirst = (): boolean => {
      clearTimeout(timer);
      return this.#dialling.delete(socket);
    };
    const fail = (reason: string): void => {
      if (!isFirst()) return;
      socket.destroy();
      failed(reason);
    };
    const timer = setTimeout(() => fail(`there is no connection after ${handshakeMs} ms`), handshakeMs);
    socket.on('error', (error) => fail(error.message));
    socket.on('close', () => fail('it was closed'));
    socket.once(this.#hasTls ? 'secureConnect' : 'connect', () => {
      if (isFirst()) connected(socket);
    });
  }

  /** For connections to come. */
  setTls(tls: BusTls): void {
    if (!this.#hasTls) return;
    this.#context = tls;
    (this.#server as ReturnType<typeof createTlsServer>).setSecureContext(tls);
  }

  /** Takes no more connections, and resolves once those there are have ended, which is the caller's to bring about. */
  async close(): Promise<void> {
    if (this.#server.listening) this.#server.close();
    for (const socket of this.#bare.values()) socket.destroy();
    for (const socket of this.#dialling) socket.destroy();
    await Promise.all([...this.#sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve))));
  }

  #tlsServer(tls: BusTls): Server {
    const rules = { requestCert: true, rejectUnauthorized: true, handshakeTimeout: this.#limits.handshakeMs };
    const server = createTlsServer({ ...tls, ...rules });
    server.on('connection', (socket: Socket) => {
      const [oldest] = this.#bare.values();
      if (oldest !== undefined && this.#bare.size >= this.#limits.handshakesMax) oldest.destroy();
      const name = nameOf(socket);
      this.#bare.set(name, socket);
      socket.once('close', () => this.#bare.delete(name));
    });
    server.on('secureConnection', (socket: TLSSocket) => {
      this.#bare.delete(nameOf(socket));
      this.#accepted(socket);
    });
    server.on('tlsClientError', (error: Error, socket: TLSSocket) => {
      this.#host.failed(socket.remoteAddress ?? '', `has no certificate for the bus: ${error.message}`);
    });
    return server;
  }

  #accepted(socket: Socket): void {
    this.#track(socket);
    this.#host.accepted(socket);
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }
}

function nameOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`;
}
