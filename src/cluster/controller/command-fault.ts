import { unreachable } from '../../base/assert.ts';
import { type Claim, FRESH, isNodeId, type Member } from '../identity.ts';
import {
  ADDRESS_BYTES_MAX,
  COPIES_MAX,
  MEMBERS_MAX,
  NODE_ID_BYTES_MAX,
  PARTITIONS_MAX,
  WEIGHT_MAX,
  WEIGHT_MIN,
  ZONE_BYTES_MAX,
} from '../limits.ts';
import type { ClusterCommand } from './cluster-command.ts';
import { targetsFault, validateSettings } from './settings.ts';

type CommandOf<Type extends ClusterCommand['type']> = Extract<ClusterCommand, { type: Type }>;

/**
 * What is wrong with a command whatever the state: a value that no cluster can have. In plain words, with what is
 * allowed; null: nothing. Whoever puts a command into the log asks first, for what passes here can be read by every
 * node: it is at least as strict as `decodeCommand`, for values of any type.
 */
export function commandFault(command: ClusterCommand): string | null {
  switch (command.type) {
    case 'create':
      return validateSettings(command.settings, 0).refusal;
    case 'register':
      return registerFault(command);
    case 'fence':
    case 'unfence':
    case 'resume':
      return nodeFault('node', command.node) ?? countFault('boot', command.boot);
    case 'alter-in-sync':
      return proposalFault(command) ?? membersFault(command.members);
    case 'hand-over':
      return proposalFault(command) ?? nodeFault('to', command.to);
    case 'lose':
      return (
        partitionFault(command.partition) ?? countFault('epoch', command.epoch) ?? memberFault('member', command.member)
      );
    case 'place':
      return placeFault(command);
    case 'drain':
      return drainFault(command);
    case 'remove':
      return nodeFault('node', command.node);
    case 'reset':
      return (
        partitionFault(command.partition) ??
        countFault('version', command.version) ??
        flagFault('givesUp', command.givesUp)
      );
    case 'set-settings':
      return targetsFault(command);
    case 'stop':
      return nodeFault('node', command.node) ?? countFault('boot', command.boot) ?? flagFault('isOver', command.isOver);
    default:
      return unreachable(command);
  }
}

function registerFault(command: CommandOf<'register'>): string | null {
  const { node, boot, address, endpoints, weight, zone, partitions, claims } = command;
  const fault = nodeFault('node', node) ?? countFault('boot', boot);
  if (fault !== null) return fault;
  if (address === '') return `node ${node} gives no address; other nodes must be able to reach it`;
  if (!isText(address, ADDRESS_BYTES_MAX)) {
    return `the address of node ${node} is no text of 1 to ${ADDRESS_BYTES_MAX} bytes: '${address}'`;
  }
  for (const name of ['tcp', 'http', 'link'] as const) {
    if (isText(endpoints[name], ADDRESS_BYTES_MAX)) continue;
    return `the ${name} endpoint of node ${node} is no text of at most ${ADDRESS_BYTES_MAX} bytes: '${endpoints[name]}'`;
  }
  if (!(typeof weight === 'number' && weight >= WEIGHT_MIN && weight <= WEIGHT_MAX)) {
    return `the weight of node ${node} is ${weight}; allowed are ${WEIGHT_MIN} to ${WEIGHT_MAX} (drain a node that is to hold nothing)`;
  }
  if (zone !== null && !isText(zone, ZONE_BYTES_MAX)) {
    return `the zone of node ${node} is no text of at most ${ZONE_BYTES_MAX} bytes: '${zone}'`;
  }
  return (partitions === null ? null : countFault('partitions', partitions, 1, PARTITIONS_MAX)) ?? claimsFault(claims);
}

function claimsFault(claims: readonly Claim[] | undefined): string | null {
  if (claims === undefined) return null;
  if (claims.length > PARTITIONS_MAX) return `${claims.length} claims are too many; allowed are ${PARTITIONS_MAX}`;
  for (const { partition, since, generation, filledInEpoch, wholeSince } of claims) {
    const fault =
      partitionFault(partition) ??
      countFault('since', since) ??
      countFault('generation', generation) ??
      countFault('filledInEpoch', filledInEpoch) ??
      countFault('wholeSince', wholeSince);
    if (fault !== null) return fault;
  }
  return null;
}

function drainFault({ node, boot, isDraining, leaves }: CommandOf<'drain'>): string | null {
  const fault = flagFault('isDraining', isDraining) ?? flagFault('leaves', leaves);
  if (fault !== null) return fault;
  if (leaves && !isDraining) return `node ${node} cannot leave without being drained`;
  return nodeFault('node', node) ?? countFault('boot', boot);
}

/** What a primary says of itself and of what it knows. */
function proposalFault({ partition, by, epoch, version }: CommandOf<'alter-in-sync' | 'hand-over'>): string | null {
  return (
    partitionFault(partition) ?? memberFault('by', by) ?? countFault('epoch', epoch) ?? countFault('version', version)
  );
}

function placeFault({ moves }: CommandOf<'place'>): string | null {
  if (moves.length > PARTITIONS_MAX) return `${moves.length} moves are too many; allowed are ${PARTITIONS_MAX}`;
  for (const { partition, version, replicas } of moves) {
    const fault = partitionFault(partition) ?? countFault('version', version);
    if (fault !== null) return fault;
    if (replicas.length < 1 || replicas.length > COPIES_MAX) {
      return `partition ${partition}: ${replicas.length} replicas are named; allowed are 1 to ${COPIES_MAX}`;
    }
    for (const node of replicas) {
      const nodeProblem = nodeFault('replicas', node);
      if (nodeProblem !== null) return nodeProblem;
    }
  }
  return null;
}

function membersFault(members: readonly Member[]): string | null {
  if (members.length > MEMBERS_MAX) return `${members.length} members are too many; allowed are ${MEMBERS_MAX}`;
  for (const member of members) {
    const fault = memberFault('members', member);
    if (fault !== null) return fault;
  }
  return null;
}

function memberFault(field: string, { node, boot, generation }: Member): string | null {
  return nodeFault(field, node) ?? countFault('boot', boot) ?? countFault('generation', generation, FRESH);
}

function nodeFault(field: string, node: unknown): string | null {
  if (typeof node === 'string' && isNodeId(node)) return null;
  return `${field}: '${node}' is no name of a node; allowed are 1 to ${NODE_ID_BYTES_MAX} of a-z, 0-9, '-', '.' and '_'`;
}

function partitionFault(partition: number): string | null {
  return countFault('partition', partition, 0, PARTITIONS_MAX - 1);
}

function countFault(field: string, value: number, min = 0, max = Number.MAX_SAFE_INTEGER): string | null {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return null;
  return `${field} is ${value}; allowed are whole numbers from ${min}${max < Number.MAX_SAFE_INTEGER ? ` to ${max}` : ''}`;
}

function flagFault(field: string, value: unknown): string | null {
  return typeof value === 'boolean' ? null : `${field} is ${value}; allowed are true and false`;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Half of a surrogate pair would be read as another character than was written. */
function isText(value: unknown, bytesMax: number): value is string {
  // No character takes less than a byte: nothing long is encoded only to be refused.
  if (typeof value !== 'string' || value.length > bytesMax) return false;
  const bytes = encoder.encode(value);
  return bytes.length <= bytesMax && decoder.decode(bytes) === value;
}
