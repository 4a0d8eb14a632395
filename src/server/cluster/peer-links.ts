import { createSecretKey } from 'node:crypto';
import type { ConnectionOptions, TlsOptions } from 'node:tls';
import { type Logger, plainRandom, type Random } from '../../base/ports.ts';
import type { ClusterView } from '../../cluster/actor/cluster-view.ts';
import { RefusalLog } from '../../cluster/bus/refusal-log.ts';
import type { NodeEntry } from '../../cluster/controller/cluster-state.ts';
import type { NodeId } from '../../cluster/identity.ts';
import type { CommandTable } from '../../command/table.ts';
import type { PeerLimits } from './peer-limits.ts';
import { PeerLink, type PeerLinkNode } from './peer-link.ts';

export interface PeerLinksParts {
  readonly view: Pick<ClusterView, 'self' | 'clusterId' | 'state' | 'onChange'>;
  readonly table: CommandTable;
  /** What all nodes of the cluster know and nobody else. */
  readonly secret: string;
  readonly limits: PeerLimits;
  readonly log: Logger;
  readonly random?: Random;
  /** How other nodes' TCP ports are reached; null, or left out: they are plain. */
  readonly tls?: () => ConnectionOptions | null;
}

/** What one link has done since it was made. */
export interface PeerLinkFacts {
  readonly node: NodeId;
  readonly isUp: boolean;
  readonly forwarded: number;
  readonly refused: number;
  readonly inFlight: number;
}

/**
 * The links of this node to all others: each is connected from when its node is told of until it leaves. A node that is
 * fenced, or has ended in order, has none: what was under way to it is known at once to be lost.
 */
export class PeerLinks {
  /** Told when a link can be used that could not before. */
  onUp: ((node: NodeId) => void) | null = null;
  readonly #parts: PeerLinksParts;
  readonly #node: PeerLinkNode;
  readonly #links = new Map<NodeId, PeerLink>();
  /** Which start of each node its link is to, and where. */
  readonly #starts = new Map<NodeId, string>();
  readonly #unlisten: () => void;
  #isStopped = false;

  constructor(parts: PeerLinksParts) {
    const { view, table, secret, limits, log } = parts;
    this.#parts = parts;
    this.#node = {
      table,
      self: view.self,
      clusterId: () => view.clusterId,
      secret: createSecretKey(secret, 'utf8'),
      tls: parts.tls ?? (() => null),
      limits,
      failures: new RefusalLog(log),
      random: parts.random ?? plainRandom,
      onUp: (node) => this.onUp?.(node),
    };
    this.#unlisten = view.onChange(() => this.#look());
    this.#look();
  }

  /** The way to that node; null: there is none, now or ever. */
  target(node: NodeId): PeerLink | null {
    return this.#links.get(node) ?? null;
  }

  /** All that can be used now. */
  *up(): Iterable<PeerLink> {
    for (const link of this.#links.values()) if (link.isUp) yield link;
  }

  *facts(): Iterable<PeerLinkFacts> {
    for (const { node, isUp, forwarded, refused, outstanding } of this.#links.values()) {
      yield { node, isUp, forwarded, refused, inFlight: outstanding };
    }
  }

  /** Commands that other nodes owe an answer. */
  get inFlight(): number {
    let total = 0;
    for (const link of this.#links.values()) total += link.outstanding;
    return total;
  }

  /** Ends all links. What is under way is answered as when a link is lost. */
  stop(): void {
    this.#isStopped = true;
    this.#unlisten();
    for (const link of this.#links.values()) link.close('this node ended');
    this.#links.clear();
  }

  #look(): void {
    if (this.#isStopped) return;
    const { self, state } = this.#parts.view;
    for (const [node, link] of this.#links) {
      if (isReachable(state.nodes.get(node))) continue;
      // First: what was under way may be sent elsewhere within the call.
      this.#links.delete(node);
      this.#starts.delete(node);
      link.close(`the node ${node} left the cluster or was cut off`);
    }
    for (const [node, entry] of state.nodes) {
      if (node === self || !isReachable(entry)) continue;
      const { boot, endpoints } = entry;
      const start = `${boot} ${endpoints.link}`;
      const link = this.#links.get(node);
      if (link === undefined) {
        const made = new PeerLink(this.#node, node, endpoints.link);
        this.#links.set(node, made);
        made.open();
      } else if (this.#starts.get(node) !== start) link.moved(endpoints.link);
      this.#starts.set(node, start);
    }
  }
}

/**
 * How ports with this certificate are reached by nodes that have one of the same authority. Names are not compared: that
 * it is the right node is shown by the secret. Without an authority anybody's certificate will do.
 */
export function linkTls({ ca, cert, key, minVersion }: TlsOptions): ConnectionOptions {
  return {
    ...(ca === undefined ? undefined : { ca }),
    ...(cert === undefined ? undefined : { cert }),
    ...(key === undefined ? undefined : { key }),
    ...(minVersion === undefined ? undefined : { minVersion }),
    rejectUnauthorized: ca !== undefined,
    checkServerIdentity: () => undefined,
  };
}

function isReachable(entry: NodeEntry | undefined): entry is NodeEntry {
  return entry !== undefined && entry.endpoints.link !== '' && !entry.isFenced && entry.life !== 'stopped';
}
