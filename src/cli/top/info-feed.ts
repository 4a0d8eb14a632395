import type { Reply } from '../../protocol/resp/reply.ts';
import { readReport } from '../cluster-report.ts';
import { type Connection, ConnectionError } from '../connection.ts';
import { RefusedError } from '../key-pages.ts';
import { textOrEscapes } from '../reply-formats.ts';
import { bytesOf, numberOf, pause } from '../run.ts';
import { infoFields } from '../stat.ts';
import type { OpenFeed } from './http-feed.ts';
import { type InfoReading, sampleBetween } from './info-sample.ts';
import { type Durations, durationsOf } from './latency-histogram.ts';
import type { NewsEvent, SlowCommand } from './news.ts';

const INTERVAL_MS = 1000;
const SLOW_MAX = 100;

/** What a server tells over RESP, asked again each second: less than its dashboard, but every server of RESP tells it. */
export class InfoFeed implements OpenFeed {
  readonly #connection: Connection;
  #isClosed = false;
  /** Asked for while they are not refused. */
  #tellsCluster = true;
  #tellsSlow = true;
  #tellsDurations = true;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  start(onNews: (event: NewsEvent) => void, onEnd: (reason: string) => void): void {
    this.#run(onNews).catch((error: unknown) => {
      if (this.#isClosed) return;
      this.close();
      if (!(error instanceof ConnectionError) && !(error instanceof RefusedError)) throw error;
      onEnd(error.message);
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#connection.close();
  }

  async #run(onNews: (event: NewsEvent) => void): Promise<void> {
    let before = await this.#reading();
    const { fields } = before;
    onNews({
      name: 'hello',
      value: {
        node: '',
        version: fields.get('fluxcache_version') ?? fields.get('redis_version') ?? '',
        startedAtMs: Date.now() - Number(fields.get('uptime_in_seconds') ?? 0) * 1000,
        isInCluster: fields.get('cluster_enabled') === '1',
        eviction: fields.get('maxmemory_policy') ?? '',
        user: { name: '', rights: ['read', 'write', 'admin'] },
      },
    });
    while (!this.#isClosed) {
      const report = await this.#report();
      if (report !== null) onNews(report);
      const slow = await this.#slow();
      if (slow !== null) onNews({ name: 'slow', value: slow });
      await pause(INTERVAL_MS);
      const after = await this.#reading();
      onNews({ name: 'sample', value: sampleBetween(before, after) });
      before = after;
    }
  }

  async #reading(): Promise<InfoReading> {
    const reply = await this.#connection.request(['INFO', 'everything']);
    if (reply.kind === 'error') throw new RefusedError(`INFO was refused: ${reply.text}`);
    const text = Buffer.from(bytesOf(reply) ?? []).toString('utf8');
    const durations = await this.#durations();
    return { fields: infoFields(text), atMs: Date.now(), monotonicMs: performance.now(), durations };
  }

  async #durations(): Promise<Durations | null> {
    const reply = this.#tellsDurations ? await this.#connection.request(['LATENCY', 'HISTOGRAM']) : null;
    const durations = reply === null ? null : durationsOf(reply);
    this.#tellsDurations = durations !== null;
    return durations;
  }

  async #report(): Promise<NewsEvent | null> {
    const reply = this.#tellsCluster ? await this.#connection.request(['CLUSTER', 'REPORT']) : null;
    if (reply === null || reply.kind === 'error') {
      this.#tellsCluster = false;
      return null;
    }
    return {
      name: 'cluster',
      value: { report: readReport(Buffer.from(bytesOf(reply) ?? []).toString('utf8')), peers: [] },
    };
  }

  async #slow(): Promise<readonly SlowCommand[] | null> {
    const reply = this.#tellsSlow ? await this.#connection.request(['SLOWLOG', 'GET', SLOW_MAX]) : null;
    if (reply === null || reply.kind !== 'array') {
      this.#tellsSlow = false;
      return null;
    }
    return reply.items.flatMap(slowCommandOf);
  }
}

/** An entry of SLOWLOG GET: number, seconds, microseconds, words, address and name of the client. */
function slowCommandOf(entry: Reply): SlowCommand[] {
  if (entry.kind !== 'array') return [];
  const [id, seconds, microseconds, words, address, name] = entry.items;
  const textOf = (reply: Reply | undefined) => textOrEscapes(bytesOf(reply) ?? new Uint8Array());
  return [
    {
      id: numberOf(id) ?? 0,
      atMs: (numberOf(seconds) ?? 0) * 1000,
      durationMs: (numberOf(microseconds) ?? 0) / 1000,
      words: words?.kind === 'array' ? words.items.map(textOf) : [],
      client: [textOf(address), textOf(name)].filter((text) => text !== '').join(' '),
    },
  ];
}
