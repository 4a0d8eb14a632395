import { slotOf } from '../../base/slot.ts';
import { type CommandDeclaration, type NodeCommand, noKeys } from '../command.ts';
import { container, helpOf, helpRow } from '../containers.ts';
import { control, failover, forget, report } from './cluster-changes.ts';
import { failureReports, info, links, myId, nodes, replicas, shards, slots } from './cluster-topology.ts';
import { countKeys, getKeys } from './slot-search.ts';

const keySlot: NodeCommand['run'] = (_node, args, reply) => {
  reply.integer(slotOf(args.bytes, args.start(1), args.end(1)));
};

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

const connectionRow = { ...row, kind: 'connection' } as const;

const searchRow = {
  kind: 'survey',
  flags: ['readonly', 'stale'],
  keys: noKeys,
  group: 'server',
  since: '3.0.0',
  complexity: 'O(N) where N is the number of all keys',
} as const;

const perNode = 'O(N) where N is the number of nodes';
const perPartition = 'O(N) where N is the number of partitions';

/**
 * The cluster in Redis's words. A node by itself is told as a cluster of one that owns every slot, for tools that ask
 * whether they are told to or not. Here a node is primary of some partitions and holds copies of others: it is told as a
 * master if it is primary of anything, and as a replica of what it holds copies of.
 */
export const clusterCommands: readonly CommandDeclaration[] = [
  {
    ...container,
    name: 'cluster',
    since: '3.0.0',
    summary: 'About the nodes of the cluster, and who owns which slots.',
  },
  { ...row, name: 'cluster|info', summary: 'Tells the state of the cluster.', run: info },
  { ...row, name: 'cluster|myid', summary: 'Returns the id of this node.', run: myId },
  {
    ...connectionRow,
    name: 'cluster|nodes',
    summary: 'Tells about all nodes, a line each.',
    complexity: perNode,
    run: nodes,
  },
  {
    ...connectionRow,
    name: 'cluster|slots',
    summary: 'Tells which node owns which slots.',
    complexity: perPartition,
    run: slots,
  },
  {
    ...connectionRow,
    name: 'cluster|shards',
    since: '7.0.0',
    summary: 'Tells which nodes own which slots.',
    complexity: perPartition,
    run: shards,
  },
  {
    ...connectionRow,
    name: 'cluster|replicas',
    arity: 3,
    flags: ['admin', 'stale'],
    since: '5.0.0',
    summary: 'Tells about the nodes that hold copies of what one is primary of, a line each.',
    complexity: perPartition,
    syntax: 'node-id',
    run: replicas,
  },
  {
    ...connectionRow,
    name: 'cluster|slaves',
    arity: 3,
    flags: ['admin', 'stale'],
    summary: 'As CLUSTER REPLICAS.',
    complexity: perPartition,
    syntax: 'node-id',
    run: replicas,
  },
  {
    ...row,
    name: 'cluster|links',
    since: '7.0.0',
    summary: 'Tells about the connections to other nodes.',
    complexity: perNode,
    run: links,
  },
  {
    ...row,
    name: 'cluster|count-failure-reports',
    arity: 3,
    flags: ['admin', 'stale'],
    summary: 'Returns 0: nodes do not report each other.',
    syntax: 'node-id',
    run: failureReports,
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
    ...connectionRow,
    name: 'cluster|failover',
    arity: -2,
    flags: ['admin', 'stale', 'no_async_loading'],
    summary: 'Has this node become primary of what it holds in-sync copies of.',
    complexity: perPartition,
    syntax: '[FORCE | TAKEOVER]',
    run: failover,
  },
  {
    ...connectionRow,
    name: 'cluster|forget',
    arity: 3,
    flags: ['admin', 'stale', 'no_async_loading'],
    summary: 'Removes a node that has no copies any more.',
    syntax: 'node-id',
    run: forget,
  },
  {
    ...connectionRow,
    name: 'cluster|report',
    arity: -2,
    since: '1.0.0',
    summary: 'Tells all there is to tell of the cluster, as JSON: what GET /v1/cluster answers.',
    complexity: perPartition,
    syntax: '[PARTITIONS]',
    run: report,
  },
  {
    ...connectionRow,
    name: 'cluster|control',
    arity: -3,
    flags: ['admin', 'noscript', 'stale'],
    since: '1.0.0',
    summary: 'Has the cluster do what POST /v1/cluster/VERB has it do, with the same JSON.',
    syntax: 'verb [json]',
    run: control,
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
      ['REPLICAS <node-id>', 'The nodes with copies of what one is primary of.'],
      ['SLAVES <node-id>', 'As REPLICAS.'],
      ['LINKS', 'The connections to other nodes.'],
      ['COUNT-FAILURE-REPORTS <node-id>', 'Always 0.'],
      ['KEYSLOT <key>', 'The slot of a key.'],
      ['COUNTKEYSINSLOT <slot>', 'How many keys are of a slot.'],
      ['GETKEYSINSLOT <slot> <count>', 'Keys of a slot.'],
      ['FAILOVER [FORCE|TAKEOVER]', 'Makes this node primary of what it holds copies of.'],
      ['FORGET <node-id>', 'Removes a node that has no copies any more.'],
      ['REPORT [PARTITIONS]', 'All there is to tell, as JSON.'],
      ['CONTROL <verb> [<json>]', 'drain, undrain, remove, rebalance, failover, settings or reset.'],
      ['HELP', 'This text.'],
    ]),
  },
];
