import { createConnection, type NetConnectOpts, type Socket } from 'node:net';
import { encodeRequest } from '../src/protocol/resp/request-encoder.ts';
import type { Word } from './command-runner.ts';

const invalidation = '>2\r\n$10\r\ninvalidate\r\n';

/**
 * A connection to a server of the Redis protocol that gives replies as the bytes they came in. Invalidations, which come
 * in between, are kept apart.
 */
export class RespConnection {
  readonly #socket: Socket;
  /** Pushes that a key has changed, as they came. */
  readonly invalidations: Buffer[] = [];
  #received = Buffer.alloc(0);
  #wanted = 0;
  #settle: { resolve: (replies: Buffer[]) => void; reject: (error: Error) => void } | null = null;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#deliver();
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#settle?.reject(new Error('the server closed the connection')));
  }

  static async open(target: NetConnectOpts): Promise<RespConnection> {
    return new RespConnection(await connected(target));
  }

  /** Sends commands in one go and returns their replies, one a command, or `count` of them. */
  send(commands: readonly (readonly Word[])[], count = commands.length): Promise<Buffer[]> {
    this.#wanted = count;
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#socket.write(Buffer.concat(commands.map(encodeRequest)));
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #deliver(): void {
    if (this.#settle === null) return;
    const replies: Buffer[] = [];
    let at = 0;
    const invalidations: Buffer[] = [];
    while (replies.length < this.#wanted) {
      const start = at;
      at = replyEnd(this.#received, start);
      if (at < 0) return;
      const reply = this.#received.subarray(start, at);
      if (reply.toString('latin1', 0, invalidation.length) === invalidation) invalidations.push(reply);
      else replies.push(reply);
    }
    this.#received = this.#received.subarray(at);
    this.invalidations.push(...invalidations);
    const { resolve } = this.#settle;
    this.#settle = null;
    resolve(replies);
  }
}

/** Sends `bytes` over a connection of its own, ends it, and returns all the server says until it ends it too. */
export async function exchange(target: NetConnectOpts, bytes: Uint8Array): Promise<Buffer> {
  const socket = await connected(target);
  const received: Buffer[] = [];
  return new Promise((resolve) => {
    socket.on('data', (chunk) => received.push(chunk));
    // A server that refused what it got resets the connection when more comes.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => resolve(Buffer.concat(received)));
    socket.end(bytes);
  });
}

async function connected(target: NetConnectOpts): Promise<Socket> {
  const socket = createConnection({ ...target, noDelay: true });
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  return socket;
}

/** Where the reply that begins at `start`, of either version, has ended; -1 when it is not whole. */
export function replyEnd(bytes: Buffer, start: number): number {
  let at = start;
  for (let pending = 1; pending > 0; pending--) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return -1;
    const count = Number(bytes.toString('latin1', at + 1, lineEnd));
    switch (String.fromCharCode(bytes[at] ?? 0)) {
      case '$':
      case '=':
        at = count < 0 ? lineEnd + 2 : lineEnd + 2 + count + 2;
        break;
      case '*':
      case '~':
      case '>':
        pending += Math.max(0, count);
        at = lineEnd + 2;
        break;
      case '%':
        pending += 2 * count;
        at = lineEnd + 2;
        break;
      default:
        at = lineEnd + 2;
    }
    if (at > bytes.length) return -1;
  }
  return at;
}
