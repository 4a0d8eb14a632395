import type { WriteView } from '../base/view.ts';
import type { Args } from './args.ts';
import { ArgsBuffer } from './args-buffer.ts';
import type { CommandDeclaration, PairCommand, Step, Steps } from './command.ts';
import { decodeRoughInteger } from './decimal.ts';
import { isWord, notAnInteger, syntaxError } from './options.ts';
import { ReplyKind, type ReplyReader, type ReplyWriter } from './reply.ts';
import { beginRewrite, commitPut, finishGroup, refuseOutOfMemory, scratchOf, setValue } from './storing.ts';

/** How the commands that bring one key's entry under another key differ. */
interface Move {
  readonly keepsSource: boolean;
  readonly replaces: boolean;
  /** Whether an absent source is an error, or just 0. */
  readonly needsSource: boolean;
  /** Whether success is told as OK, or as 1. */
  readonly saysOk: boolean;
}

const rename: Move = { keepsSource: false, replaces: true, needsSource: true, saysOk: true };
const renamenx: Move = { keepsSource: false, replaces: false, needsSource: true, saysOk: false };
const copy: Move = { keepsSource: true, replaces: false, needsSource: false, saysOk: false };
const copyReplace: Move = { ...copy, replaces: true };

/** On one shard: whole, at once for every observer. */
function moveWithin(store: WriteView, args: Args, reply: ReplyWriter, move: Move): void {
  const source = args.start(0);
  const sourceEnd = args.end(0);
  if (!store.lookup(args.bytes, source, sourceEnd)) {
    tellNoSource(move, reply);
    return;
  }
  if (sameKeys(args)) {
    // Only a rename comes here; a copy onto itself was refused.
    tellMoved(move, move.replaces, reply);
    return;
  }
  if (!move.replaces && store.peek(args.bytes, args.start(1), args.end(1))) {
    reply.integer(0);
    return;
  }
  store.peek(args.bytes, source, sourceEnd);
  const { valueBytes, contentTypeBytes, tagBytes, type } = store.entry;
  const scratch = scratchOf(valueBytes);
  store.copyValue(scratch, 0);
  const request = beginRewrite(store, args, 1);
  request.type = type;
  setValue(request, scratch, 0, valueBytes);
  if (move.keepsSource) {
    if (commitPut(store, reply)) tellMoved(move, true, reply);
    return;
  }
  if (!store.beginGroup(1, args.byteLength(1) + valueBytes + contentTypeBytes + tagBytes)) {
    refuseOutOfMemory(reply);
    return;
  }
  // In this order others are told of it.
  store.remove(args.bytes, source, sourceEnd);
  const stored = commitPut(store, reply);
  finishGroup(store, stored);
  if (stored) tellMoved(move, true, reply);
}

/** How often a move starts again because its source changed while it was on its way. */
const attemptsMax = 16;

/**
 * Between two shards: reads the entry of one, writes it to the other, then removes it from the first if it is still the
 * same. A source that changed meanwhile is read and written again, so that no write to it is lost; it is not atomic:
 * others can see both keys for a moment.
 *
 * Tags are invalidated on each shard by itself, and what is written to the other one is younger than what was invalidated
 * while it was on its way. So what bears tags is read behind a mark of that shard, which refuses it when one of them was
 * invalidated there since; then it is read again. Whoever's invalidation the mark is behind has reached the first shard
 * before that is read, as both were sent together.
 */
class MoveBetween implements Steps {
  readonly #move: Move;
  readonly #source: Uint8Array;
  readonly #destination: Uint8Array;
  readonly #buffer = new ArgsBuffer();
  #stage: 'read' | 'marked' | 'write' | 'remove' | 'removed' = 'read';
  #version = 0;
  /** The mark of the destination's shard; -1: none. */
  #mark = -1;
  /** This command has written the destination. */
  #isWritten = false;
  #attempts = 0;

  constructor(move: Move, args: Args) {
    this.#move = move;
    this.#source = args.copy(0);
    this.#destination = args.copy(1);
  }

  next(previous: ReplyReader | null, reply: ReplyWriter): Step | null {
    if (previous?.kind === ReplyKind.error) {
      reply.error(previous.errorCode, previous.text);
      return null;
    }
    switch (this.#stage) {
      case 'read':
        this.#stage = 'write';
        return { command: 'flux.entry', args: this.#buffer.begin().bytes(this.#source).args };
      case 'marked':
        this.#mark = previous?.kind === ReplyKind.integer ? previous.number : -1;
        this.#stage = 'read';
        return this.next(null, reply);
      case 'write':
        return previous === null ? null : this.#write(previous, reply);
      case 'remove':
        // Null: a tag was invalidated.
        if (previous?.kind === ReplyKind.null) return this.#again(reply);
        return this.#remove(previous?.kind === ReplyKind.integer && previous.number === 1, reply);
      case 'removed':
        // Null: the source changed. 0: it is gone by now, which is what was asked for.
        return this.#removed(previous?.kind === ReplyKind.integer, reply);
    }
  }

  #write(entry: ReplyReader, reply: ReplyWriter): Step | null {
    if (entry.kind === ReplyKind.null) {
      // That the source is gone by now is what was asked for, once the entry has been moved.
      if (this.#isWritten) tellMoved(this.#move, true, reply);
      else tellNoSource(this.#move, reply);
      return null;
    }
    entry.next();
    const { type, start, end } = entry;
    entry.next();
    this.#version = entry.number;
    entry.next();
    const buffer = this.#buffer.begin().bytes(this.#destination).integer(type).integer(entry.number);
    entry.next();
    const contentTypeStart = entry.start;
    const contentTypeEnd = entry.end;
    entry.next();
    buffer.integer(entry.number);
    entry.next();
    const isTagged = entry.end > entry.start;
    if (isTagged && this.#mark < 0) {
      this.#stage = 'marked';
      return { command: 'flux.mark', args: this.#buffer.begin().bytes(this.#destination).args };
    }
    buffer.bytes(entry.bytes, entry.start, entry.end).bytes(entry.bytes, contentTypeStart, contentTypeEnd);
    buffer.bytes(entry.bytes, start, end);
    // A destination that an earlier attempt wrote is this command's own.
    if (!this.#move.replaces && !this.#isWritten) buffer.text('NX');
    if (isTagged) buffer.text('SINCE').integer(this.#mark);
    this.#stage = 'remove';
    return { command: this.#move.keepsSource ? 'flux.copyto' : 'flux.renameto', args: buffer.args };
  }

  #remove(written: boolean, reply: ReplyWriter): Step | null {
    if (!written || this.#move.keepsSource) {
      tellMoved(this.#move, written, reply);
      return null;
    }
    this.#isWritten = true;
    this.#stage = 'removed';
    const args = this.#buffer.begin().bytes(this.#source).integer(this.#version).args;
    return { command: 'flux.renamefrom', args };
  }

  #removed(removed: boolean, reply: ReplyWriter): Step | null {
    if (removed) {
      tellMoved(this.#move, true, reply);
      return null;
    }
    return this.#again(reply);
  }

  #again(reply: ReplyWriter): Step | null {
    this.#mark = -1;
    this.#attempts++;
    if (this.#attempts === attemptsMax) {
      const state = this.#isWritten ? 'both keys exist now' : 'nothing was done';
      reply.error('overloaded', `the source key keeps changing; ${state}`);
      return null;
    }
    this.#stage = 'read';
    return this.next(null, reply);
  }
}

function tellNoSource(move: Move, reply: ReplyWriter): void {
  if (move.needsSource) reply.error('no-such-key', 'no such key');
  else reply.integer(0);
}

function tellMoved(move: Move, moved: boolean, reply: ReplyWriter): void {
  if (move.saysOk) reply.ok();
  else reply.integer(moved ? 1 : 0);
}

function sameKeys(args: Args): boolean {
  const length = args.byteLength(0);
  if (args.byteLength(1) !== length) return false;
  for (let offset = 0; offset < length; offset++) {
    if (args.bytes[args.start(0) + offset] !== args.bytes[args.start(1) + offset]) return false;
  }
  return true;
}

/** The kind of copy asked for; null when the options or the keys are wrong, with the error written. */
function decodeCopy(args: Args, reply: ReplyWriter): Move | null {
  let move = copy;
  for (let index = 2; index < args.count; index++) {
    if (isWord(args, index, 'REPLACE')) {
      move = copyReplace;
    } else if (isWord(args, index, 'DB') && index + 1 < args.count) {
      if (!isDatabaseZero(args, ++index, reply)) return null;
    } else {
      syntaxError(reply);
      return null;
    }
  }
  if (!sameKeys(args)) return move;
  reply.error('invalid-argument', 'source and destination objects are the same');
  return null;
}

/** There is one database; what else is named is refused as a Redis with one database refuses it. */
function isDatabaseZero(args: Args, index: number, reply: ReplyWriter): boolean {
  const database = decodeRoughInteger(args.bytes, args.start(index), args.end(index));
  if (database === 0) return true;
  let message = 'DB index is out of range';
  if (Number.isNaN(database)) message = notAnInteger;
  else if ((database | 0) !== database) {
    message = 'value is out of range, value must between -2147483648 and 2147483647';
  }
  reply.error('invalid-argument', message);
  return false;
}

function runCopy(store: WriteView, args: Args, reply: ReplyWriter): void {
  const move = decodeCopy(args, reply);
  if (move !== null) moveWithin(store, args, reply, move);
}

/** The options are of the first step: only there is a reply to write an error to. */
class CopyBetween implements Steps {
  readonly #args = new ArgsBuffer().begin();
  #move: Steps | null = null;

  constructor(args: Args) {
    for (let index = 0; index < args.count; index++) this.#args.bytes(args.bytes, args.start(index), args.end(index));
  }

  next(previous: ReplyReader | null, reply: ReplyWriter): Step | null {
    if (this.#move === null) {
      const move = decodeCopy(this.#args.args, reply);
      if (move === null) return null;
      this.#move = new MoveBetween(move, this.#args.args);
    }
    return this.#move.next(previous, reply);
  }
}

const renameRow: PairCommand = {
  kind: 'pair',
  name: 'rename',
  event: 'rename_to',
  removedEvent: 'rename_from',
  arity: 3,
  flags: ['write'],
  keys: { first: 0, last: 1, step: 1 },
  group: 'generic',
  since: '1.0.0',
  summary:
    'Brings an entry under another key, with its time to live and its tags, replacing what was there. ' +
    'Between keys of two shards others may see both for a moment.',
  complexity: 'O(N) where N is the length of the value',
  syntax: 'key newkey',
  run: (store, args, reply) => moveWithin(store, args, reply, rename),
  start: (args) => new MoveBetween(rename, args),
};

export const moveCommands: readonly CommandDeclaration[] = [
  renameRow,
  {
    ...renameRow,
    name: 'renamenx',
    flags: ['write', 'fast'],
    summary: 'As RENAME, unless the new key exists; 1 when renamed, else 0.',
    run: (store: WriteView, args: Args, reply: ReplyWriter) => moveWithin(store, args, reply, renamenx),
    start: (args: Args) => new MoveBetween(renamenx, args),
  },
  {
    ...renameRow,
    name: 'copy',
    event: 'copy_to',
    arity: -3,
    flags: ['write', 'denyoom'],
    since: '6.2.0',
    summary: 'Copies an entry to another key, with its time to live and its tags; 1 when copied, else 0.',
    syntax: 'source destination [DB destination-db] [REPLACE]',
    run: runCopy,
    start: (args: Args) => new CopyBetween(args),
  },
];
