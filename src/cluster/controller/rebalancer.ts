import { type PlacementNode, placePartitions } from '../../routing/placement/placement.ts';
import type { NodeId } from '../identity.ts';
import type { ClusterCommand } from './cluster-command.ts';
import type { ClusterSettings, ClusterState, NodeEntry, PartitionEntry } from './cluster-state.ts';
import type { Proposals } from './proposals.ts';

export interface RebalancerOptions {
  /** How many partitions may be copying to another node at a time; null: as many as there are live nodes, at least 4. */
  readonly movesMax: number | null;
  /** A move that takes longer is not waited for any more. */
  readonly moveTimeoutMs: number;
  /**
   * With `onLoss: 'reset'`, how long a node must have been fenced until a partition whose last copy is on it begins
   * empty elsewhere. Infinity: never, unless an administrator gives it up.
   */
  readonly giveUpAfterMs: number;
}

/** How long each node has been fenced, in milliseconds; less than 0 when it is not. */
export type FencedForMs = (node: NodeId) => number;

/** Of one `place` command that copies nothing: a bound on the size of an entry in the log. */
const PLACED_AT_ONCE_MAX = 512;
const RESETS_AT_ONCE_MAX = 64;

/**
 * Brings the partitions to where they should be, a few at a time. Where that is, {@link placePartitions} says, from
 * where they are and which nodes are to have copies; it is asked again when those nodes change. A step is a `place`
 * command; the partition's primary does the rest, and lets go of an old copy only once the new ones are in sync.
 */
export class Rebalancer {
  readonly #options: RebalancerOptions;
  readonly #proposals: Proposals;
  #poolKey = '';
  #target: readonly (readonly NodeId[])[] = [];
  /** Where the copies should be of partitions that would be lost with nodes that are about to end. */
  #rescues: ReadonlyMap<number, readonly NodeId[]> = new Map();
  /** Since when a partition is on its way to these replicas. */
  #moving = new Map<number, { readonly replicas: readonly NodeId[]; readonly sinceMs: number }>();

  constructor(options: RebalancerOptions, proposals: Proposals) {
    this.#options = options;
    this.#proposals = proposals;
  }

  /** When a move runs out of its time next. */
  timeoutAfter(nowMs: number): number {
    let timeoutMs = Number.POSITIVE_INFINITY;
    for (const { sinceMs } of this.#moving.values()) {
      const endsAtMs = sinceMs + this.#options.moveTimeoutMs;
      if (endsAtMs > nowMs) timeoutMs = Math.min(timeoutMs, endsAtMs);
    }
    return timeoutMs;
  }

  forget(): void {
    this.#poolKey = '';
    this.#target = [];
    this.#rescues = new Map();
    this.#moving.clear();
  }

  /** `rebuildAfterMs`: how long a node must have been fenced until its copies are placed elsewhere. */
  plan(state: ClusterState, fencedForMs: FencedForMs, rebuildAfterMs: number, nowMs: number): ClusterCommand[] {
    const { settings } = state;
    if (settings === null) return [];
    const isGone = (node: NodeId) => fencedForMs(node) >= rebuildAfterMs;
    this.#aim(state, settings, isGone);
    this.#rescues = rescues(state, settings, this.#target);
    return [...this.#steps(state, nowMs), ...this.#givenUp(state, settings, fencedForMs, nowMs)];
  }

  #aim(state: ClusterState, settings: ClusterSettings, isGone: (node: NodeId) => boolean): void {
    const pool = poolOf(state, settings, isGone);
    if (pool === null) {
      this.#poolKey = '';
      this.#target = [];
      return;
    }
    const nodes: PlacementNode[] = pool.map(({ id, weight, zone }) => ({ id, weight, zone }));
    const key = JSON.stringify([settings.copies, nodes]);
    if (key === this.#poolKey) return;
    this.#poolKey = key;
    const current = state.partitions.map((entry) => entry.replicas);
    this.#target = placePartitions(current, nodes, { partitions: settings.partitions, copies: settings.copies });
  }

  #steps(state: ClusterState, nowMs: number): ClusterCommand[] {
    /** Where nothing is copied because nobody is primary: done at once. */
    const idle: number[] = [];
    /** Where another copy is to be primary, or to be made, since all that there are in sync are about to end. */
    const leaving: number[] = [];
    const waiting: number[] = [];
    const moving = new Map<number, { readonly replicas: readonly NodeId[]; readonly sinceMs: number }>();
    let movingCount = 0;
    for (const [number, entry] of state.partitions.entries()) {
      const isPlaced = this.#isPlaced(state, number, entry);
      if (!isPlaced && this.#proposals.has(nameOfPlace(number, entry))) movingCount++;
      else if (entry.primary === null) {
        if (!isPlaced) idle.push(number);
      } else if (!isPlaced && (this.#rescues.has(number) || successorsOf(state, entry).length > 0))
        leaving.push(number);
      else if (isMoving(state, entry)) {
        const before = this.#moving.get(number);
        const since = before?.replicas === entry.replicas ? before : { replicas: entry.replicas, sinceMs: nowMs };
        moving.set(number, since);
        if (nowMs - since.sinceMs < this.#options.moveTimeoutMs) movingCount++;
        else if (!isPlaced) waiting.push(number);
      } else if (!isPlaced) waiting.push(number);
    }
    this.#moving = moving;
    const liveCount = [...state.nodes.values()].filter((node) => !node.isFenced).length;
    const movesMax = this.#options.movesMax ?? Math.max(4, liveCount);
    const begun = inUrgency(state, waiting).slice(0, Math.max(0, movesMax - movingCount));
    const commands: ClusterCommand[] = [];
    for (let at = 0; at < idle.length; at += PLACED_AT_ONCE_MAX) {
      commands.push(this.#place(state, idle.slice(at, at + PLACED_AT_ONCE_MAX), nowMs));
    }
    // One command each: a partition that has changed meanwhile does not hold up the others.
    for (const number of [...leaving, ...begun]) commands.push(this.#place(state, [number], nowMs));
    return commands;
  }

  #isPlaced(state: ClusterState, number: number, entry: PartitionEntry): boolean {
    const wanted = this.#wantedOf(state, number, entry);
    if (wanted.length === 0) return true;
    return wanted.length === entry.replicas.length && wanted.every((node, index) => node === entry.replicas[index]);
  }

  /** Where its copies should be, as things stand; empty: as they are. */
  #wantedOf(state: ClusterState, number: number, entry: PartitionEntry): readonly NodeId[] {
    const successors = successorsOf(state, entry);
    // A primary that is about to end hands over before anything else is done about its partition.
    if (successors.length > 0) return withSuccessor(entry, successors);
    const rescue = this.#rescues.get(number);
    if (rescue !== undefined) return rescue;
    const target = this.#target[number] ?? [];
    const isThere = (node: NodeId): boolean => staysUp(state, node);
    // Nobody who should have it can take it now: whoever was found to do so goes on.
    if (!target.some(isThere) && entry.replicas.some(isThere)) return entry.replicas;
    const isRunning = (node: NodeId): boolean => state.nodes.get(node)?.life === 'running';
    const [preferred] = target;
    if (preferred === undefined || isRunning(preferred)) return target;
    const running = target.filter(isRunning);
    const inSync = running.filter((node) => isFit(state, entry, node));
    // Whoever has it keeps it.
    const first = entry.replicas.slice(0, 1).filter((node) => running.includes(node));
    return withFirst(target, [...first, ...inSync, ...running]);
  }

  #place(state: ClusterState, numbers: readonly number[], nowMs: number): ClusterCommand {
    const moves: { partition: number; version: number; replicas: NodeId[] }[] = [];
    for (const partition of numbers) {
      const entry = state.partitions[partition];
      if (entry === undefined || !this.#proposals.tryBegin(nameOfPlace(partition, entry), nowMs)) continue;
      moves.push({ partition, version: entry.version, replicas: [...this.#wantedOf(state, partition, entry)] });
    }
    return { type: 'place', moves };
  }

  #givenUp(state: ClusterState, settings: ClusterSettings, fencedForMs: FencedForMs, nowMs: number): ClusterCommand[] {
    if (settings.onLoss !== 'reset') return [];
    const commands: ClusterCommand[] = [];
    for (const [partition, entry] of state.partitions.entries()) {
      const last = entry.inSync[0];
      if (entry.primary !== null || last === undefined || commands.length >= RESETS_AT_ONCE_MAX) continue;
      if (fencedForMs(last.node) < this.#options.giveUpAfterMs) continue;
      if (!entry.replicas.some((node) => state.nodes.get(node)?.isFenced === false)) continue;
      if (!this.#proposals.tryBegin(`reset ${partition} ${entry.version}`, nowMs)) continue;
      commands.push({ type: 'reset', partition, version: entry.version, givesUp: true });
    }
    return commands;
  }
}

/**
 * The nodes that should have copies: those that stay, even if they are silent for a while. A drain waits where it
 * would leave fewer copies than the nodes that stay could hold if they were all alive. Null: too few to begin with.
 */
function poolOf(
  state: ClusterState,
  { copies, minInSync }: ClusterSettings,
  isGone: (node: NodeId) => boolean,
): NodeEntry[] | null {
  const nodes = [...state.nodes.values()];
  const staying = nodes.filter((node) => !node.isDraining);
  if (state.partitions.some((entry) => entry.replicas.length === 0)) {
    const live = staying.filter((node) => !node.isFenced);
    return live.length >= minInSync ? live : null;
  }
  const fit = staying.filter((node) => !isGone(node.id));
  const needed = Math.min(copies, staying.length);
  if (fit.length >= needed) return fit;
  const pool = nodes.filter((node) => (node.isDraining ? !node.isFenced : !isGone(node.id)));
  return pool.length > 0 ? pool : null;
}

/**
 * Of a partition whose primary is about to end: other copies of it that could be primary; else none. One that is placed
 * elsewhere by now, and was to go, is as good as any when there is no other.
 */
function successorsOf(state: ClusterState, entry: PartitionEntry): NodeId[] {
  const { primary, replicas, inSync } = entry;
  if (primary === null || state.nodes.get(primary)?.life === 'running') return [];
  const placed = replicas.filter((node) => isFit(state, entry, node));
  return placed.length > 0 ? placed : inSync.map(({ node }) => node).filter((node) => isFit(state, entry, node));
}

function withSuccessor(entry: PartitionEntry, successors: readonly NodeId[]): readonly NodeId[] {
  const [first] = successors;
  if (first === undefined || entry.replicas.includes(first)) return withFirst(entry.replicas, successors);
  // It takes the place of one that has no copy, if there is such a one.
  return withNew(entry, first, entry.replicas.length);
}

/** So many replicas, with another node first; those that have a copy come before those that have not. */
function withNew({ replicas, inSync }: PartitionEntry, first: NodeId, count: number): readonly NodeId[] {
  const having = replicas.filter((node) => inSync.some((member) => member.node === node));
  const others = replicas.filter((node) => !having.includes(node));
  return [first, ...having, ...others].slice(0, Math.max(1, count));
}

function isFit(state: ClusterState, { inSync }: PartitionEntry, node: NodeId): boolean {
  return staysUp(state, node) && inSync.some((member) => member.node === node);
}

/** Whether the node is there, and not about to end. */
function staysUp({ nodes }: ClusterState, node: NodeId): boolean {
  const entry = nodes.get(node);
  return entry?.life === 'running' && !entry.isFenced;
}

/**
 * Partitions whose copies in sync are all on nodes that are about to end, and that are placed on no node that stays:
 * with the replicas they should have at once, one that stays first. It is the one that is to have a copy anyway, or the
 * one with the fewest by its weight; one that is being drained only where there is no other.
 */
function rescues(
  state: ClusterState,
  { copies }: ClusterSettings,
  target: readonly (readonly NodeId[])[],
): ReadonlyMap<number, readonly NodeId[]> {
  const found = new Map<number, readonly NodeId[]>();
  const up = [...state.nodes.values()].filter(({ id }) => staysUp(state, id));
  const staying = up.filter(({ isDraining }) => !isDraining);
  const candidates = staying.length > 0 ? staying : up;
  const placed = new Map<NodeId, number>();
  for (const [partition, entry] of state.partitions.entries()) {
    const { primary, inSync, replicas } = entry;
    if (primary === null || candidates.length === 0) continue;
    if ([...replicas, ...inSync.map(({ node }) => node)].some((node) => staysUp(state, node))) continue;
    if (placed.size === 0) countPlaced(state, placed);
    const load = ({ id, weight }: NodeEntry): number => (placed.get(id) ?? 0) / weight;
    const wanted = candidates.filter(({ id }) => target[partition]?.includes(id));
    const [first] = [...(wanted.length > 0 ? wanted : candidates)].sort((left, right) => load(left) - load(right));
    if (first === undefined) continue;
    placed.set(first.id, (placed.get(first.id) ?? 0) + 1);
    found.set(partition, withNew(entry, first.id, copies));
  }
  return found;
}

function countPlaced({ partitions }: ClusterState, placed: Map<NodeId, number>): void {
  for (const { replicas } of partitions) {
    for (const node of replicas) placed.set(node, (placed.get(node) ?? 0) + 1);
  }
}

/** With one of these first: it may stay the one that is, else it is the first of them. */
function withFirst(replicas: readonly NodeId[], candidates: readonly NodeId[]): readonly NodeId[] {
  const [first] = replicas;
  const chosen = first !== undefined && candidates.includes(first) ? first : candidates[0];
  return chosen === undefined ? replicas : [chosen, ...replicas.filter((node) => node !== chosen)];
}

/** Whether a live node is being filled with a copy, or one that is no longer wanted is about to go. */
function isMoving({ nodes }: ClusterState, { replicas, inSync }: PartitionEntry): boolean {
  const missing = replicas.filter((node) => !inSync.some((member) => member.node === node));
  if (missing.some((node) => nodes.get(node)?.isFenced === false)) return true;
  return missing.length === 0 && inSync.some((member) => !replicas.includes(member.node));
}

/** Those with the fewest copies in sync first; then those that hold up a drain. */
function inUrgency({ partitions, nodes }: ClusterState, numbers: readonly number[]): number[] {
  const isDraining = (entry: PartitionEntry) => entry.replicas.some((node) => nodes.get(node)?.isDraining === true);
  const urgency = (number: number): number => {
    const entry = partitions[number];
    if (entry === undefined) return 0;
    return 2 * entry.inSync.length + (isDraining(entry) ? 0 : 1);
  };
  return [...numbers].sort((left, right) => urgency(left) - urgency(right) || left - right);
}

function nameOfPlace(partition: number, { version }: PartitionEntry): string {
  return `place ${partition} ${version}`;
}
