import { connect, type Socket } from 'node:net';

/** Requests that are sent in one piece, and what is to be answered. */
export interface Batch {
  readonly requests: Buffer;
  /** The answers, when they come in the order of the requests. */
  readonly answers: Buffer;
}

export interface LoadResult {
  readonly batches: number;
  readonly seconds: number;
  /** Batches whose answers were not, to the byte, what they had to be. */
  readonly wrong: number;
}

export interface LoadOptions {
  readonly port: number;
  readonly connections: number;
  /** 0: every batch once. */
  readonly seconds: number;
  readonly batches: readonly Batch[];
  /** Whether these answers are right although they are not the bytes that were expected: such as in another order. */
  readonly isRight: (answers: Buffer, batch: Batch) => boolean;
}

/** Answers that are fewer bytes than they had to be would be waited for for ever. */
const PATIENCE_MS = 10_000;

/**
 * Load from requests that were encoded before: every connection sends a batch, waits for all its answers, checks them and
 * sends the next, so that as many requests are in flight on each as a batch has. Costs the generator a write, a read and
 * a comparison a batch.
 */
export async function loadInBatches(options: LoadOptions): Promise<LoadResult> {
  const lanes = await Promise.all(Array.from({ length: options.connections }, () => Lane.open(options)));
  try {
    const beganMs = performance.now();
    const endMs = beganMs + options.seconds * 1000;
    const each = Math.ceil(options.batches.length / lanes.length);
    const runs = lanes.map((lane, index) => lane.run(index * each, endMs, options.seconds === 0 ? each : 1));
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<never>((_, reject) => {
      const fail = (): void => reject(new Error('a batch was not answered as a whole'));
      timer = setTimeout(fail, options.seconds * 1000 + PATIENCE_MS);
    });
    await Promise.race([Promise.all(runs), patience]).finally(() => clearTimeout(timer));
    const seconds = (performance.now() - beganMs) / 1000;
    const total = (count: (lane: Lane) => number) => lanes.reduce((sum, lane) => sum + count(lane), 0);
    return { batches: total((lane) => lane.done), wrong: total((lane) => lane.wrong), seconds };
  } finally {
    for (const lane of lanes) lane.close();
  }
}

class Lane {
  done = 0;
  wrong = 0;
  readonly #options: LoadOptions;
  readonly #socket: Socket;
  #next = 0;
  #endMs = 0;
  #doneMin = 1;
  #batch: Batch | null = null;
  #received = 0;
  readonly #answers: Buffer;
  #finish: (() => void) | null = null;
  #fail: ((error: Error) => void) | null = null;

  static async open(options: LoadOptions): Promise<Lane> {
    const socket = connect({ port: options.port, host: '127.0.0.1', noDelay: true });
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new Lane(options, socket);
  }

  private constructor(options: LoadOptions, socket: Socket) {
    this.#options = options;
    this.#socket = socket;
    this.#answers = Buffer.allocUnsafe(Math.max(...options.batches.map(({ answers }) => answers.length)));
    socket.on('data', (bytes) => this.#receive(bytes));
    socket.on('close', () => this.#fail?.(new Error('the server closed a connection')));
  }

  run(first: number, endMs: number, doneMin: number): Promise<void> {
    this.#next = first;
    this.#doneMin = doneMin;
    this.#endMs = endMs;
    return new Promise((resolve, reject) => {
      this.#finish = resolve;
      this.#fail = reject;
      this.#send();
    });
  }

  close(): void {
    this.#fail = null;
    this.#socket.destroy();
  }

  #send(): void {
    const { batches } = this.#options;
    const batch = batches[this.#next++ % batches.length] as Batch;
    this.#batch = batch;
    this.#received = 0;
    this.#socket.write(batch.requests);
  }

  #receive(bytes: Buffer): void {
    const batch = this.#batch as Batch;
    const wanted = batch.answers.length;
    let answers = bytes;
    if (this.#received > 0 || bytes.length < wanted) {
      bytes.copy(this.#answers, this.#received);
      answers = this.#answers.subarray(0, this.#received + bytes.length);
    }
    this.#received += bytes.length;
    if (this.#received < wanted) return;
    this.done++;
    if (!answers.equals(batch.answers) && !this.#options.isRight(answers, batch)) this.wrong++;
    if (this.done < this.#doneMin || performance.now() < this.#endMs) this.#send();
    else this.#finish?.();
  }
}
