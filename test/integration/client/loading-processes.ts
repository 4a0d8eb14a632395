import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { builtTree } from '../../built-tree.ts';

const SCRIPT = fileURLToPath(new URL('../../loading-process.mjs', import.meta.url));

export interface LoadRequest {
  readonly key: string;
  readonly count: number;
  readonly loadMs: number;
  /** Whether loaders wait for `letGo` as well. */
  readonly isHeld?: boolean;
  readonly options: object;
}

export interface LoadReport {
  readonly is: 'done';
  /** How often its loader was called. */
  readonly loads: number;
  /** The processes whose values its callers were given. */
  readonly values: readonly number[];
  readonly count: number;
  readonly faults: readonly string[];
}

type Line = { readonly is: 'ready' } | { readonly is: 'loading' } | LoadReport;

/** A process of its own that asks by `getOrSet`. */
export class LoadingProcess {
  readonly child: ChildProcess;
  readonly #lines: Line[] = [];
  #onLine: () => void = () => undefined;
  #error = '';

  private constructor(child: ChildProcess) {
    this.child = child;
    if (child.stdout === null || child.stderr === null) throw new Error('it was started without pipes');
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.#lines.push(JSON.parse(line));
      this.#onLine();
    });
    child.stderr.on('data', (text) => {
      this.#error += text;
    });
    child.on('close', () => this.#onLine());
  }

  static async start(url: string): Promise<LoadingProcess> {
    const library = join(await builtTree(), 'index.js');
    const process_ = new LoadingProcess(spawn(process.execPath, [SCRIPT, library, url], { stdio: 'pipe' }));
    await process_.told('ready');
    return process_;
  }

  ask(request: LoadRequest): void {
    // What it told of requests before.
    this.#lines.length = 0;
    this.child.stdin?.write(`${JSON.stringify(request)}\n`);
  }

  /** Resolves to the first line of that kind, which is taken; rejects when the process ends without it. */
  async told<Kind extends Line['is']>(kind: Kind): Promise<Extract<Line, { is: Kind }>> {
    for (;;) {
      const at = this.#lines.findIndex(({ is }) => is === kind);
      const [line] = at < 0 ? [] : this.#lines.splice(at, 1);
      if (line !== undefined) return line as Extract<Line, { is: Kind }>;
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        throw new Error(`the process ended before it was ${kind}: ${this.#error}`);
      }
      await new Promise<void>((resolve) => {
        this.#onLine = resolve;
      });
    }
  }

  letGo(): void {
    this.child.stdin?.write('"go"\n');
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }
}
