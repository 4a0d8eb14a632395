import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { ExecutionContext } from 'ava';

type Way = 'there' | 'back';

/** Between a dialer and a bus: passes bytes on, remembers them, and does to them what it is told. */
export interface WireTap {
  readonly port: number;
  /** Everything that went to the bus and came back from it, over all connections. */
  readonly there: Buffer[];
  readonly back: Buffer[];
  readonly connections: number;
  /** What becomes of the next pieces, on whatever connection; null: they are passed on as they are. */
  change: ((bytes: Buffer, way: Way) => readonly Uint8Array[]) | null;
  /** Sends bytes of its own into the newest connection, towards the bus. */
  inject(bytes: Uint8Array): void;
  cut(): void;
}

export async function startWireTap(t: ExecutionContext, port: number): Promise<WireTap> {
  const sockets = new Set<Socket>();
  let newest: Socket | null = null;
  let connections = 0;
  const server = createServer((client) => {
    connections += 1;
    const target = connect(port, '127.0.0.1');
    newest = target;
    for (const [from, to, way] of [
      [client, target, 'there'],
      [target, client, 'back'],
    ] as const) {
      sockets.add(from);
      from.setNoDelay(true);
      from.on('data', (bytes: Buffer) => {
        tap[way].push(bytes);
        for (const piece of tap.change?.(bytes, way) ?? [bytes]) to.write(piece);
      });
      from.on('error', () => undefined);
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  t.teardown(() => {
    cut();
    server.close();
  });
  const tap: WireTap = {
    port: (server.address() as AddressInfo).port,
    there: [],
    back: [],
    get connections() {
      return connections;
    },
    change: null,
    inject: (bytes) => void newest?.write(bytes),
    cut,
  };
  return tap;
}
