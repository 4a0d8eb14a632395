import test from 'ava';
import fc from 'fast-check';
import { CommandRunner, ErrorReply, type Value } from '../../command-runner.ts';
import { ModelStore } from '../../model-store.ts';
import { testScale } from '../../scale.ts';
import { ThreadedShards } from '../../threaded-shards.ts';
import { TransactionClient } from '../../transaction-client.ts';

const shardCount = 3;
const clientCount = 3;

const threaded = new ThreadedShards({ shardCount });
/** Two keys of each shard. */
const keys = Array.from({ length: shardCount * 2 }, (_, number) => threaded.keyOf(number % shardCount, number));

test.before(() => threaded.shards.started());
test.after.always(() => threaded.shards.stop(10_000));

const key = fc.constantFrom(...keys);
const value = fc.constantFrom('1', '20', 'text', '');
const command: fc.Arbitrary<readonly [string, ...string[]]> = fc.oneof(
  fc.tuple(fc.constant('set'), key, value),
  fc.tuple(fc.constantFrom('get', 'incr', 'getdel', 'strlen', 'persist', 'type'), key),
  fc.tuple(fc.constantFrom('append', 'setnx', 'getset'), key, value),
  fc.tuple(fc.constantFrom('expire'), key, fc.constantFrom('1000', '-1')),
  fc.tuple(fc.constant('mset'), key, value, key, value, key, value),
  fc.tuple(fc.constantFrom('mget', 'del', 'exists'), key, key, key),
  fc.tuple(fc.constant('setrange'), key, fc.constantFrom('2', '-1'), value),
  fc.tuple(fc.constantFrom('dbsize', 'flushall', 'ping')),
);
const act = fc.oneof(
  { weight: 4, arbitrary: command },
  { weight: 2, arbitrary: fc.tuple(fc.constant('watch'), key, key) },
  { weight: 3, arbitrary: fc.tuple(fc.constantFrom('multi', 'exec', 'exec', 'discard', 'unwatch')) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('get')) },
);

/** What a connection to a node with one store would be answered. */
class ModelClient {
  readonly #store: ModelStore;
  readonly #runner: CommandRunner;
  #queued: (readonly [string, ...string[]])[] | null = null;
  #aborted = false;
  readonly #watched = new Map<string, string>();

  constructor(store: ModelStore, runner: CommandRunner) {
    this.#store = store;
    this.#runner = runner;
  }

  call(name: string, ...words: string[]): unknown {
    switch (name) {
      case 'multi':
        if (this.#queued !== null) return 'error';
        this.#queued = [];
        this.#aborted = false;
        return 'OK';
      case 'watch':
        if (this.#queued !== null) return 'error';
        for (const word of words) if (!this.#watched.has(word)) this.#watched.set(word, this.#state(word));
        return 'OK';
      case 'exec':
        return this.#exec();
      case 'discard':
        if (this.#queued === null) return 'error';
        this.#queued = null;
        this.#watched.clear();
        return 'OK';
      case 'unwatch':
        if (this.#queued === null) this.#watched.clear();
    }
    if (this.#queued === null) return name === 'unwatch' ? 'OK' : shown(this.#runner.run(name, ...words));
    if (name === 'get' && words.length === 0) {
      this.#aborted = true;
      return 'error';
    }
    this.#queued.push([name, ...words]);
    return 'QUEUED';
  }

  #exec(): unknown {
    const queued = this.#queued;
    if (queued === null) return 'error';
    const changed = [...this.#watched].some(([key, state]) => this.#state(key) !== state);
    this.#queued = null;
    this.#watched.clear();
    if (this.#aborted) return 'error';
    if (changed) return null;
    return queued.map(([name, ...words]) => (name === 'unwatch' ? 'OK' : shown(this.#runner.run(name, ...words))));
  }

  #state(key: string): string {
    const { entry } = this.#store;
    return this.#store.peek(Buffer.from(key), 0, key.length) ? `${entry.version} ${entry.expiresAtMs}` : '';
  }
}

/** Errors without their texts, which other tests are about. */
function shown(reply: Value): unknown {
  if (reply instanceof ErrorReply) return 'error';
  return Array.isArray(reply) ? reply.map((element: Value) => shown(element)) : reply;
}

function withoutTexts(reply: unknown): unknown {
  if (Array.isArray(reply)) return reply.map(withoutTexts);
  return typeof reply === 'string' && reply.startsWith('error ') ? 'error' : reply;
}

test('transactions of several connections over several shards are what they would be on one store', async (t) => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat({ max: clientCount - 1 }), act), { minLength: 5, maxLength: 60 }),
      fc.boolean(),
      async (acts, isPipeline) => {
        await threaded.call('flushall');
        const model = new ModelStore(Date.now());
        const runner = new CommandRunner(model);
        const { dispatcher } = threaded.shards;
        const clients = Array.from({ length: clientCount }, () => new TransactionClient(dispatcher, shardCount));
        const models = clients.map(() => new ModelClient(model, runner));
        const replies: Promise<unknown>[] = [];
        const expected: unknown[] = [];
        for (const [number, [name, ...words]] of acts) {
          // In a pipeline of one connection the order of effects is that of sending; between several it is not.
          const client = isPipeline ? 0 : number;
          expected.push(models[client]?.call(name, ...words));
          const reply = (clients[client] as TransactionClient).call(name, ...words);
          replies.push(reply);
          if (!isPipeline) await reply;
        }
        t.deepEqual(withoutTexts(await Promise.all(replies)), expected, `run ${run}`);
        for (const name of keys) t.is(await threaded.call('get', name), runner.run('get', name) as string | null);
        run++;
      },
    ),
    { numRuns: 100 * testScale },
  );
  t.true(run >= 100);
});
