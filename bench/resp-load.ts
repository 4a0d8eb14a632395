import { connect, type Socket } from 'node:net';

/** What one connection sends of one piece of work, and how its answers are told right from wrong. */
export interface RespWork {
  /** The bytes of the request with that number. */
  request(number: number): Uint8Array;
  /** Replies that a request has. */
  readonly replies: number;
  /** Whether a reply is as it should be, by its first byte and its length in bytes. */
  isRight(firstByte: number, length: number): boolean;
}

export interface LoadResult {
  readonly perSecond: number;
  /** Milliseconds from sending a request to its last reply. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly wrong: number;
  /** The first wrong answer, as text. */
  readonly firstWrong?: string;
}

const LF = 0x0a;
const NOTHING = Buffer.alloc(0);

/** Connections that each keep so many requests under way; a request is sent when one is answered. */
export class RespLoad {
  readonly #connections: LoadConnection[];

  private constructor(connections: LoadConnection[]) {
    this.#connections = connections;
  }

  static async open(port: number, connections: number): Promise<RespLoad> {
    return new RespLoad(await Promise.all(Array.from({ length: connections }, () => LoadConnection.open(port))));
  }

  async run(work: RespWork, requests: number, depth: number): Promise<LoadResult> {
    const latencies = new Float64Array(requests);
    let next = 0;
    let done = 0;
    let wrong = 0;
    const take = (): number => (next < requests ? next++ : -1);
    const beganMs = performance.now();
    await Promise.all(
      this.#connections.map((connection) =>
        connection.run(work, depth, take, (elapsedMs, isRight) => {
          latencies[done++] = elapsedMs;
          if (!isRight) wrong++;
        }),
      ),
    );
    const elapsedMs = performance.now() - beganMs;
    const firstWrong = this.#connections.map((connection) => connection.takeWrong()).find((text) => text !== null);
    const figures = { perSecond: (requests / elapsedMs) * 1000, wrong, ...percentiles(latencies) };
    return firstWrong === undefined || firstWrong === null ? figures : { ...figures, firstWrong };
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }
}

export function percentiles(latencies: Float64Array): { p50Ms: number; p99Ms: number } {
  const sorted = latencies.slice().sort();
  const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}

class LoadConnection {
  readonly #socket: Socket;
  #rest: Buffer = NOTHING;
  #wrong: string | null = null;
  #onData: ((bytes: Buffer) => void) | null = null;
  #fail: ((error: Error) => void) | null = null;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes) => this.#onData?.(bytes));
    socket.on('error', (error) => this.#fail?.(error));
    socket.on('close', () => this.#fail?.(new Error('the server closed a connection')));
  }

  static open(port: number): Promise<LoadConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new LoadConnection(socket));
      });
    });
  }

  /** Keeps `depth` requests under way until `take` has none left (-1); `onDone` is told of each. */
  run(
    work: RespWork,
    depth: number,
    take: () => number,
    onDone: (elapsedMs: number, isRight: boolean) => void,
  ): Promise<void> {
    const sentMs: number[] = [];
    let answered = 0;
    let replies = 0;
    let isRight = true;
    return new Promise((resolve, reject) => {
      this.#fail = reject;
      const fill = (): void => {
        const pieces: Uint8Array[] = [];
        while (sentMs.length - answered < depth) {
          const number = take();
          if (number < 0) break;
          pieces.push(work.request(number));
          sentMs.push(performance.now());
        }
        if (pieces.length > 0)
          this.#socket.write(pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces));
        else if (answered === sentMs.length) {
          this.#fail = null;
          resolve();
        }
      };
      this.#onData = (bytes) => {
        const nowMs = performance.now();
        this.#eachReply(bytes, (reply, start, end) => {
          if (!work.isRight(reply[start] as number, end - start)) {
            isRight = false;
            this.#wrong ??= reply.toString('latin1', start, Math.min(end, start + 200)).trim();
          }
          if (++replies % work.replies !== 0) return;
          onDone(nowMs - (sentMs[answered++] as number), isRight);
          isRight = true;
        });
        fill();
      };
      fill();
    });
  }

  /** The first wrong answer since this was asked last; null: there was none. */
  takeWrong(): string | null {
    const wrong = this.#wrong;
    this.#wrong = null;
    return wrong;
  }

  close(): void {
    this.#fail = null;
    this.#socket.destroy();
  }

  /** Lines and bulks; nothing else is asked for. */
  #eachReply(bytes: Buffer, take: (bytes: Buffer, start: number, end: number) => void): void {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    let at = 0;
    while (at < all.length) {
      const lineEnd = all.indexOf(LF, at);
      if (lineEnd < 0) break;
      let end = lineEnd + 1;
      const first = all[at] as number;
      if (first === 0x24 && all[at + 1] !== 0x2d) end += Number(all.toString('latin1', at + 1, lineEnd - 1)) + 2;
      if (end > all.length) break;
      take(all, at, end);
      at = end;
    }
    this.#rest = at === all.length ? NOTHING : all.subarray(at);
  }
}

/** A command as clients send it. */
export function respCommand(...words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;
}
