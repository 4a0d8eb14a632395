import { createInterface, type Interface } from 'node:readline';
import type { Reply } from '../protocol/resp/reply.ts';
import { Connection, ConnectionError } from './connection.ts';
import { addToHistory, historyPath, holdsSecret, readHistory } from './history-file.ts';
import { hasColours, LineHint } from './line-hint.ts';
import { splitLine } from './quoting.ts';
import { REDIRECTS_MAX, redirectOf } from './redirects.ts';
import { formatReply } from './reply-formats.ts';
import { Exit, isSubscription, isUnanswered, pause, type Run, shown } from './run.ts';
import { helpFor } from './shell-help.ts';
import { addressText, type Target } from './target.ts';
import { completionsOf, hintFor } from './typed-line.ts';
import { keepRows, startAtRow } from './wrapped-line.ts';

const HISTORY_LINES_MAX = 1000;
/** Commands that take longer are followed by the time they took. */
const SLOW_MS = 500;
const RETRY_MS_MIN = 200;
const RETRY_MS_MAX = 2000;
const CLEAR_SCREEN = '\x1b[H\x1b[2J';

/** The shell: reads commands on a terminal until it is left. */
export function runShell(run: Run): Promise<Exit> {
  return new Shell(run).run();
}

/**
 * Lines are run one after the other; while one runs there is no prompt, and what is typed meanwhile waits. What comes
 * from the server unasked is written above the line being typed.
 */
class Shell {
  readonly #run: Run;
  #target: Target;
  readonly #readline: Interface;
  readonly #hint: LineHint | null;
  readonly #historyPath = historyPath(process.env);
  readonly #lines: string[] = [];
  readonly #warnings = new Set<string>();
  #connection: Connection | null = null;
  #opening: Promise<Connection> | null = null;
  #isInTransaction = false;
  #isRunning = false;
  #isLeaving = false;
  /** Ends what runs, when Ctrl-C is pressed. */
  #interrupt: (() => void) | null = null;
  #leave: (exit: Exit) => void = () => undefined;

  constructor(run: Run) {
    this.#run = run;
    this.#target = run.target;
    const { stdin: input, stdout: output } = process;
    this.#readline = createInterface({
      input,
      output,
      terminal: true,
      history: readHistory(this.#historyPath),
      historySize: HISTORY_LINES_MAX,
      removeHistoryDuplicates: true,
      completer: (line: string) => completionsOf(line),
    });
    if (process.env['TERM'] !== 'dumb') keepRows(this.#readline, input, output);
    this.#hint = hasColours(process.env) ? new LineHint(this.#readline, input, output, hintFor) : null;
  }

  async run(): Promise<Exit> {
    const left = new Promise<Exit>((resolve) => {
      this.#leave = resolve;
    });
    this.#readline.on('history', (lines: string[]) => {
      if (lines[0] !== undefined && holdsSecret(wordsOf(lines[0]))) lines.shift();
    });
    this.#readline.on('line', (line) => {
      this.#lines.push(line);
      void this.#runLines();
    });
    this.#readline.on('SIGINT', () => this.#onInterrupt());
    this.#readline.on('close', () => {
      // Ctrl-D; the terminal's cursor stands behind the prompt.
      if (!this.#isLeaving) process.stdout.write('\n');
      this.#isLeaving = true;
      this.#leave(Exit.ok);
    });
    this.#isRunning = true;
    await this.#connected().catch((error: unknown) => this.#tell(error));
    this.#isRunning = false;
    if (this.#connection === null) void this.#reconnect();
    this.#prompt();
    void this.#runLines();
    const exit = await left;
    this.#readline.close();
    this.#connection?.close();
    return exit;
  }

  /** The connection, opened when there is none. */
  async #connected(): Promise<Connection> {
    if (this.#connection !== null) return this.#connection;
    this.#opening ??= Connection.open(this.#target, this.#run.resp, (text) => this.#warnOnce(text));
    try {
      const connection = await this.#opening;
      if (this.#connection === connection) return connection;
      this.#connection = connection;
      this.#isInTransaction = false;
      connection.onUnasked = (reply) => this.#above(formatReply(reply, this.#run.format, this.#run.delimiters));
      connection.onEnd = (error) => this.#onEnd(error);
      return connection;
    } finally {
      this.#opening = null;
    }
  }

  #onEnd(error: ConnectionError): void {
    this.#connection = null;
    this.#isInTransaction = false;
    if (this.#isLeaving || this.#isRunning) return;
    this.#setPrompt();
    this.#above(`${error.message}\n`);
    void this.#reconnect();
  }

  /** Tries to connect until it succeeds, while nothing else does. */
  async #reconnect(): Promise<void> {
    for (let waitMs = RETRY_MS_MIN; ; waitMs = Math.min(waitMs * 2, RETRY_MS_MAX)) {
      await pause(waitMs);
      if (this.#isLeaving || this.#connection !== null) return;
      if (this.#isRunning) continue;
      try {
        await this.#connected();
      } catch {
        continue;
      }
      this.#setPrompt();
      this.#above(`Connected to ${addressText(this.#target)}.\n`);
      return;
    }
  }

  async #runLines(): Promise<void> {
    if (this.#isRunning || this.#lines.length === 0) return;
    this.#isRunning = true;
    if (this.#hint !== null) this.#hint.isOn = false;
    for (let line = this.#lines.shift(); line !== undefined && !this.#isLeaving; line = this.#lines.shift()) {
      const hadConnection = this.#connection !== null;
      try {
        await this.#runLine(line);
      } catch (error) {
        this.#tell(error);
      }
      if (hadConnection && this.#connection === null && !this.#isLeaving) void this.#reconnect();
    }
    this.#isRunning = false;
    if (!this.#isLeaving) this.#prompt();
  }

  async #runLine(line: string): Promise<void> {
    const words = splitLine(line);
    if (words === null) {
      process.stdout.write('The quotes do not match.\n');
      return;
    }
    const texts = words.map((word) => word.toString('utf8'));
    const first = texts[0]?.toLowerCase();
    if (first === undefined) return;
    if (!holdsSecret(texts)) addToHistory(this.#historyPath, line);
    if (first === 'quit' || first === 'exit') {
      this.#isLeaving = true;
      this.#leave(Exit.ok);
    } else if (first === 'clear') {
      process.stdout.write(CLEAR_SCREEN);
    } else if (first === 'help' || first === '?') {
      process.stdout.write(helpFor(texts.slice(1)));
    } else {
      const connection = await this.#connected();
      if (isSubscription(words)) await this.#listen(connection, words);
      // An error comes as what was not asked for.
      else if (isUnanswered(words)) connection.send(words);
      else await this.#request(connection, words, texts);
    }
  }

  async #request(
    connection: Connection,
    words: readonly Uint8Array[],
    texts: readonly string[],
    redirects = REDIRECTS_MAX,
  ): Promise<void> {
    const startMs = performance.now();
    const interrupted = new Promise<null>((resolve) => {
      this.#interrupt = () => resolve(null);
    });
    const asked = connection.request(words);
    const reply = await Promise.race([asked, interrupted]).finally(() => {
      this.#interrupt = null;
    });
    if (reply === null) {
      asked.catch(() => undefined);
      this.#drop(connection);
      process.stdout.write('The connection was closed; whether the command was run is not known.\n');
      return;
    }
    const redirect = this.#run.values.followRedirects && redirects > 0 ? redirectOf(reply, this.#target) : null;
    if (redirect !== null) {
      process.stdout.write(`-> Redirected to slot [${redirect.slot}] located at ${addressText(redirect.target)}\n`);
      this.#drop(connection);
      this.#target = redirect.target;
      const next = await this.#connected();
      if (redirect.isAsk) await next.request(['ASKING']);
      return this.#request(next, words, texts, redirects - 1);
    }
    process.stdout.write(shown(reply, words, this.#run));
    const elapsedMs = performance.now() - startMs;
    if (elapsedMs >= SLOW_MS && this.#run.format === 'people') {
      process.stdout.write(`(${(elapsedMs / 1000).toFixed(2)}s)\n`);
    }
    this.#follow(texts, reply);
  }

  /** Keeps what a command changes for the shell: transactions, and as whom to connect again. */
  #follow(texts: readonly string[], reply: Reply): void {
    const isOk = reply.kind === 'status' && reply.text === 'OK';
    switch (texts[0]?.toLowerCase()) {
      case 'multi':
        this.#isInTransaction ||= isOk;
        break;
      case 'exec':
      case 'discard':
      case 'reset':
        this.#isInTransaction = false;
        break;
      case 'auth':
        if (isOk) {
          const password = texts.at(-1);
          this.#target = { ...this.#target, password, user: texts.length > 2 ? texts[1] : undefined };
        }
        break;
    }
  }

  /** Shows messages until Ctrl-C. The connection is left with its subscriptions. */
  async #listen(connection: Connection, words: readonly Uint8Array[]): Promise<void> {
    process.stdout.write('Reading messages... (Ctrl-C ends this)\n');
    const { format, delimiters } = this.#run;
    try {
      await new Promise<void>((resolve, reject) => {
        this.#interrupt = () => {
          this.#drop(connection);
          resolve();
        };
        connection.onEnd = (error) => {
          this.#connection = null;
          reject(error);
        };
        connection.onUnasked = (reply) => {
          process.stdout.write(formatReply(reply, format, delimiters));
          // Refused, or queued by a transaction: there will be no messages.
          if (reply.kind !== 'error' && !(reply.kind === 'status' && reply.text === 'QUEUED')) return;
          connection.onUnasked = (push) => this.#above(formatReply(push, format, delimiters));
          connection.onEnd = (error) => this.#onEnd(error);
          resolve();
        };
        connection.send(words);
      });
    } finally {
      this.#interrupt = null;
    }
    if (this.#connection === null) await this.#connected();
  }

  #drop(connection: Connection): void {
    connection.close();
    this.#connection = null;
    this.#isInTransaction = false;
  }

  #onInterrupt(): void {
    if (this.#isRunning) {
      process.stdout.write('^C\n');
      this.#lines.length = 0;
      this.#interrupt?.();
    } else if (this.#readline.line === '') {
      this.#readline.close();
    } else {
      this.#readline.write(null, { ctrl: true, name: 'e' });
      this.#readline.write(null, { ctrl: true, name: 'u' });
    }
  }

  #setPrompt(): void {
    const address = addressText(this.#target);
    const database = this.#target.database === 0 ? '' : `[${this.#target.database}]`;
    const suffix = `${database}${this.#isInTransaction ? '(TX)' : ''}`;
    this.#readline.setPrompt(this.#connection === null ? 'not connected> ' : `${address}${suffix}> `);
  }

  #prompt(): void {
    this.#setPrompt();
    if (this.#hint !== null) this.#hint.isOn = true;
    this.#readline.prompt();
  }

  /** Writes above the line being typed, which is written again. */
  #above(text: string | Uint8Array): void {
    if (this.#isRunning) {
      process.stdout.write(text);
      return;
    }
    this.#hint?.hide();
    const { rows } = this.#readline.getCursorPos();
    process.stdout.write(`\r${rows > 0 ? `\x1b[${rows}A` : ''}\x1b[J`);
    process.stdout.write(text);
    startAtRow(this.#readline, 0);
    this.#readline.prompt(true);
  }

  /** What is odd about the server is so each time it is connected to. */
  #warnOnce(text: string): void {
    if (this.#warnings.has(text)) return;
    this.#warnings.add(text);
    this.#above(`fluxcache: ${text}\n`);
  }

  #tell(error: unknown): void {
    if (error instanceof ConnectionError) process.stdout.write(`${error.message}\n`);
    else throw error;
  }
}

function wordsOf(line: string): string[] {
  return (splitLine(line) ?? line.split(/\s+/).map((word) => Buffer.from(word))).map((word) => word.toString('utf8'));
}
