import type { ChildProcess } from 'node:child_process';
import { runLoad } from '../src/cli/bench-load.ts';
import type { BenchPlan } from '../src/cli/bench-plan.ts';
import { type BenchReport, type Latency, reportOf } from '../src/cli/bench-report.ts';
import { Connection } from '../src/cli/connection.ts';
import type { Target } from '../src/cli/target.ts';
import { defineBench, numberOption } from './bench.ts';
import { type Report, ratio, summarize } from './report.ts';
import { cpuSeconds, isInstalled, spawnFluxCache, spawnRedis } from './servers.ts';

/**
 * How long a GET takes at half load, in the middle and in the tail. The load is the one of `fluxcache bench`: requests are
 * due at a constant rate whatever the server does, and each is timed from when it was due, so that a server that stalls is
 * charged for all the requests that would have come meanwhile. Both servers get the same rate, half of what the slower of
 * them serves one at a time.
 */

const CONNECTIONS = 50;
const VALUE_BYTES = 64;
/** With twelve digits behind it: 16 bytes. */
const KEY_PREFIX = 'key:';
/** More requests than this wait on a connection only in the generator, where they are timed all the same. */
export const DEPTH = 256;
const FILL_DEPTH = 64;
/** Entry, index and room to spare: nothing is to be evicted. */
const BYTES_PER_ENTRY = 200;
const MIB = 2 ** 20;

const figures = ['p50', 'p99', 'p999', 'p9999', 'max'] as const satisfies readonly (keyof Latency)[];
type Figure = (typeof figures)[number];

const names: Readonly<Record<Figure, string>> = {
  p50: 'p50',
  p99: 'p99',
  p999: 'p99.9',
  p9999: 'p99.99',
  max: 'max',
};

/** A server that is measured. */
export interface Subject {
  readonly name: string;
  readonly child: ChildProcess;
  readonly port: number;
}

interface Sample {
  readonly latency: Latency;
  readonly late: Latency;
  /** Microseconds of the server's processor time an operation. */
  readonly cpuUs: number;
}

export const bench = defineBench({
  options: {
    entries: { doc: 'entries, of 16-byte keys and 64-byte values', default: '10000000' },
    rounds: { doc: 'rounds; in each, every server is measured once', default: '5' },
    seconds: { doc: 'seconds a measurement takes', default: '10' },
    rate: { doc: 'GETs a second; by default half of what the slower server serves', default: '' },
    quick: { doc: 'one short round with 100000 entries, to see that the answers are right', default: false },
  },
  async run(options, report) {
    const entries = options.quick ? 100_000 : numberOption('entries', options.entries, 1);
    const rounds = options.quick ? 1 : numberOption('rounds', options.rounds, 1);
    const seconds = options.quick ? 1 : numberOption('seconds', options.seconds, 0.1);
    const givenRate = options.rate === '' ? null : numberOption('rate', options.rate, 1);
    const subjects: Subject[] = [];
    try {
      const mebibytes = Math.max(512, Math.ceil((entries * BYTES_PER_ENTRY) / MIB));
      const ours = await spawnFluxCache(['--max-memory', `${mebibytes}mb`]);
      subjects.push({ name: 'FluxCache', child: ours.child, port: ours.tcpPort });
      if (isInstalled('redis-server')) subjects.push({ name: 'Redis', ...(await spawnRedis()) });
      else report.note('Redis was not measured: not installed');
      for (const subject of subjects) await fill(subject, entries, report);
      const fullRate = await fullThroughput(subjects, entries, Math.min(seconds, 5), report);
      const rate = givenRate ?? Math.floor(fullRate / 2);
      await measure(subjects, entries, rounds, seconds, rate, report);
      for (const subject of subjects) await checkCount(subject, entries, report);
    } finally {
      for (const { child } of subjects) child.kill('SIGKILL');
    }
  },
});

/** Sets every key once, in large pipelines. */
export async function fill(subject: Subject, entries: number, report: Report): Promise<void> {
  const beganMs = performance.now();
  const plan = {
    ...planOf(subject, entries, 1),
    depth: FILL_DEPTH,
    requests: entries,
    order: { kind: 'sequential' },
    readShare: 0,
  } as const;
  const { writes, errors, wrong, firstFault } = reportOf([await runLoad(plan, () => undefined)]);
  report.check(writes === entries && errors + wrong === 0, `${subject.name}: filling: ${firstFault}`);
  await checkCount(subject, entries, report);
  report.progress(`${subject.name} filled in ${((performance.now() - beganMs) / 1000).toFixed(1)} s`);
}

async function checkCount({ name, port }: Subject, entries: number, report: Report): Promise<void> {
  const connection = await Connection.open(targetOf(port), 2);
  const reply = await connection.request(['DBSIZE']);
  connection.close();
  const count = reply.kind === 'integer' ? Number(reply.value) : null;
  report.check(count === entries, `${name}: DBSIZE is ${count}, ${entries} entries were set`);
}

/** What the slower one serves a second, one GET under way on each connection, as fast as answers come. */
export async function fullThroughput(
  subjects: readonly Subject[],
  entries: number,
  seconds: number,
  report: Report,
): Promise<number> {
  const table = report.table(`GET at full load, ${CONNECTIONS} connections, one request under way on each`, [
    { name: 'server' },
    { name: 'k/s', digits: 1 },
    { name: 'processors of the generator' },
    { name: 'processors of the server' },
  ]);
  const rates = new Map<Subject, number>();
  for (const isCounted of [false, true]) {
    for (const subject of subjects) {
      const generator = process.cpuUsage();
      const server = cpuSeconds([subject.child]);
      const run = await get(subject, { ...planOf(subject, entries, 2), durationMs: seconds * 1000 }, report);
      const { user, system } = process.cpuUsage(generator);
      if (!isCounted) continue;
      const cores = (cpuSeconds([subject.child]) - server) / run.seconds;
      rates.set(subject, run.requestsPerSecond);
      table.row(subject.name, run.requestsPerSecond / 1000, (user + system) / 1e6 / run.seconds, cores);
    }
  }
  return Math.min(...rates.values());
}

async function measure(
  subjects: readonly Subject[],
  entries: number,
  rounds: number,
  seconds: number,
  rate: number,
  report: Report,
): Promise<void> {
  const samples = new Map<string, Sample[]>(subjects.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const subject of subjects) {
      // By number, not by time: what is due at the end is sent and timed, however late.
      const requests = Math.ceil(rate * seconds);
      const plan = { ...planOf(subject, entries, 3 + round), depth: DEPTH, rate, requests };
      const cpuBefore = cpuSeconds([subject.child]);
      const run = await get(subject, plan, report);
      const cpuUs = ((cpuSeconds([subject.child]) - cpuBefore) * 1e6) / run.requests;
      const { reads: latency } = run.latencyMs;
      const late = run.generatorLateMs;
      if (!report.check(latency !== null && late !== null, `${subject.name}: nothing was answered`)) continue;
      if (latency === null || late === null) continue;
      samples.get(subject.name)?.push({ latency, late, cpuUs });
      report.progress(
        `${round + 1}/${rounds} ${subject.name}: p50 ${latency.p50} ms, p99.9 ${latency.p999} ms, max ${latency.max} ms; ` +
          `sent late p99.9 ${late.p999} ms, max ${late.max} ms`,
      );
    }
  }
  const title = `GET at ${rate} a second, ${entries} entries, ${CONNECTIONS} connections, ${rounds} times ${seconds} s each`;
  const isPair = subjects.length > 1;
  const table = report.table(title, [
    { name: 'ms from when due' },
    ...subjects.map(({ name }) => ({ name, digits: 3 })),
    ...(isPair ? [{ name: 'FluxCache against Redis' }] : []),
  ]);
  const addRows = (kind: 'latency' | 'late', label: string): void => {
    for (const figure of figures) {
      const all = subjects.map(({ name }) => (samples.get(name) ?? []).map((sample) => sample[kind][figure]));
      const [ours = [], theirs = []] = all;
      const against = kind === 'latency' ? ratio(ours, theirs) : null;
      table.row(`${label}${names[figure]}`, ...all.map(summarize), ...(isPair ? [against] : []));
    }
  };
  addRows('latency', '');
  addRows('late', 'sent late, ');
  const cost = report.table('Processor time of the server', [{ name: 'server' }, { name: 'us/op' }]);
  for (const { name } of subjects) cost.row(name, summarize((samples.get(name) ?? []).map(({ cpuUs }) => cpuUs)));
  report.note(
    'a request that was sent late is timed from when it was due: where both are alike, the generator was held up, not the server',
  );
}

/** Runs a load of GETs, each of which has to be answered with the value of its key. */
export async function get(subject: Subject, plan: BenchPlan, report: Report): Promise<BenchReport> {
  const run = reportOf([await runLoad(plan, () => undefined)]);
  const isRight = run.reads > 0 && run.hits === run.reads && run.errors + run.wrong === 0;
  report.check(
    isRight,
    `${subject.name}: of ${run.reads} GETs ${run.hits} found their value; ${run.errors} errors, ${run.wrong} wrong answers: ${run.firstFault}`,
  );
  return run;
}

/** GETs of random keys, one at a time on each connection, without end. */
export function planOf({ port }: Subject, entries: number, seed: number): BenchPlan {
  return {
    target: targetOf(port),
    protocol: 'resp',
    connections: CONNECTIONS,
    depth: 1,
    requests: Number.POSITIVE_INFINITY,
    durationMs: Number.POSITIVE_INFINITY,
    valueBytes: VALUE_BYTES,
    keys: entries,
    keyPrefix: KEY_PREFIX,
    order: { kind: 'uniform' },
    firstKey: 0,
    readShare: 1,
    ttlSeconds: 0,
    rate: 0,
    seed: seed * 0x9e3779b9,
  };
}

function targetOf(port: number): Target {
  return { host: '127.0.0.1', port, tls: null, user: undefined, password: undefined, database: 0 };
}
