import { assert } from '../base/assert.ts';
import { Freshness, type ReadView, ValueType, type WriteView } from '../base/view.ts';
import type { Args } from './args.ts';
import { type CommandDeclaration, firstKey, noKeys, type WriteCommand } from './command.ts';
import { decodeRoughInteger } from './decimal.ts';
import { isWord } from './options.ts';
import type { ReplyWriter } from './reply.ts';
import {
  beginPut,
  commitPut,
  commitPutWithVersion,
  finishGroup,
  refuseOutOfMemory,
  refuseTooLarge,
  replyWithValue,
  setAttributes,
  setValue,
} from './storing.ts';

/** Everything of an entry: null, or value with its type, version, expiry (0: none), content type, stale window, tags. */
function entry(view: ReadView, args: Args, reply: ReplyWriter): void {
  if (view.lookup(args.bytes, args.start(0), args.end(0))) tellEntry(view, reply);
  else reply.null();
}

/** The same of an entry in its stale window, too. */
function staleEntry(view: ReadView, args: Args, reply: ReplyWriter): void {
  const freshness = view.lookupStale(args.bytes, args.start(0), args.end(0));
  if (freshness === Freshness.fresh || freshness === Freshness.stale) tellEntry(view, reply);
  else reply.null();
}

function tellEntry(view: ReadView, reply: ReplyWriter): void {
  const { version, expiresAtMs, contentTypeBytes, staleMs, tagBytes } = view.entry;
  reply.array(6);
  replyWithValue(view, reply);
  reply.integer(version);
  reply.integer(expiresAtMs);
  const at = reply.bulkOf(ValueType.string, contentTypeBytes);
  if (contentTypeBytes > 0) view.copyContentType(reply.bytes, at);
  reply.integer(staleMs);
  const tagsAt = reply.bulkOf(ValueType.bytes, tagBytes);
  if (tagBytes > 0) view.copyTags(reply.bytes, tagsAt);
}

/**
 * Arguments: key, type, expiry, stale window, tags, content type, value, and NX to leave an entry that is there alone (0),
 * SINCE and a version that `flux.mark` told, to write nothing when a tag was invalidated since then (null).
 */
function restore(store: WriteView, args: Args, reply: ReplyWriter): void {
  const onlyIfAbsent = args.count > 7 && isWord(args, 7, 'NX');
  const sinceAt = onlyIfAbsent ? 8 : 7;
  if (args.count > sinceAt + 1) {
    const { bytes } = args;
    const since = decodeRoughInteger(bytes, args.start(sinceAt + 1), args.end(sinceAt + 1));
    if (store.isOvertakenSince(since, bytes, args.start(0), args.end(0), bytes, args.start(4), args.end(4))) {
      reply.null();
      return;
    }
  }
  if (onlyIfAbsent && store.peek(args.bytes, args.start(0), args.end(0))) {
    reply.integer(0);
    return;
  }
  const request = beginPut(args, 0);
  request.type = decodeRoughInteger(args.bytes, args.start(1), args.end(1)) as ValueType;
  request.expiresAtMs = decodeRoughInteger(args.bytes, args.start(2), args.end(2));
  // Brought along with the entry: not what the command is about.
  request.keepsExpiry = true;
  const staleMs = decodeRoughInteger(args.bytes, args.start(3), args.end(3));
  setAttributes(staleMs, args.bytes, args.start(4), args.end(4));
  request.contentType = args.bytes;
  request.contentTypeStart = args.start(5);
  request.contentTypeEnd = args.end(5);
  setValue(request, args.bytes, args.start(6), args.end(6));
  if (commitPutWithVersion(store, reply)) reply.integer(1);
}

/** What `flux.restore` is told as SINCE. */
function mark(store: WriteView, _args: Args, reply: ReplyWriter): void {
  reply.integer(store.lastVersion);
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

/** As MSET, of groups of a key, the value's type and the value: arguments as `flux.restore` has them. */
function typedMset(store: WriteView, args: Args, reply: ReplyWriter): void {
  let bytesTotal = 0;
  for (let index = 0; index < args.count; index += 3) {
    const valueBytes = args.byteLength(index + 2);
    if (valueBytes > store.valueBytesMax) {
      refuseTooLarge(reply);
      return;
    }
    bytesTotal += args.byteLength(index) + valueBytes;
  }
  if (!store.beginGroup(args.count / 3, bytesTotal)) {
    refuseOutOfMemory(reply);
    return;
  }
  let stored = true;
  for (let index = 0; stored && index < args.count; index += 3) {
    const request = beginPut(args, index);
    request.type = decodeRoughInteger(args.bytes, args.start(index + 1), args.end(index + 1)) as ValueType;
    setValue(request, args.bytes, args.start(index + 2), args.end(index + 2));
    stored = commitPut(store, reply);
  }
  finishGroup(store, stored);
  if (stored) reply.ok();
}

/** What WATCH keeps of keys: both change whenever the entry does, and are 0 when there is none. */
function versions(view: ReadView, args: Args, reply: ReplyWriter): void {
  reply.array(args.count);
  for (let index = 0; index < args.count; index++) {
    const found = view.peek(args.bytes, args.start(index), args.end(index));
    reply.array(2);
    reply.integer(found ? view.entry.version : 0);
    reply.integer(found ? view.entry.expiresAtMs : 0);
  }
}

/** Not offered to clients: steps of commands over two shards, and front ends' own ways to a whole entry. */
const restoreRow = {
  kind: 'write',
  name: 'flux.restore',
  arity: -8,
  flags: ['write', 'denyoom', 'internal'],
  keys: firstKey,
  gather: 'single',
  group: 'internal',
  since: 'FluxCache 0.1.0',
  summary: 'Writes an entry with all that belongs to it.',
  complexity: 'O(1)',
  syntax: 'key type expires-at-ms stale-ms tags content-type value [NX] [SINCE version]',
  run: restore,
} as const satisfies WriteCommand;

const removeIfRow = {
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
} as const satisfies WriteCommand;

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
    kind: 'read',
    name: 'flux.staleentry',
    arity: 2,
    flags: ['readonly', 'fast', 'internal'],
    keys: firstKey,
    gather: 'single',
    group: 'internal',
    since: 'FluxCache 0.1.0',
    summary: 'As flux.entry, of an entry in its stale window, too.',
    complexity: 'O(1)',
    syntax: 'key',
    run: staleEntry,
  },
  restoreRow,
  {
    kind: 'write',
    name: 'flux.mark',
    arity: 2,
    flags: ['write', 'fast', 'internal'],
    keys: firstKey,
    gather: 'single',
    group: 'internal',
    since: 'FluxCache 0.1.0',
    summary: 'Returns the youngest version that the shard of the key knows of.',
    complexity: 'O(1)',
    syntax: 'key',
    run: mark,
  },
  removeIfRow,
  // The steps of RENAME and COPY between two shards, told apart for those who are told of changes.
  { ...restoreRow, name: 'flux.renameto', event: 'rename_to' },
  { ...restoreRow, name: 'flux.copyto', event: 'copy_to' },
  { ...removeIfRow, name: 'flux.renamefrom', removedEvent: 'rename_from' },
  {
    kind: 'read',
    name: 'flux.versions',
    arity: -2,
    flags: ['readonly', 'fast', 'internal'],
    keys: { first: 0, last: -1, step: 1 },
    gather: 'by-key',
    group: 'internal',
    since: 'FluxCache 0.1.0',
    summary: 'Returns version and expiry of each key, 0 and 0 for an absent one.',
    complexity: 'O(N) where N is the number of keys',
    syntax: 'key [key ...]',
    run: versions,
  },
  {
    kind: 'write',
    name: 'flux.exec',
    arity: -1,
    flags: ['write', 'internal'],
    keys: noKeys,
    gather: 'single',
    group: 'internal',
    since: 'FluxCache 0.1.0',
    summary: 'Runs the part of a transaction that is of one shard.',
    complexity: 'That of the commands together',
    syntax: '',
    run: () => assert(false, 'an actor runs transactions itself'),
  },
  {
    kind: 'write',
    name: 'flux.mset',
    arity: -4,
    flags: ['write', 'denyoom', 'internal'],
    keys: { first: 0, last: -1, step: 3 },
    gather: 'all-ok',
    group: 'internal',
    since: 'FluxCache 0.1.0',
    summary: 'Sets the values of several keys, each with its type.',
    complexity: 'O(N) where N is the number of keys',
    syntax: 'key type value [key type value ...]',
    run: typedMset,
  },
];
