import { ValueType } from '../../base/view.ts';
import type { Args } from '../args.ts';
import {
  type CommandDeclaration,
  type ConnectionCommand,
  type LateReply,
  type NodeCommand,
  type NodePort,
  noKeys,
} from '../command.ts';
import type { ConnectionPort } from '../connection.ts';
import { asciiText } from '../decimal.ts';
import type { ReplyWriter } from '../reply.ts';

function publish(node: NodePort, args: Args, reply: ReplyWriter): undefined | Promise<LateReply> {
  return tellCount(node.publisher.publish(args.view(0), args.view(1)), reply);
}

function publishToShard(node: NodePort, args: Args, reply: ReplyWriter): undefined | Promise<LateReply> {
  return tellCount(node.publisher.publishToShard(args.view(0), args.view(1)), reply);
}

function tellCount(count: number | Promise<number>, reply: ReplyWriter): undefined | Promise<LateReply> {
  if (typeof count !== 'number') return count.then((total) => (late) => late.integer(total));
  reply.integer(count);
  return undefined;
}

/** The pattern behind the subcommand's name; undefined, with the error written, when there is more than that. */
function patternArg(args: Args, reply: ReplyWriter): Uint8Array | null | undefined {
  if (args.count <= 2) return args.count === 2 ? args.view(1) : null;
  const name = asciiText(args.bytes, args.start(0), args.end(0));
  reply.error('arity', `unknown subcommand or wrong number of arguments for '${name}'. Try PUBSUB HELP.`);
  return undefined;
}

function listChannels(node: NodePort, args: Args, reply: ReplyWriter): void {
  const pattern = patternArg(args, reply);
  if (pattern !== undefined) node.publisher.listChannels(pattern, reply);
}

function listShardChannels(node: NodePort, args: Args, reply: ReplyWriter): void {
  const pattern = patternArg(args, reply);
  if (pattern !== undefined) node.publisher.listShardChannels(pattern, reply);
}

function countOf(count: (node: NodePort, channel: Uint8Array) => number): NodeCommand['run'] {
  return (node, args, reply) => {
    reply.array((args.count - 1) * 2);
    for (let index = 1; index < args.count; index++) {
      reply.bulk(ValueType.string, args.bytes, args.start(index), args.end(index));
      reply.integer(count(node, args.view(index)));
    }
  };
}

function help(_node: NodePort, _args: Args, reply: ReplyWriter): void {
  reply.array(helpLines.length);
  for (const line of helpLines) reply.status(line);
}

const helpLines = [
  'PUBSUB <subcommand> [<arg> [value] [opt] ...]. Subcommands are:',
  'CHANNELS [<pattern>]',
  '    Channels that have subscribers, all or those that match.',
  'NUMPAT',
  '    How many patterns anybody is subscribed to.',
  'NUMSUB [<channel> ...]',
  '    How many are subscribed to each channel by its name.',
  'SHARDCHANNELS [<pattern>]',
  '    Shard channels that have subscribers, all or those that match.',
  'SHARDNUMSUB [<shardchannel> ...]',
  '    How many are subscribed to each shard channel.',
  'HELP',
  '    These lines.',
];

const connectionRow = {
  kind: 'connection',
  flags: ['pubsub', 'noscript', 'loading', 'stale'],
  keys: noKeys,
  group: 'pubsub',
  complexity: 'O(N) with the number of names',
  whileSubscribed: 'runs',
} as const satisfies Partial<ConnectionCommand>;

const nodeRow = {
  kind: 'node',
  flags: ['pubsub', 'loading', 'stale'],
  keys: noKeys,
  group: 'pubsub',
} as const satisfies Partial<NodeCommand>;

const publishRow = {
  ...nodeRow,
  arity: 3,
  flags: ['pubsub', 'loading', 'stale', 'fast'],
  whilePaused: 'as-write',
  complexity: 'O(N+M) with the subscribers of the channel and the patterns of all',
} as const satisfies Partial<NodeCommand>;

/** Channels are not keys: who may run these may use all channels, whatever patterns of keys are his. */
export const pubsubCommands: readonly CommandDeclaration[] = [
  {
    ...connectionRow,
    name: 'subscribe',
    arity: -2,
    since: '2.0.0',
    summary: 'Has messages of the channels sent to this connection.',
    syntax: 'channel [channel ...]',
    run: (connection: ConnectionPort, args: Args, reply: ReplyWriter) =>
      connection.subscriptions.subscribe(args, reply),
  },
  {
    ...connectionRow,
    name: 'unsubscribe',
    arity: -1,
    since: '2.0.0',
    summary: 'Ends what SUBSCRIBE began, for these channels or all.',
    syntax: '[channel [channel ...]]',
    run: (connection: ConnectionPort, args: Args, reply: ReplyWriter) =>
      connection.subscriptions.unsubscribe(args, reply),
  },
  {
    ...connectionRow,
    name: 'psubscribe',
    arity: -2,
    since: '2.0.0',
    summary: 'Has messages of all channels that match a pattern sent to this connection.',
    syntax: 'pattern [pattern ...]',
    run: (connection: ConnectionPort, args: Args, reply: ReplyWriter) =>
      connection.subscriptions.psubscribe(args, reply),
  },
  {
    ...connectionRow,
    name: 'punsubscribe',
    arity: -1,
    since: '2.0.0',
    summary: 'Ends what PSUBSCRIBE began, for these patterns or all.',
    syntax: '[pattern [pattern ...]]',
    run: (connection: ConnectionPort, args: Args, reply: ReplyWriter) =>
      connection.subscriptions.punsubscribe(args, reply),
  },
  {
    ...connectionRow,
    name: 'ssubscribe',
    arity: -2,
    since: '7.0.0',
    summary: 'Has messages of the shard channels sent to this connection.',
    syntax: 'shardchannel [shardchannel ...]',
    run: (connection: ConnectionPort, args: Args, reply: ReplyWriter) =>
      connection.subscriptions.ssubscribe(args, reply),
  },
  {
    ...connectionRow,
    name: 'sunsubscribe',
    arity: -1,
    since: '7.0.0',
    summary: 'Ends what SSUBSCRIBE began, for these shard channels or all.',
    syntax: '[shardchannel [shardchannel ...]]',
    run: (connection: ConnectionPort, args: Args, reply: ReplyWriter) =>
      connection.subscriptions.sunsubscribe(args, reply),
  },
  {
    ...publishRow,
    name: 'publish',
    since: '2.0.0',
    summary: 'Sends a message to a channel, and returns how many receive it.',
    syntax: 'channel message',
    run: publish,
  },
  {
    ...publishRow,
    name: 'spublish',
    since: '7.0.0',
    summary: 'Sends a message to a shard channel, and returns how many receive it.',
    complexity: 'O(N) with the subscribers of the channel',
    syntax: 'shardchannel message',
    run: publishToShard,
  },
  {
    kind: 'container',
    name: 'pubsub',
    arity: -2,
    flags: [],
    keys: noKeys,
    group: 'pubsub',
    since: '2.8.0',
    summary: 'About channels.',
    complexity: 'Depends on the subcommand',
    syntax: 'subcommand [argument ...]',
  },
  {
    ...nodeRow,
    name: 'pubsub|channels',
    arity: -2,
    since: '2.8.0',
    summary: 'Lists the channels that have subscribers.',
    complexity: 'O(N) with the number of channels',
    syntax: '[pattern]',
    run: listChannels,
  },
  {
    ...nodeRow,
    name: 'pubsub|numsub',
    arity: -2,
    since: '2.8.0',
    summary: 'Returns how many are subscribed to each channel, by patterns not counted.',
    complexity: 'O(N) with the number of channels',
    syntax: '[channel [channel ...]]',
    run: countOf((node, channel) => node.publisher.subscriberCount(channel)),
  },
  {
    ...nodeRow,
    name: 'pubsub|numpat',
    arity: 2,
    since: '2.8.0',
    summary: 'Returns how many patterns anybody is subscribed to.',
    complexity: 'O(1)',
    syntax: '',
    run: (node: NodePort, _args: Args, reply: ReplyWriter) => reply.integer(node.publisher.patternCount),
  },
  {
    ...nodeRow,
    name: 'pubsub|shardchannels',
    arity: -2,
    since: '7.0.0',
    summary: 'Lists the shard channels that have subscribers.',
    complexity: 'O(N) with the number of shard channels',
    syntax: '[pattern]',
    run: listShardChannels,
  },
  {
    ...nodeRow,
    name: 'pubsub|shardnumsub',
    arity: -2,
    since: '7.0.0',
    summary: 'Returns how many are subscribed to each shard channel.',
    complexity: 'O(N) with the number of shard channels',
    syntax: '[shardchannel [shardchannel ...]]',
    run: countOf((node, channel) => node.publisher.shardSubscriberCount(channel)),
  },
  {
    ...nodeRow,
    name: 'pubsub|help',
    arity: 2,
    flags: ['loading', 'stale'],
    since: '6.2.0',
    summary: 'Lists the subcommands.',
    complexity: 'O(1)',
    syntax: '',
    run: help,
  },
];
