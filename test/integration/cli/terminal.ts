import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const PATIENCE_MS = 20_000;
const BETWEEN_LOOKS_MS = 25;

export function isTmuxInstalled(): boolean {
  return spawnSync('tmux', ['-V']).status === 0;
}

/** A program in a terminal of its own, by a tmux server of its own. What is waited for is looked for on the screen. */
export class Terminal {
  readonly #folder: string;
  readonly #socket: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.#socket = join(folder, 'tmux');
  }

  static async start(
    argv: readonly string[],
    { columns = 80, rows = 24, environment = {} as Record<string, string> } = {},
  ): Promise<Terminal> {
    const terminal = new Terminal(await mkdtemp(join(tmpdir(), 'fluxcache-tmux-')));
    const clean = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !/^(FLUXCACHE_|REDISCLI_|TMUX|NO_COLOR|XDG_|TERM)/.test(name)),
    );
    const command = argv.map((arg) => `'${arg.replaceAll("'", "'\\''")}'`).join(' ');
    // The pane stays when the program has ended, so that its last words can be read.
    const kept = `${command}; echo "status $?"; exec cat`;
    const size = ['-x', String(columns), '-y', String(rows)];
    const env = { ...clean, LC_ALL: 'C.UTF-8', TERM: 'xterm-256color', HOME: terminal.#folder, ...environment };
    const args = ['-u', '-S', terminal.#socket, '-f', '/dev/null', 'new-session', '-d', ...size, kept];
    await run('tmux', args, { env });
    return terminal;
  }

  /** Types text as it is. */
  async type(text: string): Promise<void> {
    await this.#tmux(['send-keys', '-l', text]);
  }

  /** Presses keys by tmux's names: Enter, Tab, C-c, Up. */
  async press(...keys: string[]): Promise<void> {
    await this.#tmux(['send-keys', ...keys]);
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#tmux(['resize-window', '-x', String(columns), '-y', String(rows)]);
  }

  /** The rows of the screen down to the last that is not empty. With `isColoured`, colours stay in as escapes. */
  async rows(isColoured = false): Promise<string[]> {
    const text = await this.#tmux(['capture-pane', '-p', ...(isColoured ? ['-e'] : [])]);
    return text.replace(/\n+$/, '').split('\n');
  }

  /** Waits until the screen is as wanted, and returns it. */
  async until(what: string, isSo: (rows: string[]) => boolean, isColoured = false): Promise<string[]> {
    const endMs = performance.now() + PATIENCE_MS;
    for (;;) {
      const rows = await this.rows(isColoured);
      if (isSo(rows)) return rows;
      if (performance.now() > endMs) throw new Error(`never: ${what}. The screen:\n${rows.join('\n')}`);
      await new Promise((resolve) => setTimeout(resolve, BETWEEN_LOOKS_MS));
    }
  }

  /** Waits until the last row is this text, or matches. */
  untilLast(last: string | RegExp): Promise<string[]> {
    return this.until(`the last row is ${last}`, (rows) => {
      const row = rows.at(-1) ?? '';
      return typeof last === 'string' ? row === last : last.test(row);
    });
  }

  /** Column and row of the cursor, from 0. */
  async cursor(): Promise<[column: number, row: number]> {
    const [column = 0, row = 0] = (await this.#tmux(['display-message', '-p', '#{cursor_x} #{cursor_y}']))
      .trim()
      .split(' ')
      .map(Number);
    return [column, row];
  }

  /** Whether the screen is the other one that programs of whole screens draw on, and whether a cursor is shown. */
  async modes(): Promise<{ isOtherScreen: boolean; hasCursor: boolean }> {
    const format = '#{alternate_on} #{cursor_flag}';
    const [other, cursor] = (await this.#tmux(['display-message', '-p', format])).trim().split(' ');
    return { isOtherScreen: other === '1', hasCursor: cursor === '1' };
  }

  async stop(): Promise<void> {
    await this.#tmux(['kill-server']).catch(() => undefined);
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async #tmux(args: readonly string[]): Promise<string> {
    const { stdout } = await run('tmux', ['-S', this.#socket, ...args]);
    return stdout;
  }
}
