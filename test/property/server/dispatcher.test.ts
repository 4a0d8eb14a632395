import test from 'ava';
import fc from 'fast-check';
import { Args } from '../../../src/command/args.ts';
import { ArgsBuffer } from '../../../src/command/args-buffer.ts';
import { commandTable } from '../../../src/command/table.ts';
import { OrderedSession } from '../../../src/server/dispatch/ordered-session.ts';
import { InThreadShards, plainReply } from '../../in-thread-shards.ts';

const scale = Number(process.env['FLUXCACHE_TEST_SCALE'] ?? 1);

const key = fc.integer({ min: 0, max: 9 }).map((number) => `key:${number}`);
const value = fc.oneof(fc.integer({ min: -5, max: 5 }).map(String), fc.string({ maxLength: 5 }));

/** Commands whose reply is the same however the keys are spread over shards. */
const command = fc.oneof(
  fc.tuple(fc.constant('get'), key),
  fc.tuple(fc.constant('set'), key, value),
  fc.tuple(fc.constant('incr'), key),
  fc.tuple(fc.constant('append'), key, value),
  fc.tuple(fc.constantFrom('rename', 'copy', 'renamenx'), key, key),
  fc.array(key, { minLength: 1, maxLength: 6 }).map((keys) => ['mget', ...keys]),
  fc.array(key, { minLength: 1, maxLength: 6 }).map((keys) => ['del', ...keys]),
  fc.array(key, { minLength: 1, maxLength: 6 }).map((keys) => ['exists', ...keys]),
  fc
    .array(fc.tuple(key, value), { minLength: 1, maxLength: 4 })
    // A key that comes twice is one to the shard that has it; in a whole command the last counts either way.
    .map((pairs) => ['mset', ...pairs.flat()]),
  fc.constant(['dbsize']),
  fc.constant(['keys', '*']),
  fc.constant(['flushall']),
  fc.constant(['ping']),
  fc.tuple(fc.constant('set'), key, value, fc.constantFrom('tags'), fc.constant('1'), fc.constantFrom('t', 'u')),
  fc.tuple(fc.constant('getfill'), key),
  fc.tuple(fc.constant('getfill'), key, fc.constant('wait'), fc.constant('1')),
  fc.tuple(fc.constant('tags'), key),
  fc.tuple(fc.constant('invalidate'), fc.constantFrom('hard', 'soft'), fc.constantFrom('t', 'u')),
  fc.tuple(fc.constant('delmatch'), fc.constantFrom('*', 'key:[1-5]', 'none')),
) as fc.Arbitrary<string[]>;

/** What happens before the next command is handed over: a shard serves, or the front end takes replies. */
const happening = fc.record({ shard: fc.nat(3), what: fc.constantFrom('serve', 'receive', 'publish', 'change') });
const step = fc.record({ command, before: fc.array(happening, { maxLength: 4 }) });

/** Without what is chance. */
function comparable(name: string, answer: unknown): unknown {
  if (!Array.isArray(answer)) return answer;
  if (name === 'keys') return (answer as string[]).toSorted();
  if (name !== 'getfill') return answer;
  const [state, value, token] = answer as unknown[];
  return [state, value, token !== null];
}

async function run(
  shards: InThreadShards,
  steps: readonly { command: readonly string[]; before: readonly { shard: number; what: string }[] }[],
): Promise<unknown[]> {
  const session = new OrderedSession(shards.stores.length);
  const buffer = new ArgsBuffer();
  const replies = new Map<number, unknown>();
  for (const [number, { command, before }] of steps.entries()) {
    for (const { shard, what } of before) {
      const store = shards.stores[shard];
      if (what === 'serve') shards.serve(shard);
      if (what === 'receive') shards.receive(shard);
      if (what === 'publish' && store !== undefined) store.publishing = !store.publishing;
      if (what === 'change' && store !== undefined) store.changed = true;
    }
    if (session.blocked) {
      for (const store of shards.stores) store.publishing = false;
      await shards.settle();
      if (session.blocked) throw new Error('a session stays blocked with nothing in flight');
    }
    const [name = '', ...texts] = command;
    buffer.begin();
    for (const text of texts) buffer.text(text);
    // The arguments are garbage as soon as the call has returned.
    const args = new Args();
    args.clear(buffer.args.bytes.slice());
    for (let index = 0; index < buffer.args.count; index++) args.push(buffer.args.start(index), buffer.args.end(index));
    shards.dispatcher.execute(
      commandTable.named(name),
      args,
      {
        onReply: (reply) => {
          if (replies.has(number)) throw new Error(`I4: command ${number} is answered twice`);
          const answer = plainReply(reply);
          replies.set(number, comparable(name, answer));
        },
      },
      session,
    );
    args.bytes.fill(0xee);
    args.clear(args.bytes);
  }
  for (const store of shards.stores) store.publishing = false;
  await shards.settle();
  return steps.map((_, number) => replies.get(number) ?? (replies.has(number) ? null : 'NOT ANSWERED'));
}

test("a connection's pipelined commands over several shards have the replies of one shard that runs them one by one", async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 2, max: 4 }),
      fc.array(step, { minLength: 1, maxLength: 40 }),
      async (count, steps) => {
        const many = await run(new InThreadShards(count), steps);
        const one = await run(
          new InThreadShards(1),
          steps.map(({ command }) => ({
            command,
            before: [
              { shard: 0, what: 'serve' },
              { shard: 0, what: 'receive' },
            ],
          })),
        );
        t.deepEqual(many, one);
      },
    ),
    { numRuns: 150 * scale },
  );
});

test('every command is answered exactly once when rings and queues are too small for them', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 120 }), async (steps) => {
      const shards = new InThreadShards(3, { ringBytes: 256, queuedCountMax: 2 });
      const replies = await run(shards, steps);
      t.false(replies.includes('NOT ANSWERED'));
      t.is(shards.dispatcher.inFlight, 0);
    }),
    { numRuns: 50 * scale },
  );
});
