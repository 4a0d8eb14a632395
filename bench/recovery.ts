import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { builtTree } from '../test/built-tree.ts';
import { keepEntries } from '../test/kept-data.ts';
import { NodeProcess } from '../test/node-process.ts';
import { defineBench, numberOption } from './bench.ts';
import { type Report, summarize } from './report.ts';
import { respCommand } from './resp-load.ts';
import { cpuSeconds, freePort, isInstalled } from './servers.ts';

/**
 * How long a node takes from its start to the first GET that is answered, with what was kept on the disk: from a
 * snapshot, and from the log alone; against Redis with an RDB file, and with an append-only file of commands. Keys and
 * values are the same ones. Files are in the system's cache: what is measured is reading, not the disk.
 */

const KEY_BYTES = 16;
const POLL_MS = 5;
const STARTED_MS = 300_000;
const FILL_BYTES = 4 * 2 ** 20;

export const bench = defineBench({
  options: {
    entries: { doc: 'entries that were kept', default: '5000000' },
    value: { doc: 'bytes of a value', default: '64' },
    shards: { doc: 'shards of the node', default: '2' },
    memory: { doc: 'memory of the node', default: '3gb' },
    rounds: { doc: 'starts of each, in turns', default: '3' },
    quick: { doc: '100000 entries and one round, to see that it works', default: false },
  },
  async run(options, report) {
    const entries = options.quick ? 100_000 : numberOption('entries', options.entries, 1);
    const rounds = options.quick ? 1 : numberOption('rounds', options.rounds, 1);
    const valueBytes = numberOption('value', options.value, 8);
    const shards = numberOption('shards', options.shards, 1);
    const root = mkdtempSync(join(tmpdir(), 'fluxcache-bench-recovery-'));
    try {
      await measureRecovery({ root, entries, valueBytes, shards, memory: options.memory, rounds }, report);
    } finally {
      rmSync(root, { recursive: true });
    }
  },
});

export interface RecoveryOptions {
  /** Where files may be put. */
  readonly root: string;
  readonly entries: number;
  readonly valueBytes: number;
  readonly shards: number;
  readonly memory: string;
  readonly rounds: number;
}

/** What one start came to. */
interface Start {
  readonly servedS: number;
  readonly cpuS: number;
}

export async function measureRecovery(options: RecoveryOptions, report: Report): Promise<void> {
  const { root, entries, shards, memory, rounds } = options;
  // Or the first start would have to wait for it.
  await builtTree();
  const subjects: Record<string, () => Promise<Start>> = {};
  for (const asSnapshot of [true, false]) {
    const dataDir = join(root, asSnapshot ? 'snapshot' : 'log');
    const entry = entryMaker(options.valueBytes);
    keepEntries(dataDir, entries, entry, { shards, asSnapshot });
    const flags = ['--persistence', '--data-dir', dataDir, '--shards', String(shards), '--max-memory', memory];
    const quiet = ['--snapshot-interval', '0', '--log-level', 'info'];
    subjects[`FluxCache, ${asSnapshot ? 'snapshot' : 'log'}`] = () => startNode([...flags, ...quiet], options);
  }
  if (isInstalled('redis-server')) {
    const rdb = join(root, 'rdb');
    const aof = join(root, 'aof');
    await fillRedis(rdb, [], 'SAVE', options);
    const plain = ['--appendonly', 'yes', '--aof-use-rdb-preamble', 'no'];
    await fillRedis(aof, plain, 'BGREWRITEAOF', options);
    subjects['Redis, RDB'] = () => startRedis(rdb, [], options);
    subjects['Redis, AOF'] = () => startRedis(aof, plain, options);
  }
  const starts = Object.keys(subjects).map((): Start[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, [name, start]] of Object.entries(subjects).entries()) {
      report.progress(`${name}, round ${round + 1}`);
      starts[index]?.push(await start());
    }
  }
  const table = report.table(`From the start of the process to the first GET, ${entries} entries`, [
    { name: 'with' },
    { name: 'seconds' },
    { name: 'entries k/s', digits: 0 },
    { name: 'processor seconds' },
  ]);
  for (const [index, name] of Object.keys(subjects).entries()) {
    const all = starts[index] ?? [];
    const seconds = summarize(all.map(({ servedS }) => servedS));
    table.row(name, seconds, entries / seconds.median / 1000, summarize(all.map(({ cpuS }) => cpuS)));
  }
}

/** Values that no compression makes smaller, the same ones for the same number. */
function entryMaker(valueBytes: number): (index: number) => { key: Uint8Array; value: Uint8Array; version: number } {
  const key = Buffer.alloc(KEY_BYTES);
  const value = Buffer.alloc(valueBytes);
  return (index) => {
    key.write(`key:${String(index).padStart(KEY_BYTES - 4, '0')}`, 'latin1');
    let state = index + 1;
    for (let at = 0; at + 4 <= valueBytes; at += 4) {
      state = Math.imul(state ^ (state >>> 15), 0x2c1b_3c6d) + 0x9e37_79b9;
      value.writeInt32LE(state | 0, at);
    }
    return { key, value, version: index + 1 };
  };
}

async function startNode(flags: readonly string[], options: RecoveryOptions): Promise<Start> {
  const port = await freePort();
  const beganMs = performance.now();
  const node = await NodeProcess.start({ flags: [...flags, '--tcp-port', String(port)] });
  try {
    return await served(node.child, port, beganMs, options);
  } finally {
    await node.kill();
  }
}

async function startRedis(dir: string, settings: readonly string[], options: RecoveryOptions): Promise<Start> {
  const port = await freePort();
  const beganMs = performance.now();
  const child = spawnRedis(dir, port, settings);
  try {
    return await served(child, port, beganMs, options);
  } finally {
    child.kill('SIGKILL');
    await once(child, 'close');
  }
}

/** Asks for the last key until it is answered with its value. */
async function served(child: ChildProcess, port: number, beganMs: number, options: RecoveryOptions): Promise<Start> {
  const last = entryMaker(options.valueBytes)(options.entries - 1);
  const get = respCommand('GET', Buffer.from(last.key).toString('latin1'));
  for (;;) {
    const reply = await ask(port, get).catch(() => null);
    const servedS = (performance.now() - beganMs) / 1000;
    if (reply?.includes(Buffer.from(last.value)) === true) return { servedS, cpuS: cpuSeconds([child]) };
    if (servedS * 1000 > STARTED_MS || child.exitCode !== null) throw new Error(`it does not serve: ${reply}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function ask(port: number, command: string): Promise<Buffer> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    socket.write(command);
    const [reply] = (await once(socket, 'data')) as [Buffer];
    return reply;
  } finally {
    socket.destroy();
  }
}

function spawnRedis(dir: string, port: number, settings: readonly string[]): ChildProcess {
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', dir, ...settings];
  return spawn('redis-server', args, { stdio: 'ignore' });
}

/** Fills a Redis with the entries, has it write its file, and ends it. */
async function fillRedis(
  dir: string,
  settings: readonly string[],
  write: 'SAVE' | 'BGREWRITEAOF',
  options: RecoveryOptions,
): Promise<void> {
  mkdirSync(dir, { recursive: true });
  const port = await freePort();
  // What is written while it is filled is no part of what is measured.
  const child = spawnRedis(dir, port, write === 'SAVE' ? settings : [...settings, '--appendfsync', 'no']);
  try {
    while (!(await ask(port, respCommand('PING')).catch(() => Buffer.alloc(0))).includes('PONG')) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    await sendAll(socket, options);
    socket.destroy();
    await ask(port, respCommand(write));
    const isWriting = async () =>
      /_in_progress:1/.test((await ask(port, respCommand('INFO', 'persistence'))).toString());
    while (await isWriting()) await new Promise((resolve) => setTimeout(resolve, 50));
  } finally {
    child.kill('SIGTERM');
    await once(child, 'close');
  }
}

async function sendAll(socket: Socket, { entries, valueBytes }: RecoveryOptions): Promise<void> {
  const entry = entryMaker(valueBytes);
  const endOfReplies = once(socket, 'end').catch(() => undefined);
  const expectedBytes = entries * '+OK\r\n'.length;
  let repliedBytes = 0;
  const answered = new Promise<void>((resolve) => {
    socket.on('data', (bytes) => {
      repliedBytes += bytes.length;
      if (repliedBytes >= expectedBytes) resolve();
    });
  });
  const head = Buffer.from(`*3\r\n$3\r\nSET\r\n$${KEY_BYTES}\r\n`);
  const middle = Buffer.from(`\r\n$${valueBytes}\r\n`);
  const end = Buffer.from('\r\n');
  let parts: Uint8Array[] = [];
  let bytes = 0;
  for (let index = 0; index < entries; index++) {
    const { key, value } = entry(index);
    const command = Buffer.concat([head, key, middle, value, end]);
    parts.push(command);
    bytes += command.length;
    if (bytes < FILL_BYTES && index < entries - 1) continue;
    if (!socket.write(Buffer.concat(parts))) await once(socket, 'drain');
    parts = [];
    bytes = 0;
  }
  await Promise.race([answered, endOfReplies]);
}
