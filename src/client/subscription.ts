import { unwatchAbort, watchAbort } from './abort-watch.ts';
import { AbortError, ClosedError, type FluxCacheError } from './errors.ts';

/** What was published. */
export interface Message {
  readonly channel: string | Uint8Array;
  /** Text when it is UTF-8, else bytes. */
  readonly payload: string | Uint8Array;
  /** The pattern that the channel matched; null when it was subscribed to by name. */
  readonly pattern: string | Uint8Array | null;
}

/** Channels by name, or all whose names match patterns (`*`, `?`, `[a-z]`, `\`). */
export type SubscriptionTarget = string | readonly string[] | { readonly pattern: string | readonly string[] };

export interface SubscribeOptions {
  /** Ends the subscription; iterating it then throws an {@link AbortError}. */
  readonly signal?: AbortSignal | undefined;
  /** Messages that wait for whoever iterates; beyond it the oldest are dropped. Default: 1000. */
  readonly bufferMax?: number | undefined;
  /** Bytes of the payloads that wait. Default: 16 MiB. */
  readonly bufferBytesMax?: number | undefined;
}

export type MessageListener = (message: Message) => void;

interface Waiter {
  readonly resolve: (result: IteratorResult<Message, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

const BUFFER_MAX = 1000;
const BUFFER_BYTES_MAX = 16 * 2 ** 20;

/**
 * Messages of some channels, to be iterated (by one loop) or handed to a listener. It outlives lost connections, but not
 * the messages published meanwhile: `interruptions` counts them.
 */
export class Subscription implements AsyncIterableIterator<Message> {
  readonly channels: readonly string[];
  readonly patterns: readonly string[];
  /** Messages that were dropped because nobody took them in time. */
  dropped = 0;
  /** How often the connection was lost and the subscription made again: messages may be missing. */
  interruptions = 0;
  readonly #options: SubscribeOptions;
  readonly #listener: MessageListener | null;
  readonly #onEnd: (subscription: Subscription) => void;
  readonly #buffer: Message[] = [];
  /** Where the buffer begins: what is before it was taken. */
  #first = 0;
  #bufferedBytes = 0;
  #waiters: Waiter[] = [];
  #end: { readonly error: FluxCacheError | null } | null = null;

  constructor(
    target: SubscriptionTarget,
    listener: MessageListener | null,
    options: SubscribeOptions,
    onEnd: (subscription: Subscription) => void,
  ) {
    this.channels = typeof target === 'object' && 'pattern' in target ? [] : listOf(target);
    this.patterns = typeof target === 'object' && 'pattern' in target ? listOf(target.pattern) : [];
    this.#options = options;
    this.#listener = listener;
    this.#onEnd = onEnd;
    if (options.signal !== undefined) watchAbort(options.signal, this.#onAbort);
  }

  get isClosed(): boolean {
    return this.#end !== null;
  }

  /** Why it ended; null while it has not, and when it was just closed. */
  get error(): FluxCacheError | null {
    return this.#end?.error ?? null;
  }

  /** Called by the client for each message. */
  deliver(message: Message): void {
    if (this.#end !== null) return;
    if (this.#listener !== null) {
      this.#listener(message);
      return;
    }
    const waiter = this.#waiters.shift();
    if (waiter !== undefined) {
      waiter.resolve({ done: false, value: message });
      return;
    }
    this.#buffer.push(message);
    this.#bufferedBytes += message.payload.length;
    const { bufferMax = BUFFER_MAX, bufferBytesMax = BUFFER_BYTES_MAX } = this.#options;
    while (
      this.#buffer.length - this.#first > bufferMax ||
      (this.#bufferedBytes > bufferBytesMax && this.#buffer.length - this.#first > 1)
    ) {
      this.#shift();
      this.dropped++;
    }
  }

  /** Ends the subscription. What waits can still be iterated. */
  close(): void {
    this.finish(null);
  }

  /** Ends it for a reason, which iterating throws after what waits; null: iterating just ends. */
  finish(error: FluxCacheError | null): void {
    if (this.#end !== null) return;
    this.#end = { error };
    const { signal } = this.#options;
    if (signal !== undefined) unwatchAbort(signal, this.#onAbort);
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const { resolve, reject } of waiters) {
      if (error === null || error instanceof ClosedError) resolve({ done: true, value: undefined });
      else reject(error);
    }
    this.#onEnd(this);
  }

  next(): Promise<IteratorResult<Message, undefined>> {
    const message = this.#shift();
    if (message !== undefined) return Promise.resolve({ done: false, value: message });
    if (this.#end === null) return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
    const { error } = this.#end;
    if (error === null || error instanceof ClosedError) return Promise.resolve({ done: true, value: undefined });
    return Promise.reject(error);
  }

  /** Called when a loop over it is left. */
  return(): Promise<IteratorResult<Message, undefined>> {
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #shift(): Message | undefined {
    const message = this.#buffer[this.#first];
    if (message === undefined) return undefined;
    this.#first++;
    this.#bufferedBytes -= message.payload.length;
    // Taken messages are let go of in bulk, so that taking one costs no move of all others.
    if (this.#first * 2 >= this.#buffer.length) {
      this.#buffer.splice(0, this.#first);
      this.#first = 0;
    }
    return message;
  }

  readonly #onAbort = (): void => {
    this.finish(new AbortError({ cause: this.#options.signal?.reason }));
  };
}

function listOf(names: string | readonly string[]): readonly string[] {
  return typeof names === 'string' ? [names] : [...names];
}
