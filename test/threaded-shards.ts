import type { Logger } from '../src/base/ports.ts';
import { ArgsBuffer } from '../src/command/args-buffer.ts';
import { type CommandTable, commandTable } from '../src/command/table.ts';
import type { OrderedSession } from '../src/server/dispatch/ordered-session.ts';
import { Shards, type ShardsOptions } from '../src/server/dispatch/shards.ts';
import type { SupervisorLimits, SupervisorOptions } from '../src/shard/shard-supervisor.ts';
import { bundledThread } from './bundled-thread.ts';
import { plainNode, plainReply } from './in-thread-shards.ts';

const SHARD_THREAD = new URL('../src/shard/shard-thread.ts', import.meta.url);

export interface ThreadedOptions extends Partial<Omit<ShardsOptions, 'supervisor'>> {
  readonly entry?: URL;
  readonly limits?: Partial<SupervisorLimits>;
  readonly supervisor?: Pick<SupervisorOptions, 'onRecovered' | 'beforeRestart'>;
}

/** Shards with threads and stores as a node has them, and plain values instead of bytes. */
export class ThreadedShards {
  readonly shards: Shards;
  readonly log: { level: string; message: string; fields: Record<string, unknown> }[] = [];
  readonly deaths: string[] = [];
  readonly #table: CommandTable;
  readonly #buffer = new ArgsBuffer();

  constructor(options: ThreadedOptions = {}) {
    const { entry, limits, supervisor, ...rest } = options;
    const note =
      (level: string) =>
      (fields: object, message: string): void => {
        this.log.push({ level, message, fields: { ...fields } });
      };
    const logger: Logger = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
    this.#table = options.table ?? commandTable;
    this.shards = new Shards({
      shardCount: 2,
      partitionCount: 64,
      budgetBytes: 32 * 1024 * 1024,
      eviction: 'noeviction',
      hashKey: [1, 2],
      node: plainNode,
      ...rest,
      supervisor: {
        logger,
        onDeath: (_shard, reason) => this.deaths.push(reason),
        entry: bundledThread(entry ?? SHARD_THREAD),
        ...(limits === undefined ? {} : { limits }),
        ...supervisor,
      },
    });
  }

  /** Runs a command; resolves with its reply as a plain value. */
  call(name: string, ...texts: readonly string[]): Promise<unknown> {
    return this.callIn(null, name, ...texts);
  }

  callIn(session: OrderedSession | null, name: string, ...texts: readonly string[]): Promise<unknown> {
    this.#buffer.begin();
    for (const text of texts) this.#buffer.text(text);
    return new Promise((resolve, reject) => {
      let answered = false;
      const onReply = (reply: Parameters<typeof plainReply>[0]): void => {
        if (answered) reject(new Error('I4: a command was answered twice'));
        answered = true;
        resolve(plainReply(reply));
      };
      this.shards.dispatcher.execute(this.#table.named(name), this.#buffer.args, { onReply }, session);
    });
  }

  /** A key of that shard, told apart from others by `number`. */
  keyOf(shard: number, number = 0): string {
    for (let tag = 0; ; tag++) {
      const key = `{${tag}}${number}`;
      if (this.shards.map.shardOfKey(Buffer.from(key), 0, key.length) === shard) return key;
    }
  }
}

/** Waits for a condition, looking every few milliseconds; rejects when it does not come true in time. */
export async function until(what: string, condition: () => boolean, limitMs = 20_000): Promise<void> {
  const deadlineMs = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
