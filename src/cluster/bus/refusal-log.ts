import type { Logger } from '../../base/ports.ts';

const WINDOW_MS = 60_000;
const KEYS_MAX = 256;

/**
 * Tells of what keeps happening, once for each key and minute, with how often it happened since it was told last. Keys
 * are addresses, which whoever sends may choose: of more than a few hundred in a minute only their number is told.
 */
export class RefusalLog {
  readonly #log: Logger;
  readonly #seen = new Map<string, { sinceMs: number; untold: number }>();
  #overflowMs = Number.NEGATIVE_INFINITY;
  #overflow = 0;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Whether it was told. */
  warn(key: string, nowMs: number, fields: object, message: string): boolean {
    const known = this.#seen.get(key);
    if (known !== undefined && nowMs - known.sinceMs < WINDOW_MS) {
      known.untold += 1;
      return false;
    }
    if (known === undefined && !this.#makeRoom(nowMs)) return false;
    this.#seen.delete(key);
    this.#seen.set(key, { sinceMs: nowMs, untold: 0 });
    const untold = known?.untold ?? 0;
    this.#log.warn(untold === 0 ? fields : { ...fields, untold }, message);
    return true;
  }

  /** Keys stand in the order in which they were told, so that those whose minute is over come first. */
  #makeRoom(nowMs: number): boolean {
    if (this.#seen.size < KEYS_MAX) return true;
    for (const [key, { sinceMs }] of this.#seen) {
      if (nowMs - sinceMs < WINDOW_MS) break;
      this.#seen.delete(key);
      return true;
    }
    this.#overflow += 1;
    if (nowMs - this.#overflowMs >= WINDOW_MS) {
      this.#log.warn({ connections: this.#overflow }, 'the bus refuses connections of many addresses');
      this.#overflowMs = nowMs;
      this.#overflow = 0;
    }
    return false;
  }
}
