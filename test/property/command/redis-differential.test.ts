/**
 * The same random commands to redis-server and to the command table, over the model of a store and over the real one: the replies must be equal
 * byte for byte. What differs on purpose is named in `intended`, and nowhere else.
 */
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { errors } from '../../../src/base/errors.ts';
import { ReplyKind, type ReplyReader } from '../../../src/command/reply.ts';
import { toBytes, type Word } from '../../command-runner.ts';
import { isRedisInstalled, RedisServer } from '../../redis-server.ts';
import { testScale } from '../../scale.ts';
import { type Bench, modelBench, realBench } from '../../stores.ts';

const latestExpiryMs = 2 ** 48 - 1;

type Words = readonly Word[];

/** Names the intended difference that explains two replies, or returns null. */
function intended(words: Words, ours: string, theirs: string): string | null {
  const name = String(words[0]).toLowerCase();
  if (/^p?(ttl|expiretime)$/.test(name)) {
    const unit = name.startsWith('p') ? 1 : 1000;
    const offset = name.endsWith('ttl') ? Date.now() : 0;
    const [mine, redis] = [integerOf(ours), integerOf(theirs)];
    if (mine > 0 && Math.abs(mine - redis) * unit < 5_000) return 'the clock went on between the two';
    const atLimit = Math.abs(mine * unit + offset - latestExpiryMs) < 5_000;
    if (atLimit && redis * unit + offset > latestExpiryMs) return 'expiries beyond the year 10889 become that';
  }
  if (name === 'incrbyfloat' && ours.startsWith('$') && theirs.startsWith('$')) {
    const [mine, redis] = [bulkOf(ours), bulkOf(theirs)];
    const isClose = Math.abs(mine - redis) <= Math.abs(redis) * 1e-15;
    if (isClose) return 'decimals are added exactly, not as long doubles';
  }
  if (name === 'randomkey' && ours.startsWith('$') && theirs.startsWith('$')) return 'which key is chance';
  if (name === 'dbsize' && integerOf(ours) < integerOf(theirs)) return 'what is set with a time in the past is gone';
  if (name === 'object' && theirs === ':2147483647\r\n') return 'values are never shared, small integers neither';
  return null;
}

function integerOf(reply: string): number {
  return reply.startsWith(':') ? Number(reply.slice(1)) : Number.NaN;
}

function bulkOf(reply: string): number {
  return Number(reply.split('\r\n')[1]);
}

const key = fc.constantFrom<Word>('a', 'b', 'c', '', 'key:1', Uint8Array.of(0, 255, 13, 10), '{t}x', 'k[1]*');
const integers = [
  '0 1 -1 2 10 99 -99 100000 4294967296 999999999999999 1000000000000000 9007199254740993',
  '9223372036854775 9223372036854776 -9223372036854776 9223372036854775806 9223372036854775807',
  '-9223372036854775807 -9223372036854775808 9223372036854775808 -9223372036854775809 99999999999999999999',
];
const boundary = fc.constantFrom(
  ...integers.join(' ').split(' '),
  '007',
  '+1',
  '-0',
  '-',
  '1.5',
  'abc',
  '',
  ' 1',
  '1 ',
);
const float = fc.constantFrom('0.5', '-7.25', '0.1', '3e2', '.5', '5.', '+1', 'inf', '-INF', 'nan', '1e', '1e5000', '');
const text = fc.constantFrom<Word>('', 'x', 'hello', '12', '-5', '3.25', Uint8Array.of(0, 128, 255), 'a b', '0');
const option = fc.constantFrom(
  ...'NX XX GT LT nx Xx gt GET KEEPTTL EX PX EXAT PXAT PERSIST REPLACE DB MATCH COUNT TYPE string list'.split(' '),
);
/** Times far enough from now that both sides are on the same side of them. */
const time = fc.constantFrom('100', '5000', '100000', '4102444800', '4102444800000', '1', '0', '-5', '1000000000');
const pattern = fc.constantFrom(
  '*',
  '?',
  '[a-c]',
  '[^a]',
  'k*',
  '*:*',
  '\\*',
  '[',
  '[b-',
  'a**',
  '{t}?',
  '*[[]1]\\*',
  '',
);
const position = fc.constantFrom(
  '0',
  '1',
  '2',
  '-1',
  '-2',
  '10',
  '-100',
  '5',
  '9223372036854775807',
  'x',
  '4294967296',
);
const anything = fc.oneof(key, boundary, text, option, time, pattern, float);

/** Mostly commands that make sense, so that they get far; the rest has arguments of any kind and number. */
const sensible: readonly [string, ...fc.Arbitrary<Word>[]][] = [
  ['get', key],
  ['set', key, text],
  ['set', key, boundary],
  ['set', key, text, option, time],
  ['set', key, text, option, option, time],
  ['set', key, text, option, time, option],
  ['setnx', key, text],
  ['setex', key, time, text],
  ['psetex', key, time, text],
  ['getset', key, text],
  ['getdel', key],
  ['getex', key, option, time],
  ['getex', key, option],
  ['mget', key, key, key],
  ['mset', key, text, key, text],
  ['msetnx', key, text, key, text],
  ['incr', key],
  ['decr', key],
  ['incrby', key, boundary],
  ['decrby', key, boundary],
  ['incrbyfloat', key, float],
  ['append', key, text],
  ['strlen', key],
  ['getrange', key, position, position],
  ['substr', key, position, position],
  ['setrange', key, position, text],
  ['expire', key, time],
  ['expire', key, time, option],
  ['pexpire', key, time, option],
  ['pexpire', key, boundary],
  ['expire', key, boundary],
  ['expireat', key, time, option, option],
  ['pexpireat', key, time, option],
  ['ttl', key],
  ['pttl', key],
  ['expiretime', key],
  ['pexpiretime', key],
  ['persist', key],
  ['touch', key, key],
  ['type', key],
  ['exists', key, key],
  ['del', key, key],
  ['unlink', key],
  ['keys', pattern],
  ['scan', fc.constantFrom('0', 'x', '-', '1 '), fc.constant('COUNT'), fc.constantFrom('100', '0', '-1', 'x')],
  ['scan', fc.constant('0'), option, pattern, fc.constant('COUNT'), fc.constant('100')],
  ['randomkey'],
  ['dbsize'],
  ['rename', key, key],
  ['renamenx', key, key],
  ['copy', key, key],
  ['copy', key, key, option, boundary],
  ['copy', key, key, option],
  ['ping'],
  ['ping', text],
  ['echo', text],
  ['object', fc.constantFrom('refcount', 'nope', 'REFCOUNT'), key],
  ['memory', fc.constantFrom('nope', 'usage'), key, option, boundary],
  ['flushall', option],
  ['unknown', text, key],
  ['GeT', key],
];
const names = [...new Set(sensible.map(([name]) => name))];
const command: fc.Arbitrary<Words> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom(...sensible).chain(([name, ...words]) => fc.tuple(fc.constant(name), ...words)),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(...names), fc.array(anything, { maxLength: 6 }))
      .map(([name, rest]) => [name, ...rest]),
  },
);

/** What is not compared: SET's options that Redis has not, and the memory of an entry, a measure of each one's own. */
function isComparable(words: Words): boolean {
  const name = String(words[0]).toLowerCase();
  // What expires within the test's own time is gone on one side before the other.
  const inMilliseconds = /^p(set)?ex/.test(name) || words.some((word) => String(word).toUpperCase() === 'PX');
  if (inMilliseconds && words.some((word) => /^[1-9]\d{0,2}$/.test(String(word)))) return false;
  // A cursor means something only to who gave it.
  if (name === 'scan' && (typeof words[1] === 'object' || /^-|[1-9]/.test(String(words[1])))) return false;
  if (name === 'set' && words.includes('TYPE')) return false;
  return !(name === 'memory' && String(words[1]).toLowerCase() === 'usage' && words.length !== 2);
}

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
            const ours = normal(words, encodeResp2(runner.reader).toString('latin1'));
            const theirs = normal(words, answer.toString('latin1'));
            if (ours === theirs) continue;
            const reason = intended(words, ours, theirs);
            const shown = words.map((word) => JSON.stringify(Buffer.from(toBytes(word)).toString('latin1'))).join(' ');
            if (reason === null)
              throw new Error(`${shown}: ours ${JSON.stringify(ours)}, theirs ${JSON.stringify(theirs)}`);
            explained.set(reason, (explained.get(reason) ?? 0) + 1);
            if (reason.includes('decimals')) await redis.send([['SET', words[1] ?? '', bulkOf2(ours), 'KEEPTTL']]);
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

function bulkOf2(reply: string): string {
  return reply.split('\r\n')[1] ?? '';
}

/** Sorts what has no order, and shows errors as their text. */
function normal(words: Words, reply: string): string {
  if (reply.startsWith('-')) return Buffer.from(reply, 'latin1').toString('utf8');
  const name = String(words[0]).toLowerCase();
  if (!reply.startsWith('*') || (name !== 'keys' && name !== 'scan')) return reply;
  return reply
    .split(/(?=\$)/)
    .sort()
    .join('');
}

function encodeResp2(reader: ReplyReader): Buffer {
  const line = (text: string): Buffer => Buffer.from(`${text}\r\n`);
  switch (reader.kind) {
    case ReplyKind.null:
      return line('$-1');
    case ReplyKind.integer:
      return line(`:${reader.number}`);
    case ReplyKind.bigInteger:
      return line(`:${reader.bigInteger}`);
    case ReplyKind.status:
      return line(`+${reader.text}`);
    case ReplyKind.error:
      return line(`-${errors[reader.errorCode].respPrefix} ${reader.text}`);
    case ReplyKind.bulk:
    case ReplyKind.text:
      return Buffer.concat([line(`$${reader.end - reader.start}`), reader.view, line('')]);
    case ReplyKind.array: {
      const parts = [line(`*${reader.count}`)];
      for (let left = reader.count; left > 0; left--) {
        reader.next();
        parts.push(encodeResp2(reader));
      }
      return Buffer.concat(parts);
    }
    default:
      throw new Error(`no RESP2 for kind ${reader.kind}`);
  }
}
