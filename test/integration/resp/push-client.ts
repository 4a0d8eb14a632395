import { createConnection, type Socket } from 'node:net';
import type { Reply } from '../../../src/protocol/resp/reply.ts';
import { ReplyDecoder } from '../../../src/protocol/resp/reply-decoder.ts';
import { encodeRequest } from '../../../src/protocol/resp/request-encoder.ts';
import type { Word } from '../../command-runner.ts';

/** A reply as plain values: bulks and statuses as latin1 text, errors as `-text`, maps as lists of pairs. */
export type Plain = string | number | bigint | boolean | null | readonly Plain[];

const PATIENCE_MS = 10_000;

/** A client that keeps what it is sent unasked apart from what it asked for, and the order of both. */
export class PushClient {
  /** All that came, in order; pushes as they are, replies in an array of their own behind the word `reply`. */
  readonly log: Plain[] = [];
  readonly pushes: Plain[] = [];
  readonly replies: Plain[] = [];
  isClosed = false;
  readonly socket: Socket;
  readonly #decoder = new ReplyDecoder();
  #onNews: (() => void) | null = null;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (bytes) => {
      this.#decoder.feed(bytes);
      for (let reply = this.#decoder.next(); reply !== undefined; reply = this.#decoder.next()) this.#take(reply);
      this.#onNews?.();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.isClosed = true;
      this.#onNews?.();
    });
  }

  /** `resp` 3 says HELLO 3 first. */
  static async open(port: number, resp: 2 | 3 = 3): Promise<PushClient> {
    const socket = createConnection({ port, host: '127.0.0.1', noDelay: true });
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    const client = new PushClient(socket);
    if (resp === 3) {
      await client.call('hello', 3);
      client.log.length = 0;
    }
    return client;
  }

  /** Sends commands in one piece and waits for nothing. */
  send(...commands: readonly (readonly Word[])[]): void {
    this.socket.write(Buffer.concat(commands.map((words) => encodeRequest(words))));
  }

  /** Sends a command and returns the next reply that is no push. */
  async call(...words: readonly Word[]): Promise<Plain> {
    this.send(words);
    return this.reply();
  }

  async reply(): Promise<Plain> {
    await this.until(() => this.replies.length > 0);
    return this.replies.shift() ?? null;
  }

  async push(): Promise<Plain> {
    await this.until(() => this.pushes.length > 0);
    return this.pushes.shift() ?? null;
  }

  /** What has been pushed until the server answers a PING that is sent now. */
  async pushesSoFar(): Promise<Plain[]> {
    await this.call('ping');
    return this.pushes.splice(0);
  }

  /** Waits until what was received, or the end of the connection, makes `isThere` true. */
  async until(isThere: () => boolean): Promise<void> {
    const endMs = performance.now() + PATIENCE_MS;
    while (!isThere()) {
      if (this.isClosed) throw new Error('the connection is closed');
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) throw new Error(`nothing came; so far: ${JSON.stringify(this.log.slice(-20), textOfBigint)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#onNews = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#onNews = null;
    }
  }

  close(): void {
    this.socket.destroy();
  }

  #take(reply: Reply): void {
    const value = plainOf(reply);
    if (reply.kind === 'push') {
      this.pushes.push(value);
      this.log.push(value);
    } else {
      this.replies.push(value);
      this.log.push(['reply', value]);
    }
  }
}

function textOfBigint(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

function plainOf(reply: Reply): Plain {
  switch (reply.kind) {
    case 'status':
      return reply.text;
    case 'error':
      return `-${reply.text}`;
    case 'integer':
    case 'bigNumber':
    case 'double':
    case 'boolean':
      return reply.value;
    case 'null':
      return null;
    case 'bulk':
    case 'verbatim':
      return Buffer.from(reply.bytes).toString('latin1');
    case 'array':
    case 'set':
    case 'push':
      return reply.items.map(plainOf);
    case 'map':
      return reply.pairs.map(([key, value]) => [plainOf(key), plainOf(value)]);
  }
}
