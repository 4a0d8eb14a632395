const BAR_COLUMNS = 30;
/** In a window narrower than this a bar would leave no room for what is told. */
const COLUMNS_FOR_BAR = 60;
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
    this.#showShare(this.#total === 0 ? 1 : 1 - left / this.#total, what);
  }

  /** As `show`, where all there is to do is known beforehand, more or less. `what`: anything, in words. */
  showOf(done: number, total: number, what: string): void {
    this.#showShare(Math.min(1, total === 0 ? 1 : done / total), what);
  }

  /** As `show`, of what has no known end. */
  tell(what: string): void {
    if (this.#output.isTTY === true) this.#draw(what);
    else this.#line(what, what);
  }

  /** Takes the bar away. */
  end(): void {
    if (this.#isDrawn) this.#output.write(CLEAR_LINE);
    this.#isDrawn = false;
  }

  get #columns(): number {
    return this.#output.columns ?? 80;
  }

  get #isNarrow(): boolean {
    return this.#columns < COLUMNS_FOR_BAR;
  }

  #showShare(share: number, what: string): void {
    if (this.#output.isTTY === true) this.#draw(`${this.#isNarrow ? percentOf(share) : barText(share)} ${what}`);
    else this.#line(what, `${percentOf(share)} ${what}`);
  }

  #draw(row: string): void {
    // A row that reached the last column would wrap, and could not be taken away again.
    this.#output.write(`${CLEAR_LINE}${row.slice(0, Math.max(1, this.#columns - 1))}`);
    this.#isDrawn = true;
  }

  #line(what: string, text: string): void {
    if (what === this.#lastText || performance.now() - this.#lastMs < LINE_MS) return;
    this.#lastText = what;
    this.#lastMs = performance.now();
    this.#output.write(`${text}\n`);
  }
}

/** `share`: from 0 to 1. */
function barText(share: number): string {
  const full = Math.floor(Math.min(1, Math.max(0, share)) * BAR_COLUMNS);
  return `[${'#'.repeat(full)}${'.'.repeat(BAR_COLUMNS - full)}] ${percentOf(share).padStart(4)}`;
}

function percentOf(share: number): string {
  return `${Math.floor(share * 100)}%`;
}
