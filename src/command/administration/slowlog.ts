import { ValueType } from '../../base/view.ts';
import { type CommandDeclaration, type NodeCommand, noKeys } from '../command.ts';
import { container, helpOf, helpRow } from '../containers.ts';
import type { SlowLogEntry } from '../control.ts';
import { decodeRoughInteger } from '../decimal.ts';
import type { ReplyWriter } from '../reply.ts';

type Run = NodeCommand['run'];

const countDefault = 10;

const get: Run = ({ control: { slowLog } }, args, reply) => {
  if (args.count > 2) {
    reply.error('arity', "unknown subcommand or wrong number of arguments for 'GET'. Try SLOWLOG HELP.");
    return;
  }
  let count = args.count === 1 ? countDefault : decodeRoughInteger(args.bytes, args.start(1), args.end(1));
  if (Number.isNaN(count) || count < -1) {
    reply.error('invalid-argument', 'count should be greater than or equal to -1');
    return;
  }
  if (count === -1) count = slowLog.length;
  const entries = [...slowLog.latest(count)];
  reply.array(entries.length);
  for (const entry of entries) writeEntry(entry, reply);
};

function writeEntry(entry: SlowLogEntry, reply: ReplyWriter): void {
  reply.array(6);
  reply.integer(entry.id);
  reply.integer(Math.floor(entry.atMs / 1000));
  reply.integer(entry.durationUs);
  reply.array(entry.words.length);
  for (const word of entry.words) reply.bulk(ValueType.string, word, 0, word.length);
  reply.bulkText(entry.address);
  reply.bulkText(entry.clientName);
}

const length: Run = ({ control }, _args, reply) => reply.integer(control.slowLog.length);

const reset: Run = ({ control }, _args, reply) => {
  control.slowLog.clear();
  reply.ok();
};

const row = {
  kind: 'node',
  flags: ['admin', 'loading', 'stale'],
  keys: noKeys,
  group: 'server',
  since: '2.2.12',
  complexity: 'O(1)',
  syntax: '',
} as const;

export const slowLogCommands: readonly CommandDeclaration[] = [
  { ...container, name: 'slowlog', since: '2.2.12', summary: 'About commands that took long.' },
  {
    ...row,
    name: 'slowlog|get',
    arity: -2,
    summary: 'Returns commands that took longer than slowlog-log-slower-than, the last ones first.',
    complexity: 'O(N) where N is the number of entries returned',
    syntax: '[count]',
    run: get,
  },
  { ...row, name: 'slowlog|len', arity: 2, summary: 'Returns the number of commands kept.', run: length },
  { ...row, name: 'slowlog|reset', arity: 2, summary: 'Forgets them.', run: reset },
  {
    ...helpRow,
    name: 'slowlog|help',
    since: '6.2.0',
    run: helpOf('SLOWLOG', [
      ['GET [<count>]', 'The last commands that took long (-1: all): number, time, microseconds, words, connection.'],
      ['LEN', 'How many are kept.'],
      ['RESET', 'Forgets them.'],
      ['HELP', 'This text.'],
    ]),
  },
];
