import { monotonicMs } from '../../base/monotonic.ts';
import type { ClusterView, LinkStatus } from '../../cluster/actor/cluster-view.ts';
import { memberOf, type NodeId } from '../../cluster/identity.ts';
import type { ClusterDescription, ClusterPort } from '../../command/cluster-port.ts';
import type { NodeReport, PartitionTotals } from '../../command/cluster-report.ts';
import type { ClusterNoter } from './cluster-noter.ts';
import { clusterReport } from './cluster-report.ts';
import type { PeerLinkFacts } from './peer-links.ts';

/** What monitoring is told of the cluster. */
export interface ClusterFacts {
  readonly self: NodeId;
  readonly description: ClusterDescription;
  readonly nodes: readonly NodeReport[];
  readonly partitions: PartitionTotals;
  readonly lacks: readonly string[];
  /** The cluster is there, and has taken this node in. */
  readonly isMember: boolean;
  /** Null: since this start of the node, every copy placed on it has been in sync at a time; until then, how many are. */
  readonly filling: { readonly placed: number; readonly inSync: number } | null;
  /** Why it does not; null: it does, or has not said. */
  readonly registrationRefusal: string | null;
  /** What it waits for while it is no member, in words; null: nothing is known yet. */
  readonly waitsFor: string | null;
  /** Why the disk has not taken the log of consensus; null: it has. */
  readonly journalTrouble: string | null;
  readonly journalFailures: number;
  /** Null: this node may not serve. */
  readonly leaseLeftMs: number | null;
  /** Since this start of the node it has held leases, at each look, for as long as one lasts. */
  readonly hasHeldLease: boolean;
  /** How long a lease is; null: the cluster is not there yet. */
  readonly leaseMs: number | null;
  readonly leader: NodeId | null;
  readonly term: number;
  /** Partitions of the cluster whose primary was lost and another found, and whose primary handed over, as this node saw it. */
  readonly failovers: number;
  readonly handOvers: number;
  /** How long it took this node last to take over from one that was lost; null: it never did. See `ClusterNoter`. */
  readonly lastTakeoverMs: number | null;
  readonly links: readonly LinkStatus[];
  /** Writes that the partitions of which this node is primary have had, and how many of them each other node has. */
  readonly writes: number;
  readonly acknowledged: ReadonlyMap<NodeId, number>;
  readonly routing: RoutingFacts;
}

/** What is under way between this node and others on behalf of clients. */
export interface RoutingFacts {
  readonly forwards: readonly PeerLinkFacts[];
  /** Commands that wait for a node that can take them. */
  readonly waitingCommands: number;
  /** Replies of writes that wait for copies. */
  readonly waitingReplies: number;
}

type NoterFigures = Pick<ClusterNoter, 'failovers' | 'handOvers' | 'lastTakeoverMs'>;

/** The cluster for monitoring: read when it is asked for, but for whether the copies of this node have been filled. */
export class ClusterWatch {
  readonly #view: ClusterView;
  readonly #port: ClusterPort;
  readonly #routing: () => RoutingFacts;
  readonly #noter: NoterFigures;
  readonly #forget: (() => void)[];
  #wasFilled = false;
  #hasHeldLease = false;
  /** The first of the looks since which there was a lease at each; null: there was none at the last. */
  #heldSinceMs: number | null = null;

  constructor(view: ClusterView, port: ClusterPort, routing: () => RoutingFacts, noter: NoterFigures) {
    this.#view = view;
    this.#port = port;
    this.#routing = routing;
    this.#noter = noter;
    this.#forget = [view.onChange(() => void this.#filling()), view.onStatus(() => this.#lookAtLease(monotonicMs()))];
    this.#filling();
  }

  stop(): void {
    for (const forget of this.#forget) forget();
  }

  facts(nowMs = monotonicMs()): ClusterFacts {
    const { status, self } = this.#view;
    this.#lookAtLease(nowMs);
    const { nodes, partitions, lacks, leaseLeftMs, settings, leader, term } = clusterReport(this.#view, false, nowMs);
    let writes = 0;
    const acknowledged = new Map<NodeId, number>();
    for (const { role, last, followers } of status.copies) {
      if (role !== 'primary' && role !== 'handing-over') continue;
      writes += last;
      for (const { node, acked } of followers) {
        acknowledged.set(node, (acknowledged.get(node) ?? 0) + Math.max(0, acked));
      }
    }
    return {
      self,
      description: this.#port.describe(),
      nodes,
      partitions,
      lacks,
      isMember: this.#isMember,
      filling: this.#filling(),
      registrationRefusal: status.registrationRefusal,
      waitsFor: status.waitsFor,
      journalTrouble: status.journalTrouble,
      journalFailures: status.journalFailures,
      leaseLeftMs,
      hasHeldLease: this.#hasHeldLease,
      leaseMs: settings?.leaseMs ?? null,
      leader,
      term,
      failovers: this.#noter.failovers,
      handOvers: this.#noter.handOvers,
      lastTakeoverMs: this.#noter.lastTakeoverMs,
      links: status.links,
      writes,
      acknowledged,
      routing: this.#routing(),
    };
  }

  /** The first lease may be the last for a while, where a cluster has only just found itself together. */
  #lookAtLease(nowMs: number): void {
    if (this.#hasHeldLease) return;
    const { gates, state } = this.#view;
    if (state.settings === null || gates.leaseLeftMs(nowMs) <= 0) this.#heldSinceMs = null;
    else {
      this.#heldSinceMs ??= nowMs;
      this.#hasHeldLease = nowMs - this.#heldSinceMs >= state.settings.leaseMs;
    }
  }

  get #isMember(): boolean {
    const { state, self, boot } = this.#view;
    return state.settings !== null && state.nodes.get(self)?.boot === boot;
  }

  /** A partition that is offline fills no copy, and is not waited for. */
  #filling(): ClusterFacts['filling'] {
    if (this.#wasFilled) return null;
    const { state, self, boot } = this.#view;
    const online = state.partitions.filter(({ primary, replicas }) => primary !== null && replicas.includes(self));
    const inSync = online.filter((entry) => memberOf(entry.inSync, self)?.boot === boot).length;
    // Where the cluster was only just created, nothing has begun yet.
    const hasBegun = state.partitions.some(({ epoch }) => epoch > 0);
    this.#wasFilled = this.#isMember && hasBegun && inSync === online.length;
    return this.#wasFilled ? null : { placed: online.length, inSync };
  }
}
