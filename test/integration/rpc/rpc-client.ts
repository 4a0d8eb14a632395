import { connect, type Socket } from 'node:net';
import { Packr, UnpackrStream } from 'msgpackr';
import type { startNodeFixture } from '../resp/node-fixture.ts';

export type Scope = Parameters<typeof startNodeFixture>[0];
/** `[error, result]` of a response. */
export type Answer = readonly [error: RpcFault | null, result: unknown];
export interface RpcFault {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
}

/** Records off, and integers beyond 32 bits as bigint: what a client that knows only the specification does. */
export const packr = new Packr({ useRecords: false, variableMapSize: true });

const PATIENCE_MS = 10_000;

/** A client made of msgpackr and a socket. */
export class RpcClient {
  readonly socket: Socket;
  /** Everything that came, in order. */
  readonly messages: unknown[][] = [];
  isClosed = false;
  #id = 0;
  #onNews: (() => void)[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    const stream = new UnpackrStream({ useRecords: false });
    socket.pipe(stream);
    stream.on('data', (message: unknown[]) => {
      this.messages.push(message);
      this.#tell();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.isClosed = true;
      this.#tell();
    });
  }

  static async open(scope: Scope, port: number): Promise<RpcClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    scope.teardown(async () => {
      socket.destroy();
    });
    return new RpcClient(socket);
  }

  send(bytes: Uint8Array | readonly number[]): void {
    this.socket.write(Uint8Array.from(bytes));
  }

  notify(method: string, ...params: unknown[]): void {
    this.socket.write(packr.pack([2, method, params]));
  }

  async call(method: string, ...params: unknown[]): Promise<Answer> {
    const id = this.#id++;
    this.socket.write(packr.pack([0, id, method, params]));
    return this.answerTo(id);
  }

  /** The result; throws where there is an error. */
  async result(method: string, ...params: unknown[]): Promise<unknown> {
    const [error, result] = await this.call(method, ...params);
    if (error !== null) throw new Error(`${error.code}: ${error.message}`);
    return result;
  }

  /** The code of the error; throws where there is none. */
  async fault(method: string, ...params: unknown[]): Promise<string> {
    const [error] = await this.call(method, ...params);
    if (error === null) throw new Error(`${method} did not fail`);
    return error.code;
  }

  /** Waits for the response of that id (null: of a message without one) and takes it out of `messages`. */
  async answerTo(id: number | null): Promise<Answer> {
    let found: unknown[] | undefined;
    await this.until(`an answer to ${id}`, () => {
      const at = this.messages.findIndex((message) => message[0] === 1 && message[1] === id);
      found = at < 0 ? undefined : this.messages.splice(at, 1)[0];
      return found !== undefined;
    });
    return [(found?.[2] ?? null) as RpcFault | null, found?.[3]];
  }

  async until(what: string, condition: () => boolean): Promise<void> {
    const endMs = performance.now() + PATIENCE_MS;
    while (!condition()) {
      if (performance.now() > endMs) throw new Error(`not within ${PATIENCE_MS} ms: ${what}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 100);
        this.#onNews.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  #tell(): void {
    const waiting = this.#onNews;
    this.#onNews = [];
    for (const wake of waiting) wake();
  }
}
