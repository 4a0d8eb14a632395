import type { AccessUser } from '../access/rights.ts';
import type { HttpShared } from './shared.ts';
import type { UwsResponse } from './uws.ts';

interface Unsent {
  readonly bytes: Uint8Array;
  /** Null: nothing takes its place. */
  readonly name: string | null;
}

/**
 * An answer that goes on for as long as its client listens, and what of it the client has not taken yet. When too much
 * waits, for this client or for all of the front end, or when it takes nothing for long, it is cut off.
 */
export class UnsentStream {
  readonly user: AccessUser;
  readonly #shared: HttpShared;
  readonly #onEnd: () => void;
  #response: UwsResponse | null = null;
  #isOpen = true;
  /** When the client stopped taking what was sent; 0 while it does. */
  #blockedSinceMs = 0;
  #unsent: Unsent[] = [];
  #unsentBytes = 0;
  /** Of the last piece handed to the engine, which keeps what of it the socket has not taken; 0: it has taken all. */
  #heldBytes = 0;

  /** `onEnd` is called once, when the stream has ended in whatever way. */
  constructor(shared: HttpShared, user: AccessUser, onEnd: () => void) {
    this.user = user;
    this.#shared = shared;
    this.#onEnd = onEnd;
    shared.streams++;
  }

  get isBlocked(): boolean {
    return this.#blockedSinceMs > 0;
  }

  /** Writes to `response` from now on, what was sent before included. Its head is written. */
  start(response: UwsResponse): void {
    this.#response = response;
    response.onWritable(() => {
      this.#blockedSinceMs = 0;
      this.#hold(0);
      this.#flush();
      return true;
    });
    this.#flush();
  }

  /** `bytes` are not to be written to afterwards. They take the place of what waits under the same `name`. */
  write(bytes: Uint8Array, name: string | null = null): void {
    if (!this.#isOpen) return;
    const former = name === null ? -1 : this.#unsent.findIndex((waiting) => waiting.name === name);
    const formerBytes = this.#unsent[former]?.bytes.length ?? 0;
    if (former < 0) this.#unsent.push({ bytes, name });
    else this.#unsent[former] = { bytes, name };
    this.#addUnsent(bytes.length - formerBytes);
    if (!this.isBlocked) this.#flush();
    const { streamBytesMax, unsentBytesMax } = this.#shared.options;
    if (this.#unsentBytes > streamBytesMax || this.#shared.unsentBytes > unsentBytesMax) this.#cutOff();
    else this.endIfStuck();
  }

  /** Cuts the client off when it has taken nothing for as long as it may. */
  endIfStuck(): void {
    if (this.isBlocked && performance.now() - this.#blockedSinceMs > this.#shared.options.replyTimeoutMs)
      this.#cutOff();
  }

  end(): void {
    const response = this.#response;
    if (this.gone()) response?.cork(() => response.end());
  }

  /** The client has gone: nothing is written any more. False when the stream had ended before. */
  gone(): boolean {
    if (!this.#isOpen) return false;
    this.#isOpen = false;
    this.#response = null;
    this.#shared.streams--;
    this.#addUnsent(-this.#unsentBytes);
    this.#hold(0);
    this.#unsent = [];
    this.#onEnd();
    return true;
  }

  #cutOff(): void {
    const response = this.#response;
    if (this.gone()) response?.close();
  }

  #addUnsent(bytes: number): void {
    this.#unsentBytes += bytes;
    this.#shared.unsentBytes += bytes;
  }

  /** Counts for all clients together alone: a single piece may be larger than what may wait for one. */
  #hold(bytes: number): void {
    this.#shared.unsentBytes += bytes - this.#heldBytes;
    this.#heldBytes = bytes;
  }

  #flush(): void {
    const response = this.#response;
    if (response === null || this.#unsent.length === 0) return;
    let sent = 0;
    response.cork(() => {
      while (sent < this.#unsent.length && !this.isBlocked) {
        const { bytes } = this.#unsent[sent++] as Unsent;
        this.#addUnsent(-bytes.length);
        this.#shared.countSent(bytes.length);
        if (!response.write(bytes)) {
          this.#blockedSinceMs = performance.now();
          this.#hold(bytes.length);
        }
      }
    });
    this.#unsent = this.#unsent.slice(sent);
  }
}
