import type { KeyFlag } from '../command-row.ts';
import type { DescribedCommand, TablePort } from '../control.ts';
import type { ReplyWriter } from '../reply.ts';
import { categoriesOf, flagsOf } from './categories.ts';

/** All commands that are no subcommands and are offered to clients. */
export function topLevel(table: TablePort): DescribedCommand[] {
  return table.commands.filter(({ name, group }) => group !== 'internal' && !name.includes('|'));
}

export function subcommandsOf(table: TablePort, { kind, name }: DescribedCommand): DescribedCommand[] {
  return kind === 'container' ? table.commands.filter((row) => row.name.startsWith(`${name}|`)) : [];
}

/** The ten elements of COMMAND INFO: name, arity, flags, first, last and step of keys, categories, tips, keys, subcommands. */
export function writeInfo(table: TablePort, command: DescribedCommand, reply: ReplyWriter): void {
  const { first, last, step } = command.keys;
  const hasKeys = step > 0;
  reply.array(10);
  reply.bulkText(command.name);
  reply.integer(command.arity);
  writeStatuses(flagsOf(command), reply);
  // Counted from 1 here, because the command's name is argument 0.
  reply.integer(hasKeys ? first + 1 : 0);
  reply.integer(hasKeys ? (last < 0 ? last : last + 1) : 0);
  reply.integer(step);
  writeStatuses(
    categoriesOf(command).map((category) => `@${category}`),
    reply,
  );
  const tips = tipsOf(command);
  reply.set(tips.length);
  for (const tip of tips) reply.bulkText(tip);
  writeKeySpecification(command, reply);
  const subcommands = subcommandsOf(table, command);
  if (subcommands.length === 0) reply.set(0);
  else reply.array(subcommands.length);
  for (const subcommand of subcommands) writeInfo(table, subcommand, reply);
}

export function writeStatuses(words: readonly string[], reply: ReplyWriter): void {
  reply.set(words.length);
  for (const word of words) reply.status(word);
}

/** What is done with the keys, in Redis's words. */
export function keyFlagsOf({ kind, keyFlags }: DescribedCommand): readonly KeyFlag[] {
  return keyFlags ?? (kind === 'read' ? ['RO', 'access'] : ['RW', 'access', 'update']);
}

function writeKeySpecification(command: DescribedCommand, reply: ReplyWriter): void {
  const { first, last, step } = command.keys;
  if (step === 0) {
    reply.set(0);
    return;
  }
  reply.set(1);
  reply.map(3);
  reply.bulkText('flags');
  writeStatuses(keyFlagsOf(command), reply);
  reply.bulkText('begin_search');
  writeSpecification('index', [['index', first + 1]], reply);
  reply.bulkText('find_keys');
  const fields = [
    ['lastkey', last < 0 ? last : last - first],
    ['keystep', step],
    ['limit', 0],
  ] as const;
  writeSpecification('range', fields, reply);
}

function writeSpecification(type: string, fields: readonly (readonly [string, number])[], reply: ReplyWriter): void {
  reply.map(2);
  reply.bulkText('type');
  reply.bulkText(type);
  reply.bulkText('spec');
  reply.map(fields.length);
  for (const [name, value] of fields) {
    reply.bulkText(name);
    reply.integer(value);
  }
}

/** How clients that know several nodes send the command, and put its replies together. */
function tipsOf(command: DescribedCommand): readonly string[] {
  // Any node sees to it that all do it.
  if ('isClusterWide' in command) return [];
  switch ('gather' in command ? command.gather : command.kind) {
    case 'sum':
      return ['request_policy:multi_shard', 'response_policy:agg_sum'];
    case 'by-key':
      return ['request_policy:multi_shard'];
    case 'all-ok':
      return ['request_policy:multi_shard', 'response_policy:all_succeeded'];
    case 'sweep':
      return ['request_policy:all_shards', 'response_policy:all_succeeded'];
    default:
      return [];
  }
}
