import { get } from 'node:http';
import { defineBench, numberOption } from './bench.ts';
import { type Report, ratio, summarize } from './report.ts';
import { cpuSeconds, type FluxCacheProcess, isInstalled, run, spawnFluxCache } from './servers.ts';

/**
 * What it costs to be scraped: throughput at full load with /metrics asked for every so often, against throughput without,
 * measured in turns; the same by the processor time that a request costs, which is steadier on a machine that others use,
 * too; and the time that the server takes to make a page with nothing else to do. The page is made on the thread that
 * serves: 3 ms each second are 0.3% of what that thread can do.
 */

const VALUE = 'x'.repeat(64);
const PAGES = 200;
/** Promised: of the serving thread's time, at a scrape a second. */
const SHARE_MAX = 0.01;

type Work = 'http' | 'resp';

interface Sample {
  readonly kps: number;
  /** Microseconds of processor time a request, over all threads of the server: pages are in it. */
  readonly cpuUs: number;
}

export const bench = defineBench({
  options: {
    pairs: { doc: 'measurements with and without scrapes, each', default: '10' },
    seconds: { doc: 'seconds a measurement takes, about', default: '4' },
    interval: { doc: 'milliseconds between scrapes', default: '1000' },
    connections: { doc: 'connections of wrk and of redis-benchmark', default: '50' },
    depth: { doc: 'commands in flight on a connection of redis-benchmark', default: '16' },
    quick: { doc: 'one short pair, to see that pages are whole', default: false },
  },
  async run(options, report) {
    for (const program of ['wrk', 'redis-benchmark']) {
      if (isInstalled(program)) continue;
      report.note(`nothing was measured: ${program} is not installed`);
      return;
    }
    const pairs = options.quick ? 1 : numberOption('pairs', options.pairs, 1);
    const seconds = options.quick ? 1 : numberOption('seconds', options.seconds, 1);
    const intervalMs = numberOption('interval', options.interval, 10);
    const connections = numberOption('connections', options.connections, 1);
    const depth = numberOption('depth', options.depth, 1);
    const node = await spawnFluxCache();
    try {
      await fill(node);
      const table = report.table(`GET at full load, a scrape every ${intervalMs} ms, ${pairs} pairs of ${seconds} s`, [
        { name: 'load' },
        { name: 'k/s without', digits: 1 },
        { name: 'k/s with', digits: 1 },
        { name: 'with / without', digits: 4 },
        { name: 'cpu us without / with', digits: 4 },
        { name: 'page ms', digits: 1 },
      ]);
      for (const work of ['http', 'resp'] as const) {
        const load = () =>
          work === 'http' ? loadHttp(node, seconds, connections) : loadResp(node, seconds, connections, depth);
        const { without, scraped, pageMs } = await measure(work, load, node, pairs, intervalMs, report);
        const name = work === 'http' ? `wrk -t1 -c${connections}` : `redis-benchmark -c ${connections} -P ${depth}`;
        const of = (samples: readonly Sample[], field: keyof Sample) => samples.map((sample) => sample[field]);
        table.row(
          name,
          summarize(of(without, 'kps')),
          summarize(of(scraped, 'kps')),
          ratio(of(scraped, 'kps'), of(without, 'kps')),
          ratio(of(without, 'cpuUs'), of(scraped, 'cpuUs')),
          summarize(pageMs),
        );
      }
      await measurePage(node, intervalMs, options.quick ? 10 : PAGES, report);
    } finally {
      node.child.kill('SIGKILL');
    }
  },
});

/** What a node that is in use has run: each command has its series by protocol. */
const commands = ['get k', 'set k 1', 'mget k l', 'mset k 1 l 2', 'incr k', 'incrby k 2', 'append l x', 'strlen l']
  .concat(['exists k', 'expire k 100', 'ttl k', 'pttl k', 'persist k', 'type k', 'del m', 'unlink m', 'getrange l 0 1'])
  .concat([
    'setnx m 1',
    'getset m 2',
    'getdel m',
    'dbsize',
    'ping',
    'echo x',
    'scan 0',
    'memory usage k',
    'info',
    'time',
  ]);

/** A key to read, and series of many commands that came over RESP and over HTTP. */
async function fill({ tcpPort, httpPort }: FluxCacheProcess): Promise<void> {
  for (const command of commands) await run('redis-cli', ['-p', `${tcpPort}`, ...command.split(' ')]);
  await run('redis-cli', ['-p', `${tcpPort}`, 'SET', 'foo', JSON.stringify(VALUE)]);
  const body = JSON.stringify(commands.map((command) => command.split(' ')));
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`http://127.0.0.1:${httpPort}/pipeline`, { method: 'POST', headers, body });
  if (!answer.ok) throw new Error(await answer.text());
}

async function measure(
  work: Work,
  request: () => Promise<LoadResult>,
  node: FluxCacheProcess,
  pairs: number,
  intervalMs: number,
  report: Report,
): Promise<{ without: Sample[]; scraped: Sample[]; pageMs: number[] }> {
  const without: Sample[] = [];
  const scraped: Sample[] = [];
  const pageMs: number[] = [];
  const load = async (): Promise<Sample> => {
    const before = cpuSeconds([node.child]);
    const { rate, count } = await request();
    return { kps: rate / 1000, cpuUs: ((cpuSeconds([node.child]) - before) * 1e6) / count };
  };
  const withScrapes = async () => {
    const scraper = new Scraper(node, intervalMs);
    try {
      scraped.push(await load());
    } finally {
      pageMs.push(...(await scraper.stop(report)));
    }
  };
  await load();
  for (let pair = 0; pair < pairs; pair++) {
    // Which comes first changes, so that a machine that grows slower or faster favours neither.
    if (pair % 2 === 1) await withScrapes();
    without.push(await load());
    if (pair % 2 === 0) await withScrapes();
    const [before = 0, after = 0] = [without.at(-1)?.kps, scraped.at(-1)?.kps];
    report.progress(`${work} ${pair + 1}/${pairs}: ${before.toFixed(1)} k/s, scraped ${after.toFixed(1)} k/s`);
  }
  return { without, scraped, pageMs };
}

interface LoadResult {
  /** Requests a second, and how many there were. */
  readonly rate: number;
  readonly count: number;
}

async function loadHttp({ httpPort }: FluxCacheProcess, seconds: number, connections: number): Promise<LoadResult> {
  const url = `http://127.0.0.1:${httpPort}/get?key=foo`;
  const { stdout } = await run('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, url]);
  const rate = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1] ?? 0);
  const count = Number(/(\d+) requests in/.exec(stdout)?.[1] ?? 0);
  if (count === 0 || /Non-2xx|Socket errors/.test(stdout)) throw new Error(stdout);
  return { rate, count };
}

/** Commands of the run before, a second: what makes a run as long as it should be. */
let respRate = 200_000;

async function loadResp(
  { tcpPort }: FluxCacheProcess,
  seconds: number,
  connections: number,
  depth: number,
): Promise<LoadResult> {
  const count = Math.ceil(respRate * seconds);
  const args = ['-p', `${tcpPort}`, '-n', `${count}`, '-c', `${connections}`, '-P', `${depth}`, '--csv', 'GET', 'foo'];
  const { stdout } = await run('redis-benchmark', args);
  const rate = Number(/",\s*"([\d.]+)"/.exec(stdout.trim().split('\n').at(-1) ?? '')?.[1] ?? 0);
  if (rate === 0) throw new Error(stdout);
  respRate = rate;
  return { rate, count };
}

/** Pages made one after another by a server that does nothing else: processor time for each, over all its threads. */
async function measurePage(node: FluxCacheProcess, intervalMs: number, pages: number, report: Report): Promise<void> {
  let bytes = 0;
  for (let page = 0; page < pages; page++) bytes = (await scrape(node)).length;
  const cpuBefore = cpuSeconds([node.child]);
  const beforeMs = performance.now();
  for (let page = 0; page < pages; page++) await scrape(node);
  const wallMs = (performance.now() - beforeMs) / pages;
  const cpuMs = ((cpuSeconds([node.child]) - cpuBefore) * 1000) / pages;
  const share = cpuMs / intervalMs;
  report
    .table(`${pages} pages, one after another, on a node that does nothing else`, [
      { name: 'bytes', digits: 0 },
      { name: 'ms' },
      { name: 'cpu ms' },
      { name: `% of a thread, every ${intervalMs} ms` },
    ])
    .row(bytes, wallMs, cpuMs, share * 100);
  report.check(share < SHARE_MAX || intervalMs < 1000, `a page takes ${cpuMs.toFixed(1)} ms of processor time`);
}

/** Asks for the page every so often, as Prometheus does: on one connection that is kept. */
class Scraper {
  readonly #node: FluxCacheProcess;
  #timer: NodeJS.Timeout;
  readonly #pageMs: number[] = [];
  readonly #incomplete: string[] = [];
  #last: Promise<void> = Promise.resolve();

  constructor(node: FluxCacheProcess, intervalMs: number) {
    this.#node = node;
    const ask = () => {
      this.#last = this.#last.then(() => this.#scrape());
    };
    // In the middle of each interval: a measurement of three intervals has three scrapes.
    this.#timer = setTimeout(() => {
      ask();
      this.#timer = setInterval(ask, intervalMs);
    }, intervalMs / 2);
  }

  async stop(report: Report): Promise<readonly number[]> {
    clearTimeout(this.#timer);
    await this.#last;
    report.check(this.#pageMs.length > 0, 'no page was asked for: measure for longer than the interval');
    for (const page of this.#incomplete) report.check(false, `a page is not whole: ${page}`);
    return this.#pageMs;
  }

  async #scrape(): Promise<void> {
    const startMs = performance.now();
    try {
      const page = await scrape(this.#node);
      if (!page.includes('\nfluxcache_up 1\n') || !page.includes('nodejs_version_info')) this.#incomplete.push(page);
    } catch (error) {
      this.#incomplete.push(String(error));
    }
    this.#pageMs.push(performance.now() - startMs);
  }
}

function scrape({ httpPort }: FluxCacheProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port: httpPort, path: '/metrics' }, (response) => {
      let page = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        page += text;
      });
      response.once('end', () => resolve(page)).once('error', reject);
    }).once('error', reject);
  });
}
