import test from 'ava';
import { ArgsBuffer } from '../../../../src/command/args-buffer.ts';
import { SlowLog } from '../../../../src/server/control/slow-log.ts';

const sender = { address: '127.0.0.1:5', name: 'me', protocol: 'resp' } as const;
const clock = { nowMs: () => 1_700_000_000_500 };

function argsOf(...words: string[]) {
  const args = new ArgsBuffer().begin();
  for (const word of words) args.text(word);
  return args.args;
}

function wordsOf(log: SlowLog): string[] {
  return [...log.latest(1)].flatMap(({ words }) => words.map((word) => Buffer.from(word).toString()));
}

test('the last commands are kept, the newest first, each with a number that is not used again', (t) => {
  const log = new SlowLog(clock, 3);
  for (let count = 0; count < 5; count++) log.add('get', argsOf(`k${count}`), count, sender);
  t.deepEqual(
    [...log.latest(10)].map(({ id, durationUs }) => [id, durationUs]),
    [
      [4, 4000],
      [3, 3000],
      [2, 2000],
    ],
  );
  t.like([...log.latest(1)][0], { atMs: 1_700_000_000_500, address: '127.0.0.1:5', clientName: 'me' });
  t.deepEqual(wordsOf(log), ['get', 'k4']);
  log.clear();
  t.is(log.length, 0);
  log.add('get', null, 1, sender);
  t.is([...log.latest(1)][0]?.id, 5);
});

test('a lower limit drops the oldest at once, and 0 keeps nothing', (t) => {
  const log = new SlowLog(clock, 10);
  for (let count = 0; count < 5; count++) log.add('get', null, count, sender);
  log.lengthMax = 2;
  t.deepEqual(
    [...log.latest(10)].map(({ id }) => id),
    [4, 3],
  );
  log.lengthMax = 0;
  log.add('get', null, 1, sender);
  t.is(log.length, 0);
});

test('long words and many words are cut as Redis cuts them', (t) => {
  const log = new SlowLog(clock, 10);
  log.add('set', argsOf('k', 'x'.repeat(130)), 1, sender);
  t.deepEqual(wordsOf(log), ['set', 'k', `${'x'.repeat(128)}... (2 more bytes)`]);
  log.add('mset', argsOf(...Array.from({ length: 40 }, (_, index) => String(index))), 1, sender);
  const words = wordsOf(log);
  t.is(words.length, 32);
  t.is(words[30], '29');
  t.is(words[31], '... (10 more arguments)');
  log.add('del', argsOf(...Array.from({ length: 31 }, () => 'k')), 1, sender);
  t.is(wordsOf(log).at(-1), 'k');
});

test('a subcommand is shown once, and the kept words are copies', (t) => {
  const log = new SlowLog(clock, 10);
  const args = argsOf('usage', 'key');
  log.add('memory|usage', args, 1, sender);
  args.bytes.fill(0);
  t.deepEqual(wordsOf(log), ['memory', 'usage', 'key']);
  log.add('memory|usage', null, 1, sender);
  t.deepEqual(wordsOf(log), ['memory', 'usage']);
});

test('no password is kept', (t) => {
  const log = new SlowLog(clock, 10);
  log.add('auth', argsOf('me', 'secret'), 1, sender);
  t.deepEqual(wordsOf(log), ['auth', '(redacted)', '(redacted)']);
  log.add('hello', argsOf('3', 'AUTH', 'me', 'secret'), 1, sender);
  t.false(wordsOf(log).includes('secret'));
});
