import type { FlightLog } from '../../shard/shard-client.ts';

/**
 * What keeps the commands of one connection in their order (I7): how many of its commands are on their way through
 * each shard's mailbox. While there are any, a read of that shard must not be served from shared memory, or it would
 * overtake them; it goes through the same mailbox instead.
 *
 * A command over all shards, or over two of them step by step, blocks the session until it is done: the front end hands
 * over no further command of the connection before `onReady` is called. A front end that answers each request of a
 * connection before it takes the next one needs no session.
 */
export class OrderedSession implements FlightLog {
  /** Called when a session that was blocked takes commands again. */
  onReady: (() => void) | null = null;
  /** In a cluster: what another node serves is answered by `moved`, and not fetched from there. */
  wantsRedirects = false;
  /** In a cluster: reads may be answered by a copy that is a little behind. */
  readsReplicas = false;
  /** The client has gone, or has said that it sends no more: what is done for it step by step ends with its next step. */
  isGone = false;
  #endsWhenGone = false;
  #total = 0;
  /** By shard. Other nodes of a cluster, whose numbers are above those of the shards, count in the total alone. */
  readonly #inFlight: Uint32Array;
  #blocked = false;
  #whenIdle: (() => void) | null = null;

  constructor(shardCount: number) {
    this.#inFlight = new Uint32Array(shardCount);
  }

  /** Commands of this connection sent to shards, and to other nodes, and not yet answered. */
  get inFlight(): number {
    return this.#total;
  }

  /** No further command may be handed over before `onReady` is called. */
  get blocked(): boolean {
    return this.#blocked;
  }

  /** It is blocked by what ends when its client goes, which the front end is to notice meanwhile. */
  get endsWhenGone(): boolean {
    return this.#endsWhenGone;
  }

  /**
   * True when a read of this shard may be served without going through its mailbox; of another node, when nothing at all
   * is in flight.
   */
  mayReadLocally(shard: number): boolean {
    return this.#total === 0 || this.#inFlight[shard] === 0;
  }

  sent(shard: number): void {
    this.#total++;
    this.#add(shard, 1);
  }

  answered(shard: number): void {
    this.#total--;
    this.#add(shard, -1);
    if (this.#total > 0 || this.#whenIdle === null) return;
    const task = this.#whenIdle;
    this.#whenIdle = null;
    task();
  }

  block(): void {
    this.#blocked = true;
  }

  /** Blocks the session and calls `task` once nothing of it is in flight; at once when nothing is. */
  blockUntilIdle(task: () => void, endsWhenGone = false): void {
    this.#blocked = true;
    this.#endsWhenGone = endsWhenGone;
    if (this.#total === 0) task();
    else this.#whenIdle = task;
  }

  unblock(): void {
    this.#blocked = false;
    this.#endsWhenGone = false;
    this.onReady?.();
  }

  #add(shard: number, count: number): void {
    if (shard < this.#inFlight.length) this.#inFlight[shard] = (this.#inFlight[shard] as number) + count;
  }
}
