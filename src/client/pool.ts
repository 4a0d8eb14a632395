import { backoffMs } from './backoff.ts';
import type { Call } from './call.ts';
import { type ConnectionObserver, RpcConnection } from './connection.ts';
import { ClosedError, ConnectionError, type FluxCacheError, QueueFullError } from './errors.ts';
import type { ClientEventTarget } from './events.ts';
import type { ResolvedOptions } from './options.ts';

/**
 * The connections to one node. A call goes to the one with the fewest calls in flight; when none has room it waits, in
 * order and within limits. A lost connection is made again for as long as the pool is open, after growing delays.
 */
export class Pool implements ConnectionObserver {
  readonly #options: ResolvedOptions;
  readonly #events: ClientEventTarget;
  readonly #connections: RpcConnection[] = [];
  /** Calls that wait, oldest first. */
  readonly #waiting = new Set<Call>();
  #waitingBytes = 0;
  /** Connections lost or not made in a row, since one was ready. */
  #failures = 0;
  /** What the last of them failed of. */
  #lastFailure: FluxCacheError | undefined;
  #reconnectTimer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #readyWaiters: { resolve: () => void; reject: (error: FluxCacheError) => void }[] = [];

  constructor(options: ResolvedOptions, events: ClientEventTarget) {
    this.#options = options;
    this.#events = events;
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
    this.#wait(call);
    this.#grow();
  }

  /** Resolves once a connection is ready; rejects when the first one that ends before fails. */
  ready(): Promise<void> {
    if (this.#connections.some(({ isConnecting }) => !isConnecting)) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#readyWaiters.push({ resolve, reject });
      this.#grow();
    });
  }

  /** Why nothing can be sent now, as far as that is known. */
  whyNotReady(): FluxCacheError | undefined {
    for (const { silence } of this.#connections) {
      if (silence === null) continue;
      const { host, port } = this.#options.endpoint;
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

  onReady(): void {
    this.#failures = 0;
    this.#lastFailure = undefined;
    const { host, port } = this.#options.endpoint;
    this.#events.emit('connect', { host, port });
    this.#tellReady(null);
    this.#pump();
  }

  onRoom(): void {
    this.#pump();
  }

  onNotification(): void {
    // Nothing was subscribed to here: what comes is of a newer server.
  }

  onClosed(connection: RpcConnection, error: FluxCacheError): void {
    this.#connections.splice(this.#connections.indexOf(connection), 1);
    if (this.#isClosed) return;
    this.#lastFailure = error;
    this.#tellReady(error);
    this.#events.emit('error', error);
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
    this.#connections.push(new RpcConnection(this.#options.endpoint, this));
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

  #wait(call: Call): void {
    const { callsMax, bytesMax } = this.#options.queue;
    if (this.#waiting.size >= callsMax) {
      call.reject(new QueueFullError(`${callsMax} calls wait to be sent already.`));
      return;
    }
    if (this.#waitingBytes + call.body.length > bytesMax) {
      call.reject(new QueueFullError(`The calls that wait to be sent would take more than ${bytesMax} bytes.`));
      return;
    }
    this.#waiting.add(call);
    this.#waitingBytes += call.body.length;
    call.leaveQueue = () => {
      this.#waiting.delete(call);
      this.#waitingBytes -= call.body.length;
      call.leaveQueue = null;
    };
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
    for (const call of [...this.#waiting]) {
      call.leaveQueue?.();
      call.onLost(error);
    }
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
