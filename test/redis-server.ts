import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toBytes, type Word } from './command-runner.ts';

export function isRedisInstalled(): boolean {
  return spawnSync('redis-server', ['--version']).status === 0;
}

/** A redis-server of its own with one database and no persistence, and a connection to it. */
export class RedisServer {
  readonly #process: ChildProcess;
  readonly #folder: string;
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #wanted = 0;
  #onReplies: ((replies: Buffer[]) => void) | null = null;

  private constructor(process: ChildProcess, folder: string, socket: Socket) {
    this.#process = process;
    this.#folder = folder;
    this.#socket = socket;
    socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#deliver();
    });
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
    const socket = createConnection(path);
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new RedisServer(process, folder, socket);
  }

  /** Sends commands in one go and returns their replies as the bytes they came in. */
  send(commands: readonly (readonly Word[])[]): Promise<Buffer[]> {
    const parts: Uint8Array[] = [];
    for (const words of commands) {
      parts.push(Buffer.from(`*${words.length}\r\n`));
      for (const word of words.map(toBytes)) parts.push(Buffer.from(`$${word.length}\r\n`), word, Buffer.from('\r\n'));
    }
    this.#wanted = commands.length;
    return new Promise((resolve) => {
      this.#onReplies = resolve;
      this.#socket.write(Buffer.concat(parts));
    });
  }

  async stop(): Promise<void> {
    this.#socket.destroy();
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill('SIGKILL');
    await ended;
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #deliver(): void {
    const ends: number[] = [];
    let at = 0;
    while (ends.length < this.#wanted) {
      at = replyEnd(this.#received, at);
      if (at < 0) return;
      ends.push(at);
    }
    const received = this.#received;
    this.#received = received.subarray(at);
    this.#onReplies?.(ends.map((end, index) => received.subarray(index === 0 ? 0 : ends[index - 1], end)));
  }
}

/** Where the RESP2 reply that begins at `start` has ended; -1 when it is not whole. */
function replyEnd(bytes: Buffer, start: number): number {
  const lineEnd = bytes.indexOf('\r\n', start);
  if (lineEnd < 0) return -1;
  const kind = String.fromCharCode(bytes[start] ?? 0);
  const count = Number(bytes.toString('latin1', start + 1, lineEnd));
  let at = lineEnd + 2;
  if (kind === '$' && count >= 0) {
    at += count + 2;
    return at > bytes.length ? -1 : at;
  }
  if (kind === '*') {
    for (let element = 0; element < count && at >= 0; element++) at = replyEnd(bytes, at);
  }
  return at;
}
