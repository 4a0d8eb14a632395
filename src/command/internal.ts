import { type ReadView, ValueType, type WriteView } from '../base/view.ts';
import type { Args } from './args.ts';
import { type CommandDeclaration, firstKey } from './command.ts';
import { decodeRoughInteger } from './decimal.ts';
import { isWord } from './options.ts';
import type { ReplyWriter } from './reply.ts';
import { beginPut, commitPutWithVersion, replyWithValue, setValue } from './storing.ts';

/** Everything of an entry: null, or value with its type, version, expiry (0: none), content type. */
function entry(view: ReadView, args: Args, reply: ReplyWriter): void {
  if (!view.lookup(args.bytes, args.start(0), args.end(0))) {
    reply.null();
    return;
  }
  const { version, expiresAtMs, contentTypeBytes } = view.entry;
  reply.array(4);
  replyWithValue(view, reply);
  reply.integer(version);
  reply.integer(expiresAtMs);
  const at = reply.bulkOf(ValueType.string, contentTypeBytes);
  if (contentTypeBytes > 0) view.copyContentType(reply.bytes, at);
}

/** Arguments: key, type, expiry, content type, value, and NX to leave an entry that is there alone (0). */
function restore(store: WriteView, args: Args, reply: ReplyWriter): void {
  const onlyIfAbsent = args.count > 5 && isWord(args, 5, 'NX');
  if (onlyIfAbsent && store.peek(args.bytes, args.start(0), args.end(0))) {
    reply.integer(0);
    return;
  }
  const request = beginPut(args, 0);
  request.type = decodeRoughInteger(args.bytes, args.start(1), args.end(1)) as ValueType;
  request.expiresAtMs = decodeRoughInteger(args.bytes, args.start(2), args.end(2));
  request.contentType = args.bytes;
  request.contentTypeStart = args.start(3);
  request.contentTypeEnd = args.end(3);
  setValue(request, args.bytes, args.start(4), args.end(4));
  if (commitPutWithVersion(store, reply)) reply.integer(1);
}

/** Arguments: key, version. 1 when the entry had that version and is removed, 0 when absent, null when it has another. */
function removeIf(store: WriteView, args: Args, reply: ReplyWriter): void {
  const start = args.start(0);
  const end = args.end(0);
  const version = decodeRoughInteger(args.bytes, args.start(1), args.end(1));
  if (!store.peek(args.bytes, start, end)) reply.integer(0);
  else if (store.entry.version !== version) reply.null();
  else reply.integer(store.remove(args.bytes, start, end) ? 1 : 0);
}

/** Not offered to clients: steps of commands over two shards, and front ends' own ways to a whole entry. */
export const internalCommands: readonly CommandDeclaration[] = [
  {
    kind: 'read',
    name: 'flux.entry',
    arity: 2,
    flags: ['readonly', 'fast', 'internal'],
    keys: firstKey,
    gather: 'single',
    group: 'internal',
    since: 'FluxCache 0.1.0',
    summary: 'Returns an entry with all that belongs to it.',
    complexity: 'O(1)',
    syntax: 'key',
    run: entry,
  },
  {
    kind: 'write',
    name: 'flux.restore',
    arity: -6,
    flags: ['write', 'denyoom', 'internal'],
    keys: firstKey,
    gather: 'single',
    group: 'internal',
    since: 'FluxCache 0.1.0',
    summary: 'Writes an entry with all that belongs to it.',
    complexity: 'O(1)',
    syntax: 'key type expires-at-ms content-type value [NX]',
    run: restore,
  },
  {
    kind: 'write',
    name: 'flux.removeif',
    arity: 3,
    flags: ['write', 'fast', 'internal'],
    keys: firstKey,
    gather: 'single',
    group: 'internal',
    since: 'FluxCache 0.1.0',
    summary: 'Removes an entry that has not changed since it had a version.',
    complexity: 'O(1)',
    syntax: 'key version',
    run: removeIf,
  },
];
