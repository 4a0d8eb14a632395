import type { Args } from '../args.ts';
import { type CommandDeclaration, type NodeCommand, noKeys } from '../command.ts';
import { container, helpOf, helpRow } from '../containers.ts';
import type { DescribedCommand } from '../control.ts';
import { asciiText } from '../decimal.ts';
import { globMatches } from '../glob.ts';
import type { NodePort } from '../node-port.ts';
import { isWord, syntaxError } from '../options.ts';
import type { ReplyWriter } from '../reply.ts';
import { categoriesOf } from './categories.ts';
import { writeDocs } from './command-docs.ts';
import { topLevel, writeInfo } from './command-info.ts';
import { writeKeys } from './command-keys.ts';

type Run = NodeCommand['run'];

const all: Run = ({ control: { table } }, _args, reply) => {
  const commands = topLevel(table);
  reply.array(commands.length);
  for (const command of commands) writeInfo(table, command, reply);
};

const count: Run = ({ control: { table } }, _args, reply) => reply.integer(topLevel(table).length);

const info: Run = (node, args, reply) => {
  const { table } = node.control;
  if (args.count === 1) {
    all(node, args, reply);
    return;
  }
  reply.array(args.count - 1);
  for (let index = 1; index < args.count; index++) {
    const command = table.described(nameArg(args, index));
    if (command === undefined) reply.null();
    else writeInfo(table, command, reply);
  }
};

const docs: Run = ({ control: { table } }, args, reply) => {
  const wanted = args.count === 1 ? topLevel(table) : namedCommands(table.described.bind(table), args);
  reply.map(wanted.length);
  for (const command of wanted) writeDocs(table, command, reply);
};

function namedCommands(described: (name: string) => DescribedCommand | undefined, args: Args): DescribedCommand[] {
  const found: DescribedCommand[] = [];
  for (let index = 1; index < args.count; index++) {
    const command = described(nameArg(args, index));
    if (command !== undefined) found.push(command);
  }
  return found;
}

const getKeys: Run = ({ control }, args, reply) => writeKeys(control.table, args, false, reply);
const getKeysAndFlags: Run = ({ control }, args, reply) => writeKeys(control.table, args, true, reply);

function list({ control: { table } }: NodePort, args: Args, reply: ReplyWriter): void {
  const matches = args.count === 1 ? null : filterOf(args);
  if (args.count > 1 && matches === null) {
    syntaxError(reply);
    return;
  }
  const offered = table.commands.filter(({ group }) => group !== 'internal');
  const listed = matches === null ? topLevel(table) : offered.filter(matches);
  reply.array(listed.length);
  for (const { name } of listed) reply.bulkText(name);
}

/** Null when the arguments are not `FILTERBY kind value`. */
function filterOf(args: Args): ((command: DescribedCommand) => boolean) | null {
  if (args.count !== 4 || !isWord(args, 1, 'FILTERBY')) return null;
  const value = nameArg(args, 3);
  if (isWord(args, 2, 'ACLCAT')) return (command) => categoriesOf(command).includes(value);
  // There are no modules, so none has a command.
  if (isWord(args, 2, 'MODULE')) return () => false;
  if (!isWord(args, 2, 'PATTERN')) return null;
  const pattern = Buffer.from(value, 'latin1');
  return ({ name }) => globMatches(pattern, Buffer.from(name, 'latin1'), 0, name.length);
}

function nameArg(args: Args, index: number): string {
  return asciiText(args.bytes, args.start(index), args.end(index)).toLowerCase();
}

const row = {
  kind: 'node',
  flags: ['loading', 'stale'],
  keys: noKeys,
  group: 'server',
  categories: ['connection'],
  complexity: 'O(N) where N is the number of commands',
  syntax: '',
} as const;

export const commandCommands: readonly CommandDeclaration[] = [
  {
    ...container,
    name: 'command',
    arity: -1,
    flags: ['loading', 'stale'],
    categories: ['connection'],
    since: '2.8.13',
    summary: 'Tells about all commands; with a subcommand, about some of them.',
    syntax: '[subcommand [argument ...]]',
    bare: 'flux.commands',
  },
  {
    ...row,
    name: 'flux.commands',
    arity: 1,
    flags: ['loading', 'stale', 'internal'],
    group: 'internal',
    since: 'FluxCache 0.2.0',
    summary: 'What COMMAND does without a subcommand.',
    run: all,
  },
  {
    ...row,
    name: 'command|count',
    arity: 2,
    since: '2.8.13',
    summary: 'Returns the number of commands.',
    complexity: 'O(1)',
    run: count,
  },
  {
    ...row,
    name: 'command|info',
    arity: -2,
    since: '2.8.13',
    summary: 'Tells arity, flags and keys of commands, of all when none is named.',
    syntax: '[command-name [command-name ...]]',
    run: info,
  },
  {
    ...row,
    name: 'command|docs',
    arity: -2,
    since: '7.0.0',
    summary: 'Tells what commands do and which arguments they take.',
    syntax: '[command-name [command-name ...]]',
    run: docs,
  },
  {
    ...row,
    name: 'command|getkeys',
    arity: -4,
    since: '2.8.13',
    summary: 'Returns the keys of a command that is not run.',
    complexity: 'O(N) where N is the number of arguments',
    syntax: 'command [arg ...]',
    run: getKeys,
  },
  {
    ...row,
    name: 'command|getkeysandflags',
    arity: -4,
    since: '7.0.0',
    summary: 'Returns the keys of a command that is not run, and what it does with each.',
    complexity: 'O(N) where N is the number of arguments',
    syntax: 'command [arg ...]',
    run: getKeysAndFlags,
  },
  {
    ...row,
    name: 'command|list',
    arity: -2,
    since: '7.0.0',
    summary: 'Returns the names of commands.',
    syntax: '[FILTERBY <MODULE module-name | ACLCAT category | PATTERN pattern>]',
    run: list,
  },
  {
    ...helpRow,
    name: 'command|help',
    categories: ['connection'],
    since: '5.0.0',
    run: helpOf('COMMAND', [
      ['(no subcommand)', 'Arity, flags and keys of all commands.'],
      ['COUNT', 'How many commands there are.'],
      ['INFO [<command-name> ...]', 'Arity, flags and keys of some.'],
      ['DOCS [<command-name> ...]', 'What they do and which arguments they take.'],
      ['GETKEYS <full-command>', 'The keys among the arguments of a command.'],
      ['GETKEYSANDFLAGS <full-command>', 'The same, with what is done with each.'],
      ['LIST [FILTERBY MODULE|ACLCAT|PATTERN <value>]', 'The names of commands.'],
      ['HELP', 'This text.'],
    ]),
  },
];
