import { createClient, type FluxClient } from '../src/index.ts';

/**
 * A process of the benchmark `stampede`, started by it with a channel: asks for hot keys at a steady rate, each by one way of
 * dealing with a missing value, and has values loaded by its parent, who is the database.
 */

/** How a process comes by values. */
export type Way = 'get and set' | 'one load a process' | 'getOrSet' | 'getOrSet, stale';

export interface LoadOrder {
  readonly is: 'order';
  readonly way: Way;
  /** What the keys of this round begin with. */
  readonly prefix: string;
  readonly keys: number;
  readonly ttlMs: number;
  readonly staleMs: number;
  /** Requests a second of this process. */
  readonly rate: number;
  readonly durationMs: number;
}

export interface LoadAnswer {
  readonly is: 'answer';
  /** From when a request was due until it had its value, in milliseconds; of those after the first load of all keys. */
  readonly latenciesMs: readonly number[];
  /** The age of the oldest value that was given, in milliseconds since it was read off the database. */
  readonly oldestMs: number;
  readonly wrong: readonly string[];
}

export interface Query {
  readonly is: 'query';
  readonly id: number;
  readonly key: string;
}

export interface QueryResult {
  readonly is: 'result';
  readonly id: number;
  readonly value: Row;
}

/** What the database has under a key. */
export interface Row {
  readonly key: string;
  readonly readAtMs: number;
}

const client = createClient({ port: Number(process.argv[2]), commandTimeoutMs: 30_000 });
const waiting = new Map<number, (row: Row) => void>();
let queries = 0;

function query(key: string): Promise<Row> {
  const id = ++queries;
  return new Promise((resolve) => {
    waiting.set(id, resolve);
    process.send?.({ is: 'query', id, key } satisfies Query);
  });
}

type Read = (key: string) => Promise<Row>;

function readerOf({ way, ttlMs: ttl, staleMs: stale }: LoadOrder, on: FluxClient): Read {
  const getAndSet: Read = async (key) => {
    const found = await on.get<Row>(key);
    if (found !== null) return found;
    const row = await query(key);
    await on.set(key, row, { ttl });
    return row;
  };
  if (way === 'get and set') return getAndSet;
  if (way === 'one load a process') {
    const flights = new Map<string, Promise<Row>>();
    return (key) => {
      const flight = flights.get(key) ?? getAndSet(key).finally(() => flights.delete(key));
      flights.set(key, flight);
      return flight;
    };
  }
  const options = way === 'getOrSet' ? { ttl } : { ttl, stale };
  return (key) => on.getOrSet<Row>(key, () => query(key), options);
}

async function carryOut(order: LoadOrder): Promise<LoadAnswer> {
  const read = readerOf(order, client);
  const latenciesMs: number[] = [];
  const wrong: string[] = [];
  let oldestMs = 0;
  const beganMs = performance.now();
  const warmMs = beganMs + order.ttlMs / 2;
  const ask = async (dueMs: number): Promise<void> => {
    const key = `${order.prefix}:${Math.floor(Math.random() * order.keys)}`;
    try {
      const row = await read(key);
      if (dueMs >= warmMs) latenciesMs.push(performance.now() - dueMs);
      oldestMs = Math.max(oldestMs, Date.now() - row.readAtMs);
      if (row.key !== key) wrong.push(`${row.key} was given for ${key}`);
    } catch (error) {
      wrong.push(String(error));
    }
  };
  const all: Promise<void>[] = [];
  for (let asked = 0; ; ) {
    const elapsedMs = performance.now() - beganMs;
    if (elapsedMs >= order.durationMs) break;
    // Those that are due are asked for whether or not earlier ones are answered.
    for (const due = (elapsedMs / 1000) * order.rate; asked < due; asked++) {
      all.push(ask(beganMs + (asked / order.rate) * 1000));
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await Promise.all(all);
  return { is: 'answer', latenciesMs, oldestMs, wrong };
}

process.on('message', (message: LoadOrder | QueryResult) => {
  if (message.is === 'result') {
    waiting.get(message.id)?.(message.value);
    waiting.delete(message.id);
    return;
  }
  void carryOut(message).then((answer) => process.send?.(answer));
});
await client.connect();
process.send?.({ is: 'ready' });
