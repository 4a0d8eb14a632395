import type { ChildProcess } from 'node:child_process';
import { Packr, unpackMultiple } from 'msgpackr';
import { type Batch, loadInBatches } from './batch-load.ts';
import { defineBench, numberOption } from './bench.ts';
import { type Report, ratio, summarize } from './report.ts';
import { cpuSeconds, isInstalled, run, spawnFluxCache, spawnRedis, spawnScript } from './servers.ts';

/**
 * GET and SET over MessagePack-RPC, 64 requests in flight on each of 50 connections, against Redis over RESP. The peer
 * that counts is Redis under the same generator, which sends what was encoded before and compares the bytes that come
 * back; Redis under redis-benchmark -P 64, whose requests are made as they are sent, is shown beside it.
 */

const works = ['set', 'get'] as const;
type Work = (typeof works)[number];

const BARE = 'bare node:net';
const KEYS = 100_000;
const VALUE_BYTES = 64;

interface Wire {
  request(id: number, work: Work, key: string, value: string): Buffer;
  answer(id: number, work: Work, value: string): Buffer;
  /** Whether answers in another order are all there. */
  isRight(answers: Buffer, batch: Batch): boolean;
}

interface Subject {
  readonly name: string;
  readonly child: ChildProcess;
  readonly load: (work: Work, seconds: number) => Promise<Load>;
}

interface Load {
  readonly operations: number;
  readonly seconds: number;
  /** Whether every answer was right, as far as the generator looks. */
  readonly isRight: boolean;
}

interface Sample {
  readonly kps: number;
  /** Microseconds of processor time an operation. */
  readonly cpuUs: number;
}

const packr = new Packr({ useRecords: false });

const messagePack: Wire = {
  request: (id, work, key, value) => packr.pack([0, id, work, work === 'set' ? [key, value] : [key]]),
  answer: (id, work, value) => packr.pack([1, id, null, work === 'set' ? 'OK' : value]),
  isRight: (answers, batch) => sortedMessages(answers) === sortedMessages(batch.answers),
};

const resp: Wire = {
  request: (_id, work, key, value) => {
    const words = work === 'set' ? ['SET', key, value] : ['GET', key];
    return Buffer.from(`*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`);
  },
  answer: (_id, work, value) => Buffer.from(work === 'set' ? '+OK\r\n' : `$${value.length}\r\n${value}\r\n`),
  isRight: () => false,
};

function sortedMessages(bytes: Buffer): string {
  return (unpackMultiple(bytes) ?? [])
    .map((message: unknown) => JSON.stringify(message))
    .sort()
    .join();
}

export const bench = defineBench({
  options: {
    pairs: { doc: 'rounds; in each, every subject is measured once', default: '5' },
    seconds: { doc: 'seconds a measurement takes', default: '4' },
    connections: { doc: 'connections', default: '50' },
    depth: { doc: 'requests in flight on a connection, up to 127', default: '64' },
    quick: { doc: 'one short round, to see that the answers are right', default: false },
  },
  async run(options, report) {
    const pairs = options.quick ? 1 : numberOption('pairs', options.pairs, 1);
    const seconds = options.quick ? 0.3 : numberOption('seconds', options.seconds, 0.1);
    const connections = numberOption('connections', options.connections, 1);
    const depth = Math.min(127, numberOption('depth', options.depth, 1));
    const subjects: Subject[] = [];
    const add = (name: string, { child, port }: { child: ChildProcess; port: number }, wire: Wire): void => {
      const textOf = name === BARE ? () => 'x'.repeat(VALUE_BYTES) : valueTextOf;
      subjects.push({ name, child, load: batchLoad(port, wire, connections, depth, textOf) });
    };
    try {
      const { child, tcpPort } = await spawnFluxCache();
      add('FluxCache', { child, port: tcpPort }, messagePack);
      if (isInstalled('redis-server')) {
        add('Redis', await spawnRedis(), resp);
        // One of its own: its values are others.
        const { child: other, port } = await spawnRedis();
        subjects.push({
          name: 'Redis, redis-benchmark',
          child: other,
          load: redisBenchmark(port, connections, depth),
        });
      } else report.note('Redis was not measured: not installed');
      add(BARE, await spawnScript('./msgpack-bare.ts', []), messagePack);
      for (const work of works) await measure(work, subjects, pairs, seconds, connections, depth, report);
    } finally {
      for (const { child } of subjects) child.kill('SIGKILL');
    }
  },
});

function keyOf(number: number): string {
  return `key:${String(number).padStart(12, '0')}`;
}

function batchLoad(
  port: number,
  wire: Wire,
  connections: number,
  depth: number,
  textOf: (number: number) => string,
): Subject['load'] {
  const batches = prepared(wire, depth, textOf);
  let isFilled = false;
  return async (work, seconds) => {
    const options = { port, connections, isRight: wire.isRight };
    // Every key is set before one is asked for.
    if (!isFilled) await loadInBatches({ ...options, seconds: 0, batches: batches.set });
    isFilled = true;
    const load = await loadInBatches({ ...options, seconds, batches: batches[work] });
    return { operations: load.batches * depth, seconds: load.seconds, isRight: load.wrong === 0 && load.batches > 0 };
  };
}

/** As many operations as it made in the time before, at first a few. */
function redisBenchmark(port: number, connections: number, depth: number): Subject['load'] {
  let perSecond = 100_000;
  return async (work, seconds) => {
    const count = Math.ceil(perSecond * seconds);
    const load = ['-c', connections, '-P', depth, '-n', count, '-r', KEYS, '--csv'].map(String);
    const key = 'key:__rand_int__';
    const command = work === 'set' ? ['SET', key, 'x'.repeat(VALUE_BYTES)] : ['GET', key];
    const { stdout } = await run('redis-benchmark', ['-p', String(port), ...load, ...command]);
    perSecond = Number(/",\s*"([\d.]+)"/.exec(stdout.trim().split('\n').at(-1) ?? '')?.[1] ?? 0);
    return { operations: count, seconds: count / perSecond, isRight: perSecond > 0 };
  };
}

/** A value that tells whose it is. */
function valueTextOf(number: number): string {
  return String(number).padStart(VALUE_BYTES, 'value ');
}

/** Batches that name every key once, in an order without order. */
function prepared(
  wire: Wire,
  depth: number,
  textOf: (number: number) => string,
): Readonly<Record<Work, readonly Batch[]>> {
  const order = Array.from({ length: KEYS }, (_, number) => number);
  let seed = 1;
  for (let last = KEYS - 1; last > 0; last--) {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    const picked = Math.floor((seed / 2 ** 32) * (last + 1));
    [order[last], order[picked]] = [order[picked] as number, order[last] as number];
  }
  const encode = (work: Work): Batch[] =>
    Array.from({ length: Math.floor(KEYS / depth) }, (_, index) => {
      const numbers = order.slice(index * depth, (index + 1) * depth);
      return {
        requests: Buffer.concat(numbers.map((number, id) => wire.request(id, work, keyOf(number), textOf(number)))),
        answers: Buffer.concat(numbers.map((number, id) => wire.answer(id, work, textOf(number)))),
      };
    });
  return { set: encode('set'), get: encode('get') };
}

async function measure(
  work: Work,
  subjects: readonly Subject[],
  pairs: number,
  seconds: number,
  connections: number,
  depth: number,
  report: Report,
): Promise<void> {
  const samples = new Map<string, Sample[]>(subjects.map(({ name }) => [name, []]));
  // A round that is not counted: code is compiled, memory is touched.
  for (let round = -1; round < pairs; round++) {
    for (const { name, child, load } of subjects) {
      const before = cpuSeconds([child]);
      const { operations, seconds: taken, isRight } = await load(work, round < 0 ? Math.min(seconds, 2) : seconds);
      const cpuUs = ((cpuSeconds([child]) - before) * 1e6) / operations;
      report.check(isRight, `${name} ${work}: wrong answers`);
      if (round < 0) continue;
      const kps = operations / taken / 1000;
      samples.get(name)?.push({ kps, cpuUs });
      report.progress(`${work} ${round + 1}/${pairs} ${name}: ${kps.toFixed(0)} k/s, ${cpuUs.toFixed(2)} us`);
    }
  }
  const conditions = `${connections} connections, ${depth} in flight on each, ${VALUE_BYTES}-byte values`;
  const table = report.table(`${work.toUpperCase()}, ${conditions}, ${pairs} rounds of ${seconds} s`, [
    { name: 'server' },
    { name: 'k/s', digits: 0 },
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
