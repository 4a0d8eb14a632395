import { FillOutcome, type PutRequest, ValueType, type WriteView } from '../base/view.ts';
import type { Args } from './args.ts';
import { type CommandDeclaration, firstKey } from './command.ts';
import { asciiText, decodeInt64 } from './decimal.ts';
import { mayFill } from './fill.ts';
import { documentFault, parseDocument } from './json/document.ts';
import { type ExpiryForm, expiresAtMsMax, expiryArg, expiryForms, notAFloat } from './options.ts';
import type { ReplyWriter } from './reply.ts';
import { SetOptions } from './set-options.ts';
import {
  beginPut,
  commitPut,
  commitPutWithVersion,
  replyWithValue,
  scratchOf,
  setAttributes,
  setValue,
} from './storing.ts';

/** Refilled for every command. */
const options = new SetOptions();

function set(store: WriteView, args: Args, reply: ReplyWriter): void {
  if (!options.decode(args, reply)) return;
  let expiresAtMs = 0;
  const nowMs = store.nowMs();
  if (options.expiry !== null) {
    expiresAtMs = expiryArg(args, options.expiryAt, options.expiry, nowMs, true, 'set', reply);
    if (Number.isNaN(expiresAtMs)) return;
    if (options.jitter > 0) expiresAtMs = jittered(store, expiresAtMs, nowMs, reply);
    if (Number.isNaN(expiresAtMs)) return;
  }
  if (options.fillToken > 0 && !mayFill(store, args, options.fillToken, options.tags, reply)) return;
  const found = needsOldEntry() && store.lookup(args.bytes, args.start(0), args.end(0));
  const oldVersion = found ? store.entry.version : 0;
  const keptExpiry = found ? store.entry.expiresAtMs : 0;
  const keptStale = found ? store.entry.staleMs : 0;
  if (options.returnOld) {
    reply.attribute(oldVersion, false);
    if (found) replyWithValue(store, reply);
    else reply.null();
  }
  const refused =
    (options.onlyIfAbsent && found) ||
    (options.onlyIfPresent && !found) ||
    (options.ifVersion >= 0 && options.ifVersion !== oldVersion);
  if (refused) {
    if (!options.returnOld) reply.null();
    return;
  }
  const request = beginPut(args, 0);
  setValue(request, args.bytes, args.start(1), args.end(1));
  request.type = options.type;
  if (options.type === ValueType.number && !setCanonicalNumber(request, args, 1, reply)) return;
  if (options.type === ValueType.json && !isJson(args, 1, reply)) return;
  if (options.contentTypeAt >= 0) {
    request.contentType = args.bytes;
    request.contentTypeStart = args.start(options.contentTypeAt);
    request.contentTypeEnd = args.end(options.contentTypeAt);
  }
  request.expiresAtMs = options.keepTtl ? keptExpiry : expiresAtMs;
  request.keepsExpiry = options.keepTtl;
  const staleMs = options.stale < 0 ? (options.keepTtl ? keptStale : 0) : options.stale * options.unitMs;
  // The hard end is a time that an entry keeps.
  if (staleMs > 0 || options.tags.length > 0) {
    setAttributes(Math.min(staleMs, expiresAtMsMax - request.expiresAtMs), options.tags.bytes, 0, options.tags.length);
  }
  if (expiresAtMs > 0 && expiresAtMs <= nowMs) {
    // Written and expired at once: what is left is that the key is gone.
    store.remove(args.bytes, args.start(0), args.end(0));
    if (!options.returnOld) reply.ok();
    return;
  }
  if (options.returnOld) {
    if (!commitPut(store, reply)) return;
    reply.changeAttribute(store.lastVersion, !found);
  } else {
    if (!commitPutWithVersion(store, reply)) return;
    reply.ok();
  }
  if (options.fillToken > 0) store.countFill(FillOutcome.filled);
}

/** An expiry that is earlier by a random part of the jitter; NaN, with the error written, when that might leave no time. */
function jittered(store: WriteView, expiresAtMs: number, nowMs: number, reply: ReplyWriter): number {
  const jitterMs = options.jitter * options.unitMs;
  if (jitterMs < expiresAtMs - nowMs) {
    return expiresAtMs - Math.floor((store.randomUint32() / 2 ** 32) * (jitterMs + 1));
  }
  reply.error('invalid-argument', "the jitter must be less than the time to live in 'set' command");
  return Number.NaN;
}

function needsOldEntry(): boolean {
  return (
    options.onlyIfAbsent || options.onlyIfPresent || options.ifVersion >= 0 || options.returnOld || options.keepTtl
  );
}

/** Makes the canonical text of the number in argument `index` the value to put. */
function setCanonicalNumber(request: PutRequest, args: Args, index: number, reply: ReplyWriter): boolean {
  const start = args.start(index);
  const end = args.end(index);
  if (decodeInt64(args.bytes, start, end) !== null) return true;
  const text = end - start > 512 ? '' : asciiText(args.bytes, start, end);
  const value = Number(text);
  // What looks like an integer and is none of 64 bits would be rounded: refused rather than changed.
  const isDouble = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text) && !/^-?\d+$/.test(text) && Number.isFinite(value);
  if (!isDouble) {
    reply.truncate(0);
    reply.error('invalid-argument', `${notAFloat} or 64-bit integer`);
    return false;
  }
  const canonical = String(value);
  const scratch = scratchOf(canonical.length);
  for (let at = 0; at < canonical.length; at++) scratch[at] = canonical.charCodeAt(at);
  setValue(request, scratch, 0, canonical.length);
  return true;
}

function isJson(args: Args, index: number, reply: ReplyWriter): boolean {
  const fault = parseDocument(args.bytes, args.start(index), args.end(index));
  if (fault === null) return true;
  reply.truncate(0);
  documentFault(fault, reply);
  return false;
}

function setnx(store: WriteView, args: Args, reply: ReplyWriter): void {
  if (store.lookup(args.bytes, args.start(0), args.end(0))) {
    reply.integer(0);
    return;
  }
  setValue(beginPut(args, 0), args.bytes, args.start(1), args.end(1));
  if (commitPutWithVersion(store, reply)) reply.integer(1);
}

function setWithExpiry(store: WriteView, args: Args, reply: ReplyWriter, form: ExpiryForm, command: string): void {
  const expiresAtMs = expiryArg(args, 1, form, store.nowMs(), true, command, reply);
  if (Number.isNaN(expiresAtMs)) return;
  const request = beginPut(args, 0);
  setValue(request, args.bytes, args.start(2), args.end(2));
  request.expiresAtMs = expiresAtMs;
  if (commitPutWithVersion(store, reply)) reply.ok();
}

function setex(store: WriteView, args: Args, reply: ReplyWriter): void {
  setWithExpiry(store, args, reply, expiryForms.EX, 'setex');
}

function psetex(store: WriteView, args: Args, reply: ReplyWriter): void {
  setWithExpiry(store, args, reply, expiryForms.PX, 'psetex');
}

function getset(store: WriteView, args: Args, reply: ReplyWriter): void {
  const found = store.lookup(args.bytes, args.start(0), args.end(0));
  reply.attribute(0, false);
  if (found) replyWithValue(store, reply);
  else reply.null();
  setValue(beginPut(args, 0), args.bytes, args.start(1), args.end(1));
  if (commitPut(store, reply)) reply.changeAttribute(store.lastVersion, !found);
}

export const setCommands: readonly CommandDeclaration[] = [
  {
    kind: 'write',
    name: 'set',
    keyFlags: ['RW', 'access', 'update', 'variable_flags'],
    arity: -3,
    flags: ['write', 'denyoom'],
    keys: firstKey,
    gather: 'single',
    group: 'string',
    since: '1.0.0',
    summary:
      'Sets the value of a key, whatever was there, and drops its time to live unless told to keep it. ' +
      'Null when a condition does not hold. IFVERSION 0 asks that the key is absent; FILL is of who has a token of GETFILL. ' +
      'STALE: how long behind its time the value is still there for GETFILL; JITTER: its time is shorter by a random part of ' +
      'that; both in the unit of the expiry (STALE in seconds without one). TAGS: what INVALIDATE finds it by.',
    complexity: 'O(1)',
    syntax:
      'key value [NX | XX | IFVERSION version | FILL token] [GET] ' +
      '[EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL] ' +
      '[STALE window] [JITTER jitter] [TAGS count tag [tag ...]] ' +
      '[TYPE <string | bytes | number | json>] [CT content-type]',
    run: set,
  },
  {
    kind: 'write',
    name: 'setnx',
    keyFlags: ['OW', 'insert'],
    arity: 3,
    flags: ['write', 'denyoom', 'fast'],
    keys: firstKey,
    gather: 'single',
    group: 'string',
    since: '1.0.0',
    summary: 'Sets the value of a key that does not exist; 1 when it did, else 0.',
    complexity: 'O(1)',
    syntax: 'key value',
    run: setnx,
  },
  {
    kind: 'write',
    name: 'setex',
    keyFlags: ['OW', 'update'],
    arity: 4,
    flags: ['write', 'denyoom'],
    keys: firstKey,
    gather: 'single',
    group: 'string',
    since: '2.0.0',
    summary: 'Sets the value of a key and its time to live in seconds.',
    complexity: 'O(1)',
    syntax: 'key seconds value',
    run: setex,
  },
  {
    kind: 'write',
    name: 'psetex',
    keyFlags: ['OW', 'update'],
    arity: 4,
    flags: ['write', 'denyoom'],
    keys: firstKey,
    gather: 'single',
    group: 'string',
    since: '2.6.0',
    summary: 'Sets the value of a key and its time to live in milliseconds.',
    complexity: 'O(1)',
    syntax: 'key milliseconds value',
    run: psetex,
  },
  {
    kind: 'write',
    name: 'getset',
    arity: 3,
    flags: ['write', 'denyoom', 'fast'],
    keys: firstKey,
    gather: 'single',
    group: 'string',
    since: '1.0.0',
    summary: 'Sets the value of a key and returns the old one.',
    complexity: 'O(1)',
    syntax: 'key value',
    run: getset,
  },
];
