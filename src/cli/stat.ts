import type { Connection } from './connection.ts';
import { RefusedError } from './key-pages.ts';
import { bytesOf, Exit, openConnection, pause, print, type Run } from './run.ts';

const INTERVAL_MS = 1000;
const LINES_A_HEADING = 20;

/** What one line of the table tells. */
interface StatSample {
  readonly atMs: number;
  readonly keys: number;
  readonly memoryBytes: number;
  readonly clients: number;
  readonly requests: number;
  readonly hits: number;
  readonly misses: number;
  readonly evicted: number;
  readonly expired: number;
  readonly connections: number;
}

/** Prints a line of figures from INFO every interval, without end or `-r` times. */
export async function runStat(run: Run): Promise<Exit> {
  const connection = await openConnection(run);
  const lines = run.given.has('repeat') && run.values.repeat >= 0 ? run.values.repeat : Number.POSITIVE_INFINITY;
  let before: StatSample | undefined;
  for (let line = 0; line < lines; line++) {
    if (line > 0) await pause(run.values.interval ?? INTERVAL_MS);
    const sample = sampleOf(await info(connection), performance.now());
    if (run.format === 'json' || run.format === 'quoted-json') {
      await print(`${JSON.stringify(sample)}\n`);
    } else {
      if (line % LINES_A_HEADING === 0) await print(statHeading());
      await print(statLine(sample, before));
    }
    before = sample;
  }
  connection.close();
  return Exit.ok;
}

async function info(connection: Connection): Promise<ReadonlyMap<string, string>> {
  const reply = await connection.request(['INFO']);
  if (reply.kind === 'error') throw new RefusedError(`INFO was refused: ${reply.text}`);
  return infoFields(Buffer.from(bytesOf(reply) ?? []).toString('utf8'));
}

/** The fields of INFO by name. */
export function infoFields(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const colon = line.indexOf(':');
    if (colon > 0 && !line.startsWith('#')) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return fields;
}

export function sampleOf(fields: ReadonlyMap<string, string>, atMs: number): StatSample {
  const number = (name: string) => Number(fields.get(name) ?? 0);
  let keys = 0;
  for (const [name, value] of fields) {
    if (/^db\d+$/.test(name)) keys += Number(/keys=(\d+)/.exec(value)?.[1] ?? 0);
  }
  return {
    atMs: Math.round(atMs),
    keys,
    memoryBytes: number('used_memory'),
    clients: number('connected_clients'),
    requests: number('total_commands_processed'),
    hits: number('keyspace_hits'),
    misses: number('keyspace_misses'),
    evicted: number('evicted_keys'),
    expired: number('expired_keys'),
    connections: number('total_connections_received'),
  };
}

const columns = [
  ['keys', 11],
  ['memory', 9],
  ['clients', 8],
  ['requests', 22],
  ['hits', 7],
  ['expired', 10],
  ['evicted', 10],
  ['connections', 12],
] as const;

export function statHeading(): string {
  return `${columns.map(([name, width]) => name.padEnd(width)).join('')}\n`.replace(/ +\n/, '\n');
}

export function statLine(sample: StatSample, before: StatSample | undefined): string {
  const elapsedMs = before === undefined ? 0 : Math.max(1, sample.atMs - before.atMs);
  const rate =
    before === undefined ? '' : ` (${Math.round(((sample.requests - before.requests) * 1000) / elapsedMs)}/s)`;
  const hits = sample.hits - (before?.hits ?? 0);
  const reads = hits + sample.misses - (before?.misses ?? 0);
  const values = [
    sample.keys,
    humanBytes(sample.memoryBytes),
    sample.clients,
    `${sample.requests}${rate}`,
    reads > 0 ? `${((hits / reads) * 100).toFixed(0)}%` : '-',
    sample.expired,
    sample.evicted,
    sample.connections,
  ];
  const cells = columns.map(([, width], at) => `${String(values[at]).padEnd(width - 1)} `);
  return `${cells.join('').trimEnd()}\n`;
}

/** To three figures at most, in units of 1024. */
export function humanBytes(bytes: number): string {
  let amount = bytes;
  for (const unit of ['B', 'K', 'M', 'G']) {
    if (amount < 1000) return `${unit === 'B' ? amount : amount.toFixed(amount < 100 ? 2 : 0)}${unit}`;
    amount /= 1024;
  }
  return `${amount.toFixed(2)}T`;
}
