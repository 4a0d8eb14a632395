import { emitKeypressEvents } from 'node:readline';
import type { Size } from './frame.ts';
import type { Key } from './keys.ts';
import { colouredText, type Row, styledText, widthOf } from './row.ts';

const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J';
const LEAVE = '\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l';
/** What is between these is shown at once, by terminals that know of it. */
const BEGIN = '\x1b[?2026h';
const END = '\x1b[?2026l';
const FALLBACK: Size = { columns: 80, rows: 24 };

interface KeyPress {
  readonly name?: string;
  readonly ctrl?: boolean;
  readonly shift?: boolean;
}

/**
 * The terminal's other screen, which is drawn on while it is entered, and keys that are pressed on it. However the process
 * ends, but for SIGKILL, the terminal is as it was before.
 */
export class Screen {
  onKey: (key: Key) => void = () => undefined;
  /** The screen has another size, or is to be drawn again after the program was stopped. */
  onResize: () => void = () => undefined;
  readonly #input = process.stdin;
  readonly #output = process.stdout;
  readonly #textOf: (row: Row) => string;
  #isEntered = false;
  /** What stands in each row. */
  #drawn: string[] = [];
  readonly #restore = () => this.#leaveTerminal();
  readonly #die = (signal: NodeJS.Signals) => {
    this.leave();
    process.kill(process.pid, signal);
  };
  readonly #resized = () => {
    this.#drawn = [];
    this.onResize();
  };
  readonly #keyPressed = (text: string | undefined, key: KeyPress) => {
    const name = key.name === 'tab' && key.shift === true ? 'backtab' : (key.name ?? '');
    this.onKey({ name, text: text ?? '', isCtrl: key.ctrl === true });
  };
  /** A terminal that is gone presses nothing any more. */
  readonly #ended = () => this.onKey({ name: 'c', text: '', isCtrl: true });

  constructor(hasColours: boolean) {
    this.#textOf = hasColours ? colouredText : styledText;
  }

  get size(): Size {
    return { columns: this.#output.columns || FALLBACK.columns, rows: this.#output.rows || FALLBACK.rows };
  }

  enter(): void {
    this.#enterTerminal();
    process.on('exit', this.#restore);
    process.on('uncaughtExceptionMonitor', this.#restore);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, this.#die);
    this.#output.on('resize', this.#resized);
    if (this.#input.isTTY !== true) return;
    emitKeypressEvents(this.#input);
    this.#input.on('keypress', this.#keyPressed);
    this.#input.on('end', this.#ended);
    this.#input.on('error', this.#ended);
  }

  leave(): void {
    this.#leaveTerminal();
    process.off('exit', this.#restore);
    process.off('uncaughtExceptionMonitor', this.#restore);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, this.#die);
    this.#output.off('resize', this.#resized);
    this.#input.off('keypress', this.#keyPressed);
    this.#input.off('end', this.#ended);
    this.#input.pause();
  }

  /** Stops the process, as Ctrl-Z does elsewhere, until the shell has it go on. */
  suspend(): void {
    this.#leaveTerminal();
    process.once('SIGCONT', () => {
      this.#enterTerminal();
      this.onResize();
    });
    process.kill(process.pid, 'SIGTSTP');
  }

  /** Writes the rows that are others than before. While the terminal does not keep up, nothing. */
  draw(rows: readonly Row[]): void {
    if (!this.#isEntered || this.#output.writableNeedDrain) return;
    const { columns } = this.size;
    let text = '';
    for (const [at, row] of rows.entries()) {
      const line = this.#textOf(row);
      if (this.#drawn[at] === line) continue;
      this.#drawn[at] = line;
      // Behind a full row the cursor stands on its last character.
      text += `\x1b[${at + 1};1H${line}${widthOf(row) < columns ? '\x1b[K' : ''}`;
    }
    if (text !== '') this.#output.write(`${BEGIN}${text}${END}`);
  }

  /** What stands on the screen is not what was drawn, or may be. */
  forget(): void {
    this.#drawn = [];
    if (this.#isEntered) this.#output.write('\x1b[2J');
  }

  #enterTerminal(): void {
    if (this.#isEntered) return;
    this.#isEntered = true;
    this.#drawn = [];
    this.#output.write(ENTER);
    if (this.#input.isTTY !== true) return;
    this.#input.setRawMode(true);
    this.#input.resume();
  }

  #leaveTerminal(): void {
    if (!this.#isEntered) return;
    this.#isEntered = false;
    this.#output.write(LEAVE);
    if (this.#input.isTTY === true) this.#input.setRawMode(false);
  }
}
