import fc from 'fast-check';
import { toBytes, type Word } from './command-runner.ts';

const latestExpiryMs = 2 ** 48 - 1;

export type Words = readonly Word[];

/** Names the intended difference that explains two replies, or returns null. */
export function intended(words: Words, ours: string, theirs: string): string | null {
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
    const [mine, redis] = [bulkNumber(ours), bulkNumber(theirs)];
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

function bulkNumber(reply: string): number {
  return Number(reply.split('\r\n')[1]);
}

export const key = fc.constantFrom<Word>('a', 'b', 'c', '', 'key:1', Uint8Array.of(0, 255, 13, 10), '{t}x', 'k[1]*');
const integers = [
  '0 1 -1 2 10 99 -99 100000 4294967296 999999999999999 1000000000000000 9007199254740993',
  '9223372036854775 9223372036854776 -9223372036854776 9223372036854775806 9223372036854775807',
  '-9223372036854775807 -9223372036854775808 9223372036854775808 -9223372036854775809 99999999999999999999',
];
export const boundary = fc.constantFrom(
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
export const text = fc.constantFrom<Word>('', 'x', 'hello', '12', '-5', '3.25', Uint8Array.of(0, 128, 255), 'a b', '0');
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
export const position = fc.constantFrom(
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
export const command: fc.Arbitrary<Words> = fc.oneof(
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
export function isComparable(words: Words): boolean {
  const name = String(words[0]).toLowerCase();
  // What expires within the test's own time is gone on one side before the other.
  const inMilliseconds = /^p(set)?ex/.test(name) || words.some((word) => String(word).toUpperCase() === 'PX');
  if (inMilliseconds && words.some((word) => /^[1-9]\d{0,2}$/.test(String(word)))) return false;
  // Whether an expiry is later than one set the same time ago is a matter of a millisecond; EXPIREAT shows it as well.
  if (/^p?expire$/.test(name) && words.some((word) => /^[gl]t$/i.test(String(word)))) return false;
  // A cursor means something only to who gave it.
  if (name === 'scan' && (typeof words[1] === 'object' || /^-|[1-9]/.test(String(words[1])))) return false;
  if (name === 'set' && words.includes('TYPE')) return false;
  return !(name === 'memory' && String(words[1]).toLowerCase() === 'usage' && words.length !== 2);
}

/** Sorts what has no order, and shows errors as their text. */
export function normal(words: Words, reply: string): string {
  if (reply.startsWith('-')) return Buffer.from(reply, 'latin1').toString('utf8');
  const name = String(words[0]).toLowerCase();
  if (!reply.startsWith('*') || (name !== 'keys' && name !== 'scan')) return reply;
  return reply
    .split(/(?=\$)/)
    .sort()
    .join('');
}

/** The text of a bulk, as a reply holds it. */
export function bulkText(reply: string): string {
  return reply.split('\r\n')[1] ?? '';
}

/** A command as an error message shows it. */
export function shownCommand(words: Words): string {
  return words.map((word) => JSON.stringify(Buffer.from(toBytes(word)).toString('latin1'))).join(' ');
}
