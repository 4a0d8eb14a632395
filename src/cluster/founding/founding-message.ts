import { unreachable } from '../../base/assert.ts';
import { ValueReader } from '../../base/msgpack-reader.ts';
import { ValueWriter } from '../../base/msgpack-writer.ts';
import type { ClusterSettings } from '../controller/cluster-state.ts';
import { readAddress, readSettings, writeSettings } from '../controller/state-fields.ts';
import { isNodeId, type NodeId } from '../identity.ts';
import { readNodeId, readNodeIds, writeNodeIds } from '../identity-fields.ts';
import { FOUNDERS_MAX, NODES_MAX } from '../limits.ts';

/** A cluster that somebody would found. */
export interface Proposal {
  /** 40 hexadecimal digits, drawn for this proposal. */
  readonly clusterId: string;
  readonly proposer: NodeId;
  /** Of the proposer: its start, and which of its proposals in that start. */
  readonly boot: number;
  readonly number: number;
  /** In the order of their ids, the proposer among them. All of them have to promise themselves to it. */
  readonly founders: readonly NodeId[];
  readonly settings: ClusterSettings;
}

/** Where the bus of a start of a node is. */
export interface Whereabouts {
  readonly node: NodeId;
  readonly boot: number;
  readonly address: string;
}

/** What nodes tell each other so that they come to know each other: those of no cluster, and of the last kind all. */
export type FoundingMessage =
  /** How things stand with the sender. */
  | {
      readonly type: 'here';
      /** How many nodes are to found a cluster together. 0: the sender only joins one. */
      readonly expect: number;
      readonly boot: number;
      /** Of its latest proposal, and whether that still stands; 0: it has made none in this start. */
      readonly number: number;
      readonly isOpen: boolean;
      /** The cluster that it has promised itself to; '': none. */
      readonly promised: string;
      /** Other nodes that it knows, with the addresses of their buses. */
      readonly known: ReadonlyMap<NodeId, string>;
    }
  | { readonly type: 'propose'; readonly proposal: Proposal }
  /** The sender will found no other cluster than this one, until the proposer has given it up. */
  | { readonly type: 'promise'; readonly clusterId: string }
  /** `isForNow`: it has promised itself elsewhere. Else the two nodes are not set up alike. */
  | { readonly type: 'refuse'; readonly clusterId: string; readonly isForNow: boolean; readonly reason: string }
  /** Nodes of the sender's cluster: one that came back elsewhere is known to those first that it could reach. */
  | { readonly type: 'known'; readonly nodes: readonly Whereabouts[] };

export function isClusterId(text: string): boolean {
  return /^[\da-f]{40}$/.test(text);
}

const types = ['here', 'propose', 'promise', 'refuse', 'known'] as const satisfies readonly FoundingMessage['type'][];
const REASON_BYTES_MAX = 1024;
/** Twice as many elements in the array. */
const KNOWN_MAX = NODES_MAX;

const writer = new ValueWriter();

export function encodeFoundingMessage(message: FoundingMessage): Uint8Array {
  writer.clear();
  switch (message.type) {
    case 'here':
      writer.array(7);
      writer.integer(0);
      writer.integer(message.expect);
      writer.integer(message.boot);
      writer.integer(message.number);
      writer.boolean(message.isOpen);
      writer.string(message.promised);
      writer.array(2 * message.known.size);
      for (const [node, address] of message.known) {
        writer.string(node);
        writer.string(address);
      }
      break;
    case 'propose':
      writer.array(2);
      writer.integer(1);
      writeProposal(writer, message.proposal);
      break;
    case 'promise':
      writer.array(2);
      writer.integer(2);
      writer.string(message.clusterId);
      break;
    case 'refuse':
      writer.array(4);
      writer.integer(3);
      writer.string(message.clusterId);
      writer.boolean(message.isForNow);
      writer.string(message.reason.slice(0, REASON_BYTES_MAX / 4));
      break;
    case 'known':
      writer.array(2);
      writer.integer(4);
      writer.array(3 * message.nodes.length);
      for (const { node, boot, address } of message.nodes) {
        writer.string(node);
        writer.integer(boot);
        writer.string(address);
      }
      break;
    default:
      unreachable(message);
  }
  return writer.copy();
}

/** Throws a `DecodeError` for anything but what {@link encodeFoundingMessage} makes. */
export function decodeFoundingMessage(bytes: Uint8Array): FoundingMessage {
  const reader = new ValueReader(bytes);
  const count = reader.array('founding message', 2, 7);
  const type = reader.oneOf('type', types);
  if (count !== { here: 7, propose: 2, promise: 2, refuse: 4, known: 2 }[type])
    reader.fail('founding message', 'must be whole');
  const message = readFields(reader, type);
  reader.end('founding message');
  return message;
}

function readFields(reader: ValueReader, type: FoundingMessage['type']): FoundingMessage {
  switch (type) {
    case 'here':
      return {
        type,
        expect: reader.integer('expect', 0, FOUNDERS_MAX),
        boot: reader.integer('boot'),
        number: reader.integer('number'),
        isOpen: reader.boolean('isOpen'),
        promised: readClusterId(reader, true),
        known: readKnown(reader),
      };
    case 'propose':
      return { type, proposal: readProposal(reader) };
    case 'promise':
      return { type, clusterId: readClusterId(reader, false) };
    case 'refuse':
      return {
        type,
        clusterId: readClusterId(reader, false),
        isForNow: reader.boolean('isForNow'),
        reason: reader.string('reason', REASON_BYTES_MAX),
      };
    case 'known':
      return { type, nodes: readWhereabouts(reader) };
    default:
      return unreachable(type);
  }
}

function readWhereabouts(reader: ValueReader): Whereabouts[] {
  const nodes: Whereabouts[] = [];
  for (let left = reader.array('nodes', 0, 3 * KNOWN_MAX); left > 2; left -= 3) {
    nodes.push({ node: readNodeId(reader, 'node'), boot: reader.integer('boot'), address: readAddress(reader) });
  }
  return nodes;
}

function writeProposal(writer: ValueWriter, proposal: Proposal): void {
  writer.array(6);
  writer.string(proposal.clusterId);
  writer.string(proposal.proposer);
  writer.integer(proposal.boot);
  writer.integer(proposal.number);
  writeNodeIds(writer, proposal.founders);
  writeSettings(writer, proposal.settings);
}

function readProposal(reader: ValueReader): Proposal {
  reader.array('proposal', 6, 6);
  const proposal: Proposal = {
    clusterId: readClusterId(reader, false),
    proposer: readNodeId(reader, 'proposer'),
    boot: reader.integer('boot'),
    number: reader.integer('number', 1),
    founders: readNodeIds(reader, 'founders', FOUNDERS_MAX),
    settings: readSettings(reader),
  };
  const fault = proposalFault(proposal);
  if (fault !== null) reader.fail('proposal', fault);
  return proposal;
}

/** What no node proposes; null: nothing. */
export function proposalFault({ clusterId, proposer, boot, number, founders }: Proposal): string | null {
  if (!isClusterId(clusterId)) return 'must name a cluster';
  if (!(Number.isSafeInteger(boot) && boot >= 0 && Number.isSafeInteger(number) && number > 0)) {
    return 'must be numbered';
  }
  if (!founders.every(isNodeId)) return 'must name nodes';
  if (!founders.every((node, index) => index === 0 || node > (founders[index - 1] as string))) {
    return 'must name founders once, in order';
  }
  return founders.includes(proposer) ? null : 'must be of a founder';
}

function readClusterId(reader: ValueReader, mayBeNone: boolean): string {
  const id = reader.string('clusterId', 40);
  if (!isClusterId(id) && !(mayBeNone && id === '')) reader.fail('clusterId', 'must be 40 hexadecimal digits');
  return id;
}

function readKnown(reader: ValueReader): ReadonlyMap<NodeId, string> {
  const known = new Map<NodeId, string>();
  for (let left = reader.array('known', 0, 2 * KNOWN_MAX); left > 1; left -= 2) {
    known.set(readNodeId(reader, 'known'), readAddress(reader));
  }
  return known;
}
