import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineBench, numberOption } from './bench.ts';
import { type Report, ratio, summarize } from './report.ts';
import { cpuSeconds, freePort, run, spawnFluxCache, spawnRedis, spawnScript, until } from './servers.ts';

/** HTTP GET and SET with wrk: FluxCache, the bare engine, and webdis in front of Redis where they are installed. */

const value = 'x'.repeat(64);

interface Subject {
  readonly name: string;
  /** Another project's server. */
  readonly isPeer: boolean;
  /** Processes that serve it: their time is what an operation costs. */
  readonly processes: readonly ChildProcess[];
  readonly getUrl: string;
  readonly setUrl: string;
  /** wrk's script for SET. */
  readonly setScript: string;
  /** Checks that GET answers the value. */
  check(): Promise<boolean>;
}

interface Sample {
  readonly kps: number;
  /** Microseconds of processor time an operation. */
  readonly cpuUs: number;
}

export const bench = defineBench({
  options: {
    pairs: { doc: 'rounds; in each, every subject is measured once', default: '5' },
    seconds: { doc: 'seconds a measurement takes', default: '4' },
    connections: { doc: 'connections of wrk', default: '50' },
    quick: { doc: 'one short round, to see that the answers are right', default: false },
  },
  async run(options, report) {
    const pairs = options.quick ? 1 : numberOption('pairs', options.pairs, 1);
    const seconds = options.quick ? 1 : numberOption('seconds', options.seconds, 1);
    const connections = numberOption('connections', options.connections, 1);
    const folder = mkdtempSync(join(tmpdir(), 'flux-bench-'));
    const subjects: Subject[] = [];
    try {
      const ours = await startFluxCache(folder);
      subjects.push(ours);
      subjects.push(await startBare(ours, folder));
      if (!options.quick) await startWebdis(folder, subjects, report);
      for (const work of ['GET', 'SET'] as const) {
        await measure(work, subjects, pairs, seconds, connections, report);
      }
    } finally {
      for (const { processes } of subjects) for (const child of processes) child.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    }
  },
});

async function measure(
  work: 'GET' | 'SET',
  subjects: readonly Subject[],
  pairs: number,
  seconds: number,
  connections: number,
  report: Report,
): Promise<void> {
  const samples = new Map<string, Sample[]>(subjects.map(({ name }) => [name, []]));
  // A round that is not counted: code is compiled, memory is touched.
  for (let round = -1; round < pairs; round++) {
    for (const subject of subjects) {
      const sample = await load(work, subject, round < 0 ? Math.min(seconds, 3) : seconds, connections, report);
      if (round < 0) continue;
      samples.get(subject.name)?.push(sample);
      report.progress(`${work} ${round + 1}/${pairs} ${subject.name}: ${sample.kps.toFixed(1)} k/s`);
    }
  }
  const table = report.table(`${work}, wrk -t1 -c${connections}, 64-byte value, ${pairs} rounds of ${seconds} s`, [
    { name: 'server' },
    { name: 'k/s', digits: 1 },
    { name: 'cpu us/op', digits: 2 },
    { name: 'FluxCache against it' },
    { name: 'its cpu against FluxCache' },
  ]);
  const ours = samples.get('FluxCache') ?? [];
  for (const { name } of subjects) {
    const theirs = samples.get(name) ?? [];
    const kps = theirs.map((sample) => sample.kps);
    const cpuUs = theirs.map((sample) => sample.cpuUs);
    const isOurs = name === 'FluxCache';
    table.row(
      name,
      summarize(kps),
      summarize(cpuUs),
      isOurs
        ? null
        : ratio(
            ours.map((sample) => sample.kps),
            kps,
          ),
      isOurs
        ? null
        : ratio(
            cpuUs,
            ours.map((sample) => sample.cpuUs),
          ),
    );
  }
}

async function load(
  work: 'GET' | 'SET',
  subject: Subject,
  seconds: number,
  connections: number,
  report: Report,
): Promise<Sample> {
  const script = work === 'SET' ? ['-s', subject.setScript] : [];
  const url = work === 'SET' ? subject.setUrl : subject.getUrl;
  const before = cpuSeconds(subject.processes);
  const { stdout } = await run('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, ...script, url]);
  const cpu = cpuSeconds(subject.processes) - before;
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1] ?? 0);
  const rate = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1] ?? 0);
  const complaint = /(Non-2xx or 3xx responses|Socket errors).*/.exec(stdout)?.[0];
  report.check(requests > 0 && complaint === undefined, `${subject.name} ${work}: ${complaint ?? stdout}`);
  const isRight = await subject.check();
  // wrk hangs up in the middle of requests, and webdis stores what has come of a body by then.
  if (subject.isPeer) {
    if (!isRight) report.note(`${subject.name} ${work}: the value was cut short by a request that was`);
  } else report.check(isRight, `${subject.name} ${work}: another value than was set`);
  return { kps: rate / 1000, cpuUs: (cpu * 1e6) / requests };
}

const setBody = JSON.stringify({ key: 'foo', value });
const setRequest = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: setBody };

async function startFluxCache(folder: string): Promise<Subject> {
  const { child, httpPort } = await spawnFluxCache();
  const url = `http://127.0.0.1:${httpPort}`;
  await until(async () => (await fetch(`${url}/set`, setRequest)).ok);
  return subjectAt('FluxCache', child, url, folder);
}

/** Answers, to the byte, what FluxCache just did. */
async function startBare(ours: Subject, folder: string): Promise<Subject> {
  const stored = await (await fetch(ours.setUrl, setRequest)).text();
  const found = await (await fetch(ours.getUrl)).text();
  const { child, port } = await spawnScript('./http-bare.ts', [found, stored]);
  return subjectAt('bare engine', child, `http://127.0.0.1:${port}`, folder);
}

function subjectAt(name: string, child: ChildProcess, url: string, folder: string): Subject {
  const script = join(folder, 'set.lua');
  writeFileSync(
    script,
    `wrk.method = "POST"\nwrk.body = ${JSON.stringify(setBody)}\nwrk.headers["Content-Type"] = "application/json"\n`,
  );
  return {
    name,
    isPeer: false,
    processes: [child],
    getUrl: `${url}/get?key=foo`,
    setUrl: `${url}/set`,
    setScript: script,
    check: async () => {
      const found = (await (await fetch(`${url}/get?key=foo`)).json()) as { key: string; value: string };
      return found.key === 'foo' && found.value === value;
    },
  };
}

async function startWebdis(folder: string, subjects: Subject[], report: Report): Promise<void> {
  if (!existsSync('/usr/bin/webdis') || !existsSync('/usr/bin/redis-server')) {
    report.note('webdis and Redis were not measured: not installed');
    return;
  }
  const redis = await spawnRedis();
  const port = await freePort();
  const config = join(folder, 'webdis.json');
  writeFileSync(
    config,
    JSON.stringify({
      redis_host: '127.0.0.1',
      redis_port: redis.port,
      http_host: '127.0.0.1',
      http_port: port,
      threads: 1,
      pool_size: 20,
      daemonize: false,
      websockets: false,
      acl: [{ disabled: [] }],
      verbosity: 0,
      logfile: join(folder, 'webdis.log'),
    }),
  );
  const webdis = spawn('webdis', [config], { stdio: 'ignore' });
  const url = `http://127.0.0.1:${port}`;
  // webdis takes a command as a path; a PUT's body is the last argument.
  const script = join(folder, 'webdis.lua');
  writeFileSync(script, `wrk.method = "PUT"\nwrk.body = "${value}"\n`);
  await until(async () => (await fetch(`${url}/SET/foo`, { method: 'PUT', body: value })).ok);
  subjects.push({
    name: 'webdis + Redis',
    isPeer: true,
    processes: [redis.child, webdis],
    getUrl: `${url}/GET/foo`,
    setUrl: `${url}/SET/foo`,
    setScript: script,
    check: async () => ((await (await fetch(`${url}/GET/foo`)).json()) as { GET: string }).GET === value,
  });
}
