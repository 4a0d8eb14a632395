import type { CallOptions } from './call.ts';
import { Calls } from './calls.ts';
import { ClosedError } from './errors.ts';
import type { ClientEventTarget } from './events.ts';
import { openRouter } from './open-router.ts';
import type { Operation } from './operation.ts';
import type { ResolvedOptions } from './options.ts';
import type { Router } from './router.ts';

interface Opened {
  readonly router: Router;
  readonly calls: Calls;
  underWay: number;
}

/**
 * Calls that take as long as there are keys. They have a connection of their own for as long as there are any: on another
 * one, all calls behind them would wait.
 */
export class LongCalls {
  readonly #options: ResolvedOptions;
  readonly #events: ClientEventTarget;
  readonly #calls: Calls;
  #opened: Opened | null = null;
  #isClosed = false;

  /** @param calls all others of the client, whose observers are told of writes made here as well */
  constructor(options: ResolvedOptions, events: ClientEventTarget, calls: Calls) {
    this.#options = { ...options, poolSize: 1, nearCache: null };
    this.#events = events;
    this.#calls = calls;
  }

  run<T>(operation: Operation<T>, options: CallOptions): Promise<T> {
    if (this.#isClosed) return Promise.reject(new ClosedError());
    this.#opened ??= this.#open();
    const opened = this.#opened;
    opened.underWay++;
    return opened.calls.run(operation, options).finally(() => this.#over(opened));
  }

  /** Takes no more, and resolves when those there are are done. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#opened?.calls.close();
    this.#opened?.router.end();
  }

  /** Rejects all. */
  destroy(): void {
    this.#isClosed = true;
    this.#opened?.calls.destroy();
    this.#opened?.router.destroy(new ClosedError());
  }

  /** Nobody waits on the connection any more. Closing it ends what the server may still do for a call that was given up. */
  #over(opened: Opened): void {
    if (--opened.underWay > 0 || this.#opened !== opened || this.#isClosed) return;
    this.#opened = null;
    opened.router.end();
  }

  #open(): Opened {
    const router = openRouter(this.#options, this.#events, null);
    const calls = new Calls(this.#options, router);
    calls.observeWrites((operation) => this.#calls.noteWrite(operation));
    return { router, calls, underWay: 0 };
  }
}
