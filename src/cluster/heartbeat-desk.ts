import type { NodeId } from './identity.ts';

export interface Heartbeat {
  readonly node: NodeId;
  readonly boot: number;
  /** The sender's clock. */
  readonly sentAtMs: number;
}

/**
 * The leader's side of heartbeats: none is answered before a round of asking the group, begun after it came, has shown
 * that this node leads. So a leader that was deposed without knowing it renews no lease.
 *
 * One round serves all heartbeats that came before it; those that come during it wait for the next.
 */
export class HeartbeatDesk {
  #waiting: Heartbeat[] = [];
  #asked: Heartbeat[] | null = null;
  #round = 0;
  readonly #ask: (round: number) => void;

  /** `ask` begins a round, which ends with `confirmed` or `refused`. */
  constructor(ask: (round: number) => void) {
    this.#ask = ask;
  }

  get size(): number {
    return this.#waiting.length + (this.#asked?.length ?? 0);
  }

  /** A node's later heartbeat stands for its earlier ones. */
  onHeartbeat(heartbeat: Heartbeat): void {
    this.#waiting = this.#waiting.filter(({ node }) => node !== heartbeat.node);
    this.#waiting.push(heartbeat);
    this.#next();
  }

  /** The group has answered: these heartbeats may be. */
  confirmed(round: number): readonly Heartbeat[] {
    if (round !== this.#round || this.#asked === null) return [];
    const confirmed = this.#asked;
    this.#asked = null;
    this.#next();
    return confirmed;
  }

  refused(round: number): void {
    if (round !== this.#round) return;
    this.#asked = null;
    this.#next();
  }

  resign(): void {
    this.#waiting = [];
    this.#asked = null;
  }

  #next(): void {
    if (this.#asked !== null || this.#waiting.length === 0) return;
    this.#asked = this.#waiting;
    this.#waiting = [];
    this.#ask(++this.#round);
  }
}
