import type { Worker } from 'node:worker_threads';
import test, { type ExecutionContext } from 'ava';
import { ThreadedShards, until } from '../../threaded-shards.ts';
import { faultyFrontTable } from './faulty-table.ts';

const entry = new URL('./faulty-shard-thread.ts', import.meta.url);
const scale = Number(process.env['FLUXCACHE_TEST_SCALE'] ?? 1);

/** A machine that runs other tests too may stall a thread for seconds; only an actor that hangs on purpose is caught soon. */
async function faultyShards(t: ExecutionContext, hangMs = 20_000): Promise<ThreadedShards> {
  const threaded = new ThreadedShards({
    table: faultyFrontTable,
    entry,
    // Restarts are not held back for long: there are many of them here.
    limits: { hangMs, heapMiB: 48, restartFirstMs: 1, restartCapMs: 5 },
  });
  t.teardown(() => threaded.shards.stop(5000));
  await threaded.shards.started();
  return threaded;
}

const indeterminate = 'error indeterminate the shard failed while it ran the command, which may have taken effect';

for (const [fault, what, reason] of [
  ['fault.assert', 'breaks an invariant', /a broken invariant/],
  ['fault.outside', 'throws outside of a handler', /an exception outside of the handler/],
  ['fault.heap', 'runs out of heap', /memory/i],
  ['fault.hang', 'hangs in an endless loop', /ran for more than 300 ms/],
  ['fault.exit', 'exits', /exited with 0/],
] as const) {
  test.serial(
    `an actor that ${what} is replaced; nothing acknowledged is lost and every command has one reply`,
    async (t) => {
      const threaded = await faultyShards(t, fault === 'fault.hang' ? 300 : undefined);
      const key = threaded.keyOf(0);
      const before = await Promise.all(
        Array.from({ length: 200 }, (_, number) => threaded.call('set', threaded.keyOf(0, number), `value ${number}`)),
      );
      t.true(before.every((reply) => reply === 'OK'));

      const counted = threaded.call('incr', 'counter{0}');
      const failing = threaded.call(fault, key);
      const queued = Array.from({ length: 50 }, () => threaded.call('incr', 'counter{0}'));
      const other = threaded.call('set', threaded.keyOf(1), 'not held up');
      t.is(await other, 'OK');
      t.is(await failing, indeterminate);
      t.is(await counted, 1);
      t.deepEqual(
        await Promise.all(queued),
        queued.map((_, number) => number + 2),
      );
      t.is(threaded.deaths.length, 1);
      t.regex(threaded.deaths[0] as string, reason);
      t.is(threaded.shards.supervisor.restarts(0), 1);
      t.is(threaded.shards.supervisor.restarts(1), 0);
      for (let number = 0; number < 200; number++) {
        t.is(await threaded.call('get', threaded.keyOf(0, number)), `value ${number}`);
      }
    },
  );
}

test.serial('a command that throws an ordinary exception is answered and logged, and its actor lives on', async (t) => {
  const threaded = await faultyShards(t);
  t.is(
    await threaded.call('fault.throw', threaded.keyOf(0)),
    "error internal the command 'fault.throw' failed; the log says more",
  );
  await until('the failure is logged', () => threaded.log.length > 0);
  t.is(threaded.log[0]?.message, 'a command failed in a shard');
  t.is(threaded.log[0]?.fields['command'], 'fault.throw');
  t.regex(String(threaded.log[0]?.fields['err']), /an ordinary exception/);
  t.is(await threaded.call('set', threaded.keyOf(0), '1'), 'OK');
  t.is(threaded.shards.supervisor.restarts(0), 0);
});

test.serial(
  'an actor that hangs outside of a command is replaced, and runs what was sent to it meanwhile',
  async (t) => {
    const threaded = await faultyShards(t, 300);
    const counter = threaded.keyOf(0, 1);
    t.is(await threaded.call('incr', counter), 1);
    t.is(await threaded.call('fault.oversleep', threaded.keyOf(0)), 1);
    // Some may be run before the actor goes to sleep.
    for (let count = 2; threaded.deaths.length === 0; count++) t.is(await threaded.call('incr', counter), count);
    t.regex(threaded.deaths[0] ?? '', /overslept by more than 300 ms/);
    t.is(threaded.shards.supervisor.restarts(0), 1);
  },
);

test.serial('reads are served from shared memory while the actor hangs and is replaced', async (t) => {
  const threaded = await faultyShards(t, 300);
  const key = threaded.keyOf(0);
  await threaded.call('set', key, 'there');
  const failing = threaded.call('fault.hang', key);
  let reads = 0;
  let over = false;
  void failing.then(() => {
    over = true;
  });
  while (!over) {
    // Answered within the call, not when the actor is back: the promise is resolved before the next turn.
    let reply: unknown = 'not yet';
    void threaded.call('get', key).then((value) => {
      reply = value;
    });
    await Promise.resolve();
    await Promise.resolve();
    t.is(reply, 'there');
    reads++;
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.true(reads > 1, `${reads}`);
});

test.serial('a group of writes that its actor did not finish is undone, and readers are let in again', async (t) => {
  const threaded = await faultyShards(t);
  const key = threaded.keyOf(0);
  await threaded.call('set', key, 'whole');
  t.is(await threaded.call('fault.group', key), indeterminate);
  t.is(await threaded.call('append', key, '!'), 6);
  t.is(await threaded.call('get', key), 'whole!');
  t.not(threaded.shards.dispatcher.beginRead(Buffer.from(key), 0, key.length), null);
  threaded.shards.dispatcher.endRead();
});

test.serial(
  'writes go on while actors are killed again and again: each is answered once, and what was acknowledged is there',
  async (t) => {
    // Threads are told apart by their order: the first two are the shards', each later one replaces the one killed.
    const threads: Worker[] = [];
    let killing = 0;
    const onWorker = (worker: Worker): void => {
      threads[threads.length < 2 ? threads.length : killing] = worker;
    };
    process.on('worker', onWorker);
    t.teardown(() => process.off('worker', onWorker));
    const threaded = await faultyShards(t);
    const load = new Load(threaded);
    const kill = async (way: number): Promise<void> => {
      const fault = (['fault.assert', 'fault.outside', 'fault.group'] as const)[way];
      if (fault === undefined) {
        // From outside, at whatever instruction it is.
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
        await threads[killing]?.terminate();
      } else {
        await threaded.call(fault, threaded.keyOf(killing, 3));
      }
    };
    const running = load.run();
    for (let killed = 0; killed < 10 * scale; killed++) {
      killing = killed % 2;
      const restarts = threaded.shards.supervisor.restarts(killing);
      // Every second kill of a shard is from outside.
      await kill(Math.floor(killed / 2) % 2 === 0 ? 3 : killed % 3);
      await until('it is replaced', () => threaded.shards.supervisor.restarts(killing) > restarts);
      await until('it serves', () => threaded.shards.supervisor.serving(killing));
    }
    load.done = true;
    await running;

    t.is(load.unexpected, 0);
    t.true(load.written > 100, `${load.written}`);
    for (const [key, number] of load.acknowledged) {
      const reply = String(await threaded.call('get', key));
      if (!reply.startsWith(`${number} `)) t.fail(`${key} is ${reply.slice(0, 10)}, acknowledged was ${number}`);
    }
    const total = Number(await threaded.call('get', 'counter'));
    t.true(
      total >= load.counted && total <= load.counted + load.countedPerhaps,
      `${total} of ${load.counted} + ${load.countedPerhaps}`,
    );
    t.is(load.torn, 0);
    t.true(load.pairsSeen > 10, `${load.pairsSeen}`);
  },
);

/** Writers, a counter, and groups of writes with their readers, until `done`. */
class Load {
  done = false;
  /** By key, what was last acknowledged and not put in doubt since. */
  readonly acknowledged = new Map<string, number>();
  written = 0;
  unexpected = 0;
  counted = 0;
  countedPerhaps = 0;
  pairsSeen = 0;
  torn = 0;
  readonly #threaded: ThreadedShards;

  constructor(threaded: ThreadedShards) {
    this.#threaded = threaded;
  }

  async run(): Promise<void> {
    const writers = Array.from({ length: 40 }, (_, number) => this.#write(`writer${number}`));
    await Promise.all([
      ...writers,
      this.#count(),
      ...[0, 1].flatMap((shard) => [this.#group(shard), this.#look(shard)]),
    ]);
  }

  async #write(name: string): Promise<void> {
    for (let number = 1; !this.done; number++) {
      const key = `${name}:${number % 100}`;
      // Sizes differ, so that memory is given back and used again all the time.
      const reply = await this.#threaded.call('set', key, `${number} ${'x'.repeat((number * 37) % 3000)}`);
      if (reply === 'OK') {
        this.acknowledged.set(key, number);
        this.written++;
      } else {
        // Done or not: either value is right until the next write of the key.
        this.acknowledged.delete(key);
        if (reply !== indeterminate) this.unexpected++;
      }
    }
  }

  /** A counter shows both a lost and a repeated command. */
  async #count(): Promise<void> {
    while (!this.done) {
      if (typeof (await this.#threaded.call('incr', 'counter')) === 'number') this.counted++;
      else this.countedPerhaps++;
    }
  }

  async #group(shard: number): Promise<void> {
    const [left, right] = this.#pair(shard);
    for (let number = 0; !this.done; number++) await this.#threaded.call('mset', left, `${number}`, right, `${number}`);
  }

  /** Two keys that are written as one are equal to every reader (I8). */
  async #look(shard: number): Promise<void> {
    const [left, right] = this.#pair(shard);
    while (!this.done) {
      const reply = await this.#threaded.call('mget', left, right);
      // Read by the shard, when a group keeps readers out: that one can die of it like any other command.
      if (Array.isArray(reply)) {
        this.pairsSeen++;
        if (reply[0] !== reply[1]) this.torn++;
      } else if (reply !== indeterminate) this.unexpected++;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #pair(shard: number): readonly [string, string] {
    return [this.#threaded.keyOf(shard, 1), this.#threaded.keyOf(shard, 2)];
  }
}
