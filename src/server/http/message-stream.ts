import type { AccessUser } from '../access/rights.ts';
import type { Push, PushTarget } from '../pubsub/push.ts';
import { messageFormat } from './message-frame.ts';
import type { HttpShared } from './shared.ts';
import type { UwsResponse } from './uws.ts';

const heartbeat = Buffer.from(': \n\n');

/** The messages of a channel or pattern on their way to one client. One that does not read them is cut off at a limit. */
export class MessageStream implements PushTarget {
  readonly id = 0;
  readonly resp = 3;
  // A stream has no commands that replies are owed to.
  readonly taken = 0;
  readonly answered = 0;
  readonly user: AccessUser;
  readonly #shared: HttpShared;
  #response: UwsResponse | null = null;
  readonly #onEnd: () => void;
  #isOpen = true;
  /** When the client stopped taking what was sent; 0 while it does. */
  #blockedSinceMs = 0;
  #unsent: Uint8Array[] = [];
  #unsentBytes = 0;

  /** `onEnd` is called once, when the stream has ended in whatever way. */
  constructor(shared: HttpShared, user: AccessUser, onEnd: () => void) {
    this.user = user;
    this.#shared = shared;
    this.#onEnd = onEnd;
    shared.streams++;
  }

  /** Writes to `response` from now on, what was sent before included. Its head is written. */
  start(response: UwsResponse): void {
    this.#response = response;
    response.onWritable(() => {
      this.#blockedSinceMs = 0;
      this.#flush();
      return true;
    });
    this.#flush();
  }

  send(push: Push): void {
    this.write(push.encodedAs(messageFormat));
  }

  whenAnswered(task: () => void): void {
    task();
  }

  /** `bytes` are not to be written to afterwards. */
  write(bytes: Uint8Array): void {
    if (!this.#isOpen) return;
    const shared = this.#shared;
    this.#unsent.push(bytes);
    this.#unsentBytes += bytes.length;
    shared.unsentBytes += bytes.length;
    if (this.#blockedSinceMs === 0) this.#flush();
    const { streamBytesMax, unsentBytesMax } = shared.options;
    if (this.#unsentBytes > streamBytesMax || shared.unsentBytes > unsentBytesMax) this.#cutOff();
  }

  /** Keeps the connection from being taken for dead, and ends it when it is. */
  beat(): void {
    if (this.#blockedSinceMs === 0) this.write(heartbeat);
    else if (performance.now() - this.#blockedSinceMs > this.#shared.options.replyTimeoutMs) this.#cutOff();
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
    this.#shared.unsentBytes -= this.#unsentBytes;
    this.#unsent = [];
    this.#onEnd();
    return true;
  }

  #cutOff(): void {
    const response = this.#response;
    if (this.gone()) response?.close();
  }

  #flush(): void {
    const response = this.#response;
    if (response === null || this.#unsent.length === 0) return;
    let sent = 0;
    response.cork(() => {
      while (sent < this.#unsent.length && this.#blockedSinceMs === 0) {
        const bytes = this.#unsent[sent++] as Uint8Array;
        this.#unsentBytes -= bytes.length;
        this.#shared.unsentBytes -= bytes.length;
        this.#shared.countSent(bytes.length);
        if (!response.write(bytes)) this.#blockedSinceMs = performance.now();
      }
    });
    this.#unsent = this.#unsent.slice(sent);
  }
}
