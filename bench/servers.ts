import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** The servers that benchmarks over sockets measure, each a process of its own on ports that were free. */

export const run = promisify(execFile);

/** Clock ticks a second in /proc/PID/stat, the same on every Linux that Node.js runs on. */
const TICKS_PER_SECOND = 100;

/** FluxCache as it is run, at its defaults. */
export interface FluxCacheProcess {
  readonly child: ChildProcess;
  readonly httpPort: number;
  readonly tcpPort: number;
}

export async function spawnFluxCache(args: readonly string[] = []): Promise<FluxCacheProcess> {
  const httpPort = await freePort();
  const tcpPort = await freePort();
  const path = fileURLToPath(new URL('../src/server.ts', import.meta.url));
  const ports = ['--http-port', String(httpPort), '--tcp-port', String(tcpPort), '--log-level', 'warn'];
  const child = spawn(process.execPath, ['--import=tsx', path, ...ports, ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  await until(async () => (await fetch(`http://127.0.0.1:${httpPort}/readyz`)).ok);
  return { child, httpPort, tcpPort };
}

export function isInstalled(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;
}

/** A redis-server that keeps nothing on disk, as a cache is run. */
export async function spawnRedis(args: readonly string[] = []): Promise<{ child: ChildProcess; port: number }> {
  const port = await freePort();
  const settings = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', ...args];
  const child = spawn('redis-server', settings, { stdio: 'ignore' });
  await until(async () => (await run('redis-cli', ['-p', String(port), 'ping'])).stdout.startsWith('PONG'));
  return { child, port };
}

/** A script of this folder in a process of its own, which prints the port it listens on. */
export async function spawnScript(
  name: string,
  args: readonly string[],
): Promise<{ child: ChildProcess; port: number }> {
  const path = fileURLToPath(new URL(name, import.meta.url));
  const child = spawn(process.execPath, ['--import=tsx', path, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout.once('data', (data) => resolve(Number(String(data).trim())));
    child.once('exit', (code) => reject(new Error(`${name} did not start: exit status ${code}`)));
  });
  return { child, port };
}

/** User and system time of the processes, all threads. */
export function cpuSeconds(processes: readonly ChildProcess[]): number {
  let ticks = 0;
  for (const { pid } of processes) {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / TICKS_PER_SECOND;
}

export async function until(isDone: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 10_000;
  while (performance.now() < endMs) {
    if (await isDone().catch(() => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('a server of the benchmark did not start');
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}
