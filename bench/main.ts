import { parseArgs } from 'node:util';
import { type Bench, type BenchOptions, UsageError } from './bench.ts';
import { Report } from './report.ts';

interface BenchRow {
  summary: string;
  load(): Promise<{ bench: Bench }>;
}

/** Every benchmark, one row each. Loaded only when it is run or asked for its options. */
const benches: Readonly<Record<string, BenchRow>> = {
  analysis: {
    summary: 'GET while the keys of the node are analysed, and while they are not',
    load: () => import('./analysis.ts'),
  },
  cluster: {
    summary:
      'SET with a second copy, and GET, on three nodes: through one, and by the client; against Redis with WAIT 1',
    load: () => import('./cluster.ts'),
  },
  curve: {
    summary: 'how far the estimated hit ratio at other memory is from what a store of that memory has',
    load: () => import('./curve.ts'),
  },
  dispatcher: {
    summary: 'commands a second between a front end and its shards, without a protocol',
    load: () => import('./dispatcher.ts'),
  },
  eviction: {
    summary: 'hit ratio at equal memory, against Redis and memcached',
    load: () => import('./eviction.ts'),
  },
  expiry: {
    summary: 'latency of GET while a million keys expire, and when their memory is free',
    load: () => import('./expiry.ts'),
  },
  failover: {
    summary: 'time from kill -9 of a node to the first acknowledged write of its keys',
    load: () => import('./failover.ts'),
  },
  forward: {
    summary: 'commands that another node runs, between two processes, against the same ones run directly',
    load: () => import('./forward.ts'),
  },
  http: {
    summary: 'GET and SET over HTTP, against the bare engine and webdis + Redis',
    load: () => import('./http.ts'),
  },
  latency: {
    summary: 'percentiles of GET at half load with ten million entries, against Redis',
    load: () => import('./latency.ts'),
  },
  persistence: {
    summary: 'SET under each policy of syncing, a snapshot while serving, a start with what was kept; against Redis',
    load: () => import('./persistence.ts'),
  },
  'near-cache': {
    summary:
      'the cost of a read that a client answers from its near cache, throughput with one, and how old answers get',
    load: () => import('./near-cache.ts'),
  },
  placement: {
    summary: 'balance of copies over nodes, and what joining and leaving move, against ring and rendezvous hashing',
    load: () => import('./placement.ts'),
  },
  recovery: {
    summary:
      'time from the start of a node to the first GET of what was kept on its disk, against Redis with RDB and AOF',
    load: () => import('./recovery.ts'),
  },
  resp: {
    summary: 'GET and SET over RESP with redis-benchmark, against Redis',
    load: () => import('./resp.ts'),
  },
  'resp-codec': {
    summary: 'cost of making commands of bytes and bytes of replies, without sockets',
    load: () => import('./resp-codec.ts'),
  },
  scrape: {
    summary: 'throughput of GET while /metrics is scraped, against throughput while it is not; what a page costs',
    load: () => import('./scrape.ts'),
  },
  stampede: {
    summary:
      'queries of a slow database and latency of its callers while hot keys expire, with fill tokens and without',
    load: () => import('./stampede.ts'),
  },
  store: {
    summary: 'cost per get and set by number of entries, bytes per entry, against Redis and memcached',
    load: () => import('./store.ts'),
  },
  tags: {
    summary: 'cost of tags to who reads and writes; a tag of a million keys invalidated: answer, sweep, memory',
    load: () => import('./tags.ts'),
  },
  msgpack: {
    summary: 'GET and SET over MessagePack-RPC, 64 in flight on 50 connections, against Redis and a bare server',
    load: () => import('./msgpack.ts'),
  },
  mailbox: {
    summary: 'messages between threads: throughput, latency, processor time, against a message port',
    load: () => import('./mailbox.ts'),
  },
};

const usage = `Usage: npm run bench -- NAME [options]

Benchmarks:
${Object.entries(benches)
  .map(([name, row]) => `  ${name.padEnd(10)} ${row.summary}`)
  .join('\n')}

Options of all:
  --json     print JSON instead of tables
  --help     this text, or with NAME its options
`;

async function main(args: string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name.startsWith('-')) {
    process.stdout.write(usage);
    return name === undefined ? 2 : 0;
  }
  const row = Object.hasOwn(benches, name) ? benches[name] : undefined;
  if (row === undefined) throw new UsageError(`unknown benchmark ${name}; known: ${Object.keys(benches).join(', ')}`);
  const { bench } = await row.load();
  const values = parseOptions(bench.options, rest);
  if (values['help'] === true) {
    process.stdout.write(describe(name, row.summary, bench.options));
    return 0;
  }
  const report = new Report(name);
  await bench.run(values, report);
  process.stdout.write(
    values['json'] === true ? `${JSON.stringify(report.toJson(), null, 2)}\n` : `${report.toText()}\n`,
  );
  return report.failures.length === 0 ? 0 : 1;
}

function parseOptions(options: BenchOptions, args: string[]): Record<string, string | boolean> {
  const config: Record<string, { type: 'string' | 'boolean'; default: string | boolean }> = {
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  };
  for (const [name, option] of Object.entries(options)) {
    config[name] = { type: typeof option.default === 'boolean' ? 'boolean' : 'string', default: option.default };
  }
  try {
    return parseArgs({ args, options: config, allowPositionals: false }).values as Record<string, string | boolean>;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function describe(name: string, summary: string, options: BenchOptions): string {
  const lines = Object.entries(options).map(([option, { doc, default: value }]) => {
    const given = typeof value === 'boolean' ? `--${option}` : `--${option} VALUE`;
    const shown = typeof value === 'boolean' || value === '' ? '' : ` (default ${value})`;
    return `  ${given.padEnd(22)} ${doc}${shown}`;
  });
  const common = `  ${'--json'.padEnd(22)} print JSON instead of tables`;
  return `Usage: npm run bench -- ${name} [options]\n\n${summary}\n\nOptions:\n${[...lines, common].join('\n')}\n`;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`bench: ${error.message}\n`);
  process.exitCode = 2;
}
