import type { ChildProcess } from 'node:child_process';
import { Packr, unpackMultiple } from 'msgpackr';
import { type Batch, loadInBatches } from './batch-load.ts';
import { defineBench, numberOption } from './bench.ts';
import { type Report, ratio, summarize } from './report.ts';
import { cpuSeconds, isInstalled, spawnFluxCache, spawnRedis, spawnScript } from './servers.ts';

/**
 * GET and SET over MessagePack-RPC, 64 requests in flight on each of 50 connections, against Redis over RESP: one
 * generator for both, which sends what was encoded before and compares the bytes that come back.
 */

const works = ['set', 'get'] as const;
type Work = (typeof works)[number];

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
  readonly port: number;
  readonly wire: Wire;
  readonly batches: Readonly<Record<Work, readonly Batch[]>>;
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
    try {
      const { child, tcpPort } = await spawnFluxCache();
      subjects.push({ name: 'FluxCache', child, port: tcpPort, ...prepared(messagePack, depth, valueTextOf) });
      if (isInstalled('redis-server')) {
        subjects.push({ name: 'Redis', ...(await spawnRedis()), ...prepared(resp, depth, valueTextOf) });
      } else report.note('Redis was not measured: not installed');
      const bare = await spawnScript('./msgpack-bare.ts', []);
      subjects.push({ name: 'bare node:net', ...bare, ...prepared(messagePack, depth, () => 'x'.repeat(VALUE_BYTES)) });
      for (const work of works) await measure(work, subjects, pairs, seconds, connections, depth, report);
    } finally {
      for (const { child } of subjects) child.kill('SIGKILL');
    }
  },
});

function keyOf(number: number): string {
  return `key:${String(number).padStart(12, '0')}`;
}

/** A value that tells whose it is. */
function valueTextOf(number: number): string {
  return String(number).padStart(VALUE_BYTES, 'value ');
}

/** Batches that name every key once, in an order without order. */
function prepared(
  wire: Wire,
  depth: number,
  valueTextOf: (number: number) => string,
): Pick<Subject, 'wire' | 'batches'> {
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
        requests: Buffer.concat(
          numbers.map((number, id) => wire.request(id, work, keyOf(number), valueTextOf(number))),
        ),
        answers: Buffer.concat(numbers.map((number, id) => wire.answer(id, work, valueTextOf(number)))),
      };
    });
  return { wire, batches: { set: encode('set'), get: encode('get') } };
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
  // A round that is not counted: code is compiled, memory is touched, every key is set.
  for (let round = -1; round < pairs; round++) {
    for (const { name, child, port, wire, batches } of subjects) {
      const before = cpuSeconds([child]);
      const load = await loadInBatches({
        port,
        connections,
        seconds: round < 0 ? Math.min(seconds, 2) : seconds,
        batches: batches[work],
        isRight: wire.isRight,
      });
      const operations = load.batches * depth;
      const cpuUs = ((cpuSeconds([child]) - before) * 1e6) / operations;
      report.check(
        load.wrong === 0 && load.batches > 0,
        `${name} ${work}: ${load.wrong} batches were answered wrongly`,
      );
      if (round < 0) continue;
      const kps = operations / load.seconds / 1000;
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
