import { ValueType, type WriteView } from '../base/view.ts';
import type { Args } from './args.ts';
import { type CommandDeclaration, firstKey, type WriteCommand } from './command.ts';
import { type ExpiryForm, expiryArg, expiryFormOf, integerArg, isWord, syntaxError } from './options.ts';
import type { ReplyWriter } from './reply.ts';
import {
  beginPut,
  beginRewrite,
  commitPut,
  commitPutWithVersion,
  finishGroup,
  refuseOutOfMemory,
  refuseTooLarge,
  replyWithValue,
  scratchOf,
  setValue,
  wrongType,
} from './storing.ts';

function getdel(store: WriteView, args: Args, reply: ReplyWriter): void {
  if (!store.lookup(args.bytes, args.start(0), args.end(0))) {
    // As DEL does: neither a stale value stays, nor a fill that is under way.
    store.remove(args.bytes, args.start(0), args.end(0));
    reply.null();
    return;
  }
  replyWithValue(store, reply);
  store.remove(args.bytes, args.start(0), args.end(0));
}

function getex(store: WriteView, args: Args, reply: ReplyWriter): void {
  let form: ExpiryForm | null = null;
  let formAt = 0;
  let persist = false;
  for (let index = 1; index < args.count; index++) {
    const named = expiryFormOf(args, index);
    if (named !== null && index + 1 < args.count && !persist && (form === null || form === named)) {
      form = named;
      formAt = ++index;
    } else if (isWord(args, index, 'PERSIST') && form === null) {
      persist = true;
    } else {
      syntaxError(reply);
      return;
    }
  }
  const key = args.start(0);
  const keyEnd = args.end(0);
  if (!store.lookup(args.bytes, key, keyEnd)) {
    reply.null();
    return;
  }
  const expires = store.entry.expiresAtMs > 0;
  const nowMs = store.nowMs();
  const expiresAtMs = form === null ? 0 : expiryArg(args, formAt, form, nowMs, true, 'getex', reply);
  if (Number.isNaN(expiresAtMs)) return;
  replyWithValue(store, reply);
  if (form !== null && expiresAtMs <= nowMs) store.remove(args.bytes, key, keyEnd);
  else if (form !== null || (persist && expires)) {
    if (!store.setExpiry(args.bytes, key, keyEnd, expiresAtMs)) refuseOutOfMemory(reply);
  }
}

/** Puts all pairs, at once for every observer; false, with nothing changed and the error written, when one is refused. */
function putPairs(store: WriteView, args: Args, reply: ReplyWriter): boolean {
  let bytesTotal = 0;
  for (let index = 0; index < args.count; index += 2) {
    if (args.byteLength(index + 1) > store.valueBytesMax) return refuseTooLarge(reply);
    bytesTotal += args.byteLength(index) + args.byteLength(index + 1);
  }
  const grouped = args.count > 2;
  if (grouped && !store.beginGroup(args.count / 2, bytesTotal)) return refuseOutOfMemory(reply);
  let stored = true;
  for (let index = 0; stored && index < args.count; index += 2) {
    setValue(beginPut(args, index), args.bytes, args.start(index + 1), args.end(index + 1));
    stored = commitPut(store, reply);
  }
  if (grouped) finishGroup(store, stored);
  return stored;
}

function mset(store: WriteView, args: Args, reply: ReplyWriter): void {
  if (putPairs(store, args, reply)) reply.ok();
}

function msetnx(store: WriteView, args: Args, reply: ReplyWriter): void {
  for (let index = 0; index < args.count; index += 2) {
    if (store.peek(args.bytes, args.start(index), args.end(index))) {
      reply.integer(0);
      return;
    }
  }
  if (putPairs(store, args, reply)) reply.integer(1);
}

function append(store: WriteView, args: Args, reply: ReplyWriter): void {
  const tail = args.byteLength(1);
  if (!store.lookup(args.bytes, args.start(0), args.end(0))) {
    setValue(beginPut(args, 0), args.bytes, args.start(1), args.end(1));
    if (commitPutWithVersion(store, reply)) reply.integer(tail);
    return;
  }
  const length = store.entry.valueBytes;
  if (!isText(store, reply)) return;
  if (length + tail > store.valueBytesMax) {
    refuseTooLarge(reply);
    return;
  }
  const scratch = scratchOf(length + tail);
  store.copyValue(scratch, 0);
  scratch.set(args.view(1), length);
  rewriteText(store, args, scratch, length + tail, reply);
}

function setrange(store: WriteView, args: Args, reply: ReplyWriter): void {
  const offset = integerArg(args, 1, reply);
  if (Number.isNaN(offset)) return;
  if (offset < 0) {
    reply.error('invalid-argument', 'offset is out of range');
    return;
  }
  const patch = args.byteLength(2);
  const found = store.lookup(args.bytes, args.start(0), args.end(0));
  if (found && !isText(store, reply)) return;
  const length = found ? store.entry.valueBytes : 0;
  if (patch === 0) {
    reply.integer(length);
    return;
  }
  const newLength = Math.max(length, offset + patch);
  if (newLength > store.valueBytesMax) {
    refuseTooLarge(reply);
    return;
  }
  const scratch = scratchOf(newLength);
  if (found) store.copyValue(scratch, 0);
  scratch.fill(0, length, newLength);
  scratch.set(args.view(2), offset);
  if (found) {
    rewriteText(store, args, scratch, newLength, reply);
    return;
  }
  setValue(beginPut(args, 0), scratch, 0, newLength);
  if (commitPutWithVersion(store, reply)) reply.integer(newLength);
}

/** Bytes cannot be cut into a JSON document without breaking it. */
function isText(store: WriteView, reply: ReplyWriter): boolean {
  if (store.entry.type !== ValueType.json) return true;
  reply.error('wrong-type', wrongType);
  return false;
}

/** Stores the changed bytes of the entry just found; a number becomes text, as what is in it is not known any more. */
function rewriteText(store: WriteView, args: Args, value: Uint8Array, length: number, reply: ReplyWriter): void {
  const request = beginRewrite(store, args, 0);
  request.type = store.entry.type === ValueType.bytes ? ValueType.bytes : ValueType.string;
  setValue(request, value, 0, length);
  if (commitPutWithVersion(store, reply)) reply.integer(length);
}

const msetRow = {
  kind: 'write',
  name: 'mset',
  keyFlags: ['OW', 'update'],
  arity: -3,
  flags: ['write', 'denyoom'],
  keys: { first: 0, last: -1, step: 2 },
  gather: 'all-ok',
  group: 'string',
  since: '1.0.1',
  summary: 'Sets the values of several keys; those of one shard appear at once to every observer.',
  complexity: 'O(N) where N is the number of keys',
  syntax: 'key value [key value ...]',
  run: mset,
} as const satisfies WriteCommand;

export const stringWrites: readonly CommandDeclaration[] = [
  {
    kind: 'write',
    name: 'getdel',
    keyFlags: ['RW', 'access', 'delete'],
    arity: 2,
    flags: ['write', 'fast'],
    keys: firstKey,
    gather: 'single',
    group: 'string',
    since: '6.2.0',
    summary: 'Returns the value of a key and removes it.',
    complexity: 'O(1)',
    syntax: 'key',
    run: getdel,
  },
  {
    kind: 'write',
    name: 'getex',
    arity: -2,
    flags: ['write', 'fast'],
    keys: firstKey,
    gather: 'single',
    group: 'string',
    since: '6.2.0',
    summary: 'Returns the value of a key and changes when it expires.',
    complexity: 'O(1)',
    syntax: 'key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST]',
    run: getex,
  },
  msetRow,
  {
    ...msetRow,
    name: 'msetnx',
    keyFlags: ['OW', 'insert'],
    gather: 'one-shard',
    summary:
      'Sets the values of several keys if none of them exists; 1 when it did, else 0. ' +
      'All keys must be of one shard (give them one {hash tag}), else the answer is a CROSSSLOT error.',
    run: msetnx,
  },
  {
    kind: 'write',
    name: 'append',
    keyFlags: ['RW', 'insert'],
    event: 'append',
    arity: 3,
    flags: ['write', 'denyoom', 'fast'],
    keys: firstKey,
    gather: 'single',
    group: 'string',
    since: '2.0.0',
    summary: 'Appends bytes to a value, an absent one counting as empty; returns the new length.',
    complexity: 'O(N) where N is the new length',
    syntax: 'key value',
    run: append,
  },
  {
    kind: 'write',
    name: 'setrange',
    keyFlags: ['RW', 'update'],
    event: 'setrange',
    arity: 4,
    flags: ['write', 'denyoom'],
    keys: firstKey,
    gather: 'single',
    group: 'string',
    since: '2.2.0',
    summary: 'Overwrites bytes of a value from a position on, filling a gap with zero bytes; returns the new length.',
    complexity: 'O(N) where N is the new length',
    syntax: 'key offset value',
    run: setrange,
  },
];
