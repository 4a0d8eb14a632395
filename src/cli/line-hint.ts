import type { Interface } from 'node:readline';

const GREY = '\x1b[90m';
const PLAIN = '\x1b[39m';
const ERASE_TO_END_OF_ROW = '\x1b[K';

interface Terminal extends NodeJS.WritableStream {
  readonly columns?: number;
}

/**
 * Shows in grey, behind a line being typed, what may follow. The hint stands right of the cursor, in the cursor's row
 * only, and only while the cursor is at the end of the line; it is taken away before readline acts on a key, so that
 * readline never meets it.
 */
export class LineHint {
  readonly #readline: Interface;
  readonly #output: Terminal;
  readonly #hintFor: (line: string) => string;
  #isShown = false;
  #isDue = false;
  /** While false nothing is shown: no line is being typed. */
  isOn = true;

  constructor(readline: Interface, input: NodeJS.ReadableStream, output: Terminal, hintFor: (line: string) => string) {
    this.#readline = readline;
    this.#output = output;
    this.#hintFor = hintFor;
    input.prependListener('keypress', () => this.hide());
    input.on('keypress', () => this.#showSoon());
  }

  hide(): void {
    if (!this.#isShown) return;
    this.#isShown = false;
    this.#output.write(ERASE_TO_END_OF_ROW);
  }

  /** Once for all keys that come together, as when text is pasted. */
  #showSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      this.#show();
    });
  }

  #show(): void {
    const { line, cursor } = this.#readline;
    if (!this.isOn || line.trim() === '' || cursor !== line.length) return;
    // The last column stays free: behind a character in it, terminals differ on where the cursor is.
    const free = (this.#output.columns ?? 80) - this.#readline.getCursorPos().cols - 1;
    // All of it is ASCII, a column each.
    const hint = this.#hintFor(line).slice(0, Math.max(0, free));
    if (hint.trim() === '') return;
    this.#isShown = true;
    this.#output.write(`${ERASE_TO_END_OF_ROW}${GREY}${hint}${PLAIN}\x1b[${hint.length}D`);
  }
}

/** Whether colours may be used: not where NO_COLOR or a dumb terminal says otherwise. */
export function hasColours(environment: Readonly<Record<string, string | undefined>>): boolean {
  return !environment['NO_COLOR'] && environment['TERM'] !== 'dumb';
}
