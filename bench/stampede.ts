import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { defineBench, numberOption } from './bench.ts';
import { type Report, summarize } from './report.ts';
import { spawnFluxCache } from './servers.ts';
import type { LoadAnswer, LoadOrder, Query, QueryResult, Way } from './stampede-load.ts';

/**
 * What expiring hot keys cost a slow database: several processes ask for a few keys that expire again and again, and load
 * those that are missing. By a plain get and set, all who miss load; with one load a process, one in each; by getOrSet one
 * in all; and with a stale window nobody waits for him. The database serves so many queries at a time, others wait.
 */

const ways: readonly Way[] = ['get and set', 'one load a process', 'getOrSet', 'getOrSet, stale'];

export const bench = defineBench({
  options: {
    processes: { doc: 'processes that ask', default: '4' },
    keys: { doc: 'hot keys', default: '5' },
    rate: { doc: 'requests a second, of all processes', default: '2000' },
    ttl: { doc: 'milliseconds until a value expires', default: '1000' },
    query: { doc: 'milliseconds that the database takes for a query', default: '100' },
    connections: { doc: 'queries that it serves at a time', default: '20' },
    seconds: { doc: 'length of a round', default: '4' },
    rounds: { doc: 'rounds of each way, in turns', default: '5' },
    quick: { doc: 'one short round of each, to see that the values are right', default: false },
  },
  async run(options, report) {
    const settings = {
      processes: numberOption('processes', options.processes, 1),
      keys: numberOption('keys', options.keys, 1),
      rate: numberOption('rate', options.rate, 1),
      ttlMs: numberOption('ttl', options.ttl, 1),
      queryMs: numberOption('query', options.query, 0),
      connections: numberOption('connections', options.connections, 1),
      durationMs: options.quick ? 1500 : numberOption('seconds', options.seconds, 1) * 1000,
      rounds: options.quick ? 1 : numberOption('rounds', options.rounds, 1),
    };
    const server = await spawnFluxCache(['--max-memory', '64mb']);
    const database = new Database(settings.queryMs, settings.connections);
    const children: ChildProcess[] = [];
    try {
      for (let number = 0; number < settings.processes; number++) children.push(startLoad(server.tcpPort));
      await Promise.all(children.map((child) => messageOf(child, 'ready')));
      for (const child of children) database.serve(child);
      await measure(children, database, settings, report);
    } finally {
      for (const child of children) child.kill();
      server.child.kill();
    }
  },
});

interface Settings {
  readonly processes: number;
  readonly keys: number;
  readonly rate: number;
  readonly ttlMs: number;
  readonly queryMs: number;
  readonly connections: number;
  readonly durationMs: number;
  readonly rounds: number;
}

/** A query takes its time, and one beyond so many waits for another to end. */
class Database {
  queries = 0;
  readonly #queryMs: number;
  readonly #connections: number;
  readonly #waiting: (() => void)[] = [];
  #busy = 0;

  constructor(queryMs: number, connections: number) {
    this.#queryMs = queryMs;
    this.#connections = connections;
  }

  serve(child: ChildProcess): void {
    child.on('message', (message: Query | LoadAnswer) => {
      if (message.is === 'query') void this.#answer(child, message);
    });
  }

  async #answer(child: ChildProcess, { id, key }: Query): Promise<void> {
    this.queries++;
    if (this.#busy === this.#connections) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#busy++;
    const value = { key, readAtMs: Date.now() };
    await new Promise((resolve) => setTimeout(resolve, this.#queryMs));
    const next = this.#waiting.shift();
    if (next === undefined) this.#busy--;
    else next();
    if (child.connected) child.send({ is: 'result', id, value } satisfies QueryResult);
  }
}

function startLoad(port: number): ChildProcess {
  const path = fileURLToPath(new URL('stampede-load.ts', import.meta.url));
  return fork(path, [String(port)], { execArgv: ['--import=tsx'] });
}

function messageOf<Message extends { readonly is: string }>(
  child: ChildProcess,
  kind: Message['is'],
): Promise<Message> {
  return new Promise((resolve, reject) => {
    const onExit = (): void => reject(new Error('a process of the benchmark ended'));
    const take = (message: Message): void => {
      if (message.is !== kind) return;
      child.off('message', take);
      child.off('exit', onExit);
      resolve(message);
    };
    child.on('message', take);
    child.once('exit', onExit);
  });
}

async function measure(
  children: readonly ChildProcess[],
  database: Database,
  settings: Settings,
  report: Report,
): Promise<void> {
  const { keys, ttlMs, rate, durationMs, rounds, queryMs } = settings;
  const found = new Map(
    ways.map((way) => [way, { queries: [], p50: [], p99: [], longest: [], oldest: [] } as Figures]),
  );
  for (let round = 0; round < rounds; round++) {
    for (const way of ways) {
      const order: LoadOrder = {
        ...{ is: 'order', way, keys, ttlMs, durationMs },
        prefix: `${round}:${way}`,
        staleMs: ttlMs,
        rate: rate / children.length,
      };
      const before = database.queries;
      const answers = await Promise.all(
        children.map((child) => {
          child.send(order);
          return messageOf<LoadAnswer>(child, 'answer');
        }),
      );
      const latencies = answers.flatMap(({ latenciesMs }) => latenciesMs).sort((a, b) => a - b);
      const at = (share: number): number => latencies[Math.floor(share * (latencies.length - 1))] ?? Number.NaN;
      const figures = found.get(way) as Figures;
      figures.queries.push(database.queries - before);
      figures.p50.push(at(0.5));
      figures.p99.push(at(0.99));
      figures.longest.push(at(1));
      figures.oldest.push(Math.max(...answers.map(({ oldestMs }) => oldestMs)));
      for (const { wrong } of answers) for (const what of wrong) report.check(false, `${way}: ${what}`);
      report.progress(`${way}: ${database.queries - before} queries, p99 ${at(0.99).toFixed(1)} ms`);
    }
  }
  // A value is read off the database at the beginning of its query, and expires so long after its end.
  const expiries = Math.ceil(durationMs / (ttlMs + queryMs)) * keys;
  const table = report.table(
    `${rate} requests a second for ${keys} keys by ${children.length} processes, ${durationMs / 1000} s; values live ${ttlMs} ms, a query takes ${queryMs} ms`,
    [
      { name: 'way' },
      { name: 'queries', digits: 0 },
      { name: 'p50 ms', digits: 1 },
      { name: 'p99 ms', digits: 1 },
      { name: 'longest ms', digits: 0 },
      { name: 'oldest value ms', digits: 0 },
    ],
  );
  for (const [way, { queries, p50, p99, longest, oldest }] of found) {
    table.row(way, summarize(queries), summarize(p50), summarize(p99), summarize(longest), summarize(oldest));
  }
  report.note(`One query an expiry would be ${expiries} queries a round at most.`);
  for (const way of ['getOrSet', 'getOrSet, stale'] as const) {
    const most = Math.max(...(found.get(way) as Figures).queries);
    report.check(most <= expiries, `${way}: ${most} queries, where one an expiry is ${expiries}`);
  }
}

interface Figures {
  readonly queries: number[];
  readonly p50: number[];
  readonly p99: number[];
  readonly longest: number[];
  readonly oldest: number[];
}
