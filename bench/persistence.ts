import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runLoad } from '../src/cli/bench-load.ts';
import type { BenchPlan, BenchResult } from '../src/cli/bench-plan.ts';
import { type BenchReport, reportOf } from '../src/cli/bench-report.ts';
import { Connection } from '../src/cli/connection.ts';
import { NodeProcess } from '../test/node-process.ts';
import { defineBench, numberOption, UsageError } from './bench.ts';
import { DEPTH, fill, planOf, type Subject } from './latency.ts';
import { measureRecovery } from './recovery.ts';
import { type Report, ratio, summarize } from './report.ts';
import { cpuSeconds, freePort, isInstalled, until } from './servers.ts';

/**
 * What it costs to keep keys on the disk, against Redis that keeps them likewise: SET under each policy of when changes are
 * synced; a snapshot while GETs and SETs go on; a start with what was kept. Files are in the system's folder for what is
 * temporary, on whatever disk that is.
 */

const policies = ['none', 'no', 'everysec', 'always'] as const;
type Policy = (typeof policies)[number];
const POLICY_KEYS = 100_000;
const BYTES_PER_ENTRY = 200;
const MIB = 2 ** 20;
/** Of a mixed load at a steady rate. */
const READ_SHARE = 0.5;
/** While a snapshot is made. */
const SNAPSHOT_READ_SHARE = 0.9;
/** A piece of load while something goes on, and how often memory is looked at. */
const CHUNK_MS = 500;
const MEMORY_LOOK_MS = 50;
const SNAPSHOT_LIMIT_MS = 300_000;

const parts = ['all', 'policies', 'snapshot', 'recovery'];

export const bench = defineBench({
  options: {
    part: { doc: `what is measured: ${parts.join(', ')}`, default: 'all' },
    entries: { doc: 'entries of a snapshot and of a start, of 16-byte keys and 64-byte values', default: '5000000' },
    rounds: { doc: 'rounds; in each, every server is measured once', default: '5' },
    seconds: { doc: 'seconds a measurement of a policy takes', default: '4' },
    rate: { doc: 'requests a second while a snapshot is made', default: '10000' },
    quick: { doc: 'one short round with 100000 entries, to see that the answers are right', default: false },
  },
  async run(options, report) {
    if (!parts.includes(options.part)) throw new UsageError(`--part is one of ${parts.join(', ')}`);
    const entries = options.quick ? 100_000 : numberOption('entries', options.entries, 1);
    const rounds = options.quick ? 1 : numberOption('rounds', options.rounds, 1);
    const seconds = options.quick ? 1 : numberOption('seconds', options.seconds, 0.1);
    const rate = numberOption('rate', options.rate, 1);
    const has = (part: string): boolean => options.part === 'all' || options.part === part;
    const root = mkdtempSync(join(tmpdir(), 'fluxcache-bench-persistence-'));
    try {
      if (!isInstalled('redis-server')) report.note('Redis was not measured: not installed');
      if (has('policies')) await measurePolicies(root, rounds, seconds, report);
      if (has('snapshot')) await measureSnapshots(root, entries, rounds, rate, report);
      if (has('recovery')) {
        const memory = `${mebibytesFor(entries)}mb`;
        await measureRecovery({ root, entries, valueBytes: 64, shards: 2, memory, rounds }, report);
      }
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  },
});

interface Server extends Subject {
  readonly end: () => Promise<void>;
}

function mebibytesFor(entries: number): number {
  return Math.max(512, Math.ceil((entries * BYTES_PER_ENTRY) / MIB));
}

async function startNode(root: string, policy: Policy, mebibytes: number): Promise<Server> {
  const dataDir = mkdtempSync(join(root, 'node-'));
  const kept = ['--persistence', '--data-dir', dataDir, '--fsync', policy, '--snapshot-interval', '0'];
  // Only the snapshots that are measured.
  const flags = policy === 'none' ? [] : [...kept, '--snapshot-log-size', '100gb'];
  const tcpPort = await freePort();
  const node = await NodeProcess.start({
    flags: ['--tcp-port', String(tcpPort), '--max-memory', `${mebibytes}mb`, '--log-level', 'info', ...flags],
  });
  await node.ports();
  const end = async (): Promise<void> => {
    await node.kill();
    rmSync(dataDir, { recursive: true, force: true });
  };
  return { name: 'FluxCache', child: node.child, port: tcpPort, end };
}

async function startRedis(root: string, policy: Policy): Promise<Server> {
  const dir = mkdtempSync(join(root, 'redis-'));
  mkdirSync(dir, { recursive: true });
  const port = await freePort();
  const kept = policy === 'none' ? ['--appendonly', 'no'] : ['--appendonly', 'yes', '--appendfsync', policy];
  const settings = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', dir, ...kept];
  const child = spawn('redis-server', [...settings, '--auto-aof-rewrite-percentage', '0'], { stdio: 'ignore' });
  await until(async () => (await ask(port, ['PING'])) === 'PONG');
  const end = async (): Promise<void> => {
    child.kill('SIGKILL');
    await once(child, 'close');
    rmSync(dir, { recursive: true, force: true });
  };
  return { name: 'Redis', child, port, end };
}

async function startBoth(root: string, policy: Policy, mebibytes: number): Promise<Server[]> {
  const servers = [await startNode(root, policy, mebibytes)];
  if (isInstalled('redis-server')) servers.push(await startRedis(root, policy));
  return servers;
}

async function ask(port: number, words: readonly string[]): Promise<string> {
  const target = { host: '127.0.0.1', port, tls: null, user: undefined, password: undefined, database: 0 };
  const connection = await Connection.open(target, 2);
  try {
    const reply = await connection.request(words);
    if (reply.kind === 'status' || reply.kind === 'error') return reply.text;
    return reply.kind === 'bulk' ? Buffer.from(reply.bytes).toString() : '';
  } finally {
    connection.close();
  }
}

async function load(server: Subject, plan: BenchPlan, report: Report): Promise<BenchResult> {
  const result = await runLoad(plan, () => undefined);
  const isRight = result.errors + result.wrong === 0 && result.hits === result.reads;
  report.check(isRight, `${server.name}: ${result.errors} errors, ${result.wrong} wrong answers: ${result.firstFault}`);
  return result;
}

interface PolicyFigures {
  readonly alone: number[];
  readonly deep: number[];
  readonly cpuUs: number[];
  readonly readMs: number[];
  readonly writeMs: number[];
}

async function measurePolicies(root: string, rounds: number, seconds: number, report: Report): Promise<void> {
  const throughput = report.table(`SET, 50 connections, ${rounds} times ${seconds} s each`, [
    { name: 'synced' },
    { name: 'server' },
    { name: 'k/s', digits: 1 },
    { name: '16 under way, k/s', digits: 0 },
    { name: 'us of processor' },
    { name: '16 under way, against Redis' },
  ]);
  const latencies = report.table('Half GET, half SET, at half of what the slower one does alone: p99.9 in ms', [
    { name: 'synced' },
    { name: 'server' },
    { name: 'GET', digits: 2 },
    { name: 'SET', digits: 2 },
    { name: 'GET against Redis' },
    { name: 'SET against Redis' },
  ]);
  for (const policy of policies) {
    const servers = await startBoth(root, policy, 512);
    const figures = servers.map((): PolicyFigures => ({ alone: [], deep: [], cpuUs: [], readMs: [], writeMs: [] }));
    try {
      for (const server of servers) await fill(server, POLICY_KEYS, report);
      for (let round = 0; round < rounds; round++) {
        for (const [index, server] of servers.entries()) {
          await measureSets(server, figures[index] as PolicyFigures, seconds, round, report);
        }
        const rate = Math.floor(Math.min(...figures.map(({ alone }) => alone.at(-1) ?? 1)) / 2);
        for (const [index, server] of servers.entries()) {
          await measureTail(server, figures[index] as PolicyFigures, rate, seconds, round, report);
        }
        report.progress(`${policy}, round ${round + 1}/${rounds}`);
      }
    } finally {
      for (const server of servers) await server.end();
    }
    const theirs = figures[1];
    for (const [index, { name }] of servers.entries()) {
      const own = figures[index] as PolicyFigures;
      const against = (of: (one: PolicyFigures) => number[]) =>
        theirs === undefined || index > 0 ? null : ratio(of(own), of(theirs));
      const k = (values: number[]) => summarize(values.map((value) => value / 1000));
      throughput.row(
        policy,
        name,
        k(own.alone),
        k(own.deep),
        summarize(own.cpuUs),
        against(({ deep }) => deep),
      );
      latencies.row(
        policy,
        name,
        summarize(own.readMs),
        summarize(own.writeMs),
        against(({ readMs }) => readMs),
        against(({ writeMs }) => writeMs),
      );
    }
  }
}

async function measureSets(
  server: Subject,
  figures: PolicyFigures,
  seconds: number,
  round: number,
  report: Report,
): Promise<void> {
  const plan: BenchPlan = { ...planOf(server, POLICY_KEYS, 2 + round), durationMs: seconds * 1000, readShare: 0 };
  const alone = reportOf([await load(server, plan, report)]);
  figures.alone.push(alone.requestsPerSecond);
  const cpuBefore = cpuSeconds([server.child]);
  const deep = reportOf([await load(server, { ...plan, depth: 16 }, report)]);
  figures.deep.push(deep.requestsPerSecond);
  figures.cpuUs.push(((cpuSeconds([server.child]) - cpuBefore) * 1e6) / deep.requests);
}

async function measureTail(
  server: Subject,
  figures: PolicyFigures,
  rate: number,
  seconds: number,
  round: number,
  report: Report,
): Promise<void> {
  const requests = Math.ceil(rate * seconds);
  const plan = { ...planOf(server, POLICY_KEYS, 90 + round), depth: DEPTH, rate, requests, readShare: READ_SHARE };
  const { latencyMs } = reportOf([await load(server, plan, report)]);
  figures.readMs.push(latencyMs.reads?.p999 ?? Number.NaN);
  figures.writeMs.push(latencyMs.writes?.p999 ?? Number.NaN);
}

interface SnapshotFigures {
  readonly quietMs: number[];
  readonly busyMs: number[];
  readonly seconds: number[];
  /** Of the memory before. */
  readonly extraShare: number[];
  readonly extraMib: number[];
  readonly cpuS: number[];
}

async function measureSnapshots(
  root: string,
  entries: number,
  rounds: number,
  rate: number,
  report: Report,
): Promise<void> {
  const servers = await startBoth(root, 'everysec', mebibytesFor(entries));
  const figures = servers.map(
    (): SnapshotFigures => ({ quietMs: [], busyMs: [], seconds: [], extraShare: [], extraMib: [], cpuS: [] }),
  );
  try {
    for (const server of servers) await fill(server, entries, report);
    for (let round = 0; round < rounds; round++) {
      for (const [index, server] of servers.entries()) {
        await measureSnapshot(server, figures[index] as SnapshotFigures, entries, rate, round, report);
        report.progress(`snapshot, ${server.name}, round ${round + 1}/${rounds}: ${figures[index]?.seconds.at(-1)} s`);
      }
    }
  } finally {
    for (const server of servers) await server.end();
  }
  const share = Math.round(SNAPSHOT_READ_SHARE * 100);
  const table = report.table(
    `Snapshot of ${entries} entries, while ${rate} requests a second go on, of which ${share}% GET`,
    [
      { name: 'server' },
      { name: 'seconds' },
      { name: 'extra memory MiB', digits: 0 },
      { name: 'of memory %', digits: 1 },
      { name: 'GET p99.9 ms, quiet', digits: 2 },
      { name: 'meanwhile', digits: 2 },
      { name: 'against quiet' },
      { name: 'processor s' },
    ],
  );
  for (const [index, { name }] of servers.entries()) {
    const { quietMs, busyMs, seconds, extraShare, extraMib, cpuS } = figures[index] as SnapshotFigures;
    table.row(
      name,
      summarize(seconds),
      summarize(extraMib),
      summarize(extraShare.map((part) => part * 100)),
      summarize(quietMs),
      summarize(busyMs),
      ratio(busyMs, quietMs),
      summarize(cpuS),
    );
  }
}

async function measureSnapshot(
  server: Subject,
  figures: SnapshotFigures,
  entries: number,
  rate: number,
  round: number,
  report: Report,
): Promise<void> {
  const chunk = (seed: number): Promise<BenchResult> => {
    const requests = Math.ceil((rate * CHUNK_MS) / 1000);
    const seeded = planOf(server, entries, 7 + round * 1000 + seed);
    return load(server, { ...seeded, depth: DEPTH, rate, requests, readShare: SNAPSHOT_READ_SHARE }, report);
  };
  const quiet: BenchResult[] = [];
  // Connections, code and caches are warm then.
  await chunk(0);
  for (let i = 1; i <= 8; i++) quiet.push(await chunk(i));
  const before = memoryBytes(server.child);
  let most = before;
  const watch = setInterval(() => {
    most = Math.max(most, memoryBytes(server.child));
  }, MEMORY_LOOK_MS);
  const busy: BenchResult[] = [];
  const cpuBefore = cpuSeconds([server.child]);
  const beganMs = performance.now();
  await ask(server.port, ['BGSAVE']);
  let endedMs = Number.NaN;
  const ended = untilSaved(server.port).then(() => {
    endedMs = performance.now();
  });
  for (let i = 0; Number.isNaN(endedMs); i++) busy.push(await chunk(100 + i));
  await ended;
  clearInterval(watch);
  report.check(
    /rdb_last_bgsave_status:ok/.test(await ask(server.port, ['INFO', 'persistence'])),
    `${server.name}: the snapshot failed`,
  );
  figures.cpuS.push(cpuSeconds([server.child]) - cpuBefore);
  figures.seconds.push((endedMs - beganMs) / 1000);
  figures.extraMib.push((most - before) / MIB);
  figures.extraShare.push((most - before) / before);
  figures.quietMs.push(tailOf(reportOf(quiet)));
  figures.busyMs.push(tailOf(reportOf(busy)));
}

function tailOf({ latencyMs }: BenchReport): number {
  return latencyMs.reads?.p999 ?? Number.NaN;
}

async function untilSaved(port: number): Promise<void> {
  const deadlineMs = performance.now() + SNAPSHOT_LIMIT_MS;
  while (/rdb_bgsave_in_progress:1/.test(await ask(port, ['INFO', 'persistence']))) {
    if (performance.now() > deadlineMs) throw new Error('the snapshot takes too long');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Memory of a process and its children, what they share counted once. */
function memoryBytes({ pid }: ChildProcess): number {
  let bytes = 0;
  for (const one of [pid, ...childrenOf(pid as number)]) {
    try {
      const kibibytes = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${one}/smaps_rollup`, 'latin1'));
      bytes += Number(kibibytes?.[1] ?? 0) * 1024;
    } catch {
      // It has just ended.
    }
  }
  return bytes;
}

function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}
