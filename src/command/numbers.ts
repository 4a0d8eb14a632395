import { ValueType, type WriteView } from '../base/view.ts';
import type { Args } from './args.ts';
import { type CommandDeclaration, firstKey, type WriteCommand } from './command.ts';
import {
  decodeFixed,
  decodeInt64,
  decodeSmallInteger,
  encodeInteger,
  type Fixed,
  fixedText,
  int64Max,
  int64Min,
  isFiniteFixed,
} from './decimal.ts';
import { notAFloat, notAnInteger } from './options.ts';
import type { ReplyWriter } from './reply.ts';
import { beginPut, beginRewrite, commitPutWithVersion, setValue, wrongType } from './storing.ts';

/** Holds the text of a number on its way in or out. */
const text = new Uint8Array(640);
/** Longest text a stored value may have to be looked at as a number. */
const numberBytesMax = 512;

function incr(store: WriteView, args: Args, reply: ReplyWriter): void {
  addSmall(store, args, 1, reply);
}

function decr(store: WriteView, args: Args, reply: ReplyWriter): void {
  addSmall(store, args, -1, reply);
}

function incrby(store: WriteView, args: Args, reply: ReplyWriter): void {
  addArg(store, args, false, reply);
}

function decrby(store: WriteView, args: Args, reply: ReplyWriter): void {
  addArg(store, args, true, reply);
}

function addArg(store: WriteView, args: Args, negate: boolean, reply: ReplyWriter): void {
  const small = decodeSmallInteger(args.bytes, args.start(1), args.end(1));
  if (!Number.isNaN(small)) {
    addSmall(store, args, negate ? -small : small, reply);
    return;
  }
  const amount = decodeInt64(args.bytes, args.start(1), args.end(1));
  if (amount === null) reply.error('invalid-argument', notAnInteger);
  else if (negate && amount === int64Min) reply.error('overflow', 'decrement would overflow');
  else if (findNumber(store, args, reply)) addExact(store, args, negate ? -amount : amount, reply);
}

/** `amount` has at most 15 digits, so that a sum of at most 15 digits more is exact. */
function addSmall(store: WriteView, args: Args, amount: number, reply: ReplyWriter): void {
  if (!findNumber(store, args, reply)) return;
  const old = found ? decodeSmallInteger(text, 0, store.entry.valueBytes) : 0;
  if (Number.isNaN(old)) {
    addExact(store, args, BigInt(amount), reply);
    return;
  }
  const sum = old + amount;
  if (putText(store, args, encodeInteger(sum, text), reply)) reply.integer(sum);
}

function addExact(store: WriteView, args: Args, amount: bigint, reply: ReplyWriter): void {
  const old = found ? decodeInt64(text, 0, store.entry.valueBytes) : 0n;
  if (old === null) {
    reply.error('not-a-number', notAnInteger);
    return;
  }
  const sum = old + amount;
  if (sum < int64Min || sum > int64Max) {
    reply.error('overflow', 'increment or decrement would overflow');
    return;
  }
  if (putText(store, args, writeText(sum.toString()), reply)) reply.int64(sum);
}

function incrbyfloat(store: WriteView, args: Args, reply: ReplyWriter): void {
  if (!findNumber(store, args, reply)) return;
  const old: Fixed = found ? decodeFixed(text, 0, store.entry.valueBytes) : 0n;
  if (old === null) {
    reply.error('not-a-number', notAFloat);
    return;
  }
  const amount = decodeFixed(args.bytes, args.start(1), args.end(1));
  if (amount === null) {
    reply.error('invalid-argument', notAFloat);
    return;
  }
  if (old === 'infinite' || amount === 'infinite' || !isFiniteFixed(old + amount)) {
    reply.error('overflow', 'increment would produce NaN or Infinity');
    return;
  }
  const length = writeText(fixedText(old + amount));
  if (putText(store, args, length, reply)) reply.bulk(ValueType.number, text, 0, length);
}

/** Whether the last `findNumber` found the key. */
let found = false;

/** Looks the key up and copies its value to `text`; false, with the error written, when it can be no number. */
function findNumber(store: WriteView, args: Args, reply: ReplyWriter): boolean {
  found = store.lookup(args.bytes, args.start(0), args.end(0));
  if (!found) return true;
  if (store.entry.type === ValueType.json) {
    reply.error('wrong-type', wrongType);
    return false;
  }
  // What is too long for a number is told apart from one by its length alone.
  if (store.entry.valueBytes <= numberBytesMax) {
    store.copyValue(text, 0);
    return true;
  }
  reply.error('not-a-number', notAnInteger);
  return false;
}

function writeText(value: string): number {
  for (let at = 0; at < value.length; at++) text[at] = value.charCodeAt(at);
  return value.length;
}

/** Stores the first `length` bytes of `text` as a number under the key, keeping its expiry. */
function putText(store: WriteView, args: Args, length: number, reply: ReplyWriter): boolean {
  const request = found ? beginRewrite(store, args, 0) : beginPut(args, 0);
  request.type = ValueType.number;
  setValue(request, text, 0, length);
  return commitPutWithVersion(store, reply);
}

const incrRow = {
  kind: 'write',
  name: 'incr',
  event: 'incrby',
  arity: 2,
  flags: ['write', 'denyoom', 'fast'],
  keys: firstKey,
  gather: 'single',
  group: 'number',
  since: '1.0.0',
  summary: 'Adds one to an integer of 64 bits, an absent one counting as 0; returns the sum.',
  complexity: 'O(1)',
  syntax: 'key',
  run: incr,
} as const satisfies WriteCommand;

export const numberCommands: readonly CommandDeclaration[] = [
  incrRow,
  { ...incrRow, name: 'decr', summary: 'Takes one from an integer of 64 bits; returns the difference.', run: decr },
  {
    ...incrRow,
    name: 'incrby',
    arity: 3,
    summary: 'Adds an integer to an integer of 64 bits; returns the sum.',
    syntax: 'key increment',
    run: incrby,
  },
  {
    ...incrRow,
    name: 'decrby',
    arity: 3,
    summary: 'Takes an integer from an integer of 64 bits; returns the difference.',
    syntax: 'key decrement',
    run: decrby,
  },
  {
    ...incrRow,
    name: 'incrbyfloat',
    event: 'incrbyfloat',
    arity: 3,
    since: '2.6.0',
    summary: 'Adds a decimal number to a number, exactly to 17 digits behind the point; returns the sum as text.',
    syntax: 'key increment',
    run: incrbyfloat,
  },
];
