import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

/** A TCP port, with TLS if wanted, that leads to a socket of the file system. */
export class RedisFront {
  readonly port: number;
  readonly #server: ReturnType<typeof createServer>;
  readonly #sockets = new Set<Socket>();

  private constructor(server: ReturnType<typeof createServer>, sockets: Set<Socket>) {
    this.#server = server;
    this.#sockets = sockets;
    this.port = (server.address() as AddressInfo).port;
  }

  static async open(path: string, tls?: { readonly cert: Buffer; readonly key: Buffer }): Promise<RedisFront> {
    const sockets = new Set<Socket>();
    const join = (socket: Socket): void => {
      const inner = createConnection(path);
      for (const each of [socket, inner]) {
        sockets.add(each);
        each.on('error', () => undefined);
        each.on('close', () => {
          sockets.delete(each);
          socket.destroy();
          inner.destroy();
        });
      }
      socket.pipe(inner);
      inner.pipe(socket);
    };
    const server = tls === undefined ? createServer(join) : createTlsServer(tls, join);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new RedisFront(server, sockets);
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}
