import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient, type FluxClient } from '../src/index.ts';
import { ClusterProcesses } from '../test/cluster-processes.ts';
import { defineBench, numberListOption, numberOption } from './bench.ts';
import { interleave, type Report, summarize } from './report.ts';
import { type LoadResult, percentiles, RespLoad, type RespWork, respCommand } from './resp-load.ts';
import { cpuSeconds, isInstalled, run, spawnFluxCache, spawnRedis, until } from './servers.ts';

/**
 * GET, and SET that is answered when a second copy has it: three nodes on this machine, asked through one of them (which
 * has two of three commands run by others) and by the client that knows which node has what; against Redis with a replica,
 * whose client says WAIT 1 behind each SET, and a node that is alone. Load and servers share the machine.
 */

const VALUE_BYTES = 64;
const COPIES = 2;

const WORKS = ['set', 'get'] as const;
type Work = (typeof WORKS)[number];

interface Subject {
  readonly name: string;
  readonly children: readonly ChildProcess[];
  load(work: Work, requests: number, depth: number): Promise<LoadResult>;
  stop(): Promise<void>;
}

interface Sample extends LoadResult {
  /** Microseconds of processor time that the servers took for each. */
  readonly cpuUs: number;
}

export const bench = defineBench({
  options: {
    rounds: { doc: 'rounds; in each, every subject is measured once', default: '5' },
    seconds: { doc: 'seconds a measurement takes, about', default: '3' },
    connections: { doc: 'connections of the load', default: '50' },
    depths: { doc: 'requests under way on a connection, comma-separated', default: '1,16' },
    keys: { doc: 'distinct keys', default: '100000' },
    partitions: { doc: 'partitions of the cluster', default: '64' },
    quick: { doc: 'one short round, to see that the answers are right', default: false },
  },
  async run(options, report) {
    const rounds = options.quick ? 1 : numberOption('rounds', options.rounds, 1);
    const seconds = options.quick ? 0.2 : numberOption('seconds', options.seconds, 0.1);
    const connections = numberOption('connections', options.connections, 1);
    const keys = keysOf(options.quick ? 5000 : numberOption('keys', options.keys, 1));
    const subjects: Subject[] = [];
    const cluster = await ClusterProcesses.start({
      count: 3,
      flags: [
        ...['--partitions', String(numberOption('partitions', options.partitions, 1))],
        ...['--copies', String(COPIES), '--min-in-sync', String(COPIES), '--log-level', 'warn'],
      ],
    });
    try {
      await until(async () => (await clusterReport(cluster)).lacks.length === 0);
      const children = cluster.nodes.map(({ name }) => cluster.process(name).child);
      const [first] = cluster.nodes;
      if (first === undefined) throw new Error('the cluster has nodes');
      subjects.push(await overResp('cluster, one node asked', children, first.tcpPort, connections, keys, false));
      subjects.push(
        await byClient(
          'cluster, the client',
          children,
          cluster.nodes.map(({ tcpPort }) => tcpPort),
          connections,
          keys,
        ),
      );
      const alone = await spawnFluxCache(['--shards', '1']);
      subjects.push(await overResp('one node alone', [alone.child], alone.tcpPort, connections, keys, false));
      if (isInstalled('redis-server')) subjects.push(await redisWithReplica(connections, keys));
      else report.note('Redis was not measured: not installed');
      for (const depth of numberListOption('depths', options.depths, 1)) {
        for (const work of WORKS)
          await measure(work, depth, subjects, rounds, seconds, connections, keys.length, report);
      }
    } finally {
      for (const subject of subjects) await subject.stop();
      await cluster.end();
    }
  },
});

async function clusterReport(cluster: ClusterProcesses): Promise<{ readonly lacks: readonly string[] }> {
  const response = await fetch(`${cluster.nodes[0]?.url}/v1/cluster`, { signal: AbortSignal.timeout(2000) });
  return (await response.json()) as { lacks: string[] };
}

/** In an order without a pattern that shards could follow. */
function keysOf(count: number): string[] {
  return Array.from({ length: count }, (_, number) => `key:${String((number * 7919) % count).padStart(12, '0')}`);
}

async function overResp(
  name: string,
  children: readonly ChildProcess[],
  port: number,
  connections: number,
  keys: readonly string[],
  waits: boolean,
): Promise<Subject> {
  const load = await RespLoad.open(port, connections);
  const value = 'x'.repeat(VALUE_BYTES);
  const wait = waits ? respCommand('WAIT', '1', '0') : '';
  const sets = keys.map((key) => Buffer.from(respCommand('SET', key, value) + wait, 'latin1'));
  const gets = keys.map((key) => Buffer.from(respCommand('GET', key), 'latin1'));
  const works: Readonly<Record<Work, RespWork>> = {
    set: {
      request: (number) => sets[number % sets.length] as Buffer,
      replies: waits ? 2 : 1,
      // `+OK`, or `:1`: one replica has it.
      isRight: (first, length) => (first === 0x2b && length === 5) || (waits && first === 0x3a && length === 4),
    },
    get: {
      request: (number) => gets[number % gets.length] as Buffer,
      replies: 1,
      isRight: (first, length) => first === 0x24 && length > VALUE_BYTES,
    },
  };
  return {
    name,
    children,
    load: (work, requests, depth) => load.run(works[work], requests, depth),
    stop: async () => {
      load.close();
      for (const child of children) child.kill('SIGKILL');
    },
  };
}

async function redisWithReplica(connections: number, keys: readonly string[]): Promise<Subject> {
  const primary = await spawnRedis();
  // A replica keeps what it was sent first in a file.
  const folder = mkdtempSync(join(tmpdir(), 'fluxcache-bench-'));
  const replica = await spawnRedis(['--replicaof', '127.0.0.1', String(primary.port), '--dir', folder]);
  await until(async () => {
    const { stdout } = await run('redis-cli', ['-p', String(replica.port), 'INFO', 'replication']);
    return /master_link_status:up/.test(stdout);
  });
  const children = [primary.child, replica.child];
  const subject = await overResp('Redis, a replica, WAIT 1', children, primary.port, connections, keys, true);
  return {
    ...subject,
    stop: async () => {
      await subject.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** As many calls under way as with connections of that depth; the client has a connection to each node. */
async function byClient(
  name: string,
  children: readonly ChildProcess[],
  ports: readonly number[],
  connections: number,
  keys: readonly string[],
): Promise<Subject> {
  const client = createClient({ endpoints: ports.map((port) => `127.0.0.1:${port}`) });
  await client.connect();
  const value = 'x'.repeat(VALUE_BYTES);
  const keyAt = (number: number): string => keys[number % keys.length] as string;
  const call = (of: FluxClient, work: Work, number: number): Promise<boolean> =>
    work === 'set' ? of.set(keyAt(number), value) : of.get(keyAt(number)).then((found) => found === value);
  return {
    name,
    children,
    async load(work, requests, depth) {
      const latencies = new Float64Array(requests);
      let next = 0;
      let done = 0;
      let wrong = 0;
      let firstWrong = '';
      const worker = async (): Promise<void> => {
        while (next < requests) {
          const number = next++;
          const sentMs = performance.now();
          try {
            if (!(await call(client, work, number))) wrong++;
          } catch (error) {
            wrong++;
            firstWrong ||= String(error);
          }
          latencies[done++] = performance.now() - sentMs;
        }
      };
      const beganMs = performance.now();
      await Promise.all(Array.from({ length: connections * depth }, worker));
      const elapsedMs = performance.now() - beganMs;
      return { perSecond: (requests / elapsedMs) * 1000, wrong, firstWrong, ...percentiles(latencies) };
    },
    stop: () => client.close(),
  };
}

async function measure(
  work: Work,
  depth: number,
  subjects: readonly Subject[],
  rounds: number,
  seconds: number,
  connections: number,
  keyCount: number,
  report: Report,
): Promise<void> {
  const samples = new Map<string, Sample[]>(subjects.map(({ name }) => [name, []]));
  const counts = new Map<string, number>();
  const sample = async (subject: Subject, requests: number): Promise<Sample> => {
    const before = cpuSeconds(subject.children);
    const result = await subject.load(work, requests, depth);
    const cpuUs = ((cpuSeconds(subject.children) - before) * 1e6) / requests;
    const { wrong, firstWrong = '' } = result;
    report.check(wrong === 0, `${subject.name}: ${wrong} of ${requests} answers to ${work} were wrong: ${firstWrong}`);
    return { ...result, cpuUs };
  };
  // Not counted: code is compiled, every key is set, and it is seen how much a round can be.
  for (const subject of subjects) {
    const { perSecond } = await sample(subject, work === 'set' ? keyCount : Math.ceil(keyCount / 10));
    counts.set(subject.name, Math.ceil(Math.max(perSecond * seconds, connections * depth * 10)));
  }
  const of = (subject: Subject) => async (): Promise<number> => {
    const taken = await sample(subject, counts.get(subject.name) as number);
    samples.get(subject.name)?.push(taken);
    report.progress(`${work}, ${depth} deep: ${subject.name}: ${(taken.perSecond / 1000).toFixed(1)} k/s`);
    return taken.perSecond;
  };
  await interleave(rounds, Object.fromEntries(subjects.map((subject) => [subject.name, of(subject)])));
  const table = report.table(
    `${work.toUpperCase()}, ${connections} connections, ${depth} under way on each, ${VALUE_BYTES} bytes, ${rounds} rounds`,
    [
      { name: 'subject' },
      { name: 'k/s', digits: 1 },
      { name: 'p50 ms', digits: 2 },
      { name: 'p99 ms', digits: 2 },
      { name: "servers' cpu us each", digits: 2 },
    ],
  );
  for (const { name } of subjects) {
    const all = samples.get(name) ?? [];
    table.row(
      name,
      summarize(all.map(({ perSecond }) => perSecond / 1000)),
      summarize(all.map(({ p50Ms }) => p50Ms)),
      summarize(all.map(({ p99Ms }) => p99Ms)),
      summarize(all.map(({ cpuUs }) => cpuUs)),
    );
  }
}
