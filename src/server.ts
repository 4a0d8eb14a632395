#!/usr/bin/env node
/** The program `fluxcache-server`: reads its configuration, starts a node, and stops it when told to. */
import { readFileSync } from 'node:fs';
import { availableParallelism, hostname, totalmem } from 'node:os';
import { endThreads } from './base/spawn-thread.ts';
import { formatBytes } from './base/units.ts';
import { readCommandLine } from './config/command-line.ts';
import { helpText } from './config/help.ts';
import { readMappingFile } from './config/mapping-file.ts';
import type { Config } from './config/options.ts';
import { CONFIG_VARIABLE, type ConfigInputs, printConfig, type Resolution, resolveConfig } from './config/resolve.ts';
import { openLog } from './monitoring/log.ts';
import type { Account } from './server/access/access.ts';
import { hashPassword } from './server/access/secrets.ts';
import { readAccounts } from './server/access/users-file.ts';
import { readTlsFiles, tlsSettings } from './server/tls/tls-files.ts';
import { startNode } from './start-node.ts';

const EXIT_ERROR = 1;
const EXIT_USAGE = 2;
/** Signals closer than this are one wish to stop, told twice. */
const SAME_SIGNAL_MS = 250;
/** Threads that should have ended by then are given this long once more. */
const END_THREADS_MS = 2000;
/** How often a node that waits for its cluster looks whether it serves. */
const READY_LOOK_MS = 200;

/** Versions of Node.js from which on integer-like keys cannot be made to collide, by release line. */
const SOUND_NODE_VERSIONS: Readonly<Record<number, readonly [number, number]>> = {
  20: [20, 2],
  22: [22, 2],
  24: [14, 1],
};

async function main(args: readonly string[]): Promise<void> {
  const { action, configPath, flags, problems } = readCommandLine(args);
  if (action === 'help') {
    process.stdout.write(helpText());
    return;
  }
  if (problems.length > 0) return refuse(problems);
  if (action === 'version') {
    process.stdout.write(`${version()}\n`);
    return;
  }
  if (action === 'hash-password') return printHash();

  const resolution = resolve(configPath ?? (process.env[CONFIG_VARIABLE] || undefined), flags);
  if (resolution.kind === 'problems') return refuse(resolution.problems);
  const { config } = resolution.resolved;
  const read = readAccounts(config);
  if (read.kind === 'problems') return refuse(read.problems);
  const tls = tlsSettings(config);
  const files = tls === null ? null : readTlsFiles(tls, Date.now());
  if (files?.kind === 'problems') return refuse(files.problems);
  if (action === 'check-config') {
    for (const warning of files?.material.warnings ?? []) process.stderr.write(`fluxcache-server: ${warning}\n`);
    process.stdout.write(printConfig(resolution.resolved));
    return;
  }
  await run(config, read.accounts);
}

function resolve(configPath: string | undefined, flags: ReadonlyMap<string, unknown>): Resolution {
  let file: ConfigInputs['file'];
  if (configPath !== undefined) {
    const read = readMappingFile(configPath);
    if (read.kind === 'problem') return { kind: 'problems', problems: [read.problem] };
    file = { path: configPath, values: read.values };
  }
  const environment = new Map(Object.entries(process.env));
  // A machine may be called anything; a node's name keeps to what goes into labels and logs.
  const hostName =
    hostname()
      .replaceAll(/[^\w.-]/g, '-')
      .slice(0, 128) || 'localhost';
  return resolveConfig({ flags, environment, file, machine: { cores: availableParallelism(), hostName } });
}

async function run(config: Config, accounts: readonly Account[]): Promise<void> {
  const log = openLog({ level: config.logLevel, format: config.logFormat, nodeName: config.nodeName }, process.stderr);
  // A log that nobody reads any more (a closed pipe) is no reason to stop serving.
  process.stderr.on('error', () => undefined);
  const die = (err: unknown) => {
    // A broken invariant of the main thread: nothing it holds can be trusted any more.
    log.error({ err }, 'the node failed and ends');
    process.exit(EXIT_ERROR);
  };
  process.on('uncaughtException', die);
  process.on('unhandledRejection', die);
  if (!isSoundNode(process.versions.node)) {
    log.warn(
      { node: process.version },
      'this Node.js can be slowed down by chosen keys; use 20.20.2, 22.22.2, 24.14.1 or later',
    );
  }
  if (config.maxMemory > totalmem()) {
    log.warn(
      { maxMemory: formatBytes(config.maxMemory), machine: formatBytes(totalmem()) },
      'maxMemory is more than this machine has',
    );
  }

  const fail = (reason: string) => {
    log.error({ reason }, 'the node cannot go on and ends');
    process.exit(EXIT_ERROR);
  };
  let running: Awaited<ReturnType<typeof startNode>> | null = null;
  let stoppingSinceMs = 0;
  const stop = async (signal: NodeJS.Signals | 'SHUTDOWN') => {
    if (running === null) {
      // What was kept on the disk is only read until then.
      log.info({ signal }, 'stopped before it served');
      process.exit(0);
    }
    if (stoppingSinceMs > 0) {
      // Ctrl-C reaches the whole group of a terminal, and a parent such as `npm run dev` may pass it on once more.
      if (performance.now() - stoppingSinceMs < SAME_SIGNAL_MS) return;
      log.warn({ signal }, 'told to stop again: requests under way are cut off');
      process.exit(EXIT_ERROR);
    }
    stoppingSinceMs = performance.now();
    log.info({ signal, drainTimeoutMs: config.drainTimeout }, 'stopping: requests under way are answered');
    const isComplete = await running.stop();
    const threads = await endThreads(END_THREADS_MS);
    if (threads > 0) {
      log.error(
        { threads },
        'stopped; the disk does not answer threads that wait for it, and the process kills itself',
      );
      process.kill(process.pid, 'SIGKILL');
    }
    if (isComplete) log.info({}, 'stopped');
    else log.warn({}, 'stopped; some requests did not finish in time and were cut off');
    process.exit(isComplete ? 0 : EXIT_ERROR);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(signal));
  let node: Awaited<ReturnType<typeof startNode>>;
  try {
    node = await startNode(config, accounts, version(), log, () => void stop('SHUTDOWN'), fail);
  } catch (error) {
    process.stderr.write(`fluxcache-server: ${error instanceof Error ? error.message : String(error)}\n`);
    log.debug({ err: error }, 'the node could not be started');
    process.exit(EXIT_ERROR);
  }
  running = node;
  // Without certificates, too: its default is to end the process at once.
  process.on('SIGHUP', () => node.reload());
  const { url, tcpPort, busPort, engine } = node;
  const { shards, eviction } = config;
  const maxMemory = formatBytes(config.maxMemory);
  const { pid } = process;
  const isInCluster = busPort !== null;
  const about = { url, tcpPort, ...(isInCluster ? { busPort } : {}), shards, maxMemory, eviction, engine, pid };
  log.info(about, isInCluster ? 'listening' : 'ready');
  if (!isInCluster) return;
  const look = setInterval(() => {
    if (!node.isReady()) return;
    clearInterval(look);
    log.info({ url, tcpPort }, 'ready');
  }, READY_LOOK_MS);
}

/** Prints what is wrong, a line each, and ends. */
function refuse(problems: readonly string[]): void {
  for (const problem of problems) process.stderr.write(`fluxcache-server: ${problem}\n`);
  process.stderr.write('See fluxcache-server --help.\n');
  process.exitCode = EXIT_USAGE;
}

async function printHash(): Promise<void> {
  if (process.stdin.isTTY) process.stderr.write('Password (shown as you type; end with Enter, then Ctrl-D): ');
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) text += String(chunk);
  const password = text.replace(/\r?\n$/, '');
  if (password === '') return refuse(['--hash-password reads a password from standard input, and there was none.']);
  process.stdout.write(`${await hashPassword(password)}\n`);
}

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

function isSoundNode(nodeVersion: string): boolean {
  const [major = 0, minor = 0, patch = 0] = nodeVersion.split('.').map(Number);
  const least = SOUND_NODE_VERSIONS[major];
  return least === undefined ? major > 24 : minor > least[0] || (minor === least[0] && patch >= least[1]);
}

await main(process.argv.slice(2));
