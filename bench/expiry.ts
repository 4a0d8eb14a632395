import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { defineBench, numberOption } from './bench.ts';
import { type Report, ratio, summarize } from './report.ts';

/**
 * A million keys that expire in the same second, in a node that serves meanwhile: what it does to the latency of GET,
 * and how long until their memory is free again. The load is hey at a steady rate, below what the node can take.
 */

const run = promisify(execFile);
const operationsPerBatch = 1000;
const value = 'x'.repeat(64);
/** Between the look at a node's figures and the next. */
const lookMs = 25;

interface NodeFigures {
  readonly keys: number;
  readonly memoryUsedBytes: number;
}

interface Latencies {
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

export const bench = defineBench({
  options: {
    rounds: { doc: 'rounds; each measures a quiet stretch and one in which the keys expire', default: '5' },
    keys: { doc: 'keys that expire', default: '1000000' },
    seconds: { doc: 'seconds a stretch takes', default: '4' },
    rate: { doc: 'GETs a second, over 20 connections', default: '10000' },
    quick: { doc: 'one round with few keys, to see that the answers are right', default: false },
  },
  async run(options, report) {
    const rounds = options.quick ? 1 : numberOption('rounds', options.rounds, 1);
    const keys = options.quick ? 20_000 : numberOption('keys', options.keys, 1);
    const seconds = options.quick ? 2 : numberOption('seconds', options.seconds, 2);
    const rate = options.quick ? 1000 : numberOption('rate', options.rate, 20);
    if (!existsSync('/usr/bin/hey')) {
      report.note('skipped: hey is not installed');
      return;
    }
    const quiet: Latencies[] = [];
    const busy: Latencies[] = [];
    const freedMs: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const node = await startNode();
      try {
        const sample = await measure(node.url, keys, seconds, rate, report);
        quiet.push(sample.quiet);
        busy.push(sample.busy);
        freedMs.push(sample.freedMs);
        report.progress(
          `round ${round + 1}/${rounds}: p99.9 ${sample.quiet.p999Ms.toFixed(2)} ms quiet, ` +
            `${sample.busy.p999Ms.toFixed(2)} ms while keys expire; memory free after ${sample.freedMs.toFixed(0)} ms`,
        );
      } finally {
        await node.stop();
      }
    }
    const table = report.table(
      `GET while ${keys} keys expire, ${rate}/s over 20 connections, stretches of ${seconds} s`,
      [
        { name: 'latency' },
        { name: 'quiet ms', digits: 2 },
        { name: 'expiring ms', digits: 2 },
        { name: 'expiring against quiet', digits: 2 },
      ],
    );
    for (const [name, of] of [
      ['p99', (sample: Latencies) => sample.p99Ms],
      ['p99.9', (sample: Latencies) => sample.p999Ms],
      ['max', (sample: Latencies) => sample.maxMs],
    ] as const) {
      const before = quiet.map(of);
      const during = busy.map(of);
      table.row(name, summarize(before), summarize(during), ratio(during, before));
    }
    const freed = report.table('From the moment of expiry', [{ name: 'what' }, { name: 'ms', digits: 0 }]);
    freed.row('until keys and memory are gone', summarize(freedMs));
  },
});

async function measure(url: string, keys: number, seconds: number, rate: number, report: Report) {
  const empty = await figuresOf(url);
  await post(`${url}/set`, { key: 'steady', value });
  // All expire at one moment, whenever they are written: so late that the load and the quiet stretch end before it.
  const dueMs = Date.now() + 2000 + keys * 0.04 + seconds * 1000 + 3000;
  await load(url, keys, dueMs);
  const loaded = await figuresOf(url);
  report.check(loaded.keys === keys + 1, `${keys + 1} keys were set, the node has ${loaded.keys}`);
  const quiet = await latencies(url, seconds, rate, report);
  const untilMs = dueMs - Date.now() - 500;
  report.check(untilMs > 0, 'the load took too long for the keys to expire when planned');
  await passed(dueMs - 500);
  const stretch = latencies(url, seconds, rate, report);
  const freedMs = await freedAfter(url, dueMs, empty);
  const busy = await stretch;
  const left = await figuresOf(url);
  report.check(left.keys === 1, `one key stays, the node has ${left.keys}`);
  return { quiet, busy, freedMs };
}

/** Sets the keys in batches, four at a time. */
async function load(url: string, keys: number, dueMs: number): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < keys) {
      const from = next;
      next = Math.min(from + operationsPerBatch, keys);
      const ttl = (dueMs - Date.now()) / 1000;
      const operations = Array.from({ length: next - from }, (_, i) => ({
        op: 'set',
        key: `expiring:${String(from + i).padStart(8, '0')}`,
        value,
        ttl,
      }));
      await post(`${url}/v1/batch`, { operations });
    }
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
}

async function post(url: string, body: object): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${text}`);
}

/** Milliseconds from `dueMs` until the expired keys are gone and the memory in use is what it was before them. */
async function freedAfter(url: string, dueMs: number, empty: NodeFigures): Promise<number> {
  // Index and heap shrink by pages, and the segment being filled stays: 2 MiB above an empty node is empty.
  const bytesMax = empty.memoryUsedBytes + 2 * 2 ** 20;
  for (;;) {
    const { keys, memoryUsedBytes } = await figuresOf(url);
    const passedMs = Date.now() - dueMs;
    if (keys === 1 && memoryUsedBytes <= bytesMax) return passedMs;
    if (passedMs > 60_000) throw new Error(`a minute after the expiry: ${keys} keys, ${memoryUsedBytes} bytes`);
    await passed(Date.now() + lookMs);
  }
}

async function figuresOf(url: string): Promise<NodeFigures> {
  const view = (await (await fetch(`${url}/nodes`)).json()) as { nodes: NodeFigures[] };
  return view.nodes[0] as NodeFigures;
}

async function latencies(url: string, seconds: number, rate: number, report: Report): Promise<Latencies> {
  const args = ['-z', `${seconds}s`, '-c', '20', '-q', String(rate / 20), '-o', 'csv', `${url}/get?key=steady`];
  const { stdout } = await run('hey', args, { maxBuffer: 2 ** 28 });
  const rows = stdout
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(','));
  report.check(rows.length > 0 && rows.every((row) => row[6] === '200'), 'a GET was not answered with 200');
  const ms = rows.map((row) => Number(row[0]) * 1000).sort((a, b) => a - b);
  const at = (share: number): number => ms[Math.min(ms.length - 1, Math.floor(ms.length * share))] as number;
  return { p99Ms: at(0.99), p999Ms: at(0.999), maxMs: at(1) };
}

async function startNode(): Promise<{ url: string; stop(): Promise<void> }> {
  const program = fileURLToPath(new URL('../src/server.ts', import.meta.url));
  const args = [
    '--import=tsx',
    program,
    '--http-port',
    '0',
    '--tcp-port',
    '0',
    '--max-memory',
    '512mb',
    '--log-format',
    'json',
  ];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let text = '';
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr.on('data', (data) => {
      text += String(data);
      const found = /"url":"([^"]+)"/.exec(text)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.once('exit', (code) => reject(new Error(`the node did not start: exit status ${code}: ${text}`)));
  });
  return {
    url,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

function passed(untilMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(untilMs - Date.now(), 0)));
}
