import { type PutRequest, ValueType, type WriteView } from '../base/view.ts';
import type { Args } from './args.ts';
import { type CommandDeclaration, firstKey } from './command.ts';
import { asciiText, decodeInt64 } from './decimal.ts';
import { documentFault, parseDocument } from './json/document.ts';
import {
  type ExpiryForm,
  expiryArg,
  expiryFormOf,
  expiryForms,
  integerArg,
  isWord,
  notAFloat,
  syntaxError,
} from './options.ts';
import type { ReplyWriter } from './reply.ts';
import { beginPut, commitPut, commitPutWithVersion, replyWithValue, scratchOf, setValue } from './storing.ts';

const contentTypeBytesMax = 255;

/** The options of one SET; refilled for every command. */
const options = {
  onlyIfAbsent: false,
  onlyIfPresent: false,
  /** -1: no IFVERSION. 0 asks that the key is absent. */
  ifVersion: -1,
  returnOld: false,
  keepTtl: false,
  expiry: null as ExpiryForm | null,
  /** Index of the argument that holds the expiry, when `expiry` is set. */
  expiryAt: 0,
  type: ValueType.string as ValueType,
  /** Index of the argument that holds the content type; -1 without. */
  contentTypeAt: -1,
};

function set(store: WriteView, args: Args, reply: ReplyWriter): void {
  if (!decodeSetOptions(args, reply)) return;
  let expiresAtMs = 0;
  const nowMs = store.nowMs();
  if (options.expiry !== null) {
    expiresAtMs = expiryArg(args, options.expiryAt, options.expiry, nowMs, true, 'set', reply);
    if (Number.isNaN(expiresAtMs)) return;
  }
  const found = needsOldEntry() && store.lookup(args.bytes, args.start(0), args.end(0));
  const oldVersion = found ? store.entry.version : 0;
  const keptExpiry = found ? store.entry.expiresAtMs : 0;
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
  if (expiresAtMs > 0 && expiresAtMs <= nowMs) {
    // Written and expired at once: what is left is that the key is gone.
    store.remove(args.bytes, args.start(0), args.end(0));
    if (!options.returnOld) reply.ok();
    return;
  }
  if (options.returnOld) {
    if (commitPut(store, reply)) reply.changeAttribute(store.lastVersion, !found);
  } else if (commitPutWithVersion(store, reply)) {
    reply.ok();
  }
}

function needsOldEntry(): boolean {
  return (
    options.onlyIfAbsent || options.onlyIfPresent || options.ifVersion >= 0 || options.returnOld || options.keepTtl
  );
}

/** Redis's rules: an option may be repeated, the last one counts; options that contradict are a syntax error. */
function decodeSetOptions(args: Args, reply: ReplyWriter): boolean {
  options.onlyIfAbsent = false;
  options.onlyIfPresent = false;
  options.ifVersion = -1;
  options.returnOld = false;
  options.keepTtl = false;
  options.expiry = null;
  options.type = ValueType.string;
  options.contentTypeAt = -1;
  for (let index = 2; index < args.count; index++) {
    const hasNext = index + 1 < args.count;
    const form = expiryFormOf(args, index);
    if (form !== null && hasNext && !options.keepTtl && (options.expiry === null || options.expiry === form)) {
      options.expiry = form;
      options.expiryAt = ++index;
    } else if (isWord(args, index, 'NX') && !options.onlyIfPresent && options.ifVersion < 0) {
      options.onlyIfAbsent = true;
    } else if (isWord(args, index, 'XX') && !options.onlyIfAbsent && options.ifVersion < 0) {
      options.onlyIfPresent = true;
    } else if (isWord(args, index, 'GET')) {
      options.returnOld = true;
    } else if (isWord(args, index, 'KEEPTTL') && options.expiry === null) {
      options.keepTtl = true;
    } else if (isWord(args, index, 'IFVERSION') && hasNext && !options.onlyIfAbsent && !options.onlyIfPresent) {
      options.ifVersion = integerArg(args, ++index, reply);
      if (Number.isNaN(options.ifVersion)) return false;
      if (options.ifVersion < 0) {
        reply.error('invalid-argument', 'version must not be negative');
        return false;
      }
    } else if (isWord(args, index, 'TYPE') && hasNext) {
      if (!decodeType(args, ++index, reply)) return false;
    } else if (isWord(args, index, 'CT') && hasNext) {
      options.contentTypeAt = ++index;
      if (args.byteLength(index) > contentTypeBytesMax) {
        reply.error('invalid-argument', `content type is longer than ${contentTypeBytesMax} bytes`);
        return false;
      }
    } else {
      syntaxError(reply);
      return false;
    }
  }
  return true;
}

function decodeType(args: Args, index: number, reply: ReplyWriter): boolean {
  if (isWord(args, index, 'STRING')) options.type = ValueType.string;
  else if (isWord(args, index, 'BYTES')) options.type = ValueType.bytes;
  else if (isWord(args, index, 'NUMBER')) options.type = ValueType.number;
  else if (isWord(args, index, 'JSON')) options.type = ValueType.json;
  else {
    reply.error('invalid-argument', 'type must be string, bytes, number or json');
    return false;
  }
  return true;
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
      'Null when a condition does not hold. IFVERSION 0 asks that the key is absent.',
    complexity: 'O(1)',
    syntax:
      'key value [NX | XX | IFVERSION version] [GET] ' +
      '[EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL] ' +
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
