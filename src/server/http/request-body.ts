import { type Refusal, refuse } from '../../protocol/http/refusal.ts';
import type { Deadline } from './deadlines.ts';
import { type HttpShared, stallMsMax } from './shared.ts';

const bytesAtFirst = 64 * 1024;

/** A request's body that arrives in more than one piece: collected up to a limit and within a time. */
export class RequestBody implements Deadline {
  dueMs: number;
  readonly #shared: HttpShared;
  readonly #beganMs: number;
  readonly #onTimeout: () => void;
  #bytes: Uint8Array = new Uint8Array(0);
  #length = 0;

  /** `onTimeout` is called when the body does not arrive in time. */
  constructor(shared: HttpShared, onTimeout: () => void) {
    this.#shared = shared;
    this.#onTimeout = onTimeout;
    this.#beganMs = performance.now();
    this.dueMs = this.#due(this.#beganMs);
  }

  onDue(): void {
    this.release();
    this.#onTimeout();
  }

  /** Copies a piece; says why when it cannot be taken, after which the body is given up. */
  add(chunk: ArrayBuffer, isLast: boolean): Refusal | null {
    const shared = this.#shared;
    const { bodyBytesMax, bodiesBytesMax } = shared.options;
    const length = this.#length + chunk.byteLength;
    if (length > bodyBytesMax) {
      this.release();
      return refuse('request-too-large', `The body has more than ${bodyBytesMax} bytes.`);
    }
    if (length > this.#bytes.length) {
      const room = isLast ? length : Math.min(bodyBytesMax, Math.max(length, this.#bytes.length * 2, bytesAtFirst));
      if (shared.bodiesBytes + room - this.#bytes.length > bodiesBytesMax) {
        this.release();
        return refuse('overloaded', 'Too many bodies are arriving at once; try again in a moment.');
      }
      shared.bodiesBytes += room - this.#bytes.length;
      const grown = new Uint8Array(room);
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#bytes.set(new Uint8Array(chunk), this.#length);
    this.#length = length;
    if (isLast) this.#shared.deadlines.delete(this);
    else {
      this.dueMs = this.#due(performance.now());
      this.#shared.deadlines.add(this);
    }
    return null;
  }

  /** The whole body. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Gives the memory back and ends the time limit. May be called more than once. */
  release(): void {
    this.#shared.bodyBegan(this);
    this.#shared.bodiesBytes -= this.#bytes.length;
    this.#bytes = new Uint8Array(0);
    this.#length = 0;
  }

  #due(nowMs: number): number {
    return Math.min(this.#beganMs + this.#shared.options.requestTimeoutMs, nowMs + stallMsMax);
  }
}

export function bodyTimeout(): Refusal {
  return refuse('request-timeout', 'The body did not arrive in time.');
}
