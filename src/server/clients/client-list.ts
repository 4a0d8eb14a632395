import type { Command } from '../../command/command.ts';
import type { ClientPort, ClientsPort } from '../../command/connection.ts';

/** A connection that can be closed. */
export interface ListedClient extends ClientPort {
  /** Closes it at once. */
  close(): void;
}

/** Longest time a timer of Node.js takes; a longer pause is looked at again then. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/**
 * All connections of the node's TCP port, in the order they were accepted, and whether their commands are held back.
 *
 *     running -> paused      CLIENT PAUSE; a later one only makes it longer, and from writes to all
 *     paused -> running      its time is over, or CLIENT UNPAUSE; then what waits goes on, in the order it came
 */
export class ClientList implements ClientsPort {
  readonly #clients = new Map<number, ListedClient>();
  readonly #nowMs: () => number;
  #pausedUntilMs = 0;
  #isPaused = false;
  #pausesWritesOnly = true;
  #timer: NodeJS.Timeout | null = null;
  readonly #waiting = new Set<{ readonly task: () => void }>();

  constructor(nowMs: () => number = Date.now) {
    this.#nowMs = nowMs;
  }

  get count(): number {
    return this.#clients.size;
  }

  add(client: ListedClient): void {
    this.#clients.set(client.id, client);
  }

  remove(client: ListedClient): void {
    this.#clients.delete(client.id);
  }

  all(): Iterable<ClientPort> {
    return this.#clients.values();
  }

  byId(id: number): ClientPort | undefined {
    return this.#clients.get(id);
  }

  kill(client: ClientPort): void {
    this.#clients.get(client.id)?.close();
  }

  /** Whether any commands are held back: what a session asks before it looks closer. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  /**
   * Whether a command is to wait for `whenUnpaused`. CLIENT and what only an administrator may do is never held back, so
   * that a pause can be ended.
   */
  holds({ flags, whilePaused }: Pick<Command, 'flags' | 'whilePaused'>): boolean {
    if (!this.#isPaused || flags.includes('admin') || whilePaused === 'runs') return false;
    return !this.#pausesWritesOnly || flags.includes('write') || whilePaused === 'as-write';
  }

  /** Calls `task` once when the pause ends, unless the function returned here is called before. */
  whenUnpaused(task: () => void): () => void {
    const waiting = { task };
    this.#waiting.add(waiting);
    return () => void this.#waiting.delete(waiting);
  }

  pause(untilMs: number, writesOnly: boolean): void {
    this.#pausesWritesOnly = this.#isPaused ? this.#pausesWritesOnly && writesOnly : writesOnly;
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, untilMs);
    this.#isPaused = true;
    this.#look();
  }

  unpause(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#pausedUntilMs = 0;
    this.#isPaused = false;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const { task } of waiting) task();
  }

  #look(): void {
    const leftMs = this.#pausedUntilMs - this.#nowMs();
    if (leftMs <= 0) {
      this.unpause();
      return;
    }
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), Math.min(leftMs, TIMER_MS_MAX));
    this.#timer.unref();
  }
}
