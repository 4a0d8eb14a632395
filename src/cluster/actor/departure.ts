import type { ClusterCommand } from '../controller/cluster-command.ts';
import type { ClusterState, NodeEntry, PartitionEntry } from '../controller/cluster-state.ts';
import type { CoordinatorAnswer } from '../coordinator.ts';
import type { NodeId } from '../identity.ts';

export interface DepartureHost {
  readonly state: ClusterState;
  /** Who leads the consensus group, as far as is known. */
  readonly leader: NodeId | null;
  submit(command: ClusterCommand, onAnswer: (answer: CoordinatorAnswer) => void): void;
  /** No lease is held from now on. */
  endLease(): void;
}

/** What was refused for now is asked for again. */
const AGAIN_MS = 200;
/** The last word is not waited for longer: whoever does not hear it waits for the lease to end. */
const FAREWELL_MS = 1000;

type Phase =
  | { readonly kind: 'staying' }
  | { readonly kind: 'handing-over'; readonly untilMs: number; readonly done: (primariesLeft: number) => void }
  | { readonly kind: 'leaving'; readonly untilMs: number; readonly done: () => void };

/**
 * How a node ends without a request failing: first its primaries and its leadership go elsewhere, while it serves on; at
 * the very end it says that it holds no lease any more, so that it is fenced at once and nobody waits for it.
 */
export class Departure {
  #phase: Phase = { kind: 'staying' };
  #isAsking = false;
  #askAtMs = Number.POSITIVE_INFINITY;
  readonly #self: { readonly node: NodeId; readonly boot: number };
  readonly #host: DepartureHost;

  constructor(self: { readonly node: NodeId; readonly boot: number }, host: DepartureHost) {
    this.#self = self;
    this.#host = host;
  }

  get wakeAtMs(): number {
    if (this.#phase.kind === 'staying') return Number.POSITIVE_INFINITY;
    return Math.min(this.#phase.untilMs, this.#isAsking ? Number.POSITIVE_INFINITY : this.#askAtMs);
  }

  /** `done` is told once nothing is left that could go elsewhere, or the time is over. */
  handOver(untilMs: number, done: (primariesLeft: number) => void, nowMs: number): void {
    this.#phase = { kind: 'handing-over', untilMs, done };
    this.#askAtMs = nowMs;
    this.tick(nowMs);
  }

  /** `done` is told once the cluster knows, or does not answer. */
  leave(untilMs: number, done: () => void, nowMs: number): void {
    this.#host.endLease();
    this.#phase = { kind: 'leaving', untilMs: Math.min(untilMs, nowMs + FAREWELL_MS), done };
    this.#askAtMs = nowMs;
    this.tick(nowMs);
  }

  /** To be called at `wakeAtMs`, and when the state or the leader may have changed. */
  tick(nowMs: number): void {
    const phase = this.#phase;
    if (phase.kind === 'staying') return;
    const life = this.#entry?.life ?? null;
    if (phase.kind === 'handing-over') {
      if (nowMs >= phase.untilMs || life === null || (life !== 'running' && !this.#couldGiveMore)) {
        this.#phase = { kind: 'staying' };
        phase.done(this.#primaries.length);
      } else if (life === 'running') this.#ask(false, nowMs);
    } else if (nowMs >= phase.untilMs || life === null || life === 'stopped') {
      this.#phase = { kind: 'staying' };
      phase.done();
    } else this.#ask(true, nowMs);
  }

  get #entry(): NodeEntry | null {
    const entry = this.#host.state.nodes.get(this.#self.node);
    return entry?.boot === this.#self.boot ? entry : null;
  }

  get #primaries(): readonly PartitionEntry[] {
    return this.#host.state.partitions.filter(({ primary }) => primary === this.#self.node);
  }

  /**
   * Whether there is something that another node could have. What is placed on no node that stays is placed on one by the
   * controller, as long as there is any.
   */
  get #couldGiveMore(): boolean {
    const { leader, state } = this.#host;
    const { node } = this.#self;
    const isAnyStaying = [...state.nodes.values()].some(
      ({ id, life, isFenced }) => id !== node && life === 'running' && !isFenced,
    );
    return isAnyStaying && (leader === node || this.#primaries.length > 0);
  }

  #ask(isOver: boolean, nowMs: number): void {
    if (this.#isAsking || nowMs < this.#askAtMs) return;
    this.#isAsking = true;
    this.#host.submit({ type: 'stop', node: this.#self.node, boot: this.#self.boot, isOver }, () => {
      this.#isAsking = false;
      this.#askAtMs = nowMs + AGAIN_MS;
    });
  }
}

/** How many partitions lose all they hold when this node ends now: nobody who stays has a copy in sync. */
export function lastCopiesOn({ nodes, partitions }: ClusterState, self: NodeId): number {
  const stays = (id: NodeId): boolean => {
    const node = nodes.get(id);
    return id !== self && node?.life === 'running' && !node.isFenced;
  };
  return partitions.filter(({ primary, inSync }) => primary === self && !inSync.some(({ node }) => stays(node))).length;
}
