import type { KeyspaceNews } from '../src/monitoring/dashboard/feed.ts';
import { defineBench, numberOption } from './bench.ts';
import { DEPTH, fill, fullThroughput, get, planOf, type Subject } from './latency.ts';
import { type Report, ratio, summarize } from './report.ts';
import { cpuSeconds, spawnFluxCache } from './servers.ts';

/**
 * What the analysis of the keys costs a node: GETs at a constant rate, timed from when they were due, and at full load, on a
 * node that analyses its keys without a break against one that never does. In use, analyses are ten seconds apart while a
 * dashboard is open, else a minute.
 */

const QUANTILES = ['p50', 'p99', 'p999', 'max'] as const;
const NAMES = { p50: 'p50', p99: 'p99', p999: 'p99.9', max: 'max' } as const;

interface Measured extends Subject {
  readonly httpPort: number;
}

export const bench = defineBench({
  options: {
    entries: { doc: 'entries, of 16-byte keys and 64-byte values', default: '1000000' },
    rounds: { doc: 'rounds; in each, both nodes are measured once', default: '5' },
    seconds: { doc: 'seconds a measurement takes', default: '10' },
    rate: { doc: 'GETs a second; by default half of what the slower node serves', default: '' },
    quick: { doc: 'one short round with 100000 entries, to see that the answers are right', default: false },
  },
  async run(options, report) {
    const entries = options.quick ? 100_000 : numberOption('entries', options.entries, 1);
    const rounds = options.quick ? 1 : numberOption('rounds', options.rounds, 1);
    const seconds = options.quick ? 1 : numberOption('seconds', options.seconds, 0.1);
    const givenRate = options.rate === '' ? null : numberOption('rate', options.rate, 1);
    const nodes: Measured[] = [];
    try {
      for (const [name, interval] of [
        ['never', '0'],
        ['always', '1ms'],
      ] as const) {
        const node = await spawnFluxCache(['--max-memory', '512mb', '--analysis-interval', interval]);
        nodes.push({ name, child: node.child, port: node.tcpPort, httpPort: node.httpPort });
      }
      for (const node of nodes) await fill(node, entries, report);
      const full = await fullThroughput(nodes, entries, Math.min(seconds, 5), report);
      await measure(nodes, entries, rounds, seconds, givenRate ?? Math.floor(full / 2), report);
      const [, always] = nodes;
      if (always === undefined) return;
      const news = await newsOf(always.httpPort);
      const table = report.table('An analysis, beside the load', [
        { name: 'keys', digits: 0 },
        { name: 'looked at', digits: 0 },
        { name: 'ms', digits: 0 },
      ]);
      table.row(news.keys, news.sampledKeys, news.tookMs);
    } finally {
      for (const { child } of nodes) child.kill('SIGKILL');
    }
  },
});

async function measure(
  nodes: readonly Measured[],
  entries: number,
  rounds: number,
  seconds: number,
  rate: number,
  report: Report,
): Promise<void> {
  const samples = new Map(nodes.map(({ name }) => [name, [] as Record<string, number>[]]));
  for (let round = 0; round < rounds; round++) {
    for (const node of nodes) {
      const plan = {
        ...planOf(node, entries, 3 + round),
        depth: DEPTH,
        rate,
        requests: Math.ceil(rate * seconds),
      };
      const cpuBefore = cpuSeconds([node.child]);
      const run = await get(node, plan, report);
      const cores = (cpuSeconds([node.child]) - cpuBefore) / run.seconds;
      const { reads } = run.latencyMs;
      if (!report.check(reads !== null, `${node.name}: nothing was answered`) || reads === null) continue;
      samples.get(node.name)?.push({ p50: reads.p50, p99: reads.p99, p999: reads.p999, max: reads.max, cores });
      report.progress(`${round + 1}/${rounds} ${node.name}: p99.9 ${reads.p999} ms, max ${reads.max} ms`);
    }
  }
  const title = `GET at ${rate} a second, ${entries} entries, ${rounds} times ${seconds} s each`;
  const table = report.table(title, [
    { name: 'ms from when due' },
    { name: 'never analysed', digits: 3 },
    { name: 'always', digits: 3 },
    { name: 'ratio' },
  ]);
  const of = (name: string, figure: string): number[] => (samples.get(name) ?? []).map((each) => each[figure] ?? 0);
  for (const [figure, label] of [
    ...QUANTILES.map((each) => [each, NAMES[each]] as const),
    ['cores', 'processors'],
  ] as const) {
    const never = of('never', figure);
    const always = of('always', figure);
    table.row(label, summarize(never), summarize(always), ratio(always, never));
  }
}

/** What the node's dashboard is told of the keys. */
async function newsOf(httpPort: number): Promise<KeyspaceNews> {
  const ending = new AbortController();
  const { body } = await fetch(`http://127.0.0.1:${httpPort}/v1/dashboard`, { signal: ending.signal });
  let text = '';
  try {
    for await (const part of body ?? []) {
      text += Buffer.from(part).toString();
      const [, data] = /event: keyspace\ndata: (\{.*\})\n/.exec(text) ?? [];
      if (data !== undefined) return JSON.parse(data);
    }
  } finally {
    ending.abort();
  }
  throw new Error('the dashboard was told nothing of the keys');
}
