import { systemClock } from '../src/base/ports.ts';
import { type PutRequest, PutStatus, ValueType } from '../src/base/view.ts';
import { createStoreMemory } from '../src/store/arena.ts';
import { StoreReader } from '../src/store/reader.ts';
import { StoreWriter } from '../src/store/writer.ts';
import { defineBench, numberListOption, numberOption } from './bench.ts';
import { type CacheServer, isInstalled, startMemcached, startRedis } from './cache-servers.ts';
import { generatedStreams, type KeyStream, openStreams } from './key-streams.ts';
import type { Report } from './report.ts';
import { lruHitRatio, optimalHitRatio } from './simulated-caches.ts';

const MIB = 2 ** 20;
const KEY_BYTES = 16;
/** Requests in flight at a peer are at most this share of what it holds, so that their order matters little. */
const BATCH_SHARE = 1 / 64;
const BATCH_MAX = 32;
const VALUE_BYTES_MAX = 256 * 1024;

const options = {
  streams: {
    doc: `streams to generate, of ${Object.keys(generatedStreams).join(', ')}`,
    default: 'zipf,scan,shift,loop',
  },
  trace: { doc: 'measure on these trace files instead (commas between)', default: '' },
  shares: { doc: 'memory, in percent of what all distinct entries take', default: '1,5,10,25,50' },
  requests: { doc: 'requests at most, of each stream or trace', default: '300000' },
  'value-bytes': { doc: 'value size; larger where memory would be too little', default: '1024' },
  'memory-min': { doc: 'MiB that every cache gets at least', default: '16' },
  'no-peers': { doc: 'measure FluxCache and the simulated policies only', default: false },
  quick: { doc: 'a short run: two streams, one share, few requests', default: false },
} as const;

export const bench = defineBench({
  options,
  async run(given, report) {
    const requests = given.quick ? 60_000 : numberOption('requests', given.requests, 1000);
    const shares = given.quick ? [10] : numberListOption('shares', given.shares, 0.01);
    const valueBytesMin = numberOption('value-bytes', given['value-bytes'], KEY_BYTES);
    const memoryMin = numberOption('memory-min', given['memory-min'], 1) * MIB;
    const streams = openStreams(given.quick ? 'zipf,loop' : given.streams, given.trace, requests);
    const peers = given['no-peers'] ? [] : installedPeers(report);
    const table = report.table('Hit ratio in percent at equal memory, cache-aside (a miss is stored)', [
      { name: 'stream' },
      { name: 'share %', digits: 0 },
      { name: 'MiB', digits: 0 },
      { name: 'value B', digits: 0 },
      { name: 'optimal', digits: 1 },
      { name: 'LRU', digits: 1 },
      { name: 'FluxCache', digits: 1 },
      ...peers.map((peer) => ({ name: peer.name, digits: 1 })),
      { name: 'FluxCache − best peer', digits: 1 },
    ]);
    for (const stream of streams) {
      for (const share of shares) {
        const plan = planFor(stream, share, valueBytesMin, memoryMin);
        if (plan === null) {
          report.note(`${stream.name} at ${share}%: skipped, so few keys would need values over 256 KiB`);
          continue;
        }
        report.progress(`${stream.name}, ${share}% in ${plan.memoryBytes / MIB} MiB`);
        const optimal = 100 * optimalHitRatio(stream.keys, stream.distinct, plan.entries);
        const lru = 100 * lruHitRatio(stream.keys, plan.entries);
        const flux = 100 * measureFlux(plan, report);
        const others: number[] = [];
        for (const peer of peers) others.push(100 * (await measurePeer(peer, plan, report)));
        const ahead = others.length === 0 ? null : flux - Math.max(...others);
        const cells = [stream.name, share, plan.memoryBytes / MIB, plan.valueBytes, optimal, lru, flux];
        table.row(...cells, ...others, ahead);
      }
    }
    report.note(
      'share: memory over the bytes of all distinct keys and values. "optimal" (Belady) and "LRU" are simulated',
    );
    report.note('and take no memory for anything but keys and values; the others get that memory for all they need.');
    if (peers.length > 0) {
      report.note(
        'Redis tells ages apart by the second and lets frequencies fade by the minute: a replay as fast as this',
      );
      report.note('one leaves its LRU little to go by. "LRU" is what it could reach at best.');
    }
  },
});

/** One measurement: a stream, a memory, and how many entries of which size would fill it if nothing else took any. */
interface Plan {
  stream: KeyStream;
  memoryBytes: number;
  entries: number;
  valueBytes: number;
}

function planFor(stream: KeyStream, share: number, valueBytesMin: number, memoryMin: number): Plan | null {
  const entries = Math.max(1, Math.round((stream.distinct * share) / 100));
  const wanted = Math.max(memoryMin, entries * (KEY_BYTES + valueBytesMin));
  // Whole mebibytes, because memcached takes nothing else; the value size makes up for the difference.
  const memoryBytes = Math.round(wanted / MIB) * MIB;
  const valueBytes = Math.floor(memoryBytes / entries) - KEY_BYTES;
  return valueBytes > VALUE_BYTES_MAX ? null : { stream, memoryBytes, entries, valueBytes };
}

interface Peer {
  name: string;
  start(memoryBytes: number): Promise<CacheServer>;
}

function installedPeers(report: Report): Peer[] {
  const peers: Peer[] = [];
  if (isInstalled('redis-server')) {
    peers.push({ name: 'Redis LRU', start: (bytes) => startRedis(bytes, 'allkeys-lru') });
    peers.push({ name: 'Redis LFU', start: (bytes) => startRedis(bytes, 'allkeys-lfu') });
  } else {
    report.note('Redis skipped: redis-server is not installed');
  }
  if (isInstalled('memcached')) peers.push({ name: 'memcached', start: (bytes) => startMemcached(bytes / MIB) });
  else report.note('memcached skipped: it is not installed');
  return peers;
}

function keyOf(key: number): string {
  return `key:${String(key).padStart(KEY_BYTES - 4, '0')}`;
}

/** Values that tell whose they are: the key, then the same noise for all. */
class Values {
  readonly #noise: Buffer;
  readonly #valueBytes: number;

  constructor(valueBytes: number) {
    this.#valueBytes = valueBytes;
    this.#noise = Buffer.alloc(valueBytes);
    for (let i = 0, x = 1; i < valueBytes; i++) {
      x = (Math.imul(x, 1103515245) + 12345) >>> 0;
      this.#noise[i] = x >>> 24;
    }
  }

  of(key: string): Buffer {
    const value = Buffer.from(this.#noise);
    value.write(key, 'latin1');
    return value;
  }

  isOf(key: string, value: Buffer): boolean {
    return (
      value.length === this.#valueBytes &&
      value.toString('latin1', 0, KEY_BYTES) === key &&
      value.compare(this.#noise, KEY_BYTES, undefined, KEY_BYTES) === 0
    );
  }
}

/** FluxCache's own store, as its shards use it: a lock-free reader and the one writer, request by request. */
function measureFlux(plan: Plan, report: Report): number {
  const memory = createStoreMemory({
    budgetBytes: plan.memoryBytes,
    readersMax: 1,
    eviction: 'flux',
    hashKey: [0x0123_4567, 0x89ab_cdef],
  });
  const writer = new StoreWriter(memory, systemClock);
  const reader = new StoreReader(memory, 0, systemClock);
  const values = new Values(plan.valueBytes);
  const found = Buffer.alloc(plan.valueBytes);
  const request: PutRequest = {
    key: Buffer.alloc(0),
    keyStart: 0,
    keyEnd: KEY_BYTES,
    value: Buffer.alloc(0),
    valueStart: 0,
    valueEnd: plan.valueBytes,
    type: ValueType.string,
    expiresAtMs: 0,
    contentType: Buffer.alloc(0),
    contentTypeStart: 0,
    contentTypeEnd: 0,
  };
  const { keys } = plan.stream;
  let hits = 0;
  let wrong = 0;
  for (const number of keys) {
    const key = keyOf(number);
    const bytes = Buffer.from(key, 'latin1');
    reader.enter();
    const present = reader.lookup(bytes, 0, KEY_BYTES);
    if (present) reader.copyValue(found, 0);
    if (!reader.leave()) wrong++;
    if (present) {
      hits++;
      if (reader.entry.valueBytes !== plan.valueBytes || !values.isOf(key, found)) wrong++;
      continue;
    }
    request.key = bytes;
    request.value = values.of(key);
    if (writer.put(request) !== PutStatus.created) wrong++;
  }
  report.check(wrong === 0, `FluxCache answered ${wrong} of ${keys.length} requests wrongly on ${plan.stream.name}`);
  return hits / keys.length;
}

/**
 * Asks for a few keys at a time, then stores those of them that were absent. A key that comes again ends the batch
 * before it, so each request sees what those before it on the same key did.
 */
async function measurePeer(peer: Peer, plan: Plan, report: Report): Promise<number> {
  const server = await peer.start(plan.memoryBytes);
  try {
    const values = new Values(plan.valueBytes);
    const batchMax = Math.max(1, Math.min(BATCH_MAX, Math.floor(plan.entries * BATCH_SHARE)));
    const { keys } = plan.stream;
    let hits = 0;
    let wrong = 0;
    for (let at = 0; at < keys.length; ) {
      const batch = new Set<string>();
      for (; batch.size < batchMax && at < keys.length; at++) {
        const key = keyOf(keys[at] as number);
        if (batch.has(key)) break;
        batch.add(key);
      }
      const asked = [...batch];
      const found = await server.get(asked);
      const absent: string[] = [];
      for (const [i, value] of found.entries()) {
        const key = asked[i] as string;
        if (value === null) absent.push(key);
        else if (!values.isOf(key, value)) wrong++;
      }
      hits += asked.length - absent.length;
      if (absent.length > 0)
        await server.set(
          absent,
          absent.map((key) => values.of(key)),
        );
    }
    report.check(
      wrong === 0,
      `${peer.name} answered ${wrong} of ${keys.length} requests wrongly on ${plan.stream.name}`,
    );
    return hits / keys.length;
  } finally {
    await server.stop();
  }
}
