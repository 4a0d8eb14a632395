import { createClient, type FluxClient } from '../src/index.ts';
import { defineBench, numberOption } from './bench.ts';
import { openStreams } from './key-streams.ts';
import { interleave, type Report, ratio, summarize } from './report.ts';
import { cpuSeconds, type FluxCacheProcess, spawnFluxCache } from './servers.ts';

/**
 * What a near cache is good for: the cost of a hit by kind of value, against a call to the server and a bare Map; reads a
 * second of one process over skewed keys while another client writes, with and without; and for how long after a write was
 * acknowledged a near cache still answers what was there before. Clients and generator are this process, the server is one
 * of its own.
 */

const LOOPS = 64;
const HITS = 200_000;
const CALLS = 5000;

const values = {
  'text of 64 bytes': 'x'.repeat(64),
  'text of 4 KiB': 'x'.repeat(4096),
  'bytes, 64': new Uint8Array(64).fill(7),
  'document of 10 members': Object.fromEntries(Array.from({ length: 10 }, (_, at) => [`member${at}`, `value ${at}`])),
} as const;

export const bench = defineBench({
  options: {
    rounds: { doc: 'measurements of each subject, in turns', default: '5' },
    seconds: { doc: 'seconds a measurement of throughput takes', default: '3' },
    keys: { doc: 'keys that are read, skewed (Zipf 0.99, up to 50 000)', default: '50000' },
    entries: { doc: 'entries of the near cache, two settings between which a comma stands', default: '1000,10000' },
    writes: { doc: 'writes a second by another client to keys of the same skew', default: '500' },
    changes: { doc: 'writes whose staleness is measured', default: '2000' },
    quick: { doc: 'one short round, to see that answers are right', default: false },
  },
  async run(options, report) {
    const rounds = options.quick ? 1 : numberOption('rounds', options.rounds, 1);
    const seconds = options.quick ? 0.3 : numberOption('seconds', options.seconds, 0.1);
    const keys = options.quick ? 1000 : numberOption('keys', options.keys, 1);
    const entries = options.entries.split(',').map((text) => numberOption('entries', text, 1));
    const writes = numberOption('writes', options.writes, 0);
    const changes = options.quick ? 100 : numberOption('changes', options.changes, 1);
    const node = await spawnFluxCache();
    try {
      await hitCost(node, rounds, options.quick ? 2000 : HITS, options.quick ? 200 : CALLS, report);
      await throughput(node, rounds, seconds, keys, entries, writes, report);
      await staleness(node, changes, report);
    } finally {
      node.child.kill('SIGKILL');
    }
  },
});

async function hitCost(node: FluxCacheProcess, rounds: number, hits: number, calls: number, report: Report) {
  report.progress('cost of a hit');
  const table = report.table(`one get awaited after the other, ${rounds} rounds`, [
    { name: 'value' },
    { name: 'hit µs', digits: 3 },
    { name: 'call µs', digits: 1 },
    { name: 'Map, awaited µs', digits: 3 },
    { name: 'call / hit', digits: 0 },
  ]);
  const near = createClient({ port: node.tcpPort, nearCache: { ttlMax: 600_000 } });
  const plain = createClient({ port: node.tcpPort });
  for (const [name, value] of Object.entries(values)) {
    const key = `hit:${name}`;
    await plain.set(key, value);
    await near.get(key);
    const map = new Map([[key, value]]);
    const bare = async (): Promise<unknown> => map.get(key);
    const expected = JSON.stringify(value);
    const samples = await interleave(rounds, {
      hit: () => microsecondsOf(() => near.get(key), hits, expected, report),
      call: () => microsecondsOf(() => plain.get(key), calls, expected, report),
      map: () => microsecondsOf(bare, hits, expected, report),
    });
    table.row(
      name,
      summarize(samples.hit),
      summarize(samples.call),
      summarize(samples.map),
      ratio(samples.call, samples.hit),
    );
  }
  report.check((near.nearCache?.misses ?? 0) < 100, 'what was to be a hit was asked of the server');
  near.destroy();
  plain.destroy();
}

async function microsecondsOf(get: () => Promise<unknown>, count: number, expected: string, report: Report) {
  const beganMs = performance.now();
  let last: unknown;
  for (let index = 0; index < count; index++) last = await get();
  const us = ((performance.now() - beganMs) * 1000) / count;
  report.check(JSON.stringify(last) === expected, 'a get answered something else than was stored');
  return us;
}

/** Each key holds its number, and a number that grows with every write. */
async function throughput(
  node: FluxCacheProcess,
  rounds: number,
  seconds: number,
  keyCount: number,
  entries: readonly number[],
  writesPerSecond: number,
  report: Report,
): Promise<void> {
  report.progress('throughput');
  const stream = openStreams('zipf', '', 1_000_000)[0]?.keys ?? new Uint32Array(1);
  const keyAt = (at: number): string => `key:${(stream[at % stream.length] as number) % keyCount}`;
  const writer = createClient({ port: node.tcpPort });
  for (let from = 0; from < keyCount; from += 1000) {
    const numbers = Array.from({ length: Math.min(1000, keyCount - from) }, (_, at) => from + at);
    await writer.mset(numbers.map((number) => [`key:${number}`, textOf(`key:${number}`, 0)] as const));
  }
  const subjects = new Map<string, FluxClient>([['without', createClient({ port: node.tcpPort })]]);
  for (const entriesMax of entries) {
    subjects.set(`${entriesMax} entries`, createClient({ port: node.tcpPort, nearCache: { entriesMax } }));
  }
  const table = report.table(
    `${LOOPS} readers in one process, Zipf over ${keyCount} keys, ${writesPerSecond} writes/s, ${rounds} rounds of ${seconds} s`,
    [
      { name: 'near cache' },
      { name: 'k/s', digits: 1 },
      { name: 'against without', digits: 2 },
      { name: 'own cpu µs a read', digits: 2 },
      { name: 'server cpu µs a read', digits: 2 },
      { name: 'hit ratio', digits: 3 },
    ],
  );
  const costs = new Map<string, { own: number[]; server: number[] }>();
  const samples = await interleave(
    rounds,
    Object.fromEntries(
      [...subjects].map(([name, client]) => [
        name,
        async () => {
          const cost = costs.get(name) ?? { own: [], server: [] };
          costs.set(name, cost);
          const before = process.cpuUsage();
          const serverBefore = cpuSeconds([node.child]);
          const { reads, seconds: took } = await readFor(client, writer, keyAt, seconds, writesPerSecond, report);
          const { user, system } = process.cpuUsage(before);
          cost.own.push((user + system) / reads);
          cost.server.push(((cpuSeconds([node.child]) - serverBefore) * 1e6) / reads);
          return reads / took;
        },
      ]),
    ),
  );
  for (const [name, client] of subjects) {
    const { hits = 0, misses = 0 } = client.nearCache ?? {};
    const without = samples['without'] ?? [];
    const own = samples[name] ?? [];
    table.row(
      name,
      summarize(own.map((perSecond) => perSecond / 1000)),
      ratio(own, without),
      summarize(costs.get(name)?.own ?? []),
      summarize(costs.get(name)?.server ?? []),
      hits + misses === 0 ? null : hits / (hits + misses),
    );
    client.destroy();
  }
  writer.destroy();
}

async function readFor(
  client: FluxClient,
  writer: FluxClient,
  keyAt: (at: number) => string,
  seconds: number,
  writesPerSecond: number,
  report: Report,
): Promise<{ reads: number; seconds: number }> {
  const beganMs = performance.now();
  const endMs = beganMs + seconds * 1000;
  let reads = 0;
  let at = Math.floor(Math.random() * 1e6);
  const read = async (): Promise<void> => {
    while (performance.now() < endMs) {
      // Readers do other things, too: the event loop turns now and then.
      if (reads % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
      const key = keyAt(at++);
      const value = await client.get<string>(key);
      if (value?.startsWith(`${key} `) !== true) report.check(false, `${key} was read as ${value}`);
      reads++;
    }
  };
  let written = 0;
  const write = async (): Promise<void> => {
    while (performance.now() < endMs) {
      const due = ((performance.now() - beganMs) / 1000) * writesPerSecond;
      const batch: Promise<boolean>[] = [];
      for (; written < due; written++) {
        const key = keyAt(Math.floor(Math.random() * 1e6));
        batch.push(writer.set(key, textOf(key, written)));
      }
      await Promise.all(batch);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  };
  const writing = write();
  await Promise.all(Array.from({ length: LOOPS }, read));
  await writing;
  return { reads, seconds: (performance.now() - beganMs) / 1000 };
}

/** From when a write was acknowledged until a near cache of another client answers it. */
async function staleness(node: FluxCacheProcess, changes: number, report: Report): Promise<void> {
  report.progress('staleness');
  const near = createClient({ port: node.tcpPort, nearCache: true });
  const writer = createClient({ port: node.tcpPort });
  const delays: number[] = [];
  let early = 0;
  await writer.set('stale', 0);
  await near.get('stale');
  for (let value = 1; value <= changes; value++) {
    let acknowledgedMs = 0;
    const writing = writer.set('stale', value).then(() => {
      acknowledgedMs = performance.now();
    });
    let seenMs = 0;
    let read: number | null = value - 1;
    while (read === value - 1) {
      await new Promise((resolve) => setImmediate(resolve));
      const askedMs = performance.now();
      read = await near.get<number>('stale');
      // Answered from memory or not, it was not known to be new when it was asked.
      if (read === value - 1) seenMs = askedMs;
    }
    await writing;
    report.check(read === value, `the write of ${value} was read as ${read}`);
    if (seenMs > acknowledgedMs) delays.push(seenMs - acknowledgedMs);
    else early++;
  }
  delays.sort((one, other) => one - other);
  const table = report.table(`${changes} writes by one client while another reads the key all the time`, [
    { name: 'old value read after the acknowledgement' },
    { name: 'writes', digits: 0 },
    { name: 'longest, ms', digits: 3 },
  ]);
  table.row('never', early, null);
  table.row('for a while', delays.length, delays.at(-1) ?? null);
  near.destroy();
  writer.destroy();
}

function textOf(key: string, number: number): string {
  return `${key} ${number} `.padEnd(64, '.');
}
