/**
 * What the controller has proposed and not seen come true yet, by a name each: so that it is not proposed again at
 * every step, but is when nothing came of it for a while.
 */
export class Proposals {
  readonly #timeoutMs: number;
  readonly #untilMs = new Map<string, number>();

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  get size(): number {
    return this.#untilMs.size;
  }

  /** When the first of them is given up. */
  get wakeAtMs(): number {
    let wakeAtMs = Number.POSITIVE_INFINITY;
    for (const untilMs of this.#untilMs.values()) wakeAtMs = Math.min(wakeAtMs, untilMs);
    return wakeAtMs;
  }

  has(name: string): boolean {
    return this.#untilMs.has(name);
  }

  /** False: it is under way already. */
  tryBegin(name: string, nowMs: number, timeoutMs = this.#timeoutMs): boolean {
    if (this.#untilMs.has(name)) return false;
    this.#untilMs.set(name, nowMs + timeoutMs);
    return true;
  }

  /** It came to nothing: it may begin again at `nowMs`, if not before. */
  postpone(name: string, nowMs: number): void {
    const untilMs = this.#untilMs.get(name);
    if (untilMs !== undefined) this.#untilMs.set(name, Math.min(untilMs, nowMs));
  }

  settle(name: string): void {
    this.#untilMs.delete(name);
  }

  giveUp(nowMs: number): void {
    for (const [name, untilMs] of this.#untilMs) {
      if (untilMs <= nowMs) this.#untilMs.delete(name);
    }
  }

  clear(): void {
    this.#untilMs.clear();
  }
}
