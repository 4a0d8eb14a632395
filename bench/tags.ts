import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { systemClock } from '../src/base/ports.ts';
import { type EntryAttributes, type PutRequest, PutStatus } from '../src/base/view.ts';
import { createStoreMemory, type StoreMemory } from '../src/store/arena.ts';
import { StoreReader } from '../src/store/reader.ts';
import { readStatistics } from '../src/store/statistics.ts';
import { StoreWriter } from '../src/store/writer.ts';
import { type Batch, loadInBatches } from './batch-load.ts';
import { defineBench, numberOption } from './bench.ts';
import { interleave, type Report, ratio, summarize } from './report.ts';
import { respCommand } from './resp-load.ts';
import { spawnFluxCache } from './servers.ts';

/** What tags cost who reads and writes, and what becomes of a tag of many keys that is invalidated. */

const KEY_BYTES = 16;
const VALUE_BYTES = 64;
const TAG = 'tag:all';
/** Bytes of the store for each entry, with room to spare. */
const BYTES_AN_ENTRY = 220;
const BATCH = 500;

export const bench = defineBench({
  options: {
    entries: { doc: 'keys that bear the tag', default: '1000000' },
    operations: { doc: 'operations a measurement', default: '500000' },
    rounds: { doc: 'measurements of each, in turns', default: '7' },
    quick: { doc: 'small sizes', default: false },
  },
  async run(options, report) {
    const entries = options.quick ? 50_000 : numberOption('entries', options.entries, 1);
    const operations = options.quick ? 50_000 : numberOption('operations', options.operations, 1);
    const rounds = options.quick ? 3 : numberOption('rounds', options.rounds, 1);
    await measureCost(entries, operations, rounds, report);
    measureSweep(entries, report);
    await measureServer(entries, report);
  },
});

async function measureCost(entries: number, operations: number, rounds: number, report: Report): Promise<void> {
  report.progress('cost of a get and a set');
  const plain = new Subject(entries, false);
  const tagged = new Subject(entries, true);
  const swept = new Subject(entries, true);
  // Of a tag that none of the keys bears: the note stands for as long as nobody sweeps.
  swept.invalidate('tag:other', false);
  const subjects = { plain, tagged, 'tagged, one tag being swept': swept };
  const runs: Record<string, () => number> = {};
  for (const [name, subject] of Object.entries(subjects)) {
    subject.exercise(operations);
    runs[`get ${name}`] = () => perOperation(operations, () => subject.get(operations));
    runs[`set ${name}`] = () => perOperation(operations, () => subject.set(operations));
  }
  const samples = await interleave(rounds, runs);
  const table = report.table(`Processor time an operation, ${entries} entries, ${rounds} rounds of ${operations}`, [
    { name: 'keys' },
    { name: 'get ns', digits: 0 },
    { name: 'get / plain', digits: 2 },
    { name: 'set ns', digits: 0 },
    { name: 'set / plain', digits: 2 },
    { name: 'bytes an entry', digits: 1 },
  ]);
  for (const [name, subject] of Object.entries(subjects)) {
    const get = samples[`get ${name}`] ?? [];
    const set = samples[`set ${name}`] ?? [];
    const toGet = ratio(get, samples['get plain'] ?? []);
    const toSet = ratio(set, samples['set plain'] ?? []);
    table.row(name, summarize(get), toGet, summarize(set), toSet, subject.bytesAnEntry);
    report.check(subject.faults === 0, `${subject.faults} wrong answers of ${name} keys`);
  }
}

function measureSweep(entries: number, report: Report): void {
  const table = report.table(`A tag of ${entries} keys is invalidated, in the store alone`, [
    { name: 'how' },
    { name: 'call, ms', digits: 3 },
    { name: 'swept after, ms', digits: 0 },
    { name: 'steps', digits: 0 },
    { name: 'costliest step, ms', digits: 2 },
    { name: 'live MiB before', digits: 1 },
    { name: 'live MiB after', digits: 1 },
    { name: 'free MiB after', digits: 1 },
  ]);
  for (const isSoft of [false, true]) {
    const subject = new Subject(entries, true);
    const before = readStatistics(subject.memory);
    const beganMs = performance.now();
    subject.invalidate(TAG, isSoft);
    const calledMs = performance.now();
    report.check(subject.isAbsent(1000), 'a value was seen after its tag was invalidated');
    const sweepMs = performance.now();
    let steps = 0;
    let stepMsMax = 0;
    while (readStatistics(subject.memory).pendingTags > 0) {
      // By the processor's clock: the wall's shows how busy the machine is.
      const stepBefore = process.cpuUsage();
      subject.writer.maintain();
      const { user, system } = process.cpuUsage(stepBefore);
      stepMsMax = Math.max(stepMsMax, (user + system) / 1000);
      steps++;
    }
    const sweptMs = performance.now();
    while (subject.writer.maintain());
    const after = readStatistics(subject.memory);
    table.row(
      isSoft ? 'soft, into a stale window' : 'hard',
      calledMs - beganMs,
      sweptMs - sweepMs,
      steps,
      stepMsMax,
      before.liveBytes / 2 ** 20,
      after.liveBytes / 2 ** 20,
      after.freeBytes / 2 ** 20,
    );
    report.check(after.invalidatedEntries === entries, `${after.invalidatedEntries} entries were invalidated`);
    report.check(isSoft || after.keys === 0, `${after.keys} keys are left`);
  }
}

async function measureServer(entries: number, report: Report): Promise<void> {
  report.progress('a server');
  const memory = `${Math.ceil((entries * BYTES_AN_ENTRY) / 2 ** 20) + 64}mb`;
  const server = await spawnFluxCache(['--max-memory', memory]);
  try {
    const batches: Batch[] = [];
    for (let from = 0; from < entries; from += BATCH) {
      const keys = Array.from({ length: Math.min(BATCH, entries - from) }, (_, i) => keyText(from + i));
      const requests = Buffer.from(
        keys.map((key) => respCommand('SET', key, 'v'.repeat(VALUE_BYTES), 'TAGS', '1', TAG)).join(''),
      );
      batches.push({ requests, answers: Buffer.from('+OK\r\n'.repeat(keys.length)) });
    }
    const connections = 4;
    const load = { port: server.tcpPort, connections, seconds: 0, batches, isRight: () => false };
    const { wrong } = await loadInBatches(load);
    report.check(wrong === 0, `${wrong} batches were not stored`);
    const asker = await Asker.open(server.tcpPort);
    const keysBefore = Number((await asker.ask('DBSIZE')).slice(1));
    // The way of the command is compiled and warm, as it is in a node that invalidates now and then.
    for (let n = 0; n < 20; n++) await asker.ask('INVALIDATE', `tag:${n}`);
    const beganMs = performance.now();
    const answer = await asker.ask('INVALIDATE', TAG);
    const answeredMs = performance.now();
    report.check(answer === ':1', `INVALIDATE answered ${answer}`);
    let seen = 0;
    for (let n = 0; n < 1000; n++) {
      if ((await asker.ask('GET', keyText(Math.floor((n * entries) / 1000)))) !== '$-1') seen++;
    }
    report.check(seen === 0, `${seen} values were seen after their tag was invalidated`);
    const sweeping = performance.now();
    while ((await asker.ask('DBSIZE')) !== ':0') {
      if (performance.now() - sweeping > 60_000) throw new Error('a sweep that does not end');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const table = report.table('INVALIDATE on a server, by RESP', [
      { name: 'keys of the tag', digits: 0 },
      { name: 'answered after, ms', digits: 2 },
      { name: 'gone after, ms', digits: 0 },
    ]);
    table.row(keysBefore, answeredMs - beganMs, performance.now() - beganMs);
    asker.close();
  } finally {
    server.child.kill();
  }
}

/** One connection that asks and waits for the first line of the answer. */
class Asker {
  readonly #socket: Socket;

  static async open(port: number): Promise<Asker> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.setNoDelay(true);
    return new Asker(socket);
  }

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  async ask(...words: readonly string[]): Promise<string> {
    this.#socket.write(respCommand(...words));
    const [data] = (await once(this.#socket, 'data')) as [Buffer];
    return data.toString('latin1').split('\r\n')[0] ?? '';
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** A store of so many entries, all there. */
class Subject {
  readonly memory: StoreMemory;
  readonly writer: StoreWriter;
  readonly bytesAnEntry: number;
  faults = 0;
  readonly #entries: number;
  readonly #reader: StoreReader;
  readonly #request: PutRequest;
  readonly #key = Buffer.alloc(KEY_BYTES, 'k');
  readonly #out = Buffer.alloc(VALUE_BYTES);
  #seed = 1;

  constructor(entries: number, isTagged: boolean) {
    const budgetBytes = Math.max(entries * BYTES_AN_ENTRY, 8 << 20);
    this.memory = createStoreMemory({ budgetBytes, readersMax: 1, eviction: 'flux', hashKey: [1, 2] });
    this.writer = new StoreWriter(this.memory, systemClock);
    this.#reader = new StoreReader(this.memory, 0, systemClock);
    this.#entries = entries;
    const value = Buffer.alloc(VALUE_BYTES, 'v');
    const key = this.#key;
    const ends = { keyStart: 0, keyEnd: KEY_BYTES, valueStart: 0, valueEnd: VALUE_BYTES };
    const type = { type: 0, contentType: key, contentTypeStart: 0, contentTypeEnd: 0 } as const;
    const attributes = isTagged ? attributesOf(TAG) : null;
    this.#request = { key, value, ...ends, ...type, expiresAtMs: 0, attributes };
    for (let n = 0; n < entries; n++) this.#put(n);
    const { keys, liveBytes, deadBytes, indexBytes, heapBytes, controlBytes } = readStatistics(this.memory);
    if (keys !== entries) this.faults++;
    this.bytesAnEntry = (liveBytes + deadBytes + indexBytes + heapBytes + controlBytes) / entries;
  }

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
      else this.faults++;
      reader.leave();
      if (this.#out[VALUE_BYTES - 1] !== 118) this.faults++;
    }
  }

  set(operations: number): void {
    for (let i = 0; i < operations; i++) this.#put(this.#next());
  }

  invalidate(tag: string, isSoft: boolean): void {
    const list = listOf(tag);
    if (!this.writer.invalidateTags(list, 0, list.length, isSoft)) this.faults++;
  }

  /** Whether none of so many keys is seen. */
  isAbsent(looks: number): boolean {
    let seen = 0;
    for (let i = 0; i < looks; i++) {
      writeKey(this.#key, this.#next());
      this.#reader.enter();
      if (this.#reader.lookup(this.#key, 0, KEY_BYTES)) seen++;
      this.#reader.leave();
    }
    return seen === 0;
  }

  #put(n: number): void {
    writeKey(this.#key, n);
    if (this.writer.put(this.#request) > PutStatus.replaced) this.faults++;
  }

  #next(): number {
    this.#seed = (Math.imul(this.#seed, 1_664_525) + 1_013_904_223) | 0;
    return Math.floor(((this.#seed >>> 0) / 2 ** 32) * this.#entries);
  }
}

function attributesOf(tag: string): EntryAttributes {
  const tags = listOf(tag);
  const none = { fillToken: 0, fillUntilMs: 0, fillVersion: 0, isHollow: false };
  return { ...none, staleMs: 3_600_000, tags, tagsStart: 0, tagsEnd: tags.length };
}

function listOf(tag: string): Buffer {
  return Buffer.concat([Buffer.of(Buffer.byteLength(tag)), Buffer.from(tag)]);
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

function perOperation(operations: number, run: () => void): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1000) / operations;
}
