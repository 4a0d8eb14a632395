import type { Args } from '../args.ts';
import { type CommandDeclaration, type NodeCommand, noKeys } from '../command.ts';
import { container, helpOf, helpRow } from '../containers.ts';
import { globMatches } from '../glob.ts';
import { syntaxError } from '../options.ts';

type Run = NodeCommand['run'];

const get: Run = ({ control }, args, reply) => {
  const patterns: Uint8Array[] = [];
  for (let index = 1; index < args.count; index++) patterns.push(Buffer.from(textOf(args, index).toLowerCase()));
  const found: (readonly [name: string, value: string])[] = [];
  for (const parameter of control.config.parameters()) {
    const name = Buffer.from(parameter[0].toLowerCase());
    if (patterns.some((pattern) => globMatches(pattern, name, 0, name.length))) found.push(parameter);
  }
  reply.map(found.length);
  for (const [name, value] of found) {
    reply.bulkText(name);
    reply.bulkText(value);
  }
};

const set: Run = ({ control }, args, reply) => {
  if (args.count % 2 === 0) {
    syntaxError(reply);
    return;
  }
  const changes: [string, string][] = [];
  for (let index = 1; index < args.count; index += 2) changes.push([textOf(args, index), textOf(args, index + 1)]);
  const problem = control.config.set(changes);
  if (problem === null) reply.ok();
  else reply.error('invalid-argument', problem);
};

const resetStat: Run = ({ control }, _args, reply) => {
  control.config.resetStatistics();
  reply.ok();
};

/** The file a node was started with is its owner's, and may be anybody's text: it is not written to. */
const rewrite: Run = (_node, _args, reply) => reply.error('bad-request', 'The server is running without a config file');

function textOf(args: Args, index: number): string {
  return Buffer.from(args.view(index)).toString('utf8');
}

const row = {
  kind: 'node',
  flags: ['admin', 'noscript', 'loading', 'stale'],
  keys: noKeys,
  group: 'server',
  complexity: 'O(N) where N is the number of parameters',
} as const;

export const configCommands: readonly CommandDeclaration[] = [
  { ...container, name: 'config', since: '2.0.0', summary: 'About parameters of the running node.' },
  {
    ...row,
    name: 'config|get',
    arity: -3,
    since: '2.0.0',
    summary: 'Returns the parameters whose names match, and their values.',
    syntax: 'parameter [parameter ...]',
    run: get,
  },
  {
    ...row,
    name: 'config|set',
    arity: -4,
    since: '2.0.0',
    summary: 'Changes parameters of the running node, all of them or none.',
    syntax: 'parameter value [parameter value ...]',
    run: set,
  },
  {
    ...row,
    name: 'config|resetstat',
    arity: 2,
    since: '2.0.0',
    summary: 'Lets the counts that INFO tells begin at 0.',
    complexity: 'O(1)',
    syntax: '',
    run: resetStat,
  },
  {
    ...row,
    name: 'config|rewrite',
    arity: 2,
    since: '2.8.0',
    summary: 'An error: the configuration file is not written to.',
    complexity: 'O(1)',
    syntax: '',
    run: rewrite,
  },
  {
    ...helpRow,
    name: 'config|help',
    since: '5.0.0',
    run: helpOf('CONFIG', [
      ['GET <pattern> ...', 'The parameters whose names match, and their values.'],
      ['SET <parameter> <value> ...', 'Changes parameters of the running node.'],
      ['RESETSTAT', 'Lets the counts of INFO begin at 0.'],
      ['REWRITE', 'An error: there is no file to be written.'],
      ['HELP', 'This text.'],
    ]),
  },
];
