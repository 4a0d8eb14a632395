import { errors } from '../base/errors.ts';
import type { Command, CommandGroup } from './command.ts';

const groupTitles: Readonly<Record<CommandGroup, string>> = {
  string: 'Strings',
  number: 'Numbers',
  generic: 'Keys',
  cache: 'Filling and invalidating',
  json: 'JSON documents',
  server: 'Server',
  connection: 'Connection',
  transactions: 'Transactions',
  pubsub: 'Channels',
  internal: 'Internal',
};

/** Where a command runs, for who reads about its atomicity and its cost. */
const places: Readonly<Record<Command['kind'], string>> = {
  read: 'reader',
  write: 'shard',
  pair: 'shard, or steps over two',
  steps: 'steps over all shards',
  survey: 'all readers',
  sweep: 'all shards',
  node: 'front end',
  connection: 'its connection',
  container: '',
};

/** The reference of all commands and errors as Markdown tables, from the tables they are declared in. */
export function reference(commands: readonly Command[]): string {
  const lines: string[] = [];
  for (const [group, title] of Object.entries(groupTitles)) {
    const members = commands.filter((command) => command.group === group && command.kind !== 'container');
    if (members.length === 0 || group === 'internal') continue;
    lines.push(`### ${title}`, '', '| command | since | runs in | what it does |', '| --- | --- | --- | --- |');
    for (const command of members) lines.push(commandLine(command));
    lines.push('');
  }
  lines.push('### Errors', '', '| code | HTTP | RESP | retry | meaning |', '| --- | --- | --- | --- | --- |');
  for (const [code, { httpStatus, respPrefix, retryable, summary }] of Object.entries(errors)) {
    lines.push(`| \`${code}\` | ${httpStatus} | ${respPrefix} | ${retryable ? 'yes' : 'no'} | ${summary} |`);
  }
  return lines.join('\n');
}

function commandLine(command: Command): string {
  const usage = `${command.name.replace('|', ' ').toUpperCase()} ${command.syntax}`.trim();
  return `| \`${usage.replaceAll('|', '\\|')}\` | ${command.since} | ${places[command.kind]} | ${command.summary} |`;
}
