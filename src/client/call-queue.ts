import type { Call } from './call.ts';
import { QueueFullError } from './errors.ts';
import type { QueueOptions } from './options.ts';

/** Calls that wait to be sent, in order and within limits. A call leaves by itself when it is settled. */
export class CallQueue implements Iterable<Call> {
  readonly #limits: Required<QueueOptions>;
  readonly #calls = new Set<Call>();
  #bytes = 0;

  constructor(limits: Required<QueueOptions>) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#calls.size;
  }

  /** Puts a call at the end. Tells it when there is no room for it. */
  add(call: Call): void {
    const { callsMax, bytesMax } = this.#limits;
    if (this.#calls.size >= callsMax) {
      call.reject(new QueueFullError(`${callsMax} calls wait to be sent already.`));
      return;
    }
    if (this.#bytes + call.body.length > bytesMax) {
      call.reject(new QueueFullError(`The calls that wait to be sent would take more than ${bytesMax} bytes.`));
      return;
    }
    this.#calls.add(call);
    this.#bytes += call.body.length;
    call.leaveQueue = () => {
      this.#calls.delete(call);
      this.#bytes -= call.body.length;
      call.leaveQueue = null;
    };
  }

  /** Empties it; oldest first. */
  takeAll(): Call[] {
    const calls = [...this.#calls];
    for (const call of calls) call.leaveQueue?.();
    return calls;
  }

  [Symbol.iterator](): IterableIterator<Call> {
    return this.#calls.values();
  }
}
