import { type ContainerCommand, type NodeCommand, noKeys } from './command.ts';

/** What rows of commands with subcommands have in common. */
export const container = {
  kind: 'container',
  arity: -2,
  flags: [],
  keys: noKeys,
  group: 'server',
  complexity: 'Depends on the subcommand',
  syntax: 'subcommand [argument ...]',
} as const satisfies Omit<ContainerCommand, 'name' | 'since' | 'summary'>;

/** What the rows of their HELP have in common. */
export const helpRow = {
  kind: 'node',
  arity: 2,
  flags: ['loading', 'stale'],
  keys: noKeys,
  group: 'server',
  summary: 'Lists the subcommands.',
  complexity: 'O(1)',
  syntax: '',
} as const satisfies Omit<NodeCommand, 'name' | 'since' | 'run'>;

/** Answers HELP as Redis does: a status for each form of a subcommand, and one, indented, for what it does. */
export function helpOf(
  name: string,
  subcommands: readonly (readonly [form: string, meaning: string])[],
): NodeCommand['run'] {
  const heading = `${name} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`;
  const lines = [heading, ...subcommands.flatMap(([form, meaning]) => [form, `    ${meaning}`])];
  return (_node, _args, reply) => {
    reply.array(lines.length);
    for (const line of lines) reply.status(line);
  };
}
