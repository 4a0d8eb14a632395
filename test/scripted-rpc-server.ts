import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Packr, Unpackr } from 'msgpackr';
import { ResponseFraming } from '../src/client/response-framing.ts';

export interface RpcRequest {
  readonly id: number;
  readonly method: string;
  readonly params: readonly unknown[];
  readonly socket: Socket;
}

export interface ScriptedServer {
  readonly port: number;
  /** Connections open now, and accepted ever. */
  readonly sockets: ReadonlySet<Socket>;
  readonly accepted: number;
  /** Chunks that arrived, and methods asked for but `hello`. */
  readonly chunks: number;
  readonly methods: readonly string[];
  stop(): Promise<void>;
}

const packr = new Packr({ useRecords: false });
const unpackr = new Unpackr({ useRecords: false });

export function answer({ id, socket }: RpcRequest, result: unknown): void {
  socket.write(packr.pack([1, id, null, result]));
}

export function refuse({ id, socket }: RpcRequest, code: string, retryable = false): void {
  socket.write(packr.pack([1, id, { code, message: `it is ${code}`, retryable }, null]));
}

export function refuseWith({ id, socket }: RpcRequest, error: unknown): void {
  socket.write(packr.pack([1, id, error, null]));
}

export function packed(message: unknown): Uint8Array {
  return packr.pack(message);
}

/** A server that logs everybody in and leaves everything else to `onRequest`. */
export async function startScriptedServer(
  onRequest: (request: RpcRequest) => void,
  hello: (request: RpcRequest) => void = (request) => answer(request, { server: 'scripted', limits: {} }),
  port = 0,
): Promise<ScriptedServer> {
  const sockets = new Set<Socket>();
  const methods: string[] = [];
  let accepted = 0;
  let chunks = 0;
  const server = createServer((socket) => {
    accepted++;
    sockets.add(socket);
    const framing = new ResponseFraming(2 ** 30);
    socket.on('data', (chunk) => {
      chunks++;
      framing.push(chunk);
      while (framing.next()) {
        const { bytes, start, end } = framing;
        const [, id, method, params] = unpackr.unpack(bytes, { start, end }) as [0, number, string, unknown[]];
        const request = { id, method, params, socket };
        if (method === 'hello') hello(request);
        else {
          methods.push(method);
          onRequest(request);
        }
      }
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    get accepted() {
      return accepted;
    },
    get chunks() {
      return chunks;
    },
    methods,
    stop: async () => {
      if (!server.listening) return;
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
