import { RetryDesk, type Waiting } from './retry-desk.ts';

/** How soon a command that was refused, or found no target, is tried again. */
const RETRY_MS = 10;

export interface RetryLoopPort {
  nowMs(): number;
  /** Whether commands for the partition could be sent now, and nothing has to come back first. */
  isReady(partition: number): boolean;
  /** Whether nothing can be sent for long, so that what waits is to be told so. */
  isHopeless(): boolean;
}

/** Sees to it that what waits at the desk is looked at: when something has changed, and every 10 ms. */
export class RetryLoop {
  readonly desk: RetryDesk;
  /** Called at every look. */
  onLook: (() => void) | null = null;
  readonly #port: RetryLoopPort;
  /** By partition: before that nothing is sent once more. */
  readonly #retryAtMs: Float64Array;
  #isDue = false;
  #timer: NodeJS.Timeout | null = null;
  #stopped = false;

  /** `waiting` is kept by the desk: how many commands of each partition wait. */
  constructor(waiting: Int32Array, port: RetryLoopPort) {
    this.desk = new RetryDesk(waiting);
    this.#port = port;
    this.#retryAtMs = new Float64Array(waiting.length);
  }

  /** A target refused a command of the partition: it need not be asked again at once. */
  refused(partition: number): void {
    this.#retryAtMs[partition] = this.#port.nowMs() + RETRY_MS;
  }

  /** Other targets are known than before. */
  changed(): void {
    this.#retryAtMs.fill(0);
    this.look();
  }

  add(command: Waiting): void {
    this.desk.add(command);
    this.tickSoon();
  }

  /** Sends what waits and can be sent by now. */
  look(): void {
    this.#isDue = false;
    if (this.#stopped) return;
    const nowMs = this.#port.nowMs();
    this.desk.look(nowMs, ({ partitions }) => this.#areReady(partitions, nowMs), this.#port.isHopeless());
    this.onLook?.();
    if (this.desk.count > 0) this.tickSoon();
  }

  /** A look is due when this turn of the event loop is over. */
  lookSoon(): void {
    if (this.#isDue || this.#stopped) return;
    this.#isDue = true;
    setImmediate(() => {
      if (this.#isDue) this.look();
    });
  }

  /** A look is due before long. */
  tickSoon(): void {
    if (this.#timer !== null || this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.look();
    }, RETRY_MS);
  }

  /** Gives up what waits. */
  stop(): void {
    this.desk.look(0, () => false, true);
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #areReady(partitions: readonly number[], nowMs: number): boolean {
    for (const partition of partitions) {
      if (nowMs < (this.#retryAtMs[partition] as number) || !this.#port.isReady(partition)) return false;
    }
    return true;
  }
}
