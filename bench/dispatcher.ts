import { ArgsBuffer } from '../src/command/args-buffer.ts';
import { noControl } from '../src/command/control.ts';
import { noPublisher } from '../src/command/publisher.ts';
import { ReplyKind, type ReplyReader } from '../src/command/reply.ts';
import { commandTable } from '../src/command/table.ts';
import { Shards } from '../src/server/dispatch/shards.ts';
import { defineBench, numberOption } from './bench.ts';
import { interleave, summarize } from './report.ts';

/**
 * What a command costs between a front end and its shard, without any protocol: SET through the mailbox at several
 * depths, GET from shared memory, MGET over all shards. Processor time is that of all threads of the process, which
 * is what a loaded machine leaves steady.
 */

const keyCount = 10_000;
const valueBytes = 64;
const depths = [1, 50, 1000];
const mgetKeys = 10;

interface Sample {
  readonly opsPerMs: number;
  readonly processorUsPerOp: number;
}

export const bench = defineBench({
  options: {
    rounds: { doc: 'rounds; each measures every kind of work once', default: '7' },
    operations: { doc: 'commands of each kind in a round', default: '200000' },
    shards: { doc: 'shards, each with a thread', default: '1' },
    quick: { doc: 'one round with few commands, to see that the answers are right', default: false },
  },
  async run(options, report) {
    const rounds = options.quick ? 1 : numberOption('rounds', options.rounds, 1);
    const operations = options.quick ? 5000 : numberOption('operations', options.operations, 1000);
    const shardCount = numberOption('shards', options.shards, 1);
    const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
    const shards = new Shards({
      shardCount,
      partitionCount: 64,
      budgetBytes: 64 * 1024 * 1024 * shardCount,
      eviction: 'flux',
      hashKey: [1, 2],
      node: {
        clock: { nowMs: Date.now },
        random: { nextUint32: () => 1 },
        infoSections: [],
        control: noControl,
        publisher: noPublisher,
      },
      supervisor: { logger: quiet },
    });
    await shards.started();
    try {
      const work = new DispatchedWork(shards);
      // Once before it counts, so that everything is compiled.
      for (const depth of depths) await work.set(operations / 10, depth);
      const samples: Record<string, Sample[]> = {};
      const measured = (name: string, count: number, run: () => Promise<void> | void) => async (): Promise<number> => {
        const before = process.cpuUsage();
        const beganMs = performance.now();
        await run();
        const elapsedMs = performance.now() - beganMs;
        const { user, system } = process.cpuUsage(before);
        samples[name] = [
          ...(samples[name] ?? []),
          { opsPerMs: count / elapsedMs, processorUsPerOp: (user + system) / count },
        ];
        return elapsedMs;
      };
      const subjects: Record<string, () => Promise<number>> = {};
      for (const depth of depths) {
        const count = depth === 1 ? operations / 10 : operations;
        const name = `SET, ${depth} outstanding`;
        subjects[name] = measured(name, count, () => work.set(count, depth));
      }
      subjects['GET'] = measured('GET', operations, () => work.get(operations));
      const mgets = operations / mgetKeys;
      subjects[`MGET of ${mgetKeys}`] = measured(`MGET of ${mgetKeys}`, mgets, () => work.mget(mgets));
      await interleave(rounds, subjects);
      const table = report.table(`${shardCount} shard(s), ${keyCount} keys, values of ${valueBytes} bytes`, [
        { name: 'work' },
        { name: 'k/s', digits: 0 },
        { name: 'processor µs each', digits: 2 },
      ]);
      for (const [name, of] of Object.entries(samples)) {
        table.row(
          name,
          summarize(of.map(({ opsPerMs }) => opsPerMs)),
          summarize(of.map(({ processorUsPerOp }) => processorUsPerOp)),
        );
      }
      report.check(work.wrong === 0, `${work.wrong} answers were wrong`);
    } finally {
      await shards.stop(1000);
    }
  },
});

/** Commands made beforehand, and how many of their answers were wrong. */
class DispatchedWork {
  wrong = 0;
  readonly #shards: Shards;
  readonly #sets: ArgsBuffer[] = [];
  readonly #gets: ArgsBuffer[] = [];
  readonly #mgets: ArgsBuffer[] = [];

  constructor(shards: Shards) {
    this.#shards = shards;
    const value = new Uint8Array(valueBytes).fill(0x78);
    for (let number = 0; number < keyCount; number++) {
      this.#sets.push(new ArgsBuffer().begin().text(keyOf(number)).bytes(value));
      this.#gets.push(new ArgsBuffer().begin().text(keyOf(number)));
      const mget = new ArgsBuffer().begin();
      for (let at = 0; at < mgetKeys; at++) mget.text(keyOf((number + at) % keyCount));
      this.#mgets.push(mget);
    }
  }

  /** Sends `count` commands, `depth` of them at a time: each answer sends the next. */
  set(count: number, depth: number): Promise<void> {
    const { dispatcher } = this.#shards;
    const command = commandTable.named('set');
    return new Promise((resolve) => {
      let sent = 0;
      let answered = 0;
      const next = (): void => {
        const { args } = this.#sets[sent++ % keyCount] as ArgsBuffer;
        dispatcher.execute(command, args, sink);
      };
      const sink = {
        onReply: (reply: ReplyReader): void => {
          if (reply.kind !== ReplyKind.status) this.wrong++;
          answered++;
          if (sent < count) next();
          else if (answered === count) resolve();
        },
      };
      for (let slot = 0; slot < Math.min(depth, count); slot++) next();
    });
  }

  get(count: number): void {
    const command = commandTable.named('get');
    const sink = {
      onReply: (reply: ReplyReader): void => {
        if (reply.kind !== ReplyKind.bulk || reply.end - reply.start !== valueBytes) this.wrong++;
      },
    };
    for (let number = 0; number < count; number++) {
      this.#shards.dispatcher.execute(command, (this.#gets[number % keyCount] as ArgsBuffer).args, sink);
    }
  }

  mget(count: number): void {
    const command = commandTable.named('mget');
    const sink = {
      onReply: (reply: ReplyReader): void => {
        if (reply.kind !== ReplyKind.array || reply.count !== mgetKeys) this.wrong++;
      },
    };
    for (let number = 0; number < count; number++) {
      this.#shards.dispatcher.execute(command, (this.#mgets[number % keyCount] as ArgsBuffer).args, sink);
    }
  }
}

function keyOf(number: number): string {
  return `key:${String(number).padStart(12, '0')}`;
}
