import { systemClock } from '../src/base/ports.ts';
import { type PutRequest, PutStatus } from '../src/base/view.ts';
import { BUDGET_BYTES_MAX, createStoreMemory } from '../src/store/arena.ts';
import { StoreReader } from '../src/store/reader.ts';
import { readStatistics } from '../src/store/statistics.ts';
import { StoreWriter } from '../src/store/writer.ts';
import { defineBench, numberListOption, numberOption } from './bench.ts';
import { isInstalled, startMemcached, startRedis } from './cache-servers.ts';
import { interleave, type Report, ratio, summarize } from './report.ts';

const KEY_BYTES = 16;
const VALUE_BYTES = 64;
/** A Map of more entries takes longer to fill than the answer is worth. */
const MAP_ENTRIES_MAX = 2_000_000;
const TTL_MS = 10_000_000;
/** Sets between two looks at the processor's clock; by the wall's, a busy machine shows only that it is busy. */
const STEP_SETS = 64;

export const bench = defineBench({
  options: {
    entries: { doc: 'numbers of entries to measure at', default: '100000,1000000,10000000' },
    operations: { doc: 'operations a measurement', default: '500000' },
    rounds: { doc: 'measurements of each, in turns', default: '7' },
    peers: { doc: 'entries to load into redis-server and memcached; 0: none', default: '1000000' },
    quick: { doc: 'small sizes, without the peers', default: false },
  },
  async run(options, report) {
    const sizes = options.quick ? [20_000, 100_000] : numberListOption('entries', options.entries, 1);
    const operations = options.quick ? 50_000 : numberOption('operations', options.operations, 1);
    const rounds = options.quick ? 3 : numberOption('rounds', options.rounds, 1);
    const peerEntries = options.quick ? 0 : numberOption('peers', options.peers);
    // Compiles what is measured before anything is.
    new Subject(50_000, false).exercise(200_000);

    const subjects = measureMemory(sizes, report);
    await measureCost(subjects, operations, rounds, report);
    if (peerEntries > 0) await measurePeers(peerEntries, report);
  },
});

function measureMemory(sizes: readonly number[], report: Report): Subject[] {
  const table = report.table(`Memory, ${KEY_BYTES}-byte keys and ${VALUE_BYTES}-byte values`, [
    { name: 'entries', digits: 0 },
    { name: 'bytes an entry', digits: 1 },
    { name: 'resident growth an entry', digits: 1 },
    { name: 'with TTL', digits: 1 },
    { name: 'resident with TTL', digits: 1 },
    { name: 'resident in all, MiB', digits: 0 },
    { name: `costliest ${STEP_SETS} sets, ms`, digits: 2 },
  ]);
  return sizes.map((entries) => {
    report.progress(`${entries} entries`);
    const [expiring, expiringResident] = residentGrowth(() => new Subject(entries, true));
    const [subject, resident] = residentGrowth(() => new Subject(entries, false));
    table.row(
      entries,
      subject.bytesAnEntry,
      resident / entries,
      expiring.bytesAnEntry,
      expiringResident / entries,
      process.memoryUsage.rss() / 2 ** 20,
      Math.max(subject.stepMsMax, expiring.stepMsMax),
    );
    return subject;
  });
}

async function measureCost(subjects: Subject[], operations: number, rounds: number, report: Report): Promise<void> {
  const runs: Record<string, () => number> = {};
  for (const subject of subjects) {
    const { entries } = subject;
    runs[`get ${entries}`] = () => perOperation(operations, () => subject.get(operations));
    runs[`set ${entries}`] = () => perOperation(operations, () => subject.set(operations));
    if (entries > MAP_ENTRIES_MAX) continue;
    const map = mapOf(entries);
    runs[`map ${entries}`] = () => perOperation(operations, () => getFromMap(map, entries, operations));
  }
  const samples = await interleave(rounds, runs);
  const table = report.table(`Processor time an operation, ${rounds} rounds of ${operations}, keys at random`, [
    { name: 'entries', digits: 0 },
    { name: 'get ns', digits: 0 },
    { name: 'set ns', digits: 0 },
    { name: 'Map get ns', digits: 0 },
    { name: 'get / Map get', digits: 2 },
    { name: 'get / get at the fewest', digits: 2 },
  ]);
  const fewest = samples[`get ${subjects[0]?.entries}`] ?? [];
  for (const { entries, faults } of subjects) {
    const get = samples[`get ${entries}`] ?? [];
    const set = samples[`set ${entries}`] ?? [];
    const map = samples[`map ${entries}`];
    const toMap = map === undefined ? null : ratio(get, map);
    table.row(entries, summarize(get), summarize(set), map ? summarize(map) : null, toMap, ratio(get, fewest));
    report.check(faults() === 0, `${faults()} wrong answers at ${entries} entries`);
  }
  report.note(
    'Bytes an entry are all that the store uses, its fixed bookkeeping included: index, heap, eviction policy.',
  );
  report.note('A get finds the entry by its key and copies the value out; Map.get makes a string of the key first.');
}

async function measurePeers(entries: number, report: Report): Promise<void> {
  const table = report.table(`Growth of resident memory, ${entries} entries`, [
    { name: 'server' },
    { name: 'bytes an entry', digits: 1 },
    { name: 'with TTL', digits: 1 },
  ]);
  const peers = {
    'redis-server': () => startRedis(0, 'noeviction'),
    memcached: () => startMemcached(4096),
  } as const;
  for (const [name, start] of Object.entries(peers)) {
    if (!isInstalled(name as keyof typeof peers)) {
      report.note(`skipped: ${name} is not installed`);
      continue;
    }
    report.progress(name);
    const growth: number[] = [];
    for (const ttlSeconds of [0, TTL_MS / 1000]) {
      const server = await start();
      const before = server.residentBytes();
      const value = Buffer.alloc(VALUE_BYTES, 'v');
      for (let from = 0; from < entries; from += 1000) {
        const keys = Array.from({ length: Math.min(1000, entries - from) }, (_, i) => keyText(from + i));
        await server.set(keys, new Array<Buffer>(keys.length).fill(value), ttlSeconds);
      }
      growth.push((server.residentBytes() - before) / entries);
      await server.stop();
    }
    table.row(name, growth[0] ?? null, growth[1] ?? null);
  }
}

/** A store of so many entries, all there. */
class Subject {
  readonly entries: number;
  readonly bytesAnEntry: number;
  /** The most processor time that so many sets in a row took while the store was filled: bounds the longest step. */
  stepMsMax = 0;
  readonly #reader: StoreReader;
  readonly #writer: StoreWriter;
  readonly #request: PutRequest;
  readonly #expires: boolean;
  readonly #key = Buffer.alloc(KEY_BYTES, 'k');
  readonly #out = Buffer.alloc(VALUE_BYTES);
  #seed = 1;
  #faults = 0;

  constructor(entries: number, expires: boolean) {
    const budgetBytes = Math.min(Math.max(Math.floor(entries * 150), 8 << 20), BUDGET_BYTES_MAX);
    const memory = createStoreMemory({ budgetBytes, readersMax: 1, eviction: 'flux', hashKey: [1, 2] });
    this.#writer = new StoreWriter(memory, systemClock);
    this.#reader = new StoreReader(memory, 0, systemClock);
    this.#expires = expires;
    this.entries = entries;
    const value = Buffer.alloc(VALUE_BYTES, 'v');
    const key = this.#key;
    const ends = { keyStart: 0, keyEnd: KEY_BYTES, valueStart: 0, valueEnd: VALUE_BYTES };
    const type = { type: 0, contentType: key, contentTypeStart: 0, contentTypeEnd: 0 } as const;
    this.#request = { key, value, ...ends, ...type, expiresAtMs: 0 };
    for (let n = 0; n < entries; n += STEP_SETS) {
      const before = process.cpuUsage();
      for (let i = n; i < Math.min(n + STEP_SETS, entries); i++) this.#put(i);
      const { user, system } = process.cpuUsage(before);
      this.stepMsMax = Math.max(this.stepMsMax, (user + system) / 1000);
    }
    const { keys, liveBytes, deadBytes, indexBytes, heapBytes, controlBytes } = readStatistics(memory);
    if (keys !== entries) this.#faults++;
    this.bytesAnEntry = (liveBytes + deadBytes + indexBytes + heapBytes + controlBytes) / entries;
  }

  readonly faults = (): number => this.#faults;

  exercise(operations: number): void {
    this.get(operations);
    this.set(operations);
  }

  get(operations: number): void {
    const reader = this.#reader;
    for (let i = 0; i < operations; i++) {
      writeKey(this.#key, this.#next());
      reader.enter();
      if (reader.lookup(this.#key, 0, KEY_BYTES)) reader.copyValue(this.#out, 0);
      else this.#faults++;
      reader.leave();
      if (this.#out[VALUE_BYTES - 1] !== 118) this.#faults++;
    }
  }

  set(operations: number): void {
    for (let i = 0; i < operations; i++) this.#put(this.#next());
  }

  #put(n: number): void {
    writeKey(this.#key, n);
    if (this.#expires) this.#request.expiresAtMs = Date.now() + TTL_MS + (Math.imul(n, 7919) & 0xfffff);
    if (this.#writer.put(this.#request) > PutStatus.replaced) this.#faults++;
  }

  #next(): number {
    this.#seed = (Math.imul(this.#seed, 1_664_525) + 1_013_904_223) | 0;
    return Math.floor(((this.#seed >>> 0) / 2 ** 32) * this.entries);
  }
}

function writeKey(key: Buffer, n: number): void {
  let rest = n;
  for (let at = KEY_BYTES - 1; at >= KEY_BYTES - 10; at--) {
    key[at] = 48 + (rest % 10);
    rest = (rest / 10) | 0;
  }
}

function keyText(n: number): string {
  return `kkkkkk${String(n).padStart(10, '0')}`;
}

function mapOf(entries: number): Map<string, Buffer> {
  const value = Buffer.alloc(VALUE_BYTES, 'v');
  const map = new Map<string, Buffer>();
  for (let n = 0; n < entries; n++) map.set(keyText(n), value);
  return map;
}

function getFromMap(map: Map<string, Buffer>, entries: number, operations: number): void {
  const key = Buffer.alloc(KEY_BYTES, 'k');
  let seed = 1;
  for (let i = 0; i < operations; i++) {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) | 0;
    writeKey(key, Math.floor(((seed >>> 0) / 2 ** 32) * entries));
    if (map.get(key.toString('latin1', 0, KEY_BYTES)) === undefined) throw new Error('a key the map lacks');
  }
}

function residentGrowth(make: () => Subject): [Subject, number] {
  const before = process.memoryUsage.rss();
  const subject = make();
  return [subject, process.memoryUsage.rss() - before];
}

function perOperation(operations: number, run: () => void): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1000) / operations;
}
