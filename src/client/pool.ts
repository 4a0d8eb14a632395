import { backoffMs } from './backoff.ts';
import type { Call } from './call.ts';
import { CallQueue } from './call-queue.ts';
import { type ConnectionObserver, RpcConnection } from './connection.ts';
import { ClosedError, ConnectionError, type FluxCacheError } from './errors.ts';
import type { ClientEventTarget } from './events.ts';
import type { NearCache } from './near-cache/near-cache.ts';
import type { Endpoint, ResolvedOptions } from './options.ts';
import type { Request } from './request.ts';

/** Whoever made a pool, and tells it where its node is. */
export interface PoolOwner {
  /** Where the next connection is made to. */
  nextEndpoint(pool: Pool): Endpoint;
  /** A connection is made and logged in; what waits is sent after this. */
  onConnected(pool: Pool, connection: RpcConnection): void;
  /** A connection was lost or not made; what was in flight on it is told after this. */
  onDisconnected(pool: Pool, connection: RpcConnection, error: FluxCacheError): void;
}

/**
 * The connections to one node. A call goes to the one with the fewest calls in flight; when none has room it waits, in
 * order and within limits. A lost connection is made again for as long as the pool is open, after growing delays.
 */
export class Pool implements ConnectionObserver {
  readonly #options: ResolvedOptions;
  readonly #events: ClientEventTarget;
  readonly #owner: PoolOwner | null;
  readonly #near: NearCache | null;
  readonly #connections: RpcConnection[] = [];
  readonly #waiting: CallQueue;
  /** Connections lost or not made in a row, since one was ready. */
  #failures = 0;
  /** What the last of them failed of. */
  #lastFailure: FluxCacheError | undefined;
  #reconnectTimer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #readyWaiters: { resolve: () => void; reject: (error: FluxCacheError) => void }[] = [];

  /** Without an owner, of the node that the options name. */
  constructor(
    options: ResolvedOptions,
    events: ClientEventTarget,
    owner: PoolOwner | null = null,
    near: NearCache | null = null,
  ) {
    this.#options = options;
    this.#events = events;
    this.#owner = owner;
    this.#near = near;
    this.#waiting = new CallQueue(options.queue);
  }

  /** Calls in flight and waiting. */
  get load(): number {
    let load = this.#waiting.size;
    for (const { outstanding } of this.#connections) load += outstanding;
    return load;
  }

  /** Whether the last connection was lost or not made, and none is there. */
  get isFailing(): boolean {
    return this.#failures > 0;
  }

  get isReady(): boolean {
    return this.#connections.some(({ isConnecting }) => !isConnecting);
  }

  /** Sends a call, or lets it wait. Tells it when it can do neither. */
  submit(call: Call): void {
    if (this.#waiting.size === 0) {
      const connection = this.#pick();
      if (connection !== null) {
        connection.send(call);
        if (connection.outstanding > 1) this.#grow();
        return;
      }
    }
    this.#waiting.add(call);
    this.#grow();
  }

  /** Sends what is not a call of the caller's, ahead of all that waits; false: nothing can be sent now. */
  ask(request: Request): boolean {
    const connection = this.#pick();
    connection?.send(request);
    return connection !== null;
  }

  /** Hands over the calls that wait, oldest first. */
  takeWaiting(): Call[] {
    return this.#waiting.takeAll();
  }

  /** Begins to connect, unless a connection is there. */
  connect(): void {
    if (this.#connections.length === 0) this.#grow();
  }

  /** Resolves once a connection is ready; rejects when the first one that ends before fails. */
  ready(): Promise<void> {
    if (this.isReady) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#readyWaiters.push({ resolve, reject });
      this.#grow();
    });
  }

  /** Why nothing can be sent now, as far as that is known. */
  whyNotReady(): FluxCacheError | undefined {
    for (const { silence, endpoint } of this.#connections) {
      if (silence === null) continue;
      const { host, port } = endpoint;
      const message = `The connection to ${host}:${port} ${silence}.`;
      return new ConnectionError('connection', message, { retryable: true, cause: this.#lastFailure });
    }
    return this.#lastFailure;
  }

  /** Looks after connections that may have died without a word. */
  doubt(): void {
    const nowMs = performance.now();
    for (const connection of [...this.#connections]) if (connection.outstanding > 0) connection.doubt(nowMs);
  }

  /** The longest that nothing was heard on a connection on which something should be. */
  silentMs(nowMs: number): number {
    return this.#connections.reduce((most, connection) => Math.max(most, connection.silentMs(nowMs)), 0);
  }

  /** Closes connections that were silent for so long; what is in flight on them is lost. */
  dropSilent(nowMs: number, silentMs: number): void {
    for (const connection of [...this.#connections]) {
      if (connection.silentMs(nowMs) < silentMs) continue;
      const { host, port } = connection.endpoint;
      const message = `The connection to ${host}:${port} is silent, and other nodes have taken its place.`;
      connection.destroy(new ConnectionError('connection', message, { retryable: true }));
    }
  }

  /** Closes the connections once what is in flight on them is answered; what waits is for the caller to have ended. */
  end(): void {
    this.#stop(new ClosedError());
    for (const connection of [...this.#connections]) connection.end();
  }

  /** Closes the connections at once; calls in flight and waiting are told `error`. */
  destroy(error: FluxCacheError): void {
    this.#stop(error);
    for (const connection of [...this.#connections]) connection.destroy(error);
    this.#failWaiting(error);
  }

  onReady(connection: RpcConnection): void {
    this.#failures = 0;
    this.#lastFailure = undefined;
    // Ahead of all calls: what these read is told of.
    this.#near?.attach(connection);
    const { host, port } = connection.endpoint;
    this.#events.emit('connect', { host, port });
    this.#owner?.onConnected(this, connection);
    this.#tellReady(null);
    this.#pump();
  }

  onRoom(): void {
    this.#pump();
  }

  onNotification(method: string, params: readonly unknown[]): void {
    // Nothing else was asked for here: what comes is of a newer server.
    this.#near?.onNotification(method, params);
  }

  onClosed(connection: RpcConnection, error: FluxCacheError): void {
    this.#connections.splice(this.#connections.indexOf(connection), 1);
    this.#near?.detach(connection);
    if (this.#isClosed) return;
    this.#lastFailure = error;
    this.#tellReady(error);
    this.#events.emit('error', error);
    this.#owner?.onDisconnected(this, connection, error);
    if (error instanceof ConnectionError) this.#reconnect(error);
    // Whoever is refused now will be refused again: calls are told, the next one tries.
    else this.#failWaiting(error);
  }

  #pick(): RpcConnection | null {
    let best: RpcConnection | null = null;
    for (const connection of this.#connections) {
      if (connection.canSend && (best === null || connection.outstanding < best.outstanding)) best = connection;
    }
    return best;
  }

  /** Opens one more connection if there may be one and none is about to be there. */
  #grow(): void {
    if (this.#isClosed || this.#reconnectTimer !== undefined) return;
    if (this.#connections.length >= this.#options.poolSize) return;
    if (this.#connections.some(({ isConnecting }) => isConnecting)) return;
    const endpoint = this.#owner?.nextEndpoint(this) ?? this.#options.endpoint;
    this.#connections.push(new RpcConnection(endpoint, this));
  }

  #reconnect(error: FluxCacheError): void {
    if (this.#reconnectTimer !== undefined) return;
    this.#failures++;
    const delayMs = backoffMs(this.#failures, this.#options.reconnect, Math.random());
    this.#reconnectTimer = setTimeout(() => {
      this.#reconnectTimer = undefined;
      this.#grow();
    }, delayMs);
    this.#events.emit('reconnecting', { attempt: this.#failures, delayMs, error });
  }

  #pump(): void {
    for (const call of this.#waiting) {
      const connection = this.#pick();
      if (connection === null) break;
      call.leaveQueue?.();
      connection.send(call);
    }
    if (this.#waiting.size > 0) this.#grow();
  }

  #failWaiting(error: FluxCacheError): void {
    for (const call of this.#waiting.takeAll()) call.onLost(error);
  }

  #tellReady(error: FluxCacheError | null): void {
    const waiters = this.#readyWaiters;
    this.#readyWaiters = [];
    for (const { resolve, reject } of waiters) {
      if (error === null) resolve();
      else reject(error);
    }
  }

  #stop(error: FluxCacheError): void {
    this.#isClosed = true;
    clearTimeout(this.#reconnectTimer);
    this.#reconnectTimer = undefined;
    this.#tellReady(error);
  }
}
