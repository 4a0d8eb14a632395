import type { ReadView, WriteView } from '../base/view.ts';
import type { Args } from './args.ts';
import { type CommandDeclaration, firstKey, type ReadCommand, type WriteCommand } from './command.ts';
import { type ExpiryForm, expiryArg, expiryForms, isWord } from './options.ts';
import { quote } from './quote.ts';
import type { ReplyWriter } from './reply.ts';
import { refuseOutOfMemory } from './storing.ts';

/** Of an option that is none, what the error repeats. */
const optionBytesMax = 128;

/** On what the new expiry is conditional; refilled for every command. */
const condition = { ifNone: false, ifAny: false, ifLater: false, ifEarlier: false };

function changeExpiry(store: WriteView, args: Args, reply: ReplyWriter, form: ExpiryForm, command: string): void {
  if (!decodeCondition(args, reply)) return;
  const nowMs = store.nowMs();
  const expiresAtMs = expiryArg(args, 1, form, nowMs, false, command, reply);
  if (Number.isNaN(expiresAtMs)) return;
  const start = args.start(0);
  const end = args.end(0);
  if (!store.peek(args.bytes, start, end)) {
    // As DEL does: neither a stale value stays, nor a fill that is under way.
    if (expiresAtMs <= nowMs && args.count === 2) store.remove(args.bytes, start, end);
    reply.integer(0);
    return;
  }
  const current = store.entry.expiresAtMs;
  const expires = current > 0;
  // A key that does not expire counts as one that expires never: nothing is later, everything is earlier.
  const refused =
    (condition.ifNone && expires) ||
    (condition.ifAny && !expires) ||
    (condition.ifLater && (!expires || expiresAtMs <= current)) ||
    (condition.ifEarlier && expires && expiresAtMs >= current);
  if (refused) {
    reply.integer(0);
    return;
  }
  if (expiresAtMs <= nowMs) store.remove(args.bytes, start, end);
  else if (!store.setExpiry(args.bytes, start, end, expiresAtMs)) {
    refuseOutOfMemory(reply);
    return;
  }
  reply.integer(1);
}

function decodeCondition(args: Args, reply: ReplyWriter): boolean {
  condition.ifNone = false;
  condition.ifAny = false;
  condition.ifLater = false;
  condition.ifEarlier = false;
  for (let index = 2; index < args.count; index++) {
    if (isWord(args, index, 'NX')) condition.ifNone = true;
    else if (isWord(args, index, 'XX')) condition.ifAny = true;
    else if (isWord(args, index, 'GT')) condition.ifLater = true;
    else if (isWord(args, index, 'LT')) condition.ifEarlier = true;
    else {
      const option = quote(args.bytes, args.start(index), args.end(index), optionBytesMax);
      reply.error('syntax', `Unsupported option ${option}`);
      return false;
    }
  }
  if (condition.ifNone && (condition.ifAny || condition.ifLater || condition.ifEarlier)) {
    reply.error('syntax', 'NX and XX, GT or LT options at the same time are not compatible');
    return false;
  }
  if (condition.ifLater && condition.ifEarlier) {
    reply.error('syntax', 'GT and LT options at the same time are not compatible');
    return false;
  }
  return true;
}

function expire(store: WriteView, args: Args, reply: ReplyWriter): void {
  changeExpiry(store, args, reply, expiryForms.EX, 'expire');
}

function pexpire(store: WriteView, args: Args, reply: ReplyWriter): void {
  changeExpiry(store, args, reply, expiryForms.PX, 'pexpire');
}

function expireat(store: WriteView, args: Args, reply: ReplyWriter): void {
  changeExpiry(store, args, reply, expiryForms.EXAT, 'expireat');
}

function pexpireat(store: WriteView, args: Args, reply: ReplyWriter): void {
  changeExpiry(store, args, reply, expiryForms.PXAT, 'pexpireat');
}

function persist(store: WriteView, args: Args, reply: ReplyWriter): void {
  const start = args.start(0);
  const end = args.end(0);
  if (!store.peek(args.bytes, start, end) || store.entry.expiresAtMs === 0) reply.integer(0);
  else if (store.setExpiry(args.bytes, start, end, 0)) reply.integer(1);
  else refuseOutOfMemory(reply);
}

/** Writes -2 or -1 and returns 0 when the key is absent or does not expire, else returns when it does. */
function expiryOf(view: ReadView, args: Args, reply: ReplyWriter): number {
  if (!view.peek(args.bytes, args.start(0), args.end(0))) {
    reply.integer(-2);
    return 0;
  }
  if (view.entry.expiresAtMs === 0) reply.integer(-1);
  return view.entry.expiresAtMs;
}

/** To the nearest second, as Redis rounds. */
function toSeconds(timeMs: number): number {
  return Math.floor((timeMs + 500) / 1000);
}

function ttl(view: ReadView, args: Args, reply: ReplyWriter): void {
  const expiresAtMs = expiryOf(view, args, reply);
  if (expiresAtMs > 0) reply.integer(toSeconds(Math.max(expiresAtMs - view.nowMs(), 0)));
}

function pttl(view: ReadView, args: Args, reply: ReplyWriter): void {
  const expiresAtMs = expiryOf(view, args, reply);
  if (expiresAtMs > 0) reply.integer(Math.max(expiresAtMs - view.nowMs(), 0));
}

function expiretime(view: ReadView, args: Args, reply: ReplyWriter): void {
  const expiresAtMs = expiryOf(view, args, reply);
  if (expiresAtMs > 0) reply.integer(toSeconds(expiresAtMs));
}

function pexpiretime(view: ReadView, args: Args, reply: ReplyWriter): void {
  const expiresAtMs = expiryOf(view, args, reply);
  if (expiresAtMs > 0) reply.integer(expiresAtMs);
}

const expireRow = {
  kind: 'write',
  name: 'expire',
  keyFlags: ['RW', 'update'],
  arity: -3,
  flags: ['write', 'fast'],
  keys: firstKey,
  gather: 'single',
  group: 'generic',
  since: '1.0.0',
  summary: 'Lets a key expire after some seconds, if none, any, only a later or only an earlier expiry is set.',
  complexity: 'O(1)',
  syntax: 'key seconds [NX | XX | GT | LT]',
  run: expire,
} as const satisfies WriteCommand;

const ttlRow = {
  kind: 'read',
  name: 'ttl',
  arity: 2,
  flags: ['readonly', 'fast'],
  keys: firstKey,
  gather: 'single',
  group: 'generic',
  since: '1.0.0',
  summary: 'Returns the seconds until a key expires; -1 when it does not, -2 when it does not exist.',
  complexity: 'O(1)',
  syntax: 'key',
  run: ttl,
} as const satisfies ReadCommand;

export const expiryCommands: readonly CommandDeclaration[] = [
  expireRow,
  {
    ...expireRow,
    name: 'pexpire',
    keyFlags: ['RW', 'update'],
    since: '2.6.0',
    summary: 'Lets a key expire after some milliseconds.',
    syntax: 'key milliseconds [NX | XX | GT | LT]',
    run: pexpire,
  },
  {
    ...expireRow,
    name: 'expireat',
    keyFlags: ['RW', 'update'],
    since: '1.2.0',
    summary: 'Lets a key expire at a time in seconds since the epoch.',
    syntax: 'key unix-time-seconds [NX | XX | GT | LT]',
    run: expireat,
  },
  {
    ...expireRow,
    name: 'pexpireat',
    keyFlags: ['RW', 'update'],
    since: '2.6.0',
    summary: 'Lets a key expire at a time in milliseconds since the epoch.',
    syntax: 'key unix-time-milliseconds [NX | XX | GT | LT]',
    run: pexpireat,
  },
  {
    ...expireRow,
    name: 'persist',
    keyFlags: ['RW', 'update'],
    arity: 2,
    since: '2.2.0',
    summary: 'Lets a key not expire; 1 when it would have, else 0.',
    syntax: 'key',
    run: persist,
  },
  ttlRow,
  {
    ...ttlRow,
    name: 'pttl',
    since: '2.6.0',
    summary: 'Returns the milliseconds until a key expires; -1 when it does not, -2 when it does not exist.',
    run: pttl,
  },
  {
    ...ttlRow,
    name: 'expiretime',
    since: '7.0.0',
    summary: 'Returns when a key expires in seconds since the epoch; -1 when it does not, -2 when it does not exist.',
    run: expiretime,
  },
  {
    ...ttlRow,
    name: 'pexpiretime',
    since: '7.0.0',
    summary:
      'Returns when a key expires in milliseconds since the epoch; -1 when it does not, -2 when it does not exist.',
    run: pexpiretime,
  },
];
