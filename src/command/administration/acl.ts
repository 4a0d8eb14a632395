import { type CommandDeclaration, type ConnectionCommand, type NodeCommand, noKeys } from '../command.ts';
import { container, helpOf, helpRow } from '../containers.ts';
import { asciiText } from '../decimal.ts';
import { categories, categoriesOf } from '../introspection/categories.ts';
import { quote } from '../quote.ts';

type Run = NodeCommand['run'];

const whoAmI: ConnectionCommand['run'] = ({ userName }, _args, reply) => reply.bulkText(userName ?? 'default');

const users: Run = ({ control }, _args, reply) => {
  const { names } = control.users;
  reply.array(names.length);
  for (const name of names) reply.bulkText(name);
};

const list: Run = ({ control }, _args, reply) => {
  const { names } = control.users;
  reply.array(names.length);
  for (const name of names) reply.bulkText(`user ${name} ${control.users.rulesOf(name)}`);
};

const cat: Run = ({ control: { table } }, args, reply) => {
  if (args.count === 1) {
    reply.array(categories.length);
    for (const category of categories) reply.bulkText(category);
    return;
  }
  if (args.count > 2) {
    reply.error('arity', "unknown subcommand or wrong number of arguments for 'CAT'. Try ACL HELP.");
    return;
  }
  const wanted = asciiText(args.bytes, args.start(1), args.end(1)).toLowerCase();
  if (!categories.some((category) => category === wanted)) {
    reply.error('invalid-argument', `Unknown category '${quote(args.bytes, args.start(1), args.end(1), 128)}'`);
    return;
  }
  const members = table.commands.filter(
    (command) => command.group !== 'internal' && categoriesOf(command).includes(wanted),
  );
  reply.array(members.length);
  for (const { name } of members) reply.bulkText(name);
};

const row = {
  kind: 'node',
  keys: noKeys,
  group: 'server',
  since: '6.0.0',
  complexity: 'O(N) where N is the number of users',
  syntax: '',
} as const;

export const aclCommands: readonly CommandDeclaration[] = [
  { ...container, name: 'acl', since: '6.0.0', summary: 'About users and what they may do.' },
  {
    ...row,
    kind: 'connection',
    name: 'acl|whoami',
    arity: 2,
    flags: ['noscript', 'loading', 'stale'],
    summary: 'Returns the name of the user that is logged in.',
    complexity: 'O(1)',
    run: whoAmI,
  },
  {
    ...row,
    name: 'acl|users',
    arity: 2,
    flags: ['admin', 'noscript', 'loading', 'stale'],
    summary: 'Returns the names of all users.',
    run: users,
  },
  {
    ...row,
    name: 'acl|list',
    arity: 2,
    flags: ['admin', 'noscript', 'loading', 'stale'],
    summary: 'Returns what each user may do, without secrets.',
    run: list,
  },
  {
    ...row,
    name: 'acl|cat',
    arity: -2,
    flags: ['noscript', 'loading', 'stale'],
    summary: 'Returns the categories of commands, or the commands of one.',
    complexity: 'O(N) where N is the number of commands',
    syntax: '[category]',
    run: cat,
  },
  {
    ...helpRow,
    name: 'acl|help',
    since: '6.0.0',
    run: helpOf('ACL', [
      ['WHOAMI', 'The name of the user that is logged in.'],
      ['USERS', 'The names of all users.'],
      ['LIST', 'What each of them may do.'],
      ['CAT [<category>]', 'The categories of commands, or the commands of one.'],
      ['HELP', 'This text.'],
    ]),
  },
];
