import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { Logger } from '../../base/ports.ts';
import { proxyHeader } from './proxy-header.ts';
import type { TlsIdentity } from './tls-identity.ts';

export interface TlsRelayOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Path of the socket that connections are handed on to. */
  readonly target: string;
  readonly connectionsMax: number;
  readonly handshakeTimeoutMs: number;
}

/**
 * TLS in front of a listener that speaks none: takes it off each connection and hands what is inside on to a local
 * socket, behind a header that names the client's address.
 */
export class TlsRelay {
  readonly #options: TlsRelayOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(identity: TlsIdentity, options: TlsRelayOptions, log: Logger) {
    this.#options = options;
    const settings = { handshakeTimeout: options.handshakeTimeoutMs, noDelay: true };
    this.#server = createServer({ ...settings, ...identity.options }, (socket) => this.#relay(socket));
    this.#server.maxConnections = options.connectionsMax;
    // What fails in a handshake costs its own connection, which is closed already.
    this.#server.on('tlsClientError', (err: Error) => log.debug({ err }, 'a TLS handshake failed'));
    identity.onChange((changed) => this.#server.setSecureContext(changed));
  }

  async listen(): Promise<void> {
    const { host, port } = this.#options;
    this.#server.listen({ host, port, exclusive: true });
    await once(this.#server, 'listening');
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Takes no more connections; those there are go on. */
  stop(): void {
    this.#server.close();
  }

  close(): void {
    this.stop();
    for (const socket of this.#sockets) socket.destroy();
  }

  #relay(outer: TLSSocket): void {
    const inner = connect(this.#options.target);
    inner.write(proxyHeader(outer.remoteAddress ?? '', outer.remotePort ?? 0));
    for (const [from, to] of [
      [outer, inner],
      [inner, outer],
    ] as const) {
      this.#sockets.add(from);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#sockets.delete(from);
        // Ended rather than destroyed: what was written last is still on its way.
        to.destroySoon();
      });
    }
  }
}
