const BAR_COLUMNS = 30;
const CLEAR_LINE = '\r\x1b[2K';
/** Between two lines where there is no terminal to draw on. */
const LINE_MS = 2000;

/** What is left of something, drawn on standard error: on a terminal as a bar, elsewhere as a line now and then. */
export class ProgressBar {
  readonly #output: NodeJS.WriteStream;
  /** The most that was left, which counts as nothing done. */
  #total = 0;
  #isDrawn = false;
  #lastMs = Number.NEGATIVE_INFINITY;
  #lastText = '';

  constructor(output: NodeJS.WriteStream = process.stderr) {
    this.#output = output;
  }

  /** `what`: what is left, in words. */
  show(left: number, what: string): void {
    this.#total = Math.max(this.#total, left);
    const share = this.#total === 0 ? 1 : 1 - left / this.#total;
    if (this.#output.isTTY === true) {
      this.#output.write(`${CLEAR_LINE}${barText(share)} ${what}`);
      this.#isDrawn = true;
    } else if (what !== this.#lastText && performance.now() - this.#lastMs >= LINE_MS) {
      this.#lastText = what;
      this.#lastMs = performance.now();
      this.#output.write(`${Math.floor(share * 100)}% ${what}\n`);
    }
  }

  /** Takes the bar away. */
  end(): void {
    if (this.#isDrawn) this.#output.write(CLEAR_LINE);
    this.#isDrawn = false;
  }
}

/** `share`: from 0 to 1. */
export function barText(share: number): string {
  const full = Math.floor(Math.min(1, Math.max(0, share)) * BAR_COLUMNS);
  return `[${'#'.repeat(full)}${'.'.repeat(BAR_COLUMNS - full)}] ${String(Math.floor(share * 100)).padStart(3)}%`;
}
