import type { EntryInfo, ReadView } from '../base/view.ts';
import { ValueType } from '../base/view.ts';
import type { Args } from './args.ts';
import { type CommandDeclaration, noKeys, type SurveyCommand, type SurveyNode } from './command.ts';
import { asciiText, decodeRoughInteger } from './decimal.ts';
import { globMatches } from './glob.ts';
import { typeWord } from './keys.ts';
import { integerArg, isWord, syntaxError } from './options.ts';
import { firstArrayMark, type ReplyWriter } from './reply.ts';

/**
 * A cursor over all shards: the shard's number times 2^32, and the cursor of its store. 0 starts and ends. The shards
 * of a process do not change, so a cursor means the same as long as it runs.
 */
const cursorsPerShard = 2 ** 32;
const cursorDigitsMax = 15;

/** Entries looked at in one call, whatever COUNT asks: SCAN answers with fewer and a cursor, KEYS goes on later. */
const entriesPerPiece = 4096;
export const patternBytesMax = 1024;
const star = 0x2a;
/** Work of matching, as the most it may take (pattern times key length), after which a piece of KEYS ends. */
const matchStepsPerPiece = 2_000_000;
const keysReplyBytesMax = 512 * 1024 * 1024;

/** What the visitor of one scan needs; refilled for every scan, so that visiting allocates nothing. */
const sieve = {
  /** Null matches all keys. */
  pattern: null as Uint8Array | null,
  /** In lower case; null for all types. */
  type: null as string | null,
  reply: null as ReplyWriter | null,
  /** Stale and hollow entries are found, too. */
  withStale: false,
  found: 0,
  matchSteps: 0,
};

function visit(keys: Uint8Array, start: number, end: number, entry: EntryInfo): void {
  const { pattern, reply } = sieve;
  if (reply === null) return;
  if (sieve.type !== null && sieve.type !== typeWord(entry.type).toLowerCase()) return;
  if (pattern !== null) {
    sieve.matchSteps += pattern.length * (end - start);
    if (!globMatches(pattern, keys, start, end)) return;
  }
  reply.bulk(ValueType.string, keys, start, end);
  sieve.found++;
}

/** Scans from a cursor over all shards and returns the next one; about `count` entries of at most one shard. */
function scanFrom(views: readonly ReadView[], cursor: number, count: number, reply: ReplyWriter): number {
  const shard = Math.floor(cursor / cursorsPerShard);
  const view = views[shard];
  if (view === undefined) return 0;
  sieve.reply = reply;
  const next = view.scan(cursor % cursorsPerShard, count, visit, sieve.withStale);
  sieve.reply = null;
  if (next > 0) return shard * cursorsPerShard + next;
  return shard + 1 < views.length ? (shard + 1) * cursorsPerShard : 0;
}

function scan(views: readonly ReadView[], _node: SurveyNode, args: Args, reply: ReplyWriter): number {
  sieve.withStale = false;
  return scanPage(views, args, reply);
}

/** Also tells of keys in their stale window, and of those that somebody is to fill. */
function scanStale(views: readonly ReadView[], _node: SurveyNode, args: Args, reply: ReplyWriter): number {
  sieve.withStale = true;
  return scanPage(views, args, reply);
}

function scanPage(views: readonly ReadView[], args: Args, reply: ReplyWriter): number {
  const cursor = cursorArg(args, reply);
  if (Number.isNaN(cursor)) return 0;
  let count = 10;
  let pattern = -1;
  sieve.type = null;
  for (let index = 1; index < args.count; index += 2) {
    const hasNext = index + 1 < args.count;
    if (hasNext && isWord(args, index, 'COUNT')) {
      count = integerArg(args, index + 1, reply);
      if (Number.isNaN(count)) return 0;
      if (count < 1) {
        syntaxError(reply);
        return 0;
      }
    } else if (hasNext && isWord(args, index, 'MATCH')) {
      pattern = index + 1;
    } else if (hasNext && isWord(args, index, 'TYPE')) {
      sieve.type = asciiText(args.bytes, args.start(index + 1), args.end(index + 1)).toLowerCase();
    } else {
      syntaxError(reply);
      return 0;
    }
  }
  sieve.pattern = null;
  if (pattern >= 0 && !takePattern(args, pattern, reply)) return 0;
  sieve.found = 0;
  // The keys come before the cursor is known: it is put in front of them at the end.
  reply.array(2);
  const mark = reply.beginArray();
  const next = scanFrom(views, cursor, Math.min(count, entriesPerPiece), reply);
  reply.endArray(mark, sieve.found);
  reply.insertText(mark - 1, String(next));
  return 0;
}

/** Of several patterns the last counts, as {@link scan} has it. */
function scanPatternOf(args: Args): Uint8Array | null {
  let pattern: Uint8Array | null = null;
  for (let index = 1; index + 1 < args.count; index += 2) {
    if (isWord(args, index, 'MATCH')) pattern = args.view(index + 1);
  }
  return pattern;
}

/** Number of the shard that SCAN's cursor names; 0 for what is no cursor. */
export function shardOfCursor(args: Args): number {
  const cursor = decodeRoughInteger(args.bytes, args.start(0), args.end(0));
  return cursor > 0 ? Math.floor(cursor / cursorsPerShard) : 0;
}

function cursorArg(args: Args, reply: ReplyWriter): number {
  const text = args.byteLength(0) > cursorDigitsMax ? 'too long' : asciiText(args.bytes, args.start(0), args.end(0));
  if (/^\d*$/.test(text)) return Number(text);
  reply.error('invalid-argument', 'invalid cursor');
  return Number.NaN;
}

function takePattern(args: Args, index: number, reply: ReplyWriter): boolean {
  if (args.byteLength(index) > patternBytesMax) {
    reply.error('invalid-argument', `pattern is longer than ${patternBytesMax} bytes`);
    return false;
  }
  const pattern = args.view(index);
  sieve.pattern = pattern.length === 1 && pattern[0] === star ? null : pattern;
  return true;
}

/** In pieces: what is there from the first to the last is found, and no other command waits for the end. */
function keys(views: readonly ReadView[], _node: SurveyNode, args: Args, reply: ReplyWriter, resume: number): number {
  if (!takePattern(args, 0, reply)) return 0;
  sieve.type = null;
  sieve.withStale = false;
  sieve.found = 0;
  sieve.matchSteps = 0;
  const mark = resume === 0 ? reply.beginArray() : firstArrayMark;
  let cursor = resume;
  let looked = 0;
  do {
    cursor = scanFrom(views, cursor, entriesPerPiece / 8, reply);
    looked += entriesPerPiece / 8;
  } while (cursor > 0 && looked < entriesPerPiece && sieve.matchSteps < matchStepsPerPiece);
  reply.growArray(mark, sieve.found);
  if (reply.length <= keysReplyBytesMax) return cursor;
  reply.truncate(0);
  reply.error('request-too-large', `the reply is over ${keysReplyBytesMax} bytes: use SCAN`);
  return 0;
}

const keyScratch = new Uint8Array(65_536);

function randomkey(views: readonly ReadView[], node: SurveyNode, _args: Args, reply: ReplyWriter): number {
  let total = 0;
  for (const view of views) total += view.keyCount;
  // Every key of every shard is as likely; a shard that turns out empty hands on to the next.
  let chosen = node.random.nextUint32() % Math.max(total, 1);
  let first = 0;
  while (first < views.length - 1 && chosen >= (views[first] as ReadView).keyCount) {
    chosen -= (views[first++] as ReadView).keyCount;
  }
  for (let tried = 0; tried < views.length; tried++) {
    const view = views[(first + tried) % views.length] as ReadView;
    const length = view.randomKey(keyScratch, node.random.nextUint32());
    if (length >= 0) {
      reply.bulk(ValueType.string, keyScratch, 0, length);
      return 0;
    }
  }
  reply.null();
  return 0;
}

function dbsize(views: readonly ReadView[], _node: SurveyNode, _args: Args, reply: ReplyWriter): number {
  let total = 0;
  for (const view of views) total += view.keyCount;
  reply.integer(total);
  return 0;
}

const scanRow = {
  kind: 'survey',
  parts: 'cursor',
  patternOf: scanPatternOf,
  name: 'scan',
  arity: -2,
  flags: ['readonly'],
  keys: noKeys,
  group: 'generic',
  since: '2.8.0',
  summary:
    'Returns some keys and the cursor to go on with, 0 at the end. Keys that are there from the first call to the ' +
    'last are returned, each once.',
  complexity: 'O(1) a call, O(N) for all keys',
  syntax: 'cursor [MATCH pattern] [COUNT count] [TYPE type]',
  run: scan,
} as const satisfies SurveyCommand;

export const scanCommands: readonly CommandDeclaration[] = [
  scanRow,
  {
    ...scanRow,
    name: 'flux.scan',
    flags: ['readonly', 'internal'],
    group: 'internal',
    since: 'FluxCache 0.1.0',
    summary: 'As SCAN, with keys in their stale window and those that somebody is to fill.',
    run: scanStale,
  },
  {
    kind: 'survey',
    parts: 'concat',
    patternOf: (args) => args.view(0),
    name: 'keys',
    arity: 2,
    flags: ['readonly'],
    categories: ['dangerous'],
    keys: noKeys,
    group: 'generic',
    since: '1.0.0',
    summary: 'Returns all keys that match a pattern.',
    complexity: 'O(N) where N is the number of keys',
    syntax: 'pattern',
    run: keys,
  },
  {
    kind: 'survey',
    parts: 'any',
    name: 'randomkey',
    arity: 1,
    flags: ['readonly'],
    keys: noKeys,
    group: 'generic',
    since: '1.0.0',
    summary: 'Returns a key picked at random, null when there is none.',
    complexity: 'O(1)',
    syntax: '',
    run: randomkey,
  },
  {
    kind: 'survey',
    parts: 'sum',
    name: 'dbsize',
    arity: 1,
    flags: ['readonly', 'fast'],
    categories: ['keyspace'],
    keys: noKeys,
    group: 'server',
    since: '1.0.0',
    summary: 'Returns the number of keys, those included that have expired and are not removed yet.',
    complexity: 'O(1)',
    syntax: '',
    run: dbsize,
  },
];
