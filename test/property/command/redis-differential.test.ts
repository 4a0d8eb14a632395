/**
 * The same random commands to redis-server and to the command table, over the model of a store and over the real one: the replies must be equal
 * byte for byte. What differs on purpose is named in `intended` of redis-commands.ts, and nowhere else.
 */
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { bulkText, command, intended, isComparable, normal, shownCommand } from '../../redis-commands.ts';
import { isRedisInstalled, RedisServer } from '../../redis-server.ts';
import { encodedReply } from '../../resp-encoding.ts';
import { testScale } from '../../scale.ts';
import { type Bench, modelBench, realBench } from '../../stores.ts';

const compare = isRedisInstalled() ? test.serial : test.serial.skip;

for (const [name, makeBench] of [
  ['model', modelBench],
  ['real', realBench],
] as const) {
  compare(`random commands on the ${name} store have the replies of redis-server, byte for byte`, (t) =>
    run(t, makeBench()),
  );
}

async function run(t: ExecutionContext, { store, runner, clock }: Bench): Promise<void> {
  const redis = await RedisServer.start();
  const explained = new Map<string, number>();
  let compared = 0;
  try {
    await fc.assert(
      fc.asyncProperty(
        fc.array(command.filter(isComparable), { minLength: 1, maxLength: 60, size: 'max' }),
        async (commands) => {
          store.clear();
          await redis.send([['FLUSHALL']]);
          for (const words of commands) {
            compared++;
            const [answer] = await redis.send([words]);
            if (answer === undefined) throw new Error('no reply');
            clock.timeMs = Date.now();
            runner.execute(words[0] ?? '', words.slice(1));
            runner.reader.openWritten(runner.reply);
            const ours = normal(words, encodedReply(runner.reader, 2).toString('latin1'));
            const theirs = normal(words, answer.toString('latin1'));
            if (ours === theirs) continue;
            const reason = intended(words, ours, theirs);
            const shown = shownCommand(words);
            if (reason === null)
              throw new Error(`${shown}: ours ${JSON.stringify(ours)}, theirs ${JSON.stringify(theirs)}`);
            explained.set(reason, (explained.get(reason) ?? 0) + 1);
            if (reason.includes('decimals')) await redis.send([['SET', words[1] ?? '', bulkText(ours), 'KEEPTTL']]);
          }
        },
      ),
      { numRuns: Math.ceil(200 * testScale) },
    );
  } finally {
    await redis.stop();
  }
  t.log(`${compared} replies compared`, explained);
  t.true(compared > 1000);
}
