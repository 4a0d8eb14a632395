import type { Call } from './call.ts';
import { type ConnectionObserver, RpcConnection } from './connection.ts';
import type { FluxCacheError, ReplyError } from './errors.ts';
import type { ClientEventTarget } from './events.ts';
import type { NearCache } from './near-cache/near-cache.ts';
import type { ResolvedOptions } from './options.ts';
import { Pool } from './pool.ts';
import type { Key } from './values.ts';

/**
 * What a refusal means for a call, none of whose effects it had.
 *
 * - `again`: another node has the key: the call is made again at once.
 * - `passing`: the cluster is between two states: the call is made again after a while, for as long as it has time.
 * - `final`: the retry policy decides by the error alone.
 */
export type Advice = 'again' | 'passing' | 'final';

/** Which node a call goes to. Everything else of the client knows keys only. */
export interface Router {
  /** Sends a call to where it belongs, or lets it wait. Tells it when it can do neither. */
  submit(call: Call): void;
  /** Learns from a refusal where the call has to go, which its next `submit` follows. */
  advise(call: Call, error: ReplyError): Advice;
  /** Whether different nodes may have the keys of one call. */
  readonly isSpread: boolean;
  /** Tells keys apart that different nodes have. */
  placeOf(key: Key): string;
  /** Why nothing can be sent now, as far as that is known. */
  whyNotReady(call: Call): FluxCacheError | undefined;
  /** A connection of its own to any node, for what a server sends unasked. */
  openSubscriber(observer: ConnectionObserver): RpcConnection;
  /** Whom to tell when calls that were refused may succeed now. */
  onChange: () => void;
  /** Resolves once there is a connection. */
  ready(): Promise<void>;
  doubt(): void;
  end(): void;
  destroy(error: FluxCacheError): void;
}

/** Of a single node, which owns every key and redirects nobody. */
export class SingleNodeRouter implements Router {
  onChange: () => void = () => undefined;
  readonly isSpread = false;
  readonly #options: ResolvedOptions;
  readonly #pool: Pool;

  constructor(options: ResolvedOptions, events: ClientEventTarget, near: NearCache | null = null) {
    this.#options = options;
    this.#pool = new Pool(options, events, null, near);
  }

  submit(call: Call): void {
    this.#pool.submit(call);
  }

  advise(): Advice {
    return 'final';
  }

  placeOf(): string {
    return '';
  }

  whyNotReady(): FluxCacheError | undefined {
    return this.#pool.whyNotReady();
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
