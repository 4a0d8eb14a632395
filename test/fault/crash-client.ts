import { createConnection, type Socket } from 'node:net';
import type { Reply } from '../../src/protocol/resp/reply.ts';
import { ReplyDecoder } from '../../src/protocol/resp/reply-decoder.ts';
import { RequestEncoder, type RequestWord } from '../../src/protocol/resp/request-encoder.ts';

/** A connection of the Redis protocol on which much may be under way. What has no reply when it ends never gets one. */
export class CrashClient {
  /** Fulfilled when the connection has ended, however it did. */
  readonly ended: Promise<void>;
  readonly #socket: Socket;
  readonly #decoder = new ReplyDecoder();
  readonly #encoder = new RequestEncoder();
  readonly #waiting: ((reply: Reply) => void)[] = [];
  #isFlushing = false;
  #fault: unknown = null;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => {
      try {
        this.#decoder.feed(chunk);
        for (let reply = this.#decoder.next(); reply !== undefined; reply = this.#decoder.next()) {
          this.#waiting.shift()?.(reply);
        }
      } catch (error) {
        this.#fault = error;
        socket.destroy();
      }
    });
    socket.on('error', () => socket.destroy());
    this.ended = new Promise((resolve) => socket.once('close', () => resolve()));
  }

  static async open(port: number): Promise<CrashClient> {
    const socket = createConnection({ host: '127.0.0.1', port, noDelay: true });
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new CrashClient(socket);
  }

  /** Commands that wait for their replies. */
  get inFlight(): number {
    return this.#waiting.length;
  }

  /** What an `onReply` threw. */
  get fault(): unknown {
    return this.#fault;
  }

  send(words: readonly RequestWord[], onReply: (reply: Reply) => void): void {
    this.#encoder.add(words);
    this.#waiting.push(onReply);
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    setImmediate(() => {
      this.#isFlushing = false;
      if (!this.#socket.destroyed) this.#socket.write(this.#encoder.take());
    });
  }

  /** Rejects when the connection ends first. */
  ask(words: readonly RequestWord[]): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.send(words, resolve);
      void this.ended.then(() => reject(new Error(`the connection ended before ${words[0]} was answered`)));
    });
  }

  /** The texts of the keys; null for one that is not there. */
  async read(keys: readonly string[]): Promise<(string | null)[]> {
    const replies = await Promise.all(keys.map((key) => this.ask(['GET', key])));
    return replies.map((reply) => {
      if (reply.kind === 'bulk') return Buffer.from(reply.bytes).toString('latin1');
      if (reply.kind === 'null') return null;
      throw new Error(`GET was answered with ${JSON.stringify(reply)}`);
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}
