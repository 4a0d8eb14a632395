import test from 'ava';
import fc from 'fast-check';
import { createStoreMemory } from '../../../src/store/arena.ts';
import { StoreWriter } from '../../../src/store/writer.ts';
import { CommandRunner, ErrorReply, type Value } from '../../command-runner.ts';
import { ModelStore } from '../../model-store.ts';
import { ManualClock } from '../../stores.ts';

const scale = Number(process.env['FLUXCACHE_TEST_SCALE'] ?? 1);

const key = fc.constantFrom('a', 'b', 'c');
const time = fc.constantFrom('1', '2', '5', '100');
const tag = fc.constantFrom('t', 'u', 'v');
/** A token: of the last but so many that were given for any key, or one that never was, or none at all. */
const token = fc.oneof(
  { weight: 6, arbitrary: fc.nat(3).map((back) => `token:${back}`) },
  fc.constantFrom('00000000000a', 'x', ''),
);

const option = fc.oneof(
  fc.tuple(fc.constantFrom('ex', 'px'), time).map((words): string[] => words),
  fc.tuple(fc.constant('stale'), fc.oneof(time, fc.constantFrom('0', '-1', 'x'))).map((words): string[] => words),
  fc.array(tag, { maxLength: 3 }).map((tags) => ['tags', String(tags.length), ...tags]),
  token.map((text) => ['fill', text]),
  fc.constantFrom(['nx'], ['xx'], ['get'], ['keepttl'], ['ifversion', '0'], ['tags'], ['tags', '9', 't'], ['stale']),
);

const command = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .tuple(key, fc.array(option, { maxLength: 4 }))
      .map(([on, words]) => ['set', on, '1', ...words.flat()]),
  },
  {
    weight: 5,
    arbitrary: fc
      .tuple(key, fc.array(time, { maxLength: 1 }))
      .map(([on, ms]) => ['getfill', on, ...ms.flatMap((text) => ['for', text])]),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(key, token)
      .map(([on, text]) => ['set', on, 'filled', 'ex', '5', 'stale', '5', 'tags', '1', 't', 'fill', text]),
  },
  fc.tuple(fc.constant('cancelfill'), key, token),
  fc.tuple(fc.constantFrom('get', 'exists', 'pttl', 'tags', 'strlen', 'getdel', 'del', 'incr', 'persist', 'type'), key),
  fc
    .tuple(fc.constantFrom('append', 'expire', 'pexpire', 'setrange'), key, time)
    .map(([name, on, text]) => (name === 'setrange' ? [name, on, '0', text] : [name, on, text])),
  fc.tuple(fc.constantFrom('rename', 'copy', 'renamenx'), key, key),
  { weight: 2, arbitrary: fc.tuple(fc.constant('invalidate'), fc.constantFrom('hard', 'soft'), tag) },
  fc.constantFrom(['delmatch', '*'], ['delmatch', '[ab]'], ['flushall'], ['keys', '*'], ['mset', 'a', '1', 'b', '2']),
) as fc.Arbitrary<string[]>;

/** What is done in between: time goes by, the store removes what is due, or does a step of its upkeep. */
const act = fc.oneof(
  { weight: 4, arbitrary: command.map((words) => ({ type: 'command' as const, words })) },
  fc.constantFrom(1, 4, 999, 1000, 5000, 100_000).map((ms) => ({ type: 'time' as const, ms })),
  fc.constant({ type: 'upkeep' as const }),
);

/** One store, and the tokens that it gave. */
class Side {
  readonly runner: CommandRunner;
  readonly #tokens: string[] = [];

  constructor(store: ConstructorParameters<typeof CommandRunner>[0]) {
    this.runner = new CommandRunner(store);
  }

  run([name = '', ...words]: readonly string[]): unknown {
    const told = words.map((word) => {
      if (!word.startsWith('token:')) return word;
      return this.#tokens.at(-1 - Number(word.slice(6))) ?? '00000000000b';
    });
    const reply = this.runner.run(name, ...told);
    return name === 'getfill' && Array.isArray(reply) ? this.#withoutToken(reply as readonly Value[]) : plain(reply);
  }

  #withoutToken([state, value, given, ms]: readonly Value[]): unknown {
    if (typeof given === 'string') this.#tokens.push(given);
    return [state, value, given !== null, ms];
  }
}

function plain(reply: Value): unknown {
  if (reply instanceof ErrorReply) return reply.text;
  return Array.isArray(reply) ? [...reply].toSorted() : reply;
}

test('fills, windows and tags have the replies that a plain model has, whatever the store does in between', (t) => {
  fc.assert(
    fc.property(fc.array(act, { minLength: 1, maxLength: 60 }), (acts) => {
      const clock = new ManualClock();
      const memory = createStoreMemory({
        budgetBytes: 4 << 20,
        readersMax: 1,
        eviction: 'noeviction',
        hashKey: [7, 9],
      });
      const real = new StoreWriter(memory, clock);
      const model = new ModelStore();
      model.nowMs = () => clock.timeMs;
      const [ours, theirs] = [new Side(real), new Side(model)];
      for (const [number, one] of acts.entries()) {
        if (one.type === 'time') clock.timeMs += one.ms;
        else if (one.type === 'upkeep') {
          real.expireDue(clock.timeMs, 1);
          real.maintain();
        } else t.deepEqual(ours.run(one.words), theirs.run(one.words), `act ${number}: ${one.words.join(' ')}`);
      }
      real.validate();
    }),
    { numRuns: 300 * scale },
  );
});
