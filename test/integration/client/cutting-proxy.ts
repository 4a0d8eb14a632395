import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface CuttingProxy {
  readonly port: number;
  /** Connections passed on so far. */
  readonly accepted: number;
  /** Cuts every connection that there is. */
  cut(): void;
  /** Cuts the next connection that carries so many more bytes of answers, right there. */
  cutAfterAnswerBytes(bytes: number): void;
  /** Answers are held back from now on, or let through again. */
  hold(isHeld: boolean): void;
  /** New connections are closed as they come, or let through again. */
  refuse(isRefused: boolean): void;
  stop(): Promise<void>;
}

/** Stands between a client and a server, and does what networks do. */
export async function startCuttingProxy(port: number): Promise<CuttingProxy> {
  const pairs = new Set<{ client: Socket; server: Socket }>();
  let accepted = 0;
  let isRefused = false;
  let isHeld = false;
  let bytesLeft = Number.POSITIVE_INFINITY;
  const proxy = createServer((client) => {
    if (isRefused) {
      client.destroy();
      return;
    }
    accepted++;
    const server = connect(port, '127.0.0.1');
    const pair = { client, server };
    pairs.add(pair);
    if (isHeld) server.pause();
    const end = () => {
      client.destroy();
      server.destroy();
      pairs.delete(pair);
    };
    client.on('data', (bytes) => void server.write(bytes));
    server.on('data', (bytes) => {
      client.write(bytes.subarray(0, bytesLeft));
      bytesLeft -= bytes.length;
      if (bytesLeft > 0) return;
      bytesLeft = Number.POSITIVE_INFINITY;
      // Half of an answer may be on its way: ended in order, so that it arrives.
      client.end();
      server.destroy();
    });
    for (const socket of [client, server]) socket.on('error', end).on('close', end);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const cut = () => {
    for (const { client, server } of pairs) {
      client.destroy();
      server.destroy();
    }
  };
  return {
    port: (proxy.address() as AddressInfo).port,
    get accepted() {
      return accepted;
    },
    cut,
    cutAfterAnswerBytes: (bytes) => {
      bytesLeft = bytes;
    },
    hold: (held) => {
      isHeld = held;
      for (const { server } of pairs) {
        if (held) server.pause();
        else server.resume();
      }
    },
    refuse: (refused) => {
      isRefused = refused;
    },
    stop: async () => {
      cut();
      proxy.close();
      await once(proxy, 'close');
    },
  };
}
