import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Word } from './command-runner.ts';
import { RespConnection } from './resp-connection.ts';

export function isRedisInstalled(): boolean {
  return spawnSync('redis-server', ['--version']).status === 0;
}

/** A redis-server of its own with one database and no persistence, and a connection to it. */
export class RedisServer {
  /** Of the socket it listens on, to open further connections to. */
  readonly path: string;
  readonly #process: ChildProcess;
  readonly #folder: string;
  readonly #connection: RespConnection;

  private constructor(process: ChildProcess, folder: string, path: string, connection: RespConnection) {
    this.#process = process;
    this.#folder = folder;
    this.path = path;
    this.#connection = connection;
  }

  static async start(): Promise<RedisServer> {
    const folder = mkdtempSync(join(tmpdir(), 'fluxcache-redis-'));
    const path = join(folder, 'redis.sock');
    const settings = ['--port', '0', '--unixsocket', path, '--databases', '1', '--save', '', '--appendonly', 'no'];
    const process = spawn('redis-server', settings, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise<void>((resolve, reject) => {
      process.once('exit', () => reject(new Error('redis-server ended')));
      process.stdout?.on('data', (text: Buffer) => {
        if (text.includes('ready to accept connections')) resolve();
      });
    });
    return new RedisServer(process, folder, path, await RespConnection.open({ path }));
  }

  /** Sends commands in one go and returns their replies as the bytes they came in. */
  send(commands: readonly (readonly Word[])[]): Promise<Buffer[]> {
    return this.#connection.send(commands);
  }

  async stop(): Promise<void> {
    this.#connection.close();
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill('SIGKILL');
    await ended;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
