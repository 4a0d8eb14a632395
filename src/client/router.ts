import { type ConnectionObserver, RpcConnection } from './connection.ts';
import type { FluxCacheError, ReplyError } from './errors.ts';
import type { ClientEventTarget } from './events.ts';
import type { ResolvedOptions } from './options.ts';
import { Pool } from './pool.ts';
import type { Key } from './values.ts';

/**
 * Which node a call goes to. Everything else of the client knows keys and pools only, so that a router which knows a
 * cluster's slots can take this one's place.
 */
export interface Router {
  /** The connections to the node that serves a key; null: to any node. */
  poolFor(key: Key | null): Pool;
  /**
   * Where a call has to go instead, when the error says that its key lives elsewhere (a cluster's MOVED); null when the
   * error says something else. The one place that knows such errors.
   */
  redirect(error: ReplyError): Pool | null;
  /** A connection of its own to any node, for what a server sends unasked. */
  openSubscriber(observer: ConnectionObserver): RpcConnection;
  /** Resolves once there is a connection. */
  ready(): Promise<void>;
  doubt(): void;
  end(): void;
  destroy(error: FluxCacheError): void;
}

/** Of a single node, which owns every key and redirects nobody. */
export class SingleNodeRouter implements Router {
  readonly #options: ResolvedOptions;
  readonly #pool: Pool;

  constructor(options: ResolvedOptions, events: ClientEventTarget) {
    this.#options = options;
    this.#pool = new Pool(options, events);
  }

  poolFor(): Pool {
    return this.#pool;
  }

  redirect(): Pool | null {
    return null;
  }

  openSubscriber(observer: ConnectionObserver): RpcConnection {
    return new RpcConnection(this.#options.endpoint, observer);
  }

  ready(): Promise<void> {
    return this.#pool.ready();
  }

  doubt(): void {
    this.#pool.doubt();
  }

  end(): void {
    this.#pool.end();
  }

  destroy(error: FluxCacheError): void {
    this.#pool.destroy(error);
  }
}
