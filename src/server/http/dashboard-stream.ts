import type { AccessUser } from '../access/rights.ts';
import type { DashboardFrame, DashboardViewer } from './dashboard-port.ts';
import type { HttpShared } from './shared.ts';
import type { UwsResponse } from './uws.ts';

/**
 * A dashboard that is open in a browser. While it does not take what it is sent, only the latest frame of those that
 * replace one another waits for it; when it takes nothing for long, or too much waits, it is cut off, and comes back by
 * itself.
 */
export class DashboardStream implements DashboardViewer {
  readonly user: AccessUser;
  readonly #shared: HttpShared;
  readonly #onEnd: () => void;
  #response: UwsResponse | null = null;
  #isOpen = true;
  /** When the browser stopped taking what was sent; 0 while it does. */
  #blockedSinceMs = 0;
  #unsent: DashboardFrame[] = [];
  #unsentBytes = 0;

  /** `onEnd` is called once, when the stream has ended in whatever way. */
  constructor(shared: HttpShared, user: AccessUser, onEnd: () => void) {
    this.user = user;
    this.#shared = shared;
    this.#onEnd = onEnd;
    shared.streams++;
  }

  /** Writes to `response` from now on. Its head is written. */
  start(response: UwsResponse): void {
    this.#response = response;
    response.onWritable(() => {
      this.#blockedSinceMs = 0;
      this.#flush();
      return true;
    });
  }

  tell(frame: DashboardFrame): void {
    if (!this.#isOpen) return;
    const { options } = this.#shared;
    const former = frame.replaces ? this.#unsent.findIndex(({ name }) => name === frame.name) : -1;
    const formerBytes = this.#unsent[former]?.bytes.length ?? 0;
    if (former < 0) this.#unsent.push(frame);
    else this.#unsent[former] = frame;
    this.#addUnsent(frame.bytes.length - formerBytes);
    if (this.#blockedSinceMs === 0) this.#flush();
    else if (performance.now() - this.#blockedSinceMs > options.replyTimeoutMs) this.#cutOff();
    if (this.#unsentBytes > options.streamBytesMax || this.#shared.unsentBytes > options.unsentBytesMax) this.#cutOff();
  }

  end(): void {
    const response = this.#response;
    if (this.gone()) response?.cork(() => response.end());
  }

  /** The browser has gone: nothing is written any more. False when the stream had ended before. */
  gone(): boolean {
    if (!this.#isOpen) return false;
    this.#isOpen = false;
    this.#response = null;
    this.#shared.streams--;
    this.#addUnsent(-this.#unsentBytes);
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

  #flush(): void {
    const response = this.#response;
    if (response === null || this.#unsent.length === 0) return;
    let sent = 0;
    response.cork(() => {
      while (sent < this.#unsent.length && this.#blockedSinceMs === 0) {
        const { bytes } = this.#unsent[sent++] as DashboardFrame;
        this.#addUnsent(-bytes.length);
        this.#shared.countSent(bytes.length);
        if (!response.write(bytes)) this.#blockedSinceMs = performance.now();
      }
    });
    this.#unsent = this.#unsent.slice(sent);
  }
}
