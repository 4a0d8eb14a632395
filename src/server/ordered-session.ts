/**
 * What keeps the commands of one connection in their order (I7): how many of its commands are on their way through
 * each shard's mailbox. While there are any, a read of that shard must not be served from shared memory, or it would
 * overtake them; it goes through the same mailbox instead.
 *
 * A front end that answers each request of a connection before it takes the next one needs no session.
 */
export class OrderedSession {
  #total = 0;
  readonly #inFlight: Uint32Array;

  constructor(shardCount: number) {
    this.#inFlight = new Uint32Array(shardCount);
  }

  /** Commands of this connection sent to shards and not yet answered. */
  get inFlight(): number {
    return this.#total;
  }

  /** True when a read of this shard may be served without going through its mailbox. */
  mayReadLocally(shard: number): boolean {
    return this.#total === 0 || this.#inFlight[shard] === 0;
  }

  sent(shard: number): void {
    this.#total++;
    this.#inFlight[shard] = (this.#inFlight[shard] as number) + 1;
  }

  answered(shard: number): void {
    this.#total--;
    this.#inFlight[shard] = (this.#inFlight[shard] as number) - 1;
  }
}
