import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

const START_LIMIT_MS = 10_000;
const CRLF = Buffer.from('\r\n');

/** A cache server of its own for a measurement, spoken to over one connection on a local socket. */
export interface CacheServer {
  /** The values of the keys in their order, null for what is absent. */
  get(keys: readonly string[]): Promise<(Buffer | null)[]>;
  /** `ttlSeconds` 0: for ever. */
  set(keys: readonly string[], values: readonly Buffer[], ttlSeconds?: number): Promise<void>;
  /** Resident memory of the server's process. */
  residentBytes(): number;
  stop(): Promise<void>;
}

export function isInstalled(program: 'redis-server' | 'memcached'): boolean {
  return spawnSync(program, ['--version']).status === 0;
}

export async function startRedis(memoryBytes: number, policy: string): Promise<CacheServer> {
  const settings = ['--port', '0', '--save', '', '--appendonly', 'no', '--maxmemory', String(memoryBytes)];
  const more = ['--maxmemory-policy', policy, '--unixsocket', 'cache.sock'];
  const server = await start('redis-server', [...settings, ...more]);
  return {
    async get(keys) {
      const message = keys.map((key) => `*2\r\n$3\r\nGET\r\n$${key.length}\r\n${key}\r\n`).join('');
      return server.exchange([Buffer.from(message)], keys.length, decodeRespReply);
    },
    async set(keys, values, ttlSeconds = 0) {
      const expiry = `$2\r\nEX\r\n$${String(ttlSeconds).length}\r\n${ttlSeconds}\r\n`;
      const tail = ttlSeconds === 0 ? CRLF : Buffer.from(`\r\n${expiry}`);
      const message = keys.flatMap((key, i) => {
        const value = values[i] as Buffer;
        const parts = ttlSeconds === 0 ? 3 : 5;
        const head = `*${parts}\r\n$3\r\nSET\r\n$${key.length}\r\n${key}\r\n$${value.length}\r\n`;
        return [Buffer.from(head), value, tail];
      });
      await server.exchange(message, keys.length, decodeRespReply);
    },
    residentBytes: () => server.residentBytes(),
    stop: () => server.stop(),
  };
}

export async function startMemcached(memoryMebibytes: number): Promise<CacheServer> {
  const settings = ['-s', 'cache.sock', '-m', String(memoryMebibytes), '-t', '1', '-u', userInfo().username];
  const server = await start('memcached', settings);
  return {
    async get(keys) {
      const message = keys.map((key) => `get ${key}\r\n`).join('');
      return server.exchange([Buffer.from(message)], keys.length, decodeMemcachedReply);
    },
    async set(keys, values, ttlSeconds = 0) {
      const message = keys.flatMap((key, i) => {
        const value = values[i] as Buffer;
        return [Buffer.from(`set ${key} 0 ${ttlSeconds} ${value.length}\r\n`), value, CRLF];
      });
      await server.exchange(message, keys.length, decodeMemcachedReply);
    },
    residentBytes: () => server.residentBytes(),
    stop: () => server.stop(),
  };
}

/** A reply and where it ends, or null while it is incomplete. */
type Decode = (bytes: Buffer, at: number) => { value: Buffer | null; end: number } | null;

const decodeRespReply: Decode = (bytes, at) => {
  const lineEnd = bytes.indexOf(CRLF, at);
  if (lineEnd < 0) return null;
  const line = bytes.toString('latin1', at, lineEnd);
  if (line === '+OK' || line === '$-1') return { value: null, end: lineEnd + 2 };
  if (!line.startsWith('$')) throw new Error(`redis-server answered ${line}`);
  return decodeBlock(bytes, lineEnd + 2, Number(line.slice(1)), CRLF);
};

const memcachedEnd = Buffer.from('\r\nEND\r\n');

const decodeMemcachedReply: Decode = (bytes, at) => {
  const lineEnd = bytes.indexOf(CRLF, at);
  if (lineEnd < 0) return null;
  const line = bytes.toString('latin1', at, lineEnd);
  // Out of memory while it moves pages between sizes: not stored, which is an answer a cache may give.
  if (line === 'STORED' || line === 'END' || line.startsWith('SERVER_ERROR out of memory'))
    return { value: null, end: lineEnd + 2 };
  if (!line.startsWith('VALUE ')) throw new Error(`memcached answered ${line}`);
  return decodeBlock(bytes, lineEnd + 2, Number(line.slice(line.lastIndexOf(' ') + 1)), memcachedEnd);
};

function decodeBlock(bytes: Buffer, start: number, length: number, trailer: Buffer): ReturnType<Decode> {
  const end = start + length + trailer.length;
  return bytes.length < end ? null : { value: bytes.subarray(start, start + length), end };
}

interface Connection {
  exchange(message: readonly Buffer[], replies: number, decode: Decode): Promise<(Buffer | null)[]>;
  residentBytes(): number;
  stop(): Promise<void>;
}

/** Starts a server in a folder of its own, where it listens on `cache.sock`. */
async function start(program: string, settings: readonly string[]): Promise<Connection> {
  const folder = mkdtempSync(join(tmpdir(), 'fluxcache-bench-'));
  const child = spawn(program, settings, { cwd: folder, stdio: 'ignore' });
  try {
    const socket = await connect(child, join(folder, 'cache.sock'), program);
    return overSocket(socket, child.pid as number, async () => {
      await end(child);
      rmSync(folder, { recursive: true, force: true });
    });
  } catch (error) {
    await end(child);
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

async function connect(child: ChildProcess, path: string, program: string): Promise<Socket> {
  for (const limit = Date.now() + START_LIMIT_MS; ; ) {
    const socket = createConnection(path);
    const connected = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    if (connected) return socket;
    if (child.exitCode !== null || Date.now() > limit) throw new Error(`${program} did not start`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}

function overSocket(socket: Socket, pid: number, onStop: () => Promise<void>): Connection {
  let received: Buffer[] = [];
  let onData = (): void => {};
  let onFault = (_error: Error): void => {};
  socket.on('data', (chunk) => {
    received.push(chunk);
    onData();
  });
  socket.on('error', (error) => onFault(error));
  socket.on('close', () => onFault(new Error('the cache server closed the connection')));

  return {
    exchange(message, replies, decode) {
      const values: (Buffer | null)[] = [];
      if (replies === 0) return Promise.resolve(values);
      return new Promise((resolve, reject) => {
        onFault = reject;
        onData = () => {
          const bytes = received.length === 1 ? (received[0] as Buffer) : Buffer.concat(received);
          let at = 0;
          try {
            for (let next = decode(bytes, at); next !== null; next = decode(bytes, at)) {
              values.push(next.value);
              at = next.end;
              if (values.length === replies) break;
            }
          } catch (error) {
            reject(error);
          }
          received = at < bytes.length ? [bytes.subarray(at)] : [];
          if (values.length === replies) resolve(values);
        };
        socket.write(message.length === 1 ? (message[0] as Buffer) : Buffer.concat(message));
      });
    },
    residentBytes() {
      const kibibytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
      return Number(kibibytes?.[1]) * 1024;
    },
    async stop() {
      onFault = () => {};
      socket.destroy();
      await onStop();
    },
  };
}
