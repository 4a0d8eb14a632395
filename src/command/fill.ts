import { FILL_MS_DEFAULT, FILL_MS_MAX, FILL_WAIT_MS_MAX } from '../base/cache-limits.ts';
import { FillOutcome, Freshness, PutStatus, type ReadView, ValueType, type WriteView } from '../base/view.ts';
import type { Args } from './args.ts';
import { type CommandDeclaration, firstKey, type ReadCommand, type WriteCommand } from './command.ts';
import { decodeSmallInteger } from './decimal.ts';
import { isWord, syntaxError } from './options.ts';
import { ReplyKind, type ReplyReader, type ReplyWriter } from './reply.ts';
import { refuseOutOfMemory, refuseTooLarge, replyWithValue } from './storing.ts';
import { TagList } from './tags.ts';
import { decodeToken, tokenText } from './token.ts';

/** The options of one GETFILL; refilled for every command. */
const options = { fillMs: FILL_MS_DEFAULT, waitMs: 0 };

/** What is found under a key; the first element of the reply. */
type FillState = 'hit' | 'stale' | 'miss';

/** How much of an entry is told: its value only, or all that belongs to it. */
type Extent = 'value' | 'whole';

function decodeOptions(args: Args, reply: ReplyWriter): boolean {
  options.fillMs = FILL_MS_DEFAULT;
  options.waitMs = 0;
  for (let index = 1; index < args.count; index += 2) {
    const isFor = isWord(args, index, 'FOR');
    if (index + 1 === args.count || !(isFor || isWord(args, index, 'WAIT'))) {
      syntaxError(reply);
      return false;
    }
    const least = isFor ? 1 : 0;
    const most = isFor ? FILL_MS_MAX : FILL_WAIT_MS_MAX;
    const amount = decodeSmallInteger(args.bytes, args.start(index + 1), args.end(index + 1));
    if (!(amount >= least && amount <= most)) {
      reply.error('invalid-argument', `${isFor ? 'FOR' : 'WAIT'} must be from ${least} to ${most} milliseconds`);
      return false;
    }
    if (isFor) options.fillMs = amount;
    else options.waitMs = amount;
  }
  return true;
}

/**
 * Answers where nothing is to be changed: a fresh value, or one, or none, that somebody else fills. Null: it is for the
 * shard to decide.
 */
function readFill(view: ReadView, args: Args, reply: ReplyWriter, extent: Extent): void {
  if (!decodeOptions(args, reply)) return;
  const freshness = view.peekStale(args.bytes, args.start(0), args.end(0));
  // What is for the shard to decide, the shard counts.
  if (tellUnchanged(view, freshness, reply, extent)) noteLookup(view, args, freshness);
  else reply.null();
}

/** Gives the asker the token where nobody has it. */
function takeFill(store: WriteView, args: Args, reply: ReplyWriter, extent: Extent): void {
  if (!decodeOptions(args, reply)) return;
  const start = args.start(0);
  const end = args.end(0);
  const freshness = store.peekStale(args.bytes, start, end);
  if (tellUnchanged(store, freshness, reply, extent)) {
    noteLookup(store, args, freshness);
    return;
  }
  store.noteLookup(args.bytes, start, end, freshness);
  const { fillMs } = options;
  const token = store.newFillToken();
  const untilMs = store.nowMs() + fillMs;
  if (freshness !== Freshness.stale) {
    const status = store.putHollow(args.bytes, start, end, token, untilMs);
    if (status === PutStatus.outOfMemory) refuseOutOfMemory(reply);
    else if (status === PutStatus.tooLarge) refuseTooLarge(reply);
    else tell(store, 'miss', token, fillMs, reply, extent);
    return;
  }
  tell(store, 'stale', token, fillMs, reply, extent);
  if (store.setFill(args.bytes, start, end, token, untilMs)) return;
  // No room for the token: the value is there all the same, and nobody fills it for now.
  store.peekStale(args.bytes, start, end);
  reply.truncate(0);
  tell(store, 'stale', 0, 0, reply, extent);
}

/** Counts the lookup that was answered, but for a miss that is waited over: it is asked for again, and counted then. */
function noteLookup(view: ReadView, args: Args, freshness: Freshness): void {
  if (freshness === Freshness.hollow && options.waitMs > 0) return;
  view.noteLookup(args.bytes, args.start(0), args.end(0), freshness);
}

function tellUnchanged(view: ReadView, freshness: Freshness, reply: ReplyWriter, extent: Extent): boolean {
  if (freshness === Freshness.none) return false;
  const { entry } = view;
  const nowMs = view.nowMs();
  if (freshness === Freshness.fresh) {
    tell(view, 'hit', 0, entry.expiresAtMs === 0 ? -1 : Math.max(entry.expiresAtMs - nowMs, 0), reply, extent);
    return true;
  }
  if (entry.fillToken === 0 || nowMs >= entry.fillUntilMs) return false;
  tell(view, freshness === Freshness.stale ? 'stale' : 'miss', 0, entry.fillUntilMs - nowMs, reply, extent);
  return true;
}

/** Writes the reply: `[state, value, token, ms]`, and behind it for `whole`: version, expiry, content type, stale window. */
function tell(view: ReadView, state: FillState, token: number, ms: number, reply: ReplyWriter, extent: Extent): void {
  const hasValue = state !== 'miss';
  if (hasValue) reply.attribute(view.entry.version, false);
  reply.array(extent === 'whole' ? 8 : 4);
  reply.status(state);
  if (hasValue) replyWithValue(view, reply);
  else reply.null();
  if (token > 0) reply.bulkText(tokenText(token));
  else reply.null();
  reply.integer(ms);
  if (extent === 'value') return;
  const { version, expiresAtMs, contentTypeBytes, staleMs } = view.entry;
  reply.integer(hasValue ? version : 0);
  reply.integer(hasValue ? expiresAtMs : 0);
  const at = reply.bulkOf(ValueType.string, hasValue ? contentTypeBytes : 0);
  if (hasValue && contentTypeBytes > 0) view.copyContentType(reply.bytes, at);
  reply.integer(hasValue ? staleMs : 0);
}

function cancelfill(store: WriteView, args: Args, reply: ReplyWriter): void {
  const token = decodeToken(args, 1, reply);
  if (token === 0) return;
  const start = args.start(0);
  const end = args.end(0);
  const bears = bearsToken(store, args, token) && store.clearFill(args.bytes, start, end);
  if (bears) store.countFill(FillOutcome.cancelled);
  reply.integer(bears ? 1 : 0);
}

/** Whether the entry of key argument 0 bears the token, and its time is not over. On true, `entry` describes it. */
function bearsToken(store: WriteView, args: Args, token: number): boolean {
  const freshness = store.peekStale(args.bytes, args.start(0), args.end(0));
  if (freshness !== Freshness.stale && freshness !== Freshness.hollow) return false;
  return store.entry.fillToken === token && store.nowMs() < store.entry.fillUntilMs;
}

const tagsBefore = new TagList();

/**
 * Whether the holder of the token may still store what he loaded, with these tags, under key argument 0: nobody has
 * written, removed or invalidated it since. Else the error is written, and the next who asks gets a token.
 */
export function mayFill(store: WriteView, args: Args, token: number, tags: TagList, reply: ReplyWriter): boolean {
  const bears = bearsToken(store, args, token);
  if (bears && !isOvertaken(store, tags)) return true;
  // What its holder loaded is of no use: others need not wait until its time is over.
  if (bears) store.clearFill(args.bytes, args.start(0), args.end(0));
  store.countFill(FillOutcome.lost);
  reply.error('fill-lost', 'the fill token does not count any more: nothing was written');
  return false;
}

/** Whether a tag of the entry found last, or of the value in its place, was invalidated since its token was given. */
function isOvertaken(store: WriteView, tags: TagList): boolean {
  tagsBefore.copyFrom(store);
  return (
    (tagsBefore.length > 0 && store.isOvertaken(tagsBefore.bytes, 0, tagsBefore.length)) ||
    (tags.length > 0 && store.isOvertaken(tags.bytes, 0, tags.length))
  );
}

/** Whether nobody has a value, and somebody else is to bring it. */
function isUnready(reply: ReplyReader): boolean {
  if (reply.kind !== ReplyKind.array || reply.next() !== ReplyKind.status || reply.text !== 'miss') return false;
  reply.next();
  return reply.next() === ReplyKind.null;
}

/** The WAIT of a GETFILL that is as it must be. */
function waitMsOf(args: Args): number {
  for (let index = 1; index + 1 < args.count; index += 2) {
    if (!isWord(args, index, 'WAIT')) continue;
    const waitMs = decodeSmallInteger(args.bytes, args.start(index + 1), args.end(index + 1));
    return waitMs > 0 && waitMs <= FILL_WAIT_MS_MAX ? waitMs : 0;
  }
  return 0;
}

const getfillRow = {
  kind: 'write',
  name: 'getfill',
  keyFlags: ['RW', 'access', 'update'],
  arity: -2,
  flags: ['write', 'denyoom', 'skip_slowlog', 'fast'],
  categories: ['blocking'],
  keys: firstKey,
  gather: 'single',
  group: 'cache',
  since: 'FluxCache 0.1.0',
  summary:
    'Returns [state, value, token, ms]. hit: a fresh value, and how long it has left (-1: for ever). stale, miss: a value ' +
    `past its time, or none; with a token that the asker fills it with (SET … FILL) within ms (FOR, ${FILL_MS_DEFAULT} unless given), ` +
    'without one somebody else does, who has ms left. WAIT: how long to wait for who fills what is missing.',
  complexity: 'O(1)',
  syntax: 'key [FOR milliseconds] [WAIT milliseconds]',
  readFirst: 'flux.getfresh',
  patience: { waitMs: waitMsOf, isUnready },
  run: (store: WriteView, args: Args, reply: ReplyWriter) => takeFill(store, args, reply, 'value'),
} as const satisfies WriteCommand;

const getfreshRow = {
  kind: 'read',
  name: 'flux.getfresh',
  arity: -2,
  flags: ['readonly', 'fast', 'internal'],
  keys: firstKey,
  gather: 'single',
  group: 'internal',
  since: 'FluxCache 0.1.0',
  summary: 'The reply of GETFILL where nothing is to be changed for it; else null.',
  complexity: 'O(1)',
  syntax: 'key [FOR milliseconds] [WAIT milliseconds]',
  run: (view: ReadView, args: Args, reply: ReplyWriter) => readFill(view, args, reply, 'value'),
} as const satisfies ReadCommand;

export const fillCommands: readonly CommandDeclaration[] = [
  getfillRow,
  {
    kind: 'write',
    name: 'cancelfill',
    keyFlags: ['RW', 'update'],
    arity: 3,
    flags: ['write', 'fast'],
    keys: firstKey,
    gather: 'single',
    group: 'cache',
    since: 'FluxCache 0.1.0',
    summary: 'Gives a fill token back, so that another asker gets one; 1, or 0 when it counts no more.',
    complexity: 'O(1)',
    syntax: 'key token',
    run: cancelfill,
  },
  getfreshRow,
  // The same for a front end that tells all of the entry.
  {
    ...getfillRow,
    name: 'flux.getfill',
    flags: ['write', 'denyoom', 'skip_slowlog', 'fast', 'internal'],
    group: 'internal',
    summary: 'As GETFILL, with version, expiry, content type and stale window behind it.',
    readFirst: 'flux.getfreshentry',
    run: (store: WriteView, args: Args, reply: ReplyWriter) => takeFill(store, args, reply, 'whole'),
  },
  {
    ...getfreshRow,
    name: 'flux.getfreshentry',
    summary: 'As flux.getfresh, for flux.getfill.',
    run: (view: ReadView, args: Args, reply: ReplyWriter) => readFill(view, args, reply, 'whole'),
  },
];
