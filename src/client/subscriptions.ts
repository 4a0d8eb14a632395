import { type Backoff, backoffMs } from './backoff.ts';
import type { ConnectionObserver, RpcConnection } from './connection.ts';
import { AbortError, ClosedError, ConnectionError, type FluxCacheError } from './errors.ts';
import type { ClientEventTarget } from './events.ts';
import { replyErrorOf } from './reply-error.ts';
import { RequestEncoder } from './request-encoder.ts';
import type { Router } from './router.ts';
import {
  type Message,
  type MessageListener,
  type SubscribeOptions,
  Subscription,
  type SubscriptionTarget,
} from './subscription.ts';

const encoder = new RequestEncoder();

interface Starting {
  readonly resolve: (subscription: Subscription) => void;
  readonly reject: (error: FluxCacheError) => void;
}

/**
 * All subscriptions of a client, on a connection of their own, so that messages and answers do not wait for each other. It
 * is opened with the first subscription, made again with all of them when it is lost, and closed with the last.
 */
export class Subscriptions implements ConnectionObserver {
  readonly #router: Router;
  readonly #events: ClientEventTarget;
  readonly #backoff: Backoff;
  readonly #channels = new Map<string, Set<Subscription>>();
  readonly #patterns = new Map<string, Set<Subscription>>();
  readonly #all = new Set<Subscription>();
  /** Those whose caller has not been told yet that they are there. */
  readonly #starting = new Map<Subscription, Starting>();
  #connection: RpcConnection | null = null;
  #isReady = false;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(router: Router, events: ClientEventTarget, backoff: Backoff) {
    this.#router = router;
    this.#events = events;
    this.#backoff = backoff;
  }

  subscribe(
    target: SubscriptionTarget,
    listener: MessageListener | null,
    options: SubscribeOptions,
  ): Promise<Subscription> {
    if (this.#isClosed) return Promise.reject(new ClosedError());
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(new AbortError({ cause: signal.reason }));
    return new Promise((resolve, reject) => {
      const subscription = new Subscription(target, listener, options, (ended) => this.#remove(ended));
      this.#all.add(subscription);
      this.#starting.set(subscription, { resolve, reject });
      for (const name of subscription.channels) add(this.#channels, name, subscription);
      for (const name of subscription.patterns) add(this.#patterns, name, subscription);
      if (this.#isReady) this.#ask([subscription]);
      else this.#open();
    });
  }

  /** Ends all of them. */
  close(): void {
    this.#isClosed = true;
    for (const subscription of [...this.#all]) subscription.finish(new ClosedError());
    this.#shut();
  }

  onReady(): void {
    this.#failures = 0;
    this.#isReady = true;
    this.#ask([...this.#all]);
  }

  onRoom(): void {
    // Requests of this connection are few, and never wait for room.
  }

  onNotification(method: string, params: readonly unknown[]): void {
    if (method === 'message')
      this.#deliver(this.#channels, params[0], { channel: params[0], payload: params[1] }, null);
    else if (method === 'pmessage') {
      this.#deliver(this.#patterns, params[0], { channel: params[1], payload: params[2] }, params[0]);
    }
  }

  onClosed(connection: RpcConnection, error: FluxCacheError): void {
    if (connection !== this.#connection) return;
    this.#connection = null;
    const wasReady = this.#isReady;
    this.#isReady = false;
    if (this.#all.size === 0) return;
    this.#events.emit('error', error);
    if (!(error instanceof ConnectionError)) {
      for (const subscription of [...this.#all]) this.#fail(subscription, error);
      return;
    }
    if (wasReady) for (const subscription of this.#all) subscription.interruptions++;
    this.#failures++;
    const delayMs = backoffMs(this.#failures, this.#backoff, Math.random());
    this.#events.emit('reconnecting', { attempt: this.#failures, delayMs, error });
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#open();
    }, delayMs);
  }

  #open(): void {
    if (this.#connection !== null || this.#timer !== undefined || this.#all.size === 0) return;
    this.#connection = this.#router.openSubscriber(this);
  }

  /** Subscribes the server to the names of these, which it may be to some of them already. */
  #ask(subscriptions: readonly Subscription[]): void {
    const channels = new Set(subscriptions.flatMap((subscription) => subscription.channels));
    const patterns = new Set(subscriptions.flatMap((subscription) => subscription.patterns));
    let left = 0;
    const onAnswer = (error: unknown) => {
      left--;
      if (error !== null) for (const one of subscriptions) this.#fail(one, replyErrorOf(error, false));
      else if (left === 0) for (const one of subscriptions) this.#started(one);
    };
    if (channels.size > 0) left++;
    if (patterns.size > 0) left++;
    if (channels.size > 0) this.#send('subscribe', [...channels], onAnswer);
    if (patterns.size > 0) this.#send('psubscribe', [...patterns], onAnswer);
  }

  #started(subscription: Subscription): void {
    this.#starting.get(subscription)?.resolve(subscription);
    this.#starting.delete(subscription);
  }

  #fail(subscription: Subscription, error: FluxCacheError): void {
    const starting = this.#starting.get(subscription);
    this.#starting.delete(subscription);
    subscription.finish(error);
    starting?.reject(error);
  }

  #send(method: string, names: readonly string[], onAnswer: (error: unknown) => void): void {
    this.#connection?.send({
      body: encoder.encode(method, names),
      isSettled: false,
      wasSent: false,
      onAnswer,
      // What was not answered is asked for again on the next connection.
      onLost: () => undefined,
    });
  }

  #deliver(
    names: ReadonlyMap<string, ReadonlySet<Subscription>>,
    name: unknown,
    { channel, payload }: { channel: unknown; payload: unknown },
    pattern: unknown,
  ): void {
    const subscriptions = typeof name === 'string' ? names.get(name) : undefined;
    if (subscriptions === undefined || !isBytes(channel) || !isBytes(payload)) return;
    const message: Message = { channel, payload, pattern: isBytes(pattern) ? pattern : null };
    for (const subscription of [...subscriptions]) {
      try {
        subscription.deliver(message);
      } catch (error) {
        // Of a listener: the other subscriptions get the message all the same.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  #remove(subscription: Subscription): void {
    this.#all.delete(subscription);
    this.#starting.get(subscription)?.reject(subscription.error ?? new ClosedError());
    this.#starting.delete(subscription);
    const channels = subscription.channels.filter((name) => remove(this.#channels, name, subscription));
    const patterns = subscription.patterns.filter((name) => remove(this.#patterns, name, subscription));
    if (this.#all.size === 0) this.#shut();
    else if (this.#isReady) {
      if (channels.length > 0) this.#send('unsubscribe', channels, () => undefined);
      if (patterns.length > 0) this.#send('punsubscribe', patterns, () => undefined);
    }
  }

  #shut(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isReady = false;
    const connection = this.#connection;
    this.#connection = null;
    connection?.destroy(new ClosedError());
  }
}

function add(names: Map<string, Set<Subscription>>, name: string, subscription: Subscription): void {
  const subscriptions = names.get(name);
  if (subscriptions === undefined) names.set(name, new Set([subscription]));
  else subscriptions.add(subscription);
}

/** True when that was the last one of the name. */
function remove(names: Map<string, Set<Subscription>>, name: string, subscription: Subscription): boolean {
  const subscriptions = names.get(name);
  if (subscriptions === undefined || !subscriptions.delete(subscription)) return false;
  return subscriptions.size === 0 && names.delete(name);
}

function isBytes(value: unknown): value is string | Uint8Array {
  return typeof value === 'string' || value instanceof Uint8Array;
}
