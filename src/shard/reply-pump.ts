import type { Doorbell } from '../mailbox/doorbell.ts';
import { type BellWork, DoorbellFront, Drained } from '../mailbox/doorbell-front.ts';
import type { ShardClient } from './shard-client.ts';

/** Replies taken from one shard before the next has its turn. */
const BATCH_REPLIES_MAX = 256;

/** Moves commands out to the shards and replies back in, on the event loop of one front end. */
export class ReplyPump implements BellWork {
  readonly #clients: readonly ShardClient[];
  readonly #front: DoorbellFront;
  #isAttentive = false;

  constructor(bell: Doorbell, clients: readonly ShardClient[]) {
    this.#clients = clients;
    this.#front = new DoorbellFront(bell, this);
  }

  /** To be called after every command sent; cheap when a turn is due already. */
  sent(): void {
    this.#front.schedule();
  }

  /** From now on looks for what shards send though nothing is awaited of them. */
  attend(): void {
    if (this.#isAttentive) return;
    this.#isAttentive = true;
    this.#front.schedule();
  }

  /** Moves nothing any more: for when the shards have ended. */
  stop(): void {
    this.#front.stop();
  }

  flush(): void {
    for (const client of this.#clients) client.flush();
  }

  drain(): Drained {
    let more = false;
    let taken = false;
    let awaited = this.#isAttentive;
    for (const client of this.#clients) {
      const before = client.taken;
      if (client.outstanding === 0 && !this.#isAttentive) continue;
      if (client.receive(BATCH_REPLIES_MAX)) more = true;
      if (client.taken > before) taken = true;
      if (client.outstanding > 0) awaited = true;
    }
    if (!awaited) return Drained.idle;
    if (more) return Drained.more;
    return taken ? Drained.some : Drained.nothing;
  }

  hasWork(): boolean {
    for (const client of this.#clients) if (client.hasWork()) return true;
    return false;
  }
}
