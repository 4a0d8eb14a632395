import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { builtTree } from './built-tree.ts';

/** How long a node may take to be ready, on a machine that has other things to do. */
const READY_MS = 60_000;
const LOG_CHARS_KEPT = 200_000;

export interface NodeProcessOptions {
  /** As on the command line; `--http-port 0 --tcp-port 0` and a small memory unless they say otherwise. */
  readonly flags: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** A server in a process of its own, as users start it. Ended by its process id, and no other way. */
export class NodeProcess {
  readonly child: ChildProcess;
  /** Resolves when the process has ended, to its exit status (null: a signal). */
  readonly ended: Promise<number | null>;
  #log = '';
  readonly #watchers = new Set<() => void>();

  private constructor(child: ChildProcess) {
    this.child = child;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#log = (this.#log + text).slice(-LOG_CHARS_KEPT);
      for (const watcher of this.#watchers) watcher();
    });
    this.ended = once(child, 'close').then(([code]) => {
      for (const watcher of this.#watchers) watcher();
      return code as number | null;
    });
  }

  static async start({ flags, environment = {} }: NodeProcessOptions): Promise<NodeProcess> {
    const program = join(await builtTree(), 'server.js');
    const inherited = Object.entries(process.env).filter(([name]) => !/^(FLUXCACHE_|NODE_OPTIONS)/.test(name));
    const usual = [
      '--http-port',
      '0',
      '--tcp-port',
      '0',
      '--max-memory',
      '64mb',
      '--shards',
      '1',
      '--log-format',
      'json',
    ];
    const args = [program, ...usual.filter((_, at) => !flags.includes(usual[at - (at % 2)] as string)), ...flags];
    const child = spawn(process.execPath, args, {
      env: { ...Object.fromEntries(inherited), ...environment },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    return new NodeProcess(child);
  }

  get pid(): number {
    return this.child.pid as number;
  }

  /** What it has logged, the latest part of it. */
  get log(): string {
    return this.#log;
  }

  /** The first line of the log, in its order, that `find` makes something of. Rejects when the process ends first. */
  async logged<Found>(find: (line: Record<string, unknown>) => Found | undefined, withinMs = READY_MS): Promise<Found> {
    const deadlineMs = performance.now() + withinMs;
    for (;;) {
      for (const line of this.#log.split('\n')) {
        if (!line.startsWith('{') || !line.endsWith('}')) continue;
        const found = find(JSON.parse(line) as Record<string, unknown>);
        if (found !== undefined) return found;
      }
      const leftMs = deadlineMs - performance.now();
      if (leftMs <= 0) throw new Error(`it was not logged within ${withinMs} ms:\n${this.#log}`);
      if (this.child.exitCode !== null || this.child.signalCode !== null) throw new Error(`it ended:\n${this.#log}`);
      await this.#more(leftMs);
    }
  }

  /** The ports it listens on, once it does. */
  async ports(): Promise<{ url: string; tcpPort: number; busPort: number }> {
    return this.logged(({ msg, url, tcpPort, busPort }) =>
      msg === 'ready' || msg === 'listening'
        ? { url: String(url), tcpPort: Number(tcpPort), busPort: Number(busPort) }
        : undefined,
    );
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  /** Ends it at once, and waits for that. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }

  async #more(withinMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#watchers.delete(done);
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(done, withinMs);
      this.#watchers.add(done);
    });
  }
}
