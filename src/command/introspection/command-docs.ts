import type { DescribedCommand, TablePort } from '../control.ts';
import type { ReplyWriter } from '../reply.ts';
import { subcommandsOf, writeStatuses } from './command-info.ts';
import { type CommandArgument, parseSyntax } from './syntax.ts';

/** Redis has one group for both. */
const groupNames: Readonly<Record<string, string>> = { number: 'string' };

/** Writes a pair: the command's name, and the map of what is told of it. */
export function writeDocs(table: TablePort, command: DescribedCommand, reply: ReplyWriter): void {
  const subcommands = subcommandsOf(table, command);
  const isContainer = command.kind === 'container';
  const args = isContainer ? [] : parseSyntax(command.syntax);
  reply.bulkText(command.name);
  reply.map(4 + Number(args.length > 0) + Number(isContainer));
  writeText('summary', command.summary, reply);
  writeText('since', command.since, reply);
  writeText('group', groupNames[command.group] ?? command.group, reply);
  writeText('complexity', command.complexity, reply);
  if (args.length > 0) {
    reply.bulkText('arguments');
    writeArguments(args, reply);
  }
  if (isContainer) {
    reply.bulkText('subcommands');
    reply.map(subcommands.length);
    for (const subcommand of subcommands) writeDocs(table, subcommand, reply);
  }
}

function writeArguments(args: readonly CommandArgument[], reply: ReplyWriter): void {
  reply.array(args.length);
  for (const argument of args) writeArgument(argument, reply);
}

function writeArgument(argument: CommandArgument, reply: ReplyWriter): void {
  const { name, type, token, members } = argument;
  const flags = flagsOf(argument);
  const isKey = type === 'key';
  reply.map(2 + Number(isKey) + Number(token !== null) + Number(flags.length > 0) + Number(members.length > 0));
  writeText('name', name, reply);
  writeText('type', type, reply);
  if (isKey) {
    reply.bulkText('key_spec_index');
    reply.integer(0);
  }
  if (token !== null) writeText('token', token, reply);
  if (flags.length > 0) {
    reply.bulkText('flags');
    writeStatuses(flags, reply);
  }
  if (members.length > 0) {
    reply.bulkText('arguments');
    writeArguments(members, reply);
  }
}

function flagsOf({ isOptional, isMultiple, repeatsToken }: CommandArgument): readonly string[] {
  const flags: string[] = [];
  if (isOptional) flags.push('optional');
  if (isMultiple) flags.push('multiple');
  if (repeatsToken) flags.push('multiple_token');
  return flags;
}

function writeText(name: string, value: string, reply: ReplyWriter): void {
  reply.bulkText(name);
  reply.bulkText(value);
}
