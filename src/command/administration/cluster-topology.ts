import type { ClusterDescription, ClusterMember, SlotRange, SlotRun } from '../cluster-port.ts';
import type { NodeCommand } from '../command.ts';
import type { ConnectionPort } from '../connection.ts';
import { asciiText } from '../decimal.ts';
import type { ReplyWriter } from '../reply.ts';

type OnNode = NodeCommand['run'];
/** Told to one connection: a node that listens on all addresses is where its clients have reached it. */
type OnConnection = (connection: ConnectionPort, args: Parameters<OnNode>[1], reply: ReplyWriter) => void;

export const info: OnNode = ({ control: { cluster } }, _args, reply) => {
  const { self, members, ranges, isOk, epoch, links } = cluster.describe();
  let assigned = 0;
  let served = 0;
  for (const { first, last, primary } of ranges) {
    assigned += last - first + 1;
    if (primary !== null) served += last - first + 1;
  }
  const sum = (field: 'sentMessages' | 'receivedMessages' | 'droppedMessages'): number =>
    links.reduce((total, link) => total + link[field], 0);
  const fields: (readonly [string, string | number])[] = [
    ['cluster_state', isOk ? 'ok' : 'fail'],
    ['cluster_slots_assigned', assigned],
    ['cluster_slots_ok', served],
    ['cluster_slots_pfail', 0],
    ['cluster_slots_fail', assigned - served],
    ['cluster_known_nodes', members.length],
    ['cluster_size', members.filter(({ slots }) => slots.length > 0).length],
    ['cluster_current_epoch', epoch],
    ['cluster_my_epoch', self.epoch],
    ['cluster_stats_messages_sent', sum('sentMessages')],
    ['cluster_stats_messages_received', sum('receivedMessages')],
  ];
  if (cluster.isEnabled) fields.push(['total_cluster_links_buffer_limit_exceeded', sum('droppedMessages')]);
  else fields.unshift(['cluster_enabled', 0]);
  reply.text(fields.map(([name, value]) => `${name}:${value}\r\n`).join(''));
};

export const myId: OnNode = ({ control }, _args, reply) => reply.bulkText(control.cluster.describe().self.id);

export const links: OnNode = ({ control }, _args, reply) => {
  const { links: all } = control.cluster.describe();
  reply.array(all.length);
  for (const { id, connectedAtMs, queuedBytes } of all) {
    reply.map(6);
    texts(reply, 'direction', 'to', 'node', id, 'create-time');
    reply.integer(connectedAtMs);
    texts(reply, 'events', queuedBytes > 0 ? 'rw' : 'r', 'send-buffer-allocated');
    reply.integer(queuedBytes);
    reply.bulkText('send-buffer-used');
    reply.integer(queuedBytes);
  }
};

export const nodes: OnConnection = (connection, _args, reply) => {
  connection.wantsRedirects = true;
  const description = connection.node.control.cluster.describe();
  reply.text(description.members.map((member) => `${lineOf(member, connection)}\n`).join(''));
};

/** The nodes that hold copies of what one is primary of, each in a line as CLUSTER NODES has it. */
export const replicas: OnConnection = (connection, args, reply) => {
  const description = connection.node.control.cluster.describe();
  const of = memberArg(description, args, reply);
  if (of === null) return;
  const holders = new Set<ClusterMember>();
  for (const range of description.ranges) {
    if (range.primary?.id === of.id) for (const replica of range.replicas) holders.add(replica);
  }
  reply.array(holders.size);
  for (const member of holders) reply.bulkText(lineOf(member, connection));
};

/** Nobody reports failures here: the controller decides who is dead. */
export const failureReports: OnNode = ({ control }, args, reply) => {
  if (memberArg(control.cluster.describe(), args, reply) !== null) reply.integer(0);
};

export const slots: OnConnection = (connection, _args, reply) => {
  connection.wantsRedirects = true;
  const served = connection.node.control.cluster
    .describe()
    .ranges.flatMap((range) =>
      range.primary !== null && isReachable(range.primary) ? [{ range, primary: range.primary }] : [],
    );
  reply.array(served.length);
  for (const { range, primary } of served) {
    const members = [primary, ...range.replicas.filter(isReachable)];
    reply.array(2 + members.length);
    reply.integer(range.first);
    reply.integer(range.last);
    for (const member of members) {
      reply.array(4);
      reply.bulkText(hostOf(member, connection));
      reply.integer(member.port);
      reply.bulkText(member.id);
      reply.array(0);
    }
  }
};

export const shards: OnConnection = (connection, _args, reply) => {
  connection.wantsRedirects = true;
  const groups = groupsOf(connection.node.control.cluster.describe().ranges);
  reply.array(groups.length);
  for (const { runs, primary, replicas: copies } of groups) {
    reply.map(2);
    reply.bulkText('slots');
    reply.array(runs.length * 2);
    for (const [first, last] of runs) {
      reply.integer(first);
      reply.integer(last);
    }
    reply.bulkText('nodes');
    reply.array(1 + copies.length);
    for (const member of [primary, ...copies]) {
      const host = hostOf(member, connection);
      reply.map(7);
      texts(reply, 'id', member.id, 'port');
      reply.integer(member.port);
      texts(reply, 'ip', host, 'endpoint', host, 'role', member === primary ? 'master' : 'replica');
      // Copies are counted by partitions, and not by bytes over all of them.
      reply.bulkText('replication-offset');
      reply.integer(0);
      texts(reply, 'health', member.isFailing ? 'fail' : 'online');
    }
  }
};

interface ShardGroup {
  readonly runs: SlotRun[];
  readonly primary: ClusterMember;
  readonly replicas: readonly ClusterMember[];
}

/** The slots that have the same primary and the same replicas are one shard to clients. */
function groupsOf(ranges: readonly SlotRange[]): ShardGroup[] {
  const groups = new Map<string, ShardGroup>();
  for (const { first, last, primary, replicas: copies } of ranges) {
    if (primary === null || !isReachable(primary)) continue;
    const reachable = copies.filter(isReachable);
    const key = [primary, ...reachable].map(({ id }) => id).join();
    const group = groups.get(key) ?? { runs: [], primary, replicas: reachable };
    groups.set(key, group);
    group.runs.push([first, last]);
  }
  return [...groups.values()];
}

function lineOf(member: ClusterMember, connection: ConnectionPort): string {
  const { id, primary, epoch, slots: runs } = member;
  const flags = [
    ...(member.isSelf ? ['myself'] : []),
    primary === null ? 'master' : 'slave',
    ...(member.isFailing ? ['fail'] : []),
    ...(isReachable(member) ? [] : ['noaddr']),
  ].join();
  const address = `${hostOf(member, connection)}:${member.port}@${member.busPort}`;
  const link = member.isConnected ? 'connected' : 'disconnected';
  const texts = runs.map(([first, last]) => (first === last ? ` ${first}` : ` ${first}-${last}`));
  // When each was asked and answered last is not counted here.
  return `${id} ${address} ${flags} ${primary ?? '-'} 0 0 ${epoch} ${link}${texts.join('')}`;
}

/** Where clients reach a node: this one, where the one that asks has reached it, when it listens on all addresses. */
export function hostOf(member: ClusterMember, { client }: ConnectionPort): string {
  if (!member.isSelf || member.host !== '') return member.host;
  return client.localAddress.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
}

function isReachable(member: ClusterMember): boolean {
  return member.isSelf || (member.host !== '' && member.port > 0);
}

/** The node whose id argument 1 is; null, with the error written, when there is none. */
export function memberArg(
  { members }: ClusterDescription,
  args: Parameters<OnNode>[1],
  reply: ReplyWriter,
): ClusterMember | null {
  const id = asciiText(args.bytes, args.start(1), args.end(1));
  const member = members.find((candidate) => candidate.id === id.toLowerCase());
  if (member !== undefined) return member;
  reply.error('invalid-argument', `Unknown node ${id.slice(0, 128).replaceAll(/[\r\n]/g, ' ')}`);
  return null;
}

function texts(reply: ReplyWriter, ...values: readonly string[]): void {
  for (const value of values) reply.bulkText(value);
}
