import { type ConnectionObserver, RpcConnection } from './connection.ts';
import { ConnectionError, FluxCacheError } from './errors.ts';
import type { Endpoint } from './options.ts';
import type { Pool } from './pool.ts';
import { replyErrorOf } from './reply-error.ts';
import type { Request } from './request.ts';
import { RequestEncoder } from './request-encoder.ts';
import { SlotMap } from './slot-map.ts';

/** Somewhere to ask for the map: a node, by a connection that is there or by one of its own. */
export interface MapSource {
  readonly endpoint: Endpoint;
  readonly pool: Pool | null;
}

/** How long one node is waited for before another is asked as well. */
const HEDGE_MS = 150;
const question = new RequestEncoder().encode('cluster slots', []);

/**
 * Asks nodes for the map, one after the other until one has answered it; the next one as well when one takes long. What
 * the others say after that is dropped.
 */
export class MapLoader {
  readonly #sources: readonly MapSource[];
  readonly #onDone: (outcome: SlotMap | FluxCacheError) => void;
  readonly #questions = new Set<Question>();
  #asked = 0;
  #failed = 0;
  #timer: NodeJS.Timeout | undefined;
  #isDone = false;

  /** `onDone` is told once, the error being that of the last node to fail; never after `stop`, nor before `start`. */
  constructor(sources: readonly MapSource[], onDone: (outcome: SlotMap | FluxCacheError) => void) {
    this.#sources = sources;
    this.#onDone = onDone;
  }

  start(): void {
    this.#next();
  }

  stop(): void {
    this.#isDone = true;
    clearTimeout(this.#timer);
    for (const each of this.#questions) each.drop();
  }

  #next(): void {
    clearTimeout(this.#timer);
    const source = this.#sources[this.#asked++];
    if (source === undefined) return;
    if (this.#asked < this.#sources.length) this.#timer = setTimeout(() => this.#next(), HEDGE_MS);
    const each = new Question(source, (outcome) => {
      this.#questions.delete(each);
      if (this.#isDone) return;
      if (outcome instanceof FluxCacheError && ++this.#failed < this.#sources.length) this.#next();
      else {
        this.stop();
        this.#onDone(outcome);
      }
    });
    this.#questions.add(each);
    each.ask();
  }
}

/** One node asked once. */
class Question implements ConnectionObserver, Request {
  readonly body = question;
  isSettled = false;
  wasSent = false;
  readonly #source: MapSource;
  readonly #onOutcome: (outcome: SlotMap | FluxCacheError) => void;
  #own: RpcConnection | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(source: MapSource, onOutcome: (outcome: SlotMap | FluxCacheError) => void) {
    this.#source = source;
    this.#onOutcome = onOutcome;
  }

  ask(): void {
    const { endpoint, pool } = this.#source;
    this.#timer = setTimeout(() => {
      const message = `The node at ${endpoint.host}:${endpoint.port} does not tell which node has which keys.`;
      this.#settle(new ConnectionError('connection', message, { retryable: true }));
    }, endpoint.connectTimeoutMs);
    if (pool?.ask(this) !== true) this.#own = new RpcConnection(endpoint, this);
  }

  drop(): void {
    this.isSettled = true;
    clearTimeout(this.#timer);
    const own = this.#own;
    this.#own = null;
    own?.destroy(new ConnectionError('connection', 'Another node has answered.'));
  }

  onReady(connection: RpcConnection): void {
    connection.send(this);
  }

  onRoom(): void {
    // One request is all that is sent.
  }

  onNotification(): void {
    // Nothing was subscribed to.
  }

  onClosed(_connection: RpcConnection, error: FluxCacheError): void {
    this.#settle(error);
  }

  onAnswer(error: unknown, result: unknown): void {
    if (error !== null && error !== undefined) {
      this.#settle(replyErrorOf(error, false));
      return;
    }
    try {
      this.#settle(SlotMap.read(result, this.#source.endpoint.host));
    } catch (fault) {
      if (!(fault instanceof FluxCacheError)) throw fault;
      this.#settle(fault);
    }
  }

  onLost(error: FluxCacheError): void {
    this.#settle(error);
  }

  #settle(outcome: SlotMap | FluxCacheError): void {
    if (this.isSettled) return;
    this.drop();
    this.#onOutcome(outcome);
  }
}
