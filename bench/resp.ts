import type { ChildProcess } from 'node:child_process';
import { defineBench, numberListOption, numberOption } from './bench.ts';
import { type Report, ratio, summarize } from './report.ts';
import { cpuSeconds, isInstalled, run, spawnFluxCache, spawnRedis, spawnScript } from './servers.ts';

/** GET and SET over RESP with redis-benchmark: FluxCache, Redis, and a bare server on node:net as the limit. */

interface Subject {
  readonly name: string;
  readonly child: ChildProcess;
  readonly port: number;
  readonly keepsValues: boolean;
}

interface Sample {
  readonly kps: number;
  /** Microseconds of processor time an operation. */
  readonly cpuUs: number;
}

const WORKS = ['set', 'get'] as const;
type Work = (typeof WORKS)[number];

const KEY = 'key:__rand_int__';
const VALUE_BYTES = 64;
/** Distinct keys; redis-benchmark writes them with twelve digits, 16 bytes in all. */
const KEYS = 100_000;

export const bench = defineBench({
  options: {
    pairs: { doc: 'rounds; in each, every subject is measured once', default: '5' },
    seconds: { doc: 'seconds a measurement takes, about', default: '3' },
    connections: { doc: 'connections of redis-benchmark', default: '50' },
    depths: { doc: 'commands in flight on a connection, comma-separated', default: '1,16,64' },
    bare: { doc: 'measure a bare server on node:net too', default: false },
    quick: { doc: 'one short round, to see that the answers are right', default: false },
  },
  async run(options, report) {
    if (!isInstalled('redis-benchmark')) {
      report.note('nothing was measured: redis-benchmark is not installed');
      return;
    }
    const pairs = options.quick ? 1 : numberOption('pairs', options.pairs, 1);
    const seconds = options.quick ? 0.3 : numberOption('seconds', options.seconds, 0.1);
    const connections = numberOption('connections', options.connections, 1);
    const subjects: Subject[] = [];
    try {
      const ours = await spawnFluxCache();
      subjects.push({ name: 'FluxCache', child: ours.child, port: ours.tcpPort, keepsValues: true });
      if (isInstalled('redis-server')) {
        subjects.push({ name: 'Redis', ...(await spawnRedis()), keepsValues: true });
      } else report.note('Redis was not measured: not installed');
      if (options.bare) {
        subjects.push({ name: 'bare node:net', ...(await spawnScript('./resp-bare.ts', [])), keepsValues: false });
      }
      for (const depth of numberListOption('depths', options.depths, 1)) {
        for (const work of WORKS) await measure(work, depth, subjects, pairs, seconds, connections, report);
      }
      for (const subject of subjects) if (subject.keepsValues) await check(subject, report);
    } finally {
      for (const { child } of subjects) child.kill('SIGKILL');
    }
  },
});

async function measure(
  work: Work,
  depth: number,
  subjects: readonly Subject[],
  pairs: number,
  seconds: number,
  connections: number,
  report: Report,
): Promise<void> {
  const samples = new Map<string, Sample[]>(subjects.map(({ name }) => [name, []]));
  const counts = new Map<string, number>();
  // A round that is not counted: code is compiled, memory is touched, and it is seen how much a round can be.
  for (let round = -1; round < pairs; round++) {
    for (const subject of subjects) {
      const count = counts.get(subject.name) ?? (depth === 1 ? 50_000 : 300_000) * Math.min(seconds, 1);
      const sample = await load(work, subject, depth, Math.ceil(count), connections, report);
      counts.set(subject.name, Math.min(sample.kps * 1000 * seconds, 20_000_000));
      if (round < 0) continue;
      samples.get(subject.name)?.push(sample);
      report.progress(`${work} -P ${depth} ${round + 1}/${pairs} ${subject.name}: ${sample.kps.toFixed(1)} k/s`);
    }
  }
  const title = `${work.toUpperCase()}, redis-benchmark -c ${connections} -P ${depth} -d ${VALUE_BYTES}, ${pairs} rounds`;
  const table = report.table(title, [
    { name: 'server' },
    { name: 'k/s', digits: 1 },
    { name: 'cpu us/op', digits: 2 },
    { name: 'FluxCache against it' },
    { name: 'its cpu against FluxCache' },
  ]);
  const of = (name: string, field: keyof Sample) => (samples.get(name) ?? []).map((sample) => sample[field]);
  for (const { name } of subjects) {
    const isOurs = name === 'FluxCache';
    table.row(
      name,
      summarize(of(name, 'kps')),
      summarize(of(name, 'cpuUs')),
      isOurs ? null : ratio(of('FluxCache', 'kps'), of(name, 'kps')),
      isOurs ? null : ratio(of(name, 'cpuUs'), of('FluxCache', 'cpuUs')),
    );
  }
}

async function load(
  work: Work,
  { name, child, port }: Subject,
  depth: number,
  count: number,
  connections: number,
  report: Report,
): Promise<Sample> {
  const load = ['-n', String(count), '-c', String(connections), '-P', String(depth), '-r', String(KEYS), '--csv'];
  const command = work === 'set' ? ['SET', KEY, 'x'.repeat(VALUE_BYTES)] : ['GET', KEY];
  const before = cpuSeconds([child]);
  const { stdout, stderr } = await run('redis-benchmark', ['-p', String(port), ...load, ...command]);
  const cpu = cpuSeconds([child]) - before;
  // The last line: "SET key:…","123456.78","0.4",…
  const rate = Number(/",\s*"([\d.]+)"/.exec(stdout.trim().split('\n').at(-1) ?? '')?.[1] ?? 0);
  report.check(rate > 0 && !/error/i.test(stderr + stdout), `${name} ${work} -P ${depth}: ${stdout} ${stderr}`);
  return { kps: rate / 1000, cpuUs: (cpu * 1e6) / count };
}

/** What was set is there, and what is set now is read. */
async function check({ name, port }: Subject, report: Report): Promise<void> {
  const cli = async (...command: string[]) => (await run('redis-cli', ['-p', String(port), ...command])).stdout.trim();
  const key = await cli('RANDOMKEY');
  report.check((await cli('GET', key)) === 'x'.repeat(VALUE_BYTES), `${name}: ${key} holds another value than was set`);
  report.check(Number(await cli('DBSIZE')) <= KEYS, `${name}: more keys than were set`);
  report.check((await cli('SET', key, 'other')) === 'OK' && (await cli('GET', key)) === 'other', `${name}: lost a SET`);
}
