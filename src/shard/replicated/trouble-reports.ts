const EVERY_MS = 60_000;

/** Reports what somebody should look into: once a minute for each cause, with how often it came about meanwhile. */
export class TroubleReports {
  readonly #report: (what: string) => void;
  readonly #seen = new Map<string, { sinceMs: number; untold: number }>();

  constructor(report: (what: string) => void) {
    this.#report = report;
  }

  /** There are few causes; `what` tells more of the case at hand. */
  tell(cause: string, what: string, nowMs: number): void {
    const known = this.#seen.get(cause);
    if (known !== undefined && nowMs - known.sinceMs < EVERY_MS) {
      known.untold++;
      return;
    }
    const untold = known?.untold ?? 0;
    this.#seen.set(cause, { sinceMs: nowMs, untold: 0 });
    this.#report(untold === 0 ? what : `${what} (${untold} more since it was last told)`);
  }
}
