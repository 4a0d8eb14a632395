import type { Doorbell } from '../mailbox/doorbell.ts';
import { ASLEEP } from '../mailbox/layout.ts';
import type { ShardClient } from './shard-client.ts';

/** Replies taken from one shard before the next has its turn. */
const BATCH_REPLIES_MAX = 256;

/** Measured: more turns cost processor time at every depth; none costs more under HTTP load. */
const SPIN_TURNS_MAX_DEFAULT = 2;

/**
 * Moves commands out to the shards and replies back in, on the event loop of one front end.
 *
 * What was sent in one turn of the loop leaves at the turn's end, with one look at each shard's bell. While replies are
 * outstanding the loop goes round `spinTurnsMax` times on its own before it sleeps: a reply of a busy shard is there
 * within microseconds, and a thread woken takes fifty.
 */
export class ReplyPump {
  readonly #bell: Doorbell;
  readonly #clients: readonly ShardClient[];
  readonly #spinTurnsMax: number;
  readonly #turn = (): void => this.#onTurn();
  readonly #wake = (): void => this.#onWake();
  /** A turn is due: whatever is sent until then leaves with it. */
  #scheduled = false;
  /** A wait for the bell is pending. It may outlast several sleeps: one that is over in a turn's time leaves it be. */
  #waiting = false;
  #idleTurns = 0;

  constructor(bell: Doorbell, clients: readonly ShardClient[], spinTurnsMax = SPIN_TURNS_MAX_DEFAULT) {
    this.#bell = bell;
    this.#clients = clients;
    this.#spinTurnsMax = spinTurnsMax;
  }

  /** To be called after every command sent; cheap when a turn is due already. */
  sent(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#idleTurns = 0;
    setImmediate(this.#turn);
  }

  #onTurn(): void {
    this.#scheduled = false;
    // Awake: no shard needs to ring.
    if (this.#waiting) this.#bell.withdraw();
    for (const client of this.#clients) client.flush();
    this.#receive();
  }

  #onWake(): void {
    this.#waiting = false;
    this.#bell.withdraw();
    if (!this.#scheduled) this.#receive();
  }

  #receive(): void {
    let more = false;
    let taken = false;
    let outstanding = false;
    try {
      for (const client of this.#clients) {
        const before = client.outstanding;
        if (before === 0) continue;
        if (client.receive(BATCH_REPLIES_MAX)) more = true;
        if (client.outstanding < before) taken = true;
        if (client.outstanding > 0) outstanding = true;
      }
    } finally {
      this.#rest(more, taken, outstanding);
    }
  }

  /** Decides how the next replies are noticed. */
  #rest(more: boolean, taken: boolean, outstanding: boolean): void {
    if (this.#scheduled || !outstanding) return;
    this.#idleTurns = taken ? 0 : this.#idleTurns + 1;
    if (more || this.#idleTurns < this.#spinTurnsMax) {
      this.#scheduled = true;
      setImmediate(this.#turn);
      return;
    }
    this.#bell.announce();
    // The second look: what came before the announcement was not rung for.
    for (const client of this.#clients) {
      if (client.hasWork()) {
        this.#bell.withdraw();
        this.#scheduled = true;
        setImmediate(this.#turn);
        return;
      }
    }
    if (this.#waiting) return;
    this.#waiting = true;
    const wait = Atomics.waitAsync(this.#bell.word, 0, ASLEEP);
    if (wait.async) void wait.value.then(this.#wake);
    else queueMicrotask(this.#wake);
  }
}
