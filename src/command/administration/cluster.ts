import { SLOT_COUNT, slotOf } from '../../base/slot.ts';
import type { EntryInfo, ReadView } from '../../base/view.ts';
import { ValueType } from '../../base/view.ts';
import type { Args } from '../args.ts';
import {
  type CommandDeclaration,
  type ConnectionCommand,
  type NodeCommand,
  noKeys,
  type SurveyNode,
} from '../command.ts';
import type { ConnectionPort } from '../connection.ts';
import { container, helpOf, helpRow } from '../containers.ts';
import { decodeRoughInteger } from '../decimal.ts';
import { integerArg } from '../options.ts';
import { ReplyReader, type ReplyWriter } from '../reply.ts';

type Run = NodeCommand['run'];

const lastSlot = SLOT_COUNT - 1;
/** There is one node, and so one epoch. */
const epoch = 1;

const infoFields: readonly (readonly [string, string | number])[] = [
  ['cluster_enabled', 0],
  ['cluster_state', 'ok'],
  ['cluster_slots_assigned', SLOT_COUNT],
  ['cluster_slots_ok', SLOT_COUNT],
  ['cluster_slots_pfail', 0],
  ['cluster_slots_fail', 0],
  ['cluster_known_nodes', 1],
  ['cluster_size', 1],
  ['cluster_current_epoch', epoch],
  ['cluster_my_epoch', epoch],
  ['cluster_stats_messages_sent', 0],
  ['cluster_stats_messages_received', 0],
];

const info: Run = (_node, _args, reply) => {
  reply.text(infoFields.map(([name, value]) => `${name}:${value}\r\n`).join(''));
};

const myId: Run = ({ control }, _args, reply) => reply.bulkText(control.cluster.nodeId);

/** Where clients reach this node: where the one that asks has reached it, when it listens on all addresses. */
function hostFor({ client, node }: ConnectionPort): string {
  const { host } = node.control.cluster;
  return host === '' ? client.localAddress.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1') : host;
}

const nodes: ConnectionCommand['run'] = (connection, _args, reply) => {
  const { nodeId, port, busPort } = connection.node.control.cluster;
  const address = `${hostFor(connection)}:${port}@${busPort}`;
  reply.text(`${nodeId} ${address} myself,master - 0 0 ${epoch} connected 0-${lastSlot}\n`);
};

const slots: ConnectionCommand['run'] = (connection, _args, reply) => {
  const { nodeId, port } = connection.node.control.cluster;
  reply.array(1);
  reply.array(3);
  reply.integer(0);
  reply.integer(lastSlot);
  reply.array(4);
  reply.bulkText(hostFor(connection));
  reply.integer(port);
  reply.bulkText(nodeId);
  reply.array(0);
};

const shards: ConnectionCommand['run'] = (connection, _args, reply) => {
  const { nodeId, port } = connection.node.control.cluster;
  const host = hostFor(connection);
  reply.array(1);
  reply.map(2);
  reply.bulkText('slots');
  reply.array(2);
  reply.integer(0);
  reply.integer(lastSlot);
  reply.bulkText('nodes');
  reply.array(1);
  const fields = [
    ['id', nodeId],
    ['port', port],
    ['ip', host],
    ['endpoint', host],
    ['role', 'master'],
    ['replication-offset', 0],
    ['health', 'online'],
  ] as const;
  reply.map(fields.length);
  for (const [name, value] of fields) {
    reply.bulkText(name);
    if (typeof value === 'number') reply.integer(value);
    else reply.bulkText(value);
  }
};

const links: Run = (_node, _args, reply) => reply.array(0);

const keySlot: Run = (_node, args, reply) => {
  reply.integer(slotOf(args.bytes, args.start(1), args.end(1)));
};

/** Entries looked at before other commands have their turn. */
const entriesPerPiece = 4096;
/** Cursors of one store are below this; a cursor over all is the shard's number times it, and its store's cursor. */
const cursorsPerShard = 2 ** 32;

/** What the visitor of one piece needs; refilled for every piece. */
const search = {
  slot: 0,
  found: 0,
  wanted: 0,
  reply: null as ReplyWriter | null,
};

function visit(keys: Uint8Array, start: number, end: number, _entry: EntryInfo): void {
  if (slotOf(keys, start, end) !== search.slot || search.found >= search.wanted) return;
  search.found++;
  search.reply?.bulk(ValueType.string, keys, start, end);
}

/** Looks at one piece of all keys from `cursor` on; returns the next cursor, 0 at the end or when enough is found. */
function searchPiece(views: readonly ReadView[], cursor: number): number {
  const shard = Math.floor(cursor / cursorsPerShard);
  const view = views[shard];
  if (view === undefined) return 0;
  const next = view.scan(cursor % cursorsPerShard, entriesPerPiece, visit);
  if (search.found >= search.wanted) return 0;
  if (next > 0) return shard * cursorsPerShard + next;
  return shard + 1 < views.length ? (shard + 1) * cursorsPerShard : 0;
}

const reader = new ReplyReader();

function countKeys(
  views: readonly ReadView[],
  _node: SurveyNode,
  args: Args,
  reply: ReplyWriter,
  resume: number,
): number {
  const slot = integerArg(args, 1, reply);
  if (Number.isNaN(slot)) return 0;
  if (slot < 0 || slot > lastSlot) {
    reply.error('invalid-argument', 'Invalid slot');
    return 0;
  }
  // What earlier pieces found stands in the reply.
  if (resume > 0) reader.openWritten(reply);
  Object.assign(search, { slot, wanted: Infinity, reply: null });
  search.found = resume > 0 ? reader.number : 0;
  const next = searchPiece(views, resume);
  reply.truncate(0);
  reply.integer(search.found);
  return next;
}

function getKeys(
  views: readonly ReadView[],
  _node: SurveyNode,
  args: Args,
  reply: ReplyWriter,
  resume: number,
): number {
  const slot = integerArg(args, 1, reply);
  if (Number.isNaN(slot)) return 0;
  const wanted = decodeRoughInteger(args.bytes, args.start(2), args.end(2));
  if (Number.isNaN(wanted)) {
    integerArg(args, 2, reply);
    return 0;
  }
  if (slot < 0 || slot > lastSlot || wanted < 0) {
    reply.error('invalid-argument', 'Invalid slot or number of keys');
    return 0;
  }
  const mark = resume === 0 ? reply.beginArray() : 1;
  reader.openWritten(reply);
  const before = reader.count;
  Object.assign(search, { slot, wanted, reply });
  search.found = before;
  const next = wanted === 0 ? 0 : searchPiece(views, resume);
  search.reply = null;
  reply.endArray(mark, search.found);
  return next;
}

const row = {
  kind: 'node',
  arity: 2,
  flags: ['stale'],
  keys: noKeys,
  group: 'server',
  since: '3.0.0',
  complexity: 'O(1)',
  syntax: '',
} as const;

const searchRow = {
  kind: 'survey',
  flags: ['readonly', 'stale'],
  keys: noKeys,
  group: 'server',
  since: '3.0.0',
  complexity: 'O(N) where N is the number of all keys',
} as const;

/** A node by itself, told as a cluster of one that owns every slot, for tools that ask whether they are told to or not. */
export const clusterCommands: readonly CommandDeclaration[] = [
  { ...container, name: 'cluster', since: '3.0.0', summary: 'About the slots of keys and who owns them.' },
  { ...row, name: 'cluster|info', summary: 'Tells the state of the cluster.', run: info },
  { ...row, name: 'cluster|myid', summary: 'Returns the id of this node.', run: myId },
  {
    ...row,
    kind: 'connection',
    name: 'cluster|nodes',
    summary: 'Tells about all nodes, a line each.',
    run: nodes,
  },
  {
    ...row,
    kind: 'connection',
    name: 'cluster|slots',
    summary: 'Tells which node owns which slots.',
    run: slots,
  },
  {
    ...row,
    kind: 'connection',
    name: 'cluster|shards',
    since: '7.0.0',
    summary: 'Tells which nodes own which slots.',
    run: shards,
  },
  {
    ...row,
    name: 'cluster|links',
    since: '7.0.0',
    summary: 'Returns an empty array: there are no other nodes.',
    run: links,
  },
  {
    ...row,
    name: 'cluster|keyslot',
    arity: 3,
    summary: 'Returns the slot of a key.',
    complexity: 'O(N) where N is the length of the key',
    syntax: 'key',
    run: keySlot,
  },
  {
    ...searchRow,
    parts: 'sum',
    name: 'cluster|countkeysinslot',
    arity: 3,
    summary: 'Returns how many keys are of a slot.',
    syntax: 'slot',
    run: countKeys,
  },
  {
    ...searchRow,
    parts: 'concat',
    name: 'cluster|getkeysinslot',
    arity: 4,
    summary: 'Returns keys of a slot, at most so many.',
    syntax: 'slot count',
    run: getKeys,
  },
  {
    ...helpRow,
    name: 'cluster|help',
    since: '5.0.0',
    run: helpOf('CLUSTER', [
      ['INFO', 'The state of the cluster.'],
      ['MYID', 'The id of this node.'],
      ['NODES', 'All nodes, a line each.'],
      ['SLOTS', 'Which node owns which slots.'],
      ['SHARDS', 'Which nodes own which slots.'],
      ['LINKS', 'None: there are no other nodes.'],
      ['KEYSLOT <key>', 'The slot of a key.'],
      ['COUNTKEYSINSLOT <slot>', 'How many keys are of a slot.'],
      ['GETKEYSINSLOT <slot> <count>', 'Keys of a slot.'],
      ['HELP', 'This text.'],
    ]),
  },
];
