import { type ReadView, ValueType, type WriteView } from '../base/view.ts';
import type { Args } from './args.ts';
import {
  type CommandDeclaration,
  type InfoSection,
  type NodePort,
  noKeys,
  type ReadCommand,
  type SweepCommand,
} from './command.ts';
import { container, helpOf, helpRow } from './containers.ts';
import { decodeInt64 } from './decimal.ts';
import { isWord, syntaxError } from './options.ts';
import type { ReplyWriter } from './reply.ts';

function ping(_node: NodePort, args: Args, reply: ReplyWriter): void {
  if (args.count === 0) reply.status('PONG');
  else if (args.count === 1) reply.bulk(ValueType.string, args.bytes, args.start(0), args.end(0));
  else reply.error('arity', "wrong number of arguments for 'ping' command");
}

function echo(_node: NodePort, args: Args, reply: ReplyWriter): void {
  reply.bulk(ValueType.string, args.bytes, args.start(0), args.end(0));
}

function time(node: NodePort, _args: Args, reply: ReplyWriter): void {
  const nowMs = node.clock.nowMs();
  reply.array(2);
  reply.bulkText(String(Math.floor(nowMs / 1000)));
  reply.bulkText(String(Math.floor((nowMs % 1000) * 1000)));
}

function info(node: NodePort, args: Args, reply: ReplyWriter): void {
  const shown: string[] = [];
  for (const section of node.infoSections) {
    if (isAskedFor(section, args)) shown.push(sectionText(section));
  }
  reply.text(shown.join('\r\n'));
}

function isAskedFor(section: InfoSection, args: Args): boolean {
  if (args.count === 0) return section.shownByDefault;
  for (let index = 0; index < args.count; index++) {
    if (isWord(args, index, section.name.toUpperCase())) return true;
    if (isWord(args, index, 'ALL') || isWord(args, index, 'EVERYTHING')) return true;
    if (isWord(args, index, 'DEFAULT') && section.shownByDefault) return true;
  }
  return false;
}

function sectionText(section: InfoSection): string {
  let text = `# ${section.name}\r\n`;
  for (const [name, value] of section.fields()) text += `${name}:${value}\r\n`;
  return text;
}

function flush(store: WriteView, args: Args, reply: ReplyWriter): void {
  const known = args.count === 0 || (args.count === 1 && (isWord(args, 0, 'ASYNC') || isWord(args, 0, 'SYNC')));
  if (!known) {
    syntaxError(reply);
    return;
  }
  store.clear();
  reply.ok();
}

/** Longest text Redis keeps in one block with its header, which it calls embstr. */
const embeddedBytesMax = 44;
const integerBytesMax = 20;
const integerScratch = new Uint8Array(integerBytesMax);

/** Redis's words for how it would keep such a value: tools print them. */
function objectEncoding(view: ReadView, args: Args, reply: ReplyWriter): void {
  if (!view.peek(args.bytes, args.start(1), args.end(1))) {
    reply.null();
    return;
  }
  const length = view.entry.valueBytes;
  let encoding = length <= embeddedBytesMax ? 'embstr' : 'raw';
  if (view.entry.type === ValueType.json) encoding = 'raw';
  else if (length <= integerBytesMax) {
    view.copyValue(integerScratch, 0);
    if (decodeInt64(integerScratch, 0, length) !== null) encoding = 'int';
  }
  reply.bulkText(encoding);
}

function objectRefcount(view: ReadView, args: Args, reply: ReplyWriter): void {
  if (view.peek(args.bytes, args.start(1), args.end(1))) reply.integer(1);
  else reply.null();
}

function objectFrequency(view: ReadView, args: Args, reply: ReplyWriter): void {
  if (!view.peek(args.bytes, args.start(1), args.end(1))) reply.null();
  else {
    reply.error(
      'bad-request',
      'An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between ' +
        'policies at runtime LRU and LFU data will take some time to adjust.',
    );
  }
}

function objectIdleTime(view: ReadView, args: Args, reply: ReplyWriter): void {
  if (!view.peek(args.bytes, args.start(1), args.end(1))) reply.null();
  else reply.error('bad-request', 'When a key was used last is not tracked.');
}

const nodeRow = {
  kind: 'node',
  keys: noKeys,
  flags: ['fast'],
  complexity: 'O(1)',
} as const;

const flushRow = {
  kind: 'sweep',
  name: 'flushall',
  arity: -1,
  flags: ['write'],
  categories: ['keyspace', 'dangerous'],
  keys: noKeys,
  group: 'server',
  since: '1.0.0',
  summary: 'Removes all keys.',
  complexity: 'O(1)',
  syntax: '[ASYNC | SYNC]',
  run: flush,
} as const satisfies SweepCommand;

const objectRow = {
  kind: 'read',
  name: 'object|encoding',
  arity: 3,
  flags: ['readonly'],
  keys: { first: 1, last: 1, step: 1 },
  keyFlags: ['RO'],
  gather: 'single',
  group: 'generic',
  since: '2.2.3',
  summary: "Returns Redis's word for how it would keep the value.",
  complexity: 'O(1)',
  syntax: 'key',
  run: objectEncoding,
} as const satisfies ReadCommand;

export const serverCommands: readonly CommandDeclaration[] = [
  {
    ...nodeRow,
    name: 'ping',
    arity: -1,
    whileSubscribed: 'runs',
    group: 'connection',
    since: '1.0.0',
    summary: 'Answers PONG, or with the message.',
    syntax: '[message]',
    run: ping,
  },
  {
    ...nodeRow,
    name: 'echo',
    arity: 2,
    flags: ['loading', 'stale', 'fast'],
    group: 'connection',
    since: '1.0.0',
    summary: 'Returns the message.',
    syntax: 'message',
    run: echo,
  },
  {
    ...nodeRow,
    name: 'time',
    arity: 1,
    flags: ['loading', 'stale', 'fast'],
    group: 'server',
    since: '2.6.0',
    summary: 'Returns the time of the node in seconds since the epoch, and the microseconds beyond.',
    syntax: '',
    run: time,
  },
  {
    ...nodeRow,
    name: 'info',
    arity: -1,
    flags: ['loading', 'stale'],
    categories: ['dangerous'],
    group: 'server',
    since: '1.0.0',
    summary: 'Tells about the node, section by section.',
    syntax: '[section [section ...]]',
    run: info,
  },
  flushRow,
  { ...flushRow, name: 'flushdb', summary: 'The same as FLUSHALL: there is one database.' },
  { ...container, name: 'object', group: 'generic', since: '2.2.3', summary: 'About how values are kept.' },
  objectRow,
  {
    ...objectRow,
    name: 'object|refcount',
    summary: 'Returns 1 for every key: values are never shared.',
    run: objectRefcount,
  },
  {
    ...objectRow,
    name: 'object|idletime',
    summary: 'An error for every key: when it was used last is not tracked.',
    run: objectIdleTime,
  },
  {
    ...objectRow,
    name: 'object|freq',
    since: '4.0.0',
    summary: 'An error for every key: how often it is used is not tracked.',
    run: objectFrequency,
  },
  {
    ...helpRow,
    name: 'object|help',
    group: 'generic',
    since: '6.2.0',
    run: helpOf('OBJECT', [
      ['ENCODING <key>', "Redis's word for how it would keep the value."],
      ['REFCOUNT <key>', '1: values are never shared.'],
      ['FREQ <key>', 'An error: how often a key is used is not told.'],
      ['IDLETIME <key>', 'An error: when a key was used last is not tracked.'],
      ['HELP', 'This text.'],
    ]),
  },
];
