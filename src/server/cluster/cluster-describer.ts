import { splitAddress } from '../../base/addresses.ts';
import type { ClusterStatus, ClusterView, LinkStatus } from '../../cluster/actor/cluster-view.ts';
import type { ClusterState, NodeEntry, PartitionEntry } from '../../cluster/controller/cluster-state.ts';
import type { NodeId } from '../../cluster/identity.ts';
import type { ClusterDescription, ClusterLink, ClusterMember, SlotRange, SlotRun } from '../../command/cluster-port.ts';
import { PartitionMap } from '../../routing/partition-map.ts';
import { nodeHexId } from './node-hex-id.ts';

/** Where a node listens, as it knows it itself: told as long as the cluster has not taken it in. */
export interface OwnAddress {
  /** '' when it listens on all addresses. */
  readonly host: string;
  readonly tcpPort: number;
  readonly busPort: number;
}

/** Draws the picture of the cluster that commands tell, anew only when what it is drawn from has changed. */
export class ClusterDescriber {
  readonly #view: ClusterView;
  readonly #own: () => OwnAddress;
  #state: ClusterState | null = null;
  #status: ClusterStatus | null = null;
  #address = '';
  #description: ClusterDescription | null = null;

  constructor(view: ClusterView, own: () => OwnAddress) {
    this.#view = view;
    this.#own = own;
  }

  /** `mayServe`: this node holds a lease. */
  describe(mayServe: boolean): ClusterDescription {
    const { state, status } = this.#view;
    const own = this.#own();
    const address = `${own.host} ${own.tcpPort} ${own.busPort}`;
    let description = this.#description;
    if (description === null || state !== this.#state || status !== this.#status || address !== this.#address) {
      description = draw(this.#view, own);
      this.#state = state;
      this.#status = status;
      this.#address = address;
    }
    const { ranges } = description;
    const isOk = mayServe && ranges.length > 0 && ranges.every(({ primary }) => primary !== null);
    if (isOk !== description.isOk) description = { ...description, isOk };
    this.#description = description;
    return description;
  }
}

/** A member while it is drawn. */
interface Draft extends ClusterMember {
  epoch: number;
  primary: string | null;
  copyCount: number;
  readonly slots: SlotRun[];
}

function draw({ self, state, status }: ClusterView, own: OwnAddress): ClusterDescription {
  const connected = new Set(status.links.filter(({ isConnected }) => isConnected).map(({ node }) => node));
  const drafts = new Map<NodeId, Draft>();
  for (const entry of state.nodes.values()) {
    drafts.set(entry.id, entry.id === self ? ownDraft(entry, own) : draftOf(entry, connected.has(entry.id)));
  }
  const ownMember = drafts.get(self) ?? unregistered(self, own);
  drafts.set(self, ownMember);
  const ranges = rangesOf(state, drafts);
  tellCopies(state, drafts);
  let epoch = 0;
  for (const entry of state.partitions) epoch = Math.max(epoch, entry.epoch);
  const members = [...drafts.values()].sort((left, right) => (left.id < right.id ? -1 : 1));
  return { self: ownMember, members, ranges, isOk: false, epoch, links: linksOf(status.links) };
}

function draftOf({ id, address, endpoints, isFenced }: NodeEntry, isConnected: boolean): Draft {
  const tcp = splitAddress(endpoints.tcp);
  return {
    id: nodeHexId(id),
    name: id,
    host: tcp?.host ?? '',
    port: tcp?.port ?? 0,
    busPort: splitAddress(address)?.port ?? 0,
    isSelf: false,
    isFailing: isFenced,
    isConnected,
    epoch: 0,
    slots: [],
    primary: null,
    copyCount: 0,
  };
}

function ownDraft(entry: NodeEntry, own: OwnAddress): Draft {
  const told = draftOf(entry, true);
  return { ...told, host: told.host || own.host, port: told.port || own.tcpPort, isSelf: true };
}

function unregistered(self: NodeId, { host, tcpPort, busPort }: OwnAddress): Draft {
  return {
    id: nodeHexId(self),
    name: self,
    host,
    port: tcpPort,
    busPort,
    isSelf: true,
    isFailing: false,
    isConnected: true,
    epoch: 0,
    slots: [],
    primary: null,
    copyCount: 0,
  };
}

/** Neighbouring partitions with the same copies are one range; each is noted with its primary. */
function rangesOf({ partitions }: ClusterState, drafts: ReadonlyMap<NodeId, Draft>): SlotRange[] {
  if (partitions.length === 0) return [];
  const map = new PartitionMap(partitions.length, 1);
  const ranges: SlotRange[] = [];
  let beginning = 0;
  for (const [number, entry] of partitions.entries()) {
    const next = partitions[number + 1];
    if (next !== undefined && isAlike(entry, next)) continue;
    const run = [map.firstSlotOf(beginning), map.firstSlotOf(number + 1) - 1] as const;
    beginning = number + 1;
    const primary = entry.primary === null ? null : (drafts.get(entry.primary) ?? null);
    primary?.slots.push(run);
    ranges.push({ first: run[0], last: run[1], primary, replicas: replicasOf(entry, drafts) });
  }
  return ranges;
}

function replicasOf({ primary, inSync }: PartitionEntry, drafts: ReadonlyMap<NodeId, Draft>): ClusterMember[] {
  return inSync.flatMap(({ node }) => {
    const draft = node === primary ? undefined : drafts.get(node);
    return draft === undefined || draft.isFailing ? [] : [draft];
  });
}

function isAlike(left: PartitionEntry, right: PartitionEntry): boolean {
  if (left.primary !== right.primary || left.inSync.length !== right.inSync.length) return false;
  return left.inSync.every(({ node }, at) => node === right.inSync[at]?.node);
}

/** Notes epochs, and of whom each node holds copies. */
function tellCopies({ partitions }: ClusterState, drafts: ReadonlyMap<NodeId, Draft>): void {
  const counts = new Map<Draft, Map<Draft, number>>();
  for (const { primary, epoch, inSync } of partitions) {
    const owner = primary === null ? undefined : drafts.get(primary);
    if (owner === undefined) continue;
    owner.epoch = Math.max(owner.epoch, epoch);
    for (const { node } of inSync) {
      const holder = drafts.get(node);
      if (holder === undefined || holder === owner) continue;
      holder.copyCount++;
      const held = counts.get(holder) ?? new Map<Draft, number>();
      counts.set(holder, held.set(owner, (held.get(owner) ?? 0) + 1));
    }
  }
  for (const [holder, held] of counts) {
    if (holder.slots.length > 0) continue;
    const [most] = [...held].sort(([, left], [, right]) => right - left);
    if (most === undefined) continue;
    holder.primary = most[0].id;
    // As in Redis, a replica tells the epoch of its primary.
    holder.epoch = most[0].epoch;
  }
}

function linksOf(links: readonly LinkStatus[]): ClusterLink[] {
  return links
    .filter(({ isConnected }) => isConnected)
    .map(({ node, connectedAtMs, sentMessages, receivedMessages, droppedMessages, queuedBytes }) => {
      return { id: nodeHexId(node), connectedAtMs, sentMessages, receivedMessages, droppedMessages, queuedBytes };
    });
}
