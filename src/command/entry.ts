import { type ReadView, ValueType } from '../base/view.ts';
import type { Args } from './args.ts';
import { type CommandDeclaration, firstKey } from './command.ts';
import { writeTags } from './invalidate.ts';
import { integerArg, isWord, syntaxError } from './options.ts';
import type { ReplyWriter } from './reply.ts';

/** The words SET … TYPE takes, by type. */
const typeWords: Readonly<Record<ValueType, string>> = {
  [ValueType.string]: 'string',
  [ValueType.bytes]: 'bytes',
  [ValueType.number]: 'number',
  [ValueType.json]: 'json',
};

/** All of an entry in one look, such that SET can write the same again. It is no use of the entry. */
function getentry(view: ReadView, args: Args, reply: ReplyWriter): void {
  const bytesMax = bytesMaxOf(args, reply);
  if (Number.isNaN(bytesMax)) return;
  if (!view.peek(args.bytes, args.start(0), args.end(0))) {
    reply.null();
    return;
  }
  const { type, valueBytes, version, expiresAtMs, staleMs, contentTypeBytes } = view.entry;
  reply.map(8);
  reply.bulkText('value');
  if (valueBytes > bytesMax) reply.null();
  else {
    const at = reply.bulkOf(type, valueBytes);
    view.copyValue(reply.bytes, at);
  }
  reply.bulkText('bytes');
  reply.integer(valueBytes);
  reply.bulkText('type');
  reply.bulkText(typeWords[type]);
  reply.bulkText('version');
  reply.integer(version);
  reply.bulkText('expires-at');
  reply.integer(expiresAtMs > 0 ? expiresAtMs : -1);
  reply.bulkText('stale');
  reply.integer(staleMs);
  reply.bulkText('content-type');
  if (contentTypeBytes === 0) reply.null();
  else {
    const at = reply.bulkOf(ValueType.string, contentTypeBytes);
    view.copyContentType(reply.bytes, at);
  }
  reply.bulkText('tags');
  writeTags(view, reply);
}

/** UPTO's number, infinite without it; NaN, with the error written, when the arguments are not right. */
function bytesMaxOf(args: Args, reply: ReplyWriter): number {
  if (args.count === 1) return Number.POSITIVE_INFINITY;
  if (args.count !== 3 || !isWord(args, 1, 'UPTO')) {
    syntaxError(reply);
    return Number.NaN;
  }
  const bytesMax = integerArg(args, 2, reply);
  if (bytesMax >= 0 || Number.isNaN(bytesMax)) return bytesMax;
  reply.error('invalid-argument', 'UPTO must not be negative');
  return Number.NaN;
}

export const entryCommands: readonly CommandDeclaration[] = [
  {
    kind: 'read',
    name: 'getentry',
    keyFlags: ['RO', 'access'],
    arity: -2,
    flags: ['readonly'],
    keys: firstKey,
    gather: 'single',
    group: 'generic',
    since: 'FluxCache 0.1.0',
    summary:
      'Returns all there is of a key: value, bytes of it, type, version, expires-at (milliseconds since the epoch, -1 ' +
      'without), stale (milliseconds), content-type and tags; null when it does not exist. UPTO: null in place of a ' +
      'longer value.',
    complexity: 'O(1)',
    syntax: 'key [UPTO bytes]',
    run: getentry,
  },
];
